#include "opinfo/predicate.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;

struct KindRow {
  std::string_view name;
  bool informational;
};

// In the order of PredicateKind.
constexpr std::array<KindRow, kPredicateKinds> kKinds{{
    {"rank", false},
    {"dim", false},
    {"squeezable", false},
    {"same_rank", false},
    {"same_shape", false},
    {"same_dtype", false},
    {"same_dims_across", false},
    {"batch_dims", false},
    {"broadcast", false},
    {"dynamic_dims", false},
    {"nonempty", false},
    {"relation", false},
    {"dtype_allowed", false},
    {"dtype_forbidden", false},
    {"operation_dtypes", false},
    {"dtype_depends_on", true},
    {"storage_dtype", true},
    {"interpreted_as", true},
    {"symmetric", false},
    {"asymmetric", false},
    {"signed", false},
    {"bitwidth", false},
    {"encoding_allowed", false},
    {"encoding_forbidden", false},
    {"encoding_axis", false},
    {"encoding_definition", false},
    {"equal_quantization", false},
    {"fixed_scale_offset", false},
    {"updateable_quantization", true},
    {"static", false},
    {"min_arch", false},
    {"requires", false},
    {"forbidden", false},
    {"value", false},
    {"default_only", false},
    {"implicit_value", true},
    {"unique_values", false},
    {"index_range", false},
    {"position_of_value", false},
    {"count_of_value", false},
    {"pad_axes", false},
    {"resize_scale", false},
    {"count", false},
    {"last_index", false},
    {"unsupported", false},
    {"optional", true},
    {"mandatory", false},
    {"ignored", true},
    {"applies_only", false},
    {"data_format", false},
    {"same_data_format", false},
    {"equal_value", true},
    {"role", true},
    {"note", true},
}};

struct OpRowName {
  std::string_view key;
  Test::Op op;
  std::string_view words;
};
constexpr std::array<OpRowName, 12> kTests{{
    {"eq", Test::Op::kEq, "equal to"},
    {"ne", Test::Op::kNe, "other than"},
    {"in", Test::Op::kIn, "one of"},
    {"not_in", Test::Op::kNotIn, "none of"},
    {"min", Test::Op::kMin, "at least"},
    {"max", Test::Op::kMax, "at most"},
    {"gt", Test::Op::kGt, "greater than"},
    {"lt", Test::Op::kLt, "less than"},
    {"multiple_of", Test::Op::kMultipleOf, "a multiple of"},
    {"not_multiple_of", Test::Op::kNotMultipleOf, "no multiple of"},
    {"contains", Test::Op::kContains, "containing"},
    {"nonzero", Test::Op::kNonzero, "non-zero"},
}};

DTypeSet dtype_set(const Json& list) {
  DTypeSet set = 0;
  for (const Json& name : list)
    if (const auto type = dtype_from_name(name.get<std::string>())) set |= dtype_bit(*type);
  return set;
}

EncodingSet encoding_set(const Json& list) {
  EncodingSet set = 0;
  for (const Json& name : list)
    if (const auto e = encoding_from_name(name.get<std::string>()))
      set = static_cast<EncodingSet>(set | encoding_bit(*e));
  return set;
}

/// "1/65536", "0" or a number.
double rational(const Json& v) {
  if (v.is_number()) return v.get<double>();
  const std::string text = v.get<std::string>();
  const size_t slash = text.find('/');
  const double top = std::stod(text.substr(0, slash));
  return slash == std::string::npos ? top : top / std::stod(text.substr(slash + 1));
}

Operand operand(const Json& v, bool& unreadable) {
  Operand out;
  if (v.is_boolean()) {
    out.kind = Operand::Kind::kBool;
    out.number = v.get<bool>() ? 1 : 0;
  } else if (v.is_number()) {
    out.number = v.get<double>();
  } else if (v.is_string()) {
    out.kind = Operand::Kind::kName;
    out.name = v.get<std::string>();
  } else if (v.is_array()) {
    out.kind = Operand::Kind::kList;
    for (const Json& e : v) out.list.push_back(operand(e, unreadable));
  } else if (v.is_object() && v.contains("expr")) {
    out.kind = Operand::Kind::kExpr;
    if (auto e = parse_expression(v["expr"].get<std::string>()))
      out.expr = std::move(*e);
    else
      unreadable = true;
  } else if (v.is_object() && v.contains("dim_name")) {
    out.kind = Operand::Kind::kDimName;
    out.name = v["dim_name"].get<std::string>();
  } else {
    unreadable = true;
  }
  return out;
}

