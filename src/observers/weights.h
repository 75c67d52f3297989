// Observers of weights: parameters from the data itself, once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "numerics/quant.h"
#include "observers/range.h"

namespace snapgauge {

enum class WeightObserver : uint8_t {
  kMinMax,      // the extremes
  kLineSearch,  // of 100 symmetric ranges the one with the least squared error
};
std::string_view weight_observer_name(WeightObserver observer);  // "line-search"
std::optional<WeightObserver> weight_observer_named(std::string_view name);

/// Scales and zero points of a tensor, one for each index of what its spec has one for: the tensor, its channels or its
/// blocks. Of two-level specs, whose scales are the products, also what they are products of.
struct WeightNumbers {
  std::vector<float> scales;
  std::vector<int64_t> zero_points;   // as many, or one for all
  std::vector<float> channel_scales;  // of two levels
  std::vector<uint8_t> block_scales;  // likewise, one a block
};

/// The spec's axis and blocks fit `dims`. Reads the data once, or 100 times to search; no copy of it is made.
WeightNumbers observe_weight(FloatView values, std::span<const int64_t> dims, const Spec& spec,
                             WeightObserver observer);

}  // namespace snapgauge
