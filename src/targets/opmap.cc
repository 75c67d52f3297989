#include "targets/opmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDirect = "qnn.";

constexpr std::array<std::pair<std::string_view, ParamSource::Transform>, 16> kTransforms{{
    {"axis_mask", ParamSource::Transform::kAxisMask},
    {"axis_new", ParamSource::Transform::kAxisNew},
    {"number", ParamSource::Transform::kNumber},
    {"pair0", ParamSource::Transform::kPair0},
    {"trailing_axes", ParamSource::Transform::kTrailingAxes},
    {"axes_from", ParamSource::Transform::kAxesFrom},
    {"axis", ParamSource::Transform::kAxis},
    {"axes", ParamSource::Transform::kAxes},
    {"bool", ParamSource::Transform::kBool},
    {"not", ParamSource::Transform::kNot},
    {"pair", ParamSource::Transform::kPair},
    {"pads_torch", ParamSource::Transform::kPadsTorch},
    {"pads_onnx", ParamSource::Transform::kPadsOnnx},
    {"pads_onnx_full", ParamSource::Transform::kPadsOnnxFull},
    {"pads_torch_full", ParamSource::Transform::kPadsTorchFull},
    {"all_axes_if_empty", ParamSource::Transform::kAllAxesIfEmpty},
}};

constexpr std::array<std::pair<std::string_view, ParamSource::Derive>, 6> kDerivations{{
    {"last_axis", ParamSource::Derive::kLastAxis},
    {"dim", ParamSource::Derive::kDim},
    {"multiples", ParamSource::Derive::kMultiples},
    {"spatial_ones", ParamSource::Derive::kSpatialOnes},
    {"spatial_zero_pads", ParamSource::Derive::kSpatialZeroPads},
    {"global_filter", ParamSource::Derive::kGlobalFilter},
}};

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

void flatten(const Json& v, std::vector<double>& out) {
  if (v.is_array()) {
    for (const Json& e : v) flatten(e, out);
  } else if (v.is_boolean()) {
    out.push_back(v.get<bool>() ? 1 : 0);
  } else if (v.is_number()) {
    out.push_back(v.get<double>());
  }
}

ParamValue literal(const Json& v) {
  ParamValue out;
  if (v.is_null()) return out;
  out.state = ParamValue::State::kKnown;
  out.is_list = v.is_array();
  if (v.is_string())
    out.name = v.get<std::string>();
  else
    flatten(v, out.numbers);
  return out;
}

ParamSource param_source(const Json& v) {
  ParamSource out;
  if (v.contains("arg")) out.arg = v["arg"].get<int>();
  if (v.contains("kw")) out.key = v["kw"].get<std::string>();
  if (v.contains("attr")) out.key = v["attr"].get<std::string>();
  if (v.contains("input")) out.input = v["input"].get<int>();
  if (v.contains("value")) out.literal = literal(v["value"]);
  if (v.contains("default") && v["default"].is_object())
    out.fallback_source = std::make_shared<ParamSource>(param_source(v["default"]));
  else if (v.contains("default"))
    out.fallback = literal(v["default"]);
  if (v.contains("axis")) out.axis = std::make_shared<ParamSource>(param_source(v["axis"]));
  if (v.contains("or")) out.otherwise = v["or"].get<std::string>();
  if (v.contains("derive")) {
    out.derive = ParamSource::Derive::kOther;
    for (const auto& [known, derive] : kDerivations)
      if (known == v["derive"].get<std::string>()) out.derive = derive;
  }
  if (v.contains("map"))
    for (const auto& [key, value] : v["map"].items()) out.enumerators.emplace_back(key, literal(value));
  if (v.contains("as")) {
    const std::string name = v["as"].get<std::string>();
    out.transform = ParamSource::Transform::kOther;
    for (const auto& [known, transform] : kTransforms)
      if (known == name) out.transform = transform;
  }
  return out;
}