Test test_of(const Json& v, bool& unreadable) {
  Test test;
  for (const auto& [key, value] : v.items()) {
    for (const OpRowName& row : kTests)
      if (row.key == key) test.clauses.push_back({row.op, operand(value, unreadable)});
    if (key != "at") continue;
    if (value.is_array()) {
      test.at = value.get<std::vector<int64_t>>();
    } else {
      test.at = {value.at("from").get<int64_t>()};
      test.at_to = operand(value.at("to"), unreadable);
    }
  }
  return test;
}

bool is_test_key(const std::string& key) {
  if (key == "at") return true;
  for (const OpRowName& row : kTests)
    if (row.key == key) return true;
  return false;
}

/// A test in a condition holds nothing but comparisons: a word that is none would never be asked.
Test condition_test(const Json& v, bool& unreadable) {
  if (!v.is_object()) unreadable = true;
  for (const auto& [key, value] : v.items()) unreadable = unreadable || !is_test_key(key);
  return test_of(v, unreadable);
}

/// The names in a list that the library knows; another one makes the condition unreadable.
template <class Known>
void require_names(const Json& list, Known known, bool& unreadable) {
  for (const Json& name : list) unreadable = unreadable || !known(name.get<std::string>());
}

PortTest port_test(const std::string& port, const Json& v) {
  PortTest out;
  if (!port.empty()) out.port = parse_port(port);
  for (const auto& [key, value] : v.items()) {
    if (key == "dtype" || key == "dtype_not") {
      (key == "dtype" ? out.dtypes : out.dtypes_not) = dtype_set(value);
      require_names(value, dtype_from_name, out.unknown);
    } else if (key == "bits")
      for (const Json& b : value) out.bits |= uint64_t{1} << (b.get<unsigned>() & 63U);
    else if (key == "encoding") {
      out.encodings = encoding_set(value);
      require_names(value, encoding_from_name, out.unknown);
    } else if (key == "rank")
      out.rank = condition_test(value, out.unknown);
    else if (key == "any_dim")
      out.any_dim = condition_test(value, out.unknown);
    else if (key == "dims")
      for (const auto& [name, t] : value.items()) out.dims.emplace_back(name, condition_test(t, out.unknown));
    else if (key == "dynamic")
      out.is_dynamic = value.get<bool>();
    else if (key == "static")
      out.is_static = value.get<bool>();
    else if (key == "quantized")
      out.is_quantized = value.get<bool>();
    else
      out.unknown = true;
  }
  return out;
}

void read_expression(const Json& v, Expr& into, bool& unreadable) {
  const Json& text = v.is_object() && v.contains("expr") ? v["expr"] : v;
  if (text.is_number()) {
    into = *parse_expression(fmt::format("{}", text.get<int64_t>()));
  } else if (auto e = parse_expression(text.get<std::string>())) {
    into = std::move(*e);
  } else {
    unreadable = true;
  }
}

/// ["dim(in[0],1)", "==", 3]
Relation relation_of(const Json& v, bool& unreadable) {
  Relation out;
  read_expression(v.at(0), out.lhs, unreadable);
  out.compare = v.at(1).get<std::string>();
  read_expression(v.at(2), out.rhs, unreadable);
  unreadable = unreadable || !compared(0, out.compare, 0);
  return out;
}

int argument_number(const std::string& name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0)
    throw std::invalid_argument(fmt::format("'{}' is no argument's number", printable(name)));
  return number;
}

Condition condition_of(const Json& v) {
  Condition out;
  if (v.empty()) return out;
  out.always = false;
  Json own = Json::object();
  for (const auto& [key, value] : v.items()) {
    bool& unknown = out.own.unknown;
    if (key == "value")
      out.value = condition_test(value, unknown);
    else if (key == "size")
      out.size = condition_test(value, unknown);
    else if (key == "last_index")
      out.last_index = condition_test(value, unknown);
    else if (key == "opset")
      out.opset = condition_test(value, unknown);
    else if (key == "set")
      out.set = value.get<bool>();
    else if (key == "ports")
      for (const auto& [port, t] : value.items()) out.ports.push_back(port_test(port, t));
    else if (key == "params")
      for (const auto& [name, t] : value.items()) out.params.emplace_back(name, condition_test(t, unknown));
    else if (key == "pipeline")
      out.pipelines = value.get<std::vector<std::string>>();
    else if (key == "backend")
      out.backends = value.get<std::vector<std::string>>();
    else if (key == "args")
      for (const auto& [name, t] : value.items())
        out.args.emplace_back(argument_number(name), condition_test(t, unknown));
    else if (key == "attrs")
      for (const auto& [name, t] : value.items()) out.attrs.emplace_back(name, condition_test(t, unknown));
    else if (key == "given")
      for (const auto& [name, t] : value.items())
        out.given.emplace_back(argument_number(name), condition_test(t, unknown));
    else if (key == "used")
      out.used = value.get<std::vector<int>>();
    else if (key == "absent")
      out.absent = parse_port(value.get<std::string>());
    else if (key == "operands")
      out.operands = condition_test(value, unknown);
    else if (key == "relations")
      for (const Json& r : value) out.relations.push_back(relation_of(r, unknown));
    else
      own[key] = value;
  }
  const bool unknown = out.own.unknown;
  out.own = port_test("", own);
  out.own.unknown = out.own.unknown || unknown;
  return out;
}

