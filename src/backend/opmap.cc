#include "backend/opmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, std::array<int8_t, 5>>, 4> kWeightLayouts{{
    {"OIHW>HWIO", {2, 3, 1, 0, -1}},
    {"IOHW>HWOI", {2, 3, 0, 1, -1}},
    {"OIDHW>DHWIO", {2, 3, 4, 1, 0}},
    {"IODHW>DHWOI", {2, 3, 4, 0, 1}},
}};

constexpr std::array<std::pair<std::string_view, PortLayout::Kind>, 5> kNamedLayouts{{
    {"channel_last", PortLayout::Kind::kChannelLast},
    {"rows", PortLayout::Kind::kRows},
    {"row", PortLayout::Kind::kRow},
    {"column", PortLayout::Kind::kColumn},
    {"flat", PortLayout::Kind::kFlat},
}};

/// Each of 0 .. size-1 once: the view indexes dimensions with these.
std::vector<uint8_t> permutation_of(const Json& v) {
  std::vector<uint8_t> out;
  for (const Json& entry : v) {
    const auto d = entry.get<int64_t>();
    if (d < 0 || d >= static_cast<int64_t>(std::min<size_t>(v.size(), 8)) ||
        std::find(out.begin(), out.end(), d) != out.end())
      throw std::invalid_argument("permutation " + printable(v.dump()));
    out.push_back(static_cast<uint8_t>(d));
  }
  return out;
}

PortLayout port_layout(const std::string& port, const Json& v) {
  PortLayout out;
  out.port = parse_port(port);
  if (v.is_array()) {
    out.permutation = permutation_of(v);
    return out;
  }
  if (v.is_object()) {
    const bool move = v.contains("move_last");
    out.kind = move ? PortLayout::Kind::kMoveLast : PortLayout::Kind::kFlattenAt;
    out.axis = param_source(v.at(move ? "move_last" : "flatten_at"));
    return out;
  }
  const std::string name = v.get<std::string>();
  for (const auto& [known, kind] : kNamedLayouts)
    if (known == name) {
      out.kind = kind;
      return out;
    }
  for (const auto& [known, order] : kWeightLayouts)
    if (known == name) {
      for (int8_t d : order)
        if (d >= 0) out.permutation.push_back(static_cast<uint8_t>(d));
      return out;
    }
  throw std::invalid_argument("layout '" + name + "'");
}

bool is_operand(const std::string& text) { return !text.empty() && text[0] >= '0' && text[0] <= '9'; }

PartArg part_arg(const Json& v) {
  PartArg out;
  if (v.is_array()) {
    out.kind = PartArg::Kind::kList;
    for (const Json& e : v) out.list.push_back(part_arg(e));
  } else if (v.is_string() && is_operand(v.get<std::string>())) {
    out.kind = PartArg::Kind::kOperand;
    out.operand = parse_operand(v.get<std::string>());
  } else if (v.is_string()) {
    out.kind = PartArg::Kind::kTensor;
    out.text = v.get<std::string>();
  } else if (v.is_object() && v.contains("text")) {
    out.kind = PartArg::Kind::kText;
    out.text = v["text"].get<std::string>();
  } else if (v.is_object()) {
    out.kind = PartArg::Kind::kSource;
    out.source = param_source(v);
  } else {
    out.literal = literal_value(v);
    if (v.is_boolean()) out.text = "bool";
    if (v.is_number_float()) out.text = "float";
  }
  return out;
}

Part part(const Json& v) {
  Part out;
  out.out = {"out[0]"};
  for (const auto& [key, value] : v.items()) {
    if (key == "op")
      out.op = value.get<std::string>();
    else if (key == "args")
      for (const Json& a : value) out.args.push_back(part_arg(a));
    else if (key == "attrs")
      for (const auto& [name, a] : value.items()) out.attrs.emplace_back(name, part_arg(a));
    else if (key == "out")
      out.out = value.is_array() ? value.get<std::vector<std::string>>() : std::vector{value.get<std::string>()};
    else
      throw std::invalid_argument("key '" + key + "' of a part");
  }
  if (out.op.empty()) throw std::invalid_argument("a part without op");
  return out;
}

