// Import of normalized constraints: op -> list of variants {inputs, outputs}, each port with one
// datatype and a list of {encodings, symmetric, axis, math_invariant, scale, offset}. A variant
// becomes a joint row with a label of its own, its port constraints predicates under that label.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "opinfo/tables.h"

namespace snapgauge::opinfo {
namespace {

// A node tries every label; more alternatives than this are no table anybody wrote by hand.
constexpr size_t kMostAlternatives = 32;

std::string without_prefix(std::string name) {
  constexpr std::string_view kPrefix = "QNN_QUANTIZATION_ENCODING_";
  if (name.compare(0, kPrefix.size(), kPrefix) == 0) name.erase(0, kPrefix.size());
  return name;
}

/// The facts write scales as exact rationals: 0.00390625 is "1/256".
std::string rational(double value) {
  int exponent = 0;
  double mantissa = std::frexp(value, &exponent);
  while (mantissa != std::floor(mantissa) && exponent > -62) {
    mantissa *= 2;
    --exponent;
  }
  if (mantissa != std::floor(mantissa) || std::fabs(mantissa) > 9e15 || exponent > 0) return number_text(value);
  const auto numerator = static_cast<int64_t>(mantissa);
  return exponent == 0 ? fmt::format("{}", numerator) : fmt::format("{}/{}", numerator, int64_t{1} << -exponent);
}

struct Port {
  std::string name;
  const Json* row = nullptr;
};

/// Ports of one side in order. "onward" lets a port stand for itself and all later ones.
std::vector<Port> ports_of(const Json& rows, const char* side) {
  std::vector<Port> out;
  for (const Json& row : rows) {
    const bool onward = row.value("onward", false);
    out.push_back({fmt::format("{}[{}{}]", side, out.size(), onward ? "..m" : ""), &row});
    if (onward) break;
  }
  return out;
}

void add(OpEntry& op, const std::string& label, const std::string& port, const char* kind, const Json& body) {
  ConstraintEntry entry;
  entry.configs = {label};
  entry.port = port;
  entry.kind = kind;
  entry.body = body.dump();
  entry.binds_on = binds_on(body);
  op.constraints.push_back(std::move(entry));
}

Json strings(const Json& row) {
  Json out = Json::array();
  for (const Json& name : row.at("encodings")) out.push_back(without_prefix(name.get<std::string>()));
  return out;
}

void add_constraint(OpEntry& op, const std::string& label, const Port& port, const std::string& dtype,
                    const Json& row) {
  const Json when = {{"encoding", strings(row)}};
  const auto is_true = [&row](const char* key) { return row.contains(key) && row[key] == true; };
  if (is_true("symmetric")) add(op, label, port.name, "symmetric", {{"when", when}});
  if (const auto it = row.find("axis"); it != row.end() && it->is_array() && !it->empty()) {
    for (const Json& axis : *it) (void)axis.get<int64_t>();
    if (it->size() == 1)
      add(op, label, port.name, "encoding_axis", {{"axis_index", it->front()}, {"when", when}});
    else
      add(op, label, port.name, "encoding_axis", {{"in", *it}, {"when", when}});
  }
  if (is_true("math_invariant"))
    add(op, label, port.name, "equal_quantization",
        {{"with", port.name.compare(0, 2, "in") == 0 ? "out[0]" : "in[0]"}, {"when", when}});
  if (row.contains("scale") && row.contains("offset") && !row["scale"].is_null() && !row["offset"].is_null())
    add(op, label, port.name, "fixed_scale_offset",
        {{"dtype", dtype},
         {"scale", rational(row["scale"].get<double>())},
         {"offset", row["offset"].get<int64_t>()},
         {"when", when}});
}

/// Encodings that the rows list, without repetition.
Json encodings_of(const std::vector<const Json*>& rows) {
  Json out = Json::array();
  for (const Json* row : rows)
    for (const Json& name : strings(*row))
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  return out;
}

bool overlap(const Json& a, const Json& b) {
  const Json names = strings(b);
  for (const Json& name : strings(a))
    if (std::find(names.begin(), names.end(), name) != names.end()) return true;
  return false;
}

/// A port's rows are alternatives: of those that list the same encoding, one has to hold. Each result
/// holds one of them together with the rows for other encodings.
std::vector<std::vector<const Json*>> alternatives(const Json& port) {
  const auto it = port.find("constraints");
  if (it == port.end() || it->empty()) return {{}};
  std::vector<std::vector<const Json*>> out;
  for (const Json& row : *it) {
    std::vector<const Json*> rows;
    for (const Json& other : *it)
      if (&other == &row || !overlap(row, other)) rows.push_back(&other);
    if (std::find(out.begin(), out.end(), rows) == out.end()) out.push_back(std::move(rows));
  }
  return out;
}

/// The encodings of a port's rows are compared with each other.
bool is_bounded(const Json& port) {
  size_t encodings = 0;
  if (const auto it = port.find("constraints"); it != port.end())
    for (const Json& row : *it) encodings += 1 + row.at("encodings").size();
  return encodings <= kMostColumns;
}

void add_constraints(OpEntry& op, const std::string& label, const Port& port, const std::string& dtype,
                     const std::vector<const Json*>& rows) {
  const Json encodings = encodings_of(rows);
  if (!encodings.empty()) add(op, label, port.name, "encoding_allowed", {{"encoding", encodings}});
  for (const Json* row : rows) add_constraint(op, label, port, dtype, *row);
}

size_t column_of(OpEntry& op, const std::string& name) {
  size_t i = 0;
  while (i < op.columns.size() && op.columns[i].name != name) ++i;
  if (i == op.columns.size()) op.columns.push_back({name, name.find("..") != std::string::npos});
  return i;
}

Status read_variant(Reading& reading, const Json& row, size_t index, OpEntry& op) {
  if (row.at("inputs").size() + row.at("outputs").size() > kMostColumns)
    return reading.fail(fmt::format("more than {} ports", kMostColumns));
  std::vector<Port> ports = ports_of(row.at("inputs"), "in");
  for (Port& port : ports_of(row.at("outputs"), "out")) ports.push_back(std::move(port));
  VariantEntry entry;
  std::vector<std::string> dtypes;
  std::vector<std::vector<std::vector<const Json*>>> choices;
  size_t combinations = 1;
  for (const Port& port : ports) {
    const auto set = read_dtypes(reading, port.row->at("dtype"));
    if (!set) return set.error();
    if (!is_bounded(*port.row)) return reading.fail(fmt::format("more than {} encodings", kMostColumns));
    const size_t column = column_of(op, port.name);
    entry.columns.resize(std::max(entry.columns.size(), column + 1));
    const auto type = dtype_from_name(port.row->at("dtype").get<std::string>()).value_or(DType::kUndefined);
    // An undefined datatype says nothing about the port.
    entry.columns[column] = type == DType::kUndefined ? 0 : set.value();
    dtypes.emplace_back(dtype_name(type));
    choices.push_back(alternatives(*port.row));
    combinations *= choices.back().size();
    if (combinations > kMostAlternatives) return reading.fail("too many alternative constraints for one variant");
  }
  // One label per combination of alternatives; a node fits when one of them raises nothing.
  for (size_t k = 0; k < combinations; ++k) {
    entry.config = combinations == 1 ? fmt::format("v{}", index) : fmt::format("v{}.{}", index, k);
    size_t rest = k;
    for (size_t p = 0; p < ports.size(); ++p) {
      add_constraints(op, entry.config, ports[p], dtypes[p], choices[p][rest % choices[p].size()]);
      rest /= choices[p].size();
    }
    op.variants.push_back(entry);
  }
  return Done{};
}

}  // namespace

Status read_normalized(Reading& reading, const Json& file, Document& out) {
  out.kind = DocumentKind::kNormalized;
  for (const auto& [name, variants] : file.at("ops").items()) {
    reading.place = "ops." + name;
    if (!variants.is_array()) return reading.fail("a list of variants is expected");
    OpEntry op;
    op.backend = "*";
    op.name = name;
    op.joint = true;
    for (size_t i = 0; i < variants.size(); ++i) {
      reading.place = fmt::format("ops.{}[{}]", name, i);
      if (Status s = read_variant(reading, variants[i], i, op); !s) return s;
    }
    for (VariantEntry& v : op.variants) {
      v.columns.resize(op.columns.size());
      v.head.source.document = out.name;
      v.head.place = fmt::format("{}, variant {}", name, v.config);
    }
    for (ConstraintEntry& c : op.constraints) {
      c.head.source.document = out.name;
      c.head.place = fmt::format("{}, variant {}, {}", name, c.configs.front(), c.port);
    }
    out.ops.push_back(std::move(op));
  }
  return Done{};
}

}  // namespace snapgauge::opinfo
