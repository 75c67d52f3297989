// Where the value of a backend parameter comes from: an argument, an attribute, constant data, a literal or
// a computation on shapes. Compiled from the "params" of op maps (rules/opmap/README.md).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/boxed.h"
#include "evaluate/operation.h"

namespace snapgauge {

struct ParamSource {
  enum class Transform : uint8_t {
    kNone,
    kAxis,
    kAxisNew,
    kAxes,
    kBool,
    kNot,
    kNumber,
    kPair,
    kPair0,
    kPadsTorch,
    kPadsOnnx,
    kPadsOnnxFull,
    kPadsTorchFull,
    kAllAxesIfEmpty,
    kTrailingAxes,
    kAxesFrom,
    kAxisMask,
    kLastPosition,
    kReciprocalPair,
    kPairOf,
    kWords,
    kEinsum,
  };
  enum class Derive : uint8_t {
    kNone,
    kLastAxis,
    kDim,
    kMultiples,
    kSpatialOnes,
    kSpatialZeroPads,
    kGlobalFilter,
    kAdaptiveFilter,
    kAdaptiveStride,
    kRanges,
    kFlip,
    kSplitIndex,
    kSwapPerm,
    kReversePerm,
    kHalf,
  };
  int arg = -1;     // positional argument
  std::string key;  // keyword argument or attribute
  int input = -1;   // input whose constant data is the value
  std::optional<ParamValue> literal;
  ParamValue fallback;                                               // "default"
  Boxed<ParamSource> fallback_source;                                // a default that is computed
  std::vector<std::pair<std::string, Boxed<ParamSource>>> operands;  // of derivations: "axis", "starts", ...
  std::string otherwise;                                             // parameter used when this one is empty
  std::vector<int> at;  // only these elements, negative from the end; beyond a shorter list its first
  Derive derive = Derive::kNone;
  std::vector<std::pair<std::string, ParamValue>> enumerators;  // "map"
  Transform transform = Transform::kNone;

  const ParamSource* operand(std::string_view name) const;
  bool operator==(const ParamSource&) const = default;
};

/// Throws std::invalid_argument for a key or a name that the language does not have.
ParamSource param_source(const nlohmann::json& v);
/// A literal as a value: numbers flat, text as an enumerator's name, null as not set.
ParamValue literal_value(const nlohmann::json& v);

struct OpMapping;

/// The frontend's side of a node while it is translated. The node's own arguments and attributes answer;
/// parameters follow from the sources of the row.
struct FrontendOperation : Operation {
  const OpMapping* mapping = nullptr;
  const std::vector<bool>* used = nullptr;  // by ValueId: something reads it

  ParamValue param(std::string_view name) const override;
  ParamValue argument(int position) const override;
  ParamValue attribute(std::string_view name) const override;
  int operand_count() const override;
  int given_in_list(int position) const override;
  bool result_used(int index) const override;
  /// All parameters that the lowering sets, in the order of the row.
  std::vector<std::pair<std::string_view, ParamValue>> params() const;
};

/// Value of a source; `source` need not belong to the operation's own row.
ParamValue param_value(const FrontendOperation& operation, const ParamSource& source);
/// Computed ones, in derivations.cc.
ParamValue derived_value(const FrontendOperation& operation, const ParamSource& source);
/// A tensor of rank 3 that the row raises to rank 4.
bool is_raised(const FrontendOperation& operation);

}  // namespace snapgauge