/// 3, "dim(in[0],-1)", or "in[0][..-2]": all dimensions of the port but its last two.
PartTensor::Dim part_dim(const Json& v) {
  PartTensor::Dim out;
  const std::string text = v.is_string() ? v.get<std::string>() : std::to_string(v.get<int64_t>());
  const size_t cut = text.find("[..-");
  if (cut != std::string::npos) {
    out.all_but = parse_port(text.substr(0, cut));
    out.drop = std::stoi(text.substr(cut + 4));
    return out;
  }
  auto size = parse_expression(text);
  if (!size) throw std::invalid_argument("dimension '" + text + "'");
  out.size = std::move(*size);
  return out;
}

PartTensor part_tensor(const std::string& name, const Json& v) {
  PartTensor out;
  out.name = name;
  out.like = parse_port("out[0]");
  for (const auto& [key, value] : v.items()) {
    if (key == "like") {
      out.like = parse_port(value.get<std::string>());
    } else if (key == "dtype") {
      out.dtype = dtype_from_name(value.get<std::string>());
      if (!out.dtype) throw std::invalid_argument("datatype " + value.dump());
    } else if (key == "shape") {
      out.shape.emplace();
      for (const Json& d : value) out.shape->push_back(part_dim(d));
    } else if (key == "range") {
      out.range = value.get<std::vector<double>>();
      if (out.range.size() != 2 || out.range[0] >= out.range[1]) throw std::invalid_argument("range " + value.dump());
    } else if (key == "shape_of") {
      out.shape_of = value.get<std::string>();
    } else if (key == "to_rank") {
      out.to_rank = value.get<int>();
    } else if (key == "shares") {
      out.shares = value.get<std::string>();
    } else if (key == "constant") {
      out.constant = value.get<bool>();
    } else if (key == "number") {
      out.number = param_source(value);
    } else {
      throw std::invalid_argument("key '" + key + "' of tensor " + name);
    }
  }
  return out;
}

PatternNode pattern_node(const Json& v) {
  PatternNode out;
  for (const auto& [key, value] : v.items()) {
    if (key == "op")
      out.op = value.get<std::string>();
    else if (key == "in")
      out.in = value.get<std::vector<std::string>>();
    else if (key == "out")
      out.out = value.get<std::string>();
    else if (key == "attrs")
      for (const auto& [name, number] : value.items()) out.attrs.emplace_back(name, number.get<double>());
    else if (key == "attrs_or_default")
      for (const auto& [name, number] : value.items()) out.attrs_or_default.emplace_back(name, number.get<double>());
    else if (key == "in_float")
      out.in_float = value.get<bool>();
    else if (key == "over_last")
      out.over_last = value.get<bool>();
    else if (key == "commutes")
      out.commutes = value.get<bool>();
    else if (key == "rank")
      out.rank = value.get<int>();
    else if (key == "readers")
      out.readers = value.get<uint32_t>();
    else
      throw std::invalid_argument("key '" + key + "' of a pattern's node");
  }
  return out;
}

/// Each key once, and what reads it; a key that is not here is an error.
class RowReader {
 public:
  explicit RowReader(const Json& row) : row_(row), out_(std::make_unique<OpMapping>()) {}

  std::unique_ptr<OpMapping> read() {
    out_->kind = kind();
    out_->outputs = {0};
    for (const auto& [key, value] : row_.items()) read_key(key, value);
    if (out_->kind == OpMapping::Kind::kOp && out_->backend_op.empty()) throw std::invalid_argument("no backend_op");
    // Names of parameters are known now.
    if (row_.contains("must_be_constant")) read_must_be_constant(row_["must_be_constant"]);
    out_->checks_params =
        !out_->must_be_constant.empty() || std::any_of(out_->params.begin(), out_->params.end(), [](const auto& p) {
          return p.second.input >= 0 || !p.second.enumerators.empty();
        });
    return std::move(out_);
  }

