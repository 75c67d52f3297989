// Reading parameter sources from the rows of op maps.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "backend/param_source.h"
#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;
using Transform = ParamSource::Transform;
using Derive = ParamSource::Derive;

constexpr std::array<std::pair<std::string_view, Transform>, 21> kTransforms{{
    {"axis_mask", Transform::kAxisMask},
    {"axis_new", Transform::kAxisNew},
    {"number", Transform::kNumber},
    {"pair0", Transform::kPair0},
    {"trailing_axes", Transform::kTrailingAxes},
    {"axes_from", Transform::kAxesFrom},
    {"axis", Transform::kAxis},
    {"axes", Transform::kAxes},
    {"bool", Transform::kBool},
    {"not", Transform::kNot},
    {"pair", Transform::kPair},
    {"pads_torch", Transform::kPadsTorch},
    {"pads_onnx", Transform::kPadsOnnx},
    {"pads_onnx_full", Transform::kPadsOnnxFull},
    {"pads_torch_full", Transform::kPadsTorchFull},
    {"all_axes_if_empty", Transform::kAllAxesIfEmpty},
    {"last_position", Transform::kLastPosition},
    {"reciprocal_pair", Transform::kReciprocalPair},
    {"pair_of", Transform::kPairOf},
    {"words", Transform::kWords},
    {"einsum", Transform::kEinsum},
}};

/// What a derivation is called and which sources it reads beside its name.
struct DeriveRow {
  std::string_view name;
  Derive derive;
  std::array<std::string_view, 5> operands;
};
constexpr DeriveRow kDerivations[] = {
    {"last_axis", Derive::kLastAxis, {}},
    {"dim", Derive::kDim, {"axis"}},
    {"multiples", Derive::kMultiples, {}},
    {"spatial_ones", Derive::kSpatialOnes, {}},
    {"spatial_zero_pads", Derive::kSpatialZeroPads, {}},
    {"global_filter", Derive::kGlobalFilter, {}},
    {"adaptive_filter", Derive::kAdaptiveFilter, {}},
    {"adaptive_stride", Derive::kAdaptiveStride, {}},
    {"ranges", Derive::kRanges, {"axes", "starts", "ends", "lengths", "steps"}},
    {"flip", Derive::kFlip, {"axes"}},
    {"split_index", Derive::kSplitIndex, {"axis", "sizes", "size", "chunks"}},
    {"swap_perm", Derive::kSwapPerm, {"a", "b"}},
    {"reverse_perm", Derive::kReversePerm, {}},
    {"half", Derive::kHalf, {"of"}},
};

void flatten(const Json& v, std::vector<double>& out) {
  if (v.is_array()) {
    for (const Json& e : v) flatten(e, out);
  } else if (v.is_boolean()) {
    out.push_back(v.get<bool>() ? 1 : 0);
  } else if (v.is_number()) {
    out.push_back(v.get<double>());
  } else {
    throw std::invalid_argument("literal " + printable(v.dump()));
  }
}

void read_derivation(const Json& v, ParamSource& out) {
  const std::string name = v.at("derive").get<std::string>();
  for (const DeriveRow& row : kDerivations) {
    if (row.name != name) continue;
    out.derive = row.derive;
    for (const auto& [key, value] : v.items()) {
      if (key == "derive") continue;
      if (std::find(row.operands.begin(), row.operands.end(), key) == row.operands.end())
        throw std::invalid_argument("'" + key + "' of derive " + name);
      out.operands.emplace_back(key, param_source(value));
    }
    return;
  }
  throw std::invalid_argument("derive '" + name + "'");
}

Transform transform_named(const std::string& name) {
  for (const auto& [known, transform] : kTransforms)
    if (known == name) return transform;
  throw std::invalid_argument("as '" + name + "'");
}

}  // namespace

ParamValue literal_value(const Json& v) {
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
  if (v.contains("derive")) {
    read_derivation(v, out);
    return out;
  }
  for (const auto& [key, value] : v.items()) {
    if (key == "arg")
      out.arg = value.get<int>();
    else if (key == "kw" || key == "attr")
      out.key = value.get<std::string>();
    else if (key == "input")
      out.input = value.get<int>();
    else if (key == "value")
      out.literal = literal_value(value);
    else if (key == "default" && value.is_object())
      out.fallback_source = param_source(value);
    else if (key == "default")
      out.fallback = literal_value(value);
    else if (key == "at")
      out.at = value.get<std::vector<int>>();
    else if (key == "or")
      out.otherwise = value.get<std::string>();
    else if (key == "map")
      for (const auto& [name, number] : value.items()) out.enumerators.emplace_back(name, literal_value(number));
    else if (key == "as")
      out.transform = transform_named(value.get<std::string>());
    else
      throw std::invalid_argument("'" + key + "' of a parameter");
  }
  return out;
}

const ParamSource* ParamSource::operand(std::string_view name) const {
  for (const auto& [known, source] : operands)
    if (known == name) return &*source;
  return nullptr;
}

}  // namespace snapgauge