int arch_number(const std::string& text) {
  int value = 0;
  std::from_chars(text.data() + 1, text.data() + text.size(), value);
  return value;
}

std::vector<int64_t> int_list(const Json& v) {
  if (v.is_number()) return {v.get<int64_t>()};
  return v.get<std::vector<int64_t>>();
}

// Keys that describe rather than restrict, or that are read elsewhere.
bool is_plain_key(std::string_view key) {
  for (std::string_view known : {"config", "port", "kind", "src", "quirk", "when", "enum", "default", "by_class",
                                 "name", "leading", "data_format", "scope", "flat"})
    if (known == key) return true;
  return false;
}

void read_key(const std::string& key, const Json& v, Predicate& p) {
  if (key == "then" || key == "all")
    for (const Json& c : v) p.then.push_back(condition_of(c));
  else if (key == "dtypes")
    p.dtypes = dtype_set(v);
  else if (key == "dtype")
    p.dtypes = v.is_array() ? dtype_set(v) : dtype_set(Json::array({v}));
  else if (key == "encoding")
    p.encodings = encoding_set(v);
  else if (key == "with" || key == "as" || key == "into")
    p.with = parse_port(v.get<std::string>());
  else if (key == "of" && v.is_array())
    for (const Json& port : v) p.of.push_back(parse_port(port.get<std::string>()));
  else if (key == "of" || key == "ports")
    p.of.push_back(parse_port(v.get<std::string>()));
  else if (key == "scale")
    p.scale = rational(v), p.scaled = true;
  else if (key == "offset")
    p.offset = v.get<int64_t>();
  else if (key == "arch")
    p.arch = arch_number(v.get<std::string>());
  else if (key == "axis_index" || key == "index")
    p.axes = int_list(v);
  else if (key == "axis" || key == "relation" || key == "summary" || key == "param" || key == "role")
    p.text = v.get<std::string>();
  else if (key == "lhs")
    read_expression(v, p.lhs, p.unreadable);
  else if (key == "rhs")
    read_expression(v, p.rhs, p.unreadable);
  else if (key == "count" || key == "except" || key == "along")
    read_expression(v, p.extent, p.unreadable);
  else if (key == "cmp")
    p.compare = v.get<std::string>();
  else if (key == "map")
    for (const auto& [name, list] : v.items()) p.by_operation.emplace_back(name, dtype_set(list));
  else if (key == "or_static_chain" || key == "elements" || key == "supported" || key == "required")
    p.flag = v.get<bool>();
  else if (key == "upsample_only" || key == "integer" || key == "same_aspect")
    p.flags.push_back(key);
  else if (key == "forbidden")
    p.text = v.get<std::string>();
  else if (key == "result")
    p.text = key;
  else if (key == "to_rank")
    p.axes = {v.get<int64_t>()};
  else if (key == "value" && v.is_number())
    p.offset = v.get<int64_t>();
  else if (key == "axes")
    for (const Json& name : v) p.flags.push_back(name.get<std::string>());
  else if (key == "dtype_class")
    p.dtypes = dtype_bit(DType::kFloat16) | dtype_bit(DType::kFloat32);
  else
    p.unreadable = true;
}

/// What the default is: to be left out, or a value.
void read_default(const Json& v, Predicate& p) {
  if (v.is_object() && v.contains("unset"))
    p.flag = v["unset"].get<bool>();
  else
    p.test = test_of(Json{{"eq", v}}, p.unreadable);
}

std::string operand_text(const Operand& o) {
  switch (o.kind) {
    case Operand::Kind::kBool: return o.number != 0 ? "true" : "false";
    case Operand::Kind::kName: return o.name;
    case Operand::Kind::kExpr: return o.expr.text;
    case Operand::Kind::kDimName: return fmt::format("the {} axis", o.name);
    case Operand::Kind::kList: {
      std::string out;
      for (const Operand& e : o.list) out += (out.empty() ? "" : ", ") + operand_text(e);
      return "[" + out + "]";
    }
    case Operand::Kind::kNumber: break;
  }
  return number_text(o.number);
}

}  // namespace