 private:
  /// Exactly one word says what becomes of the op.
  OpMapping::Kind kind() const {
    size_t kinds = 0;
    for (const char* key : {"backend_op", "emits", "refused"})
      kinds += row_.contains(key) && !row_[key].is_null() ? 1 : 0;
    for (const char* key : {"identity", "constant"}) kinds += row_.value(key, false) ? 1 : 0;
    if (kinds != 1) throw std::invalid_argument("a row has one of backend_op, emits, identity, constant, refused");
    if (row_.value("identity", false)) return OpMapping::Kind::kIdentity;
    if (row_.value("constant", false)) return OpMapping::Kind::kConstant;
    if (row_.contains("emits")) return OpMapping::Kind::kEmits;
    return row_.contains("refused") ? OpMapping::Kind::kRefused : OpMapping::Kind::kOp;
  }

  void read_key(const std::string& key, const Json& v) {
    OpMapping& o = *out_;
    if (v.is_null() || key == "note" || key == "source" || key == "identity" || key == "constant" ||
        key == "must_be_constant" || key == "when")
      return;
    if (key == "refused")
      o.refused = v.get<std::string>();
    else if (key == "rewrite")
      read_rewrite(v);
    else if (key == "drops_empty")
      o.drops_empty = v.get<bool>();
    else if (key == "in_float")
      o.in_float = v.get<bool>();
    else if (key == "backend_op")
      o.backend_op = v.get<std::string>();
    else if (key == "inputs")
      for (const Json& i : v) o.inputs.push_back(parse_operand(i.get<std::string>()));
    else if (key == "outputs")
      read_outputs(v);
    else if (key == "layout")
      read_layouts(v);
    else if (key == "rank_up")
      o.rank_up = v.get<int>();
    else if (key == "params")
      read_params(v, out_->params);
    else if (key == "let")
      read_params(v, out_->let);
    else if (key == "roles")
      read_roles(v);
    else if (key == "emits")
      read_parts(v);
    else if (key == "takes")
      for (const auto& [to, from] : v.items())
        o.takes.emplace_back(parse_port(to), parse_port(from.get<std::string>()));
    else if (key == "pattern")
      read_pattern(v);
    else if (key == "tensors")
      for (const auto& [name, tensor] : v.items()) o.tensors.push_back(part_tensor(name, tensor));
    else
      throw std::invalid_argument("key '" + key + "' is not known");
  }

  void read_rewrite(const Json& v) {
    out_->rewrite_port = v.at("port").get<std::string>();
    out_->rewrite_change = v.at("change").get<std::string>();
    out_->rewrite_cost = v.at("cost").get<std::string>();
  }

  void read_outputs(const Json& v) {
    out_->outputs.clear();
    for (const Json& o : v) {
      const std::string text = o.get<std::string>();
      if (text == "*")
        out_->all_outputs = true;
      else
        out_->outputs.push_back(std::stoi(text));
    }
  }

  void read_layouts(const Json& v) {
    for (const auto& [port, layout] : v.items())
      if (!layout.is_null()) out_->layout.push_back(port_layout(port, layout));
  }

  static void read_params(const Json& v, std::vector<std::pair<std::string, ParamSource>>& out) {
    for (const auto& [name, source] : v.items())
      if (!source.is_null()) out.emplace_back(name, param_source(source));
  }

  void read_roles(const Json& v) {
    for (const auto& [role, port] : v.items()) {
      if (role != "weight" && role != "bias") throw std::invalid_argument("role '" + role + "'");
      if (port.is_string()) (role == "weight" ? out_->weight : out_->bias) = parse_port(port.get<std::string>());
    }
  }

  void read_must_be_constant(const Json& v) {
    for (const Json& i : v) {
      const std::string text = i.get<std::string>();
      const size_t colon = text.find(':');
      const int index = parse_operand(text).index;
      const auto named = std::find_if(out_->params.begin(), out_->params.end(),
                                      [&](const auto& p) { return p.second.input == index; });
      std::string name = named == out_->params.end() ? fmt::format("operand {}", index) : named->first;
      if (colon != std::string::npos) name = text.substr(colon + 1);
      out_->must_be_constant.emplace_back(index, std::move(name));
    }
  }