InputSource input_source(const std::string& text) {
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

std::unique_ptr<OpMapping> mapping_of(const Json& row) {
  auto out = std::make_unique<OpMapping>();
  if (row.value("identity", false))
    out->kind = OpMapping::Kind::kIdentity;
  else if (row.value("constant", false))
    out->kind = OpMapping::Kind::kConstant;
  else if (row.contains("emits"))
    out->kind = OpMapping::Kind::kEmits;
  else if (row.contains("refused"))
    out->kind = OpMapping::Kind::kRefused;
  out->refused = row.value("refused", "");
  if (row.contains("rewrite")) {
    out->rewrite_port = row["rewrite"].at("port").get<std::string>();
    out->rewrite_change = row["rewrite"].at("change").get<std::string>();
    out->rewrite_cost = row["rewrite"].at("cost").get<std::string>();
  }
  out->drops_empty = row.value("drops_empty", false);
  out->backend_op = row.value("backend_op", "");
  if (out->kind == OpMapping::Kind::kEmits) out->emits = row["emits"].get<std::vector<std::string>>();
  if (out->kind == OpMapping::Kind::kOp && out->backend_op.empty()) throw std::invalid_argument("no backend_op");
  if (row.contains("inputs"))
    for (const Json& i : row["inputs"]) out->inputs.push_back(input_source(i.get<std::string>()));
  out->outputs = {0};
  if (row.contains("outputs")) {
    out->outputs.clear();
    for (const Json& o : row["outputs"]) {
      const std::string text = o.get<std::string>();
      if (text == "*")
        out->all_outputs = true;
      else
        out->outputs.push_back(std::stoi(text));
    }
  }
  if (row.contains("layout"))
    for (const auto& [port, v] : row["layout"].items())
      if (!v.is_null()) out->layout.push_back(port_layout(port, v));
  out->rank_up = row.value("rank_up", 0);
  if (row.contains("params"))
    for (const auto& [name, v] : row["params"].items())
      if (!v.is_null()) out->params.emplace_back(name, param_source(v));
  if (row.contains("must_be_constant"))
    for (const Json& i : row["must_be_constant"]) {
      const std::string text = i.get<std::string>();
      const size_t colon = text.find(':');
      const int index = input_source(text).index;
      const auto named =
          std::find_if(out->params.begin(), out->params.end(), [&](const auto& p) { return p.second.input == index; });
      std::string name = named == out->params.end() ? fmt::format("operand {}", index) : named->first;
      if (colon != std::string::npos) name = text.substr(colon + 1);
      out->must_be_constant.emplace_back(index, std::move(name));
    }
  out->checks_params = !out->must_be_constant.empty() ||
                       std::any_of(out->params.begin(), out->params.end(),
                                   [](const auto& p) { return p.second.input >= 0 || !p.second.enumerators.empty(); });
  if (row.contains("roles")) {
    if (row["roles"].contains("weight") && row["roles"]["weight"].is_string())
      out->weight = parse_port(row["roles"]["weight"].get<std::string>());
    if (row["roles"].contains("bias") && row["roles"]["bias"].is_string())
      out->bias = parse_port(row["roles"]["bias"].get<std::string>());
  }
  return out;
}

}  // namespace

const PortLayout* OpMapping::layout_of(PortRef::Side side, size_t index) const {
  for (const PortLayout& l : layout)
    if (l.port.covers(side, index)) return &l;
  return nullptr;
}

Result<std::unique_ptr<OpMapping>> compile_mapping(const std::string& json, const std::string& op) {
  try {
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
      out->select.emplace_back(std::move(*condition), mapping_of(merged));
    }
    return out;
  } catch (const std::exception& e) {
    return Error{ErrorCode::kParse, "op map row " + op, e.what()};
  }
}

Result<const OpMapping*> OpMaps::find(std::string_view op) {
  const std::string name(op);
  if (auto it = rows_.find(name); it != rows_.end()) return it->second.get();
  std::unique_ptr<OpMapping> mapping;
  if (op.substr(0, kDirect.size()) == kDirect) {
    mapping = std::make_unique<OpMapping>();
    mapping->backend_op = name.substr(kDirect.size());
    mapping->generic = true;
    mapping->all_outputs = true;
  } else {
    auto row = database_.op_map(frontend_ == Frontend::kOnnx ? "onnx" : "aten", name);
    if (!row) return row.error();
    if (row->has_value()) {
      auto compiled = compile_mapping(**row, name);
      if (!compiled) return compiled.error();
      mapping = std::move(*compiled);
    }
  }
  return rows_.emplace(name, std::move(mapping)).first->second.get();
}

const std::vector<std::string>& OpMaps::similar(const std::string& op) {
  // Of files with thousands of unknown operators the first ones are enough to see what is wrong.
  constexpr size_t kMostSuggestions = 200;
  static const std::vector<std::string> none;
  if (const auto known = similar_.find(op); known != similar_.end()) return known->second;
  if (similar_.size() >= kMostSuggestions) return none;
  if (names_.empty())
    if (auto names = database_.op_map_names(frontend_ == Frontend::kOnnx ? "onnx" : "aten")) names_ = std::move(*names);
  return similar_.emplace(op, near_matches(op, names_)).first->second;
}

}  // namespace snapgauge