std::optional<bool> compared(double lhs, std::string_view compare, double rhs) {
  if (compare == "==") return lhs == rhs;
  if (compare == "!=") return lhs != rhs;
  if (compare == "<") return lhs < rhs;
  if (compare == "<=") return lhs <= rhs;
  if (compare == ">") return lhs > rhs;
  if (compare == ">=") return lhs >= rhs;
  return std::nullopt;
}

PortRef parse_port(std::string_view text) {
  PortRef port;
  const bool in = text.substr(0, 3) == "in[";
  if ((!in && text.substr(0, 4) != "out[") || text.back() != ']') {
    port.side = PortRef::Side::kParam;
    port.param = std::string(text);
    return port;
  }
  port.side = in ? PortRef::Side::kIn : PortRef::Side::kOut;
  const std::string_view inside = text.substr(in ? 3 : 4, text.size() - (in ? 4 : 5));
  const char* const end = inside.data() + inside.size();
  const auto [next, error] = std::from_chars(inside.data(), end, port.first);
  port.last = port.first;
  if (error == std::errc() && end - next > 2 && next[0] == '.' && next[1] == '.')
    if (std::from_chars(next + 2, end, port.last).ec != std::errc()) port.last = PortRef::kToEnd;
  return port;
}

std::string port_text(const PortRef& port) {
  if (port.side == PortRef::Side::kParam) return port.param;
  const std::string_view side = port.side == PortRef::Side::kIn ? "in" : "out";
  if (port.last == PortRef::kToEnd) return fmt::format("{}[{}..m]", side, port.first);
  if (port.last != port.first) return fmt::format("{}[{}..{}]", side, port.first, port.last);
  return fmt::format("{}[{}]", side, port.first);
}

std::string port_text(PortRef::Side side, size_t index) {
  // Formatting proper costs more than everything else about a finding's place.
  if (index < 10)
    return (side == PortRef::Side::kIn ? "in[" : "out[") + std::string(1, static_cast<char>('0' + index)) + "]";
  return fmt::format("{}[{}]", side == PortRef::Side::kIn ? "in" : "out", index);
}

std::string Test::text() const {
  std::string out;
  for (const Clause& clause : clauses) {
    if (!out.empty()) out += " and ";
    for (const OpRowName& row : kTests)
      if (row.op == clause.op) out += row.words;
    if (clause.op == Op::kNonzero) continue;
    std::string value = operand_text(clause.operand);
    if (clause.operand.kind == Operand::Kind::kList && (clause.op == Op::kIn || clause.op == Op::kNotIn))
      value = value.substr(1, value.size() - 2);
    out += " " + value;
  }
  return out;
}

std::string_view predicate_kind_name(PredicateKind kind) { return kKinds[static_cast<size_t>(kind)].name; }

std::optional<PredicateKind> predicate_kind_from_name(std::string_view name) {
  for (size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i].name == name) return static_cast<PredicateKind>(i);
  return std::nullopt;
}

bool is_informational(PredicateKind kind) { return kKinds[static_cast<size_t>(kind)].informational; }

Result<Predicate> compile_predicate(const ConstraintRow& row) {
  Predicate p;
  const auto kind = predicate_kind_from_name(row.kind);
  const std::string subject = fmt::format("op-info row {} {} ({})", row.kind, row.port, row.source.document);
  if (!kind) return Error{ErrorCode::kUnsupported, subject, fmt::format("predicate kind '{}' is not known", row.kind)};
  p.kind = *kind;
  p.port = parse_port(row.port);
  p.body = row.body;
  p.source = row.source;
  p.pipeline = row.pipeline;
  p.strength = row.strength;
  try {
    const Json body = Json::parse(row.body);
    p.test = test_of(body, p.unreadable);
    if (body.contains("when")) p.when = condition_of(body["when"]);
    for (const auto& [key, value] : body.items())
      if (!is_plain_key(key) && !is_test_key(key)) read_key(key, value, p);
    if (p.kind == PredicateKind::kDefaultOnly && body.contains("default")) read_default(body["default"], p);
  } catch (const std::exception& e) {
    return Error{ErrorCode::kParse, subject, e.what()};
  }
  return p;
}

Result<Condition> compile_condition(const std::string& json, const std::string& subject) {
  try {
    return condition_of(Json::parse(json));
  } catch (const std::exception& e) {
    return Error{ErrorCode::kParse, subject, e.what()};
  }
}

}  // namespace snapgauge