  void read_pattern(const Json& v) {
    Pattern& p = out_->pattern;
    for (const auto& [key, value] : v.items()) {
      if (key == "nodes")
        for (const Json& n : value) p.nodes.push_back(pattern_node(n));
      else if (key == "constants")
        for (const auto& [name, number] : value.items())
          p.values.push_back({name, number.is_null() ? std::nullopt : std::optional(number.get<double>())});
      else if (key == "operands")
        p.operands = value.get<std::vector<std::string>>();
      else if (key == "pipeline")
        p.pipelines = value.get<std::vector<std::string>>();
      else if (key == "backend")
        p.backends = value.get<std::vector<std::string>>();
      else
        throw std::invalid_argument("key '" + key + "' of a pattern");
    }
    if (p.nodes.empty()) throw std::invalid_argument("a pattern without nodes");
  }

  /// A text instead of a list says why the parts cannot be told.
  void read_parts(const Json& v) {
    if (v.is_string()) {
      out_->unjudged = v.get<std::string>();
      return;
    }
    for (const Json& p : v) out_->parts.push_back(part(p));
  }

  const Json& row_;
  std::unique_ptr<OpMapping> out_;
};

std::unique_ptr<OpMapping> mapping_of(const Json& row) { return RowReader(row).read(); }

}  // namespace

InputSource parse_operand(const std::string& text) {
  InputSource out;
  if (text == "-") {
    out.made = true;
    return out;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.index);
  if (error != std::errc()) throw std::invalid_argument("input '" + text + "'");
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  out.optional = rest.find('?') != std::string_view::npos;
  out.variadic = rest.find('*') != std::string_view::npos;
  if (!rest.empty() && rest[0] == '=') out.name = std::string(rest.substr(1, rest.find('?') - 1));
  if (rest.size() > 2 && rest[0] == '[') {
    int element = 0;
    if (std::from_chars(rest.data() + 1, rest.data() + rest.size(), element).ec == std::errc()) out.element = element;
  }
  return out;
}

const PortLayout* OpMapping::layout_of(PortRef::Side side, size_t index) const {
  for (const PortLayout& l : layout)
    if (l.port.covers(side, index)) return &l;
  return nullptr;
}

const PartTensor* OpMapping::tensor(std::string_view name) const {
  for (const PartTensor& t : tensors)
    if (t.name == name) return &t;
  return nullptr;
}

Result<std::unique_ptr<OpMapping>> compile_mapping(const std::string& json, const std::string& op) {
  try {
    // A condition with a part that is not in the language would never hold.
    const auto is_unreadable = [](const Condition& c) {
      return c.own.unknown || !c.value.empty() || !c.size.empty() || !c.last_index.empty() || c.set ||
             !(c.own.rank.empty() && c.own.dtypes == 0 && c.own.bits == 0 && c.own.encodings == 0) ||
             std::any_of(c.ports.begin(), c.ports.end(), [](const PortTest& p) { return p.unknown; });
    };
    Json row = Json::parse(json);
    const Json select = row.contains("select") ? row["select"] : Json::array();
    row.erase("select");
    auto out = mapping_of(row);
    for (const Json& alternative : select) {
      Json merged = row;
      for (const auto& [key, value] : alternative.items()) {
        if (key == "when") continue;
        // Parameters, layouts and roles are patched member by member, everything else is replaced.
        if ((key == "params" || key == "layout" || key == "roles") && merged.contains(key))
          merged[key].update(value);
        else if (value.is_null())
          merged.erase(key);
        else
          merged[key] = value;
      }
      // An alternative of another kind drops what made the base row its kind.
      for (const char* kind : {"backend_op", "emits", "identity", "constant", "refused"}) {
        if (!alternative.contains(kind) || alternative[kind].is_null()) continue;
        for (const char* other : {"backend_op", "emits", "identity", "constant", "refused"})
          if (std::string_view(other) != kind) merged.erase(other);
      }
      auto condition = compile_condition(alternative.value("when", Json::object()).dump(), op);
      if (!condition) return condition.error();
      if (is_unreadable(*condition)) throw std::invalid_argument("condition " + alternative["when"].dump());
      out->select.emplace_back(std::move(*condition), std::move(*mapping_of(merged)));
    }
    return out;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kParse, "op map row " + op, e.what()};
  }
}

}  // namespace snapgauge
