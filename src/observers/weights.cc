#include "observers/weights.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "numerics/blocks.h"
#include "observers/blocks.h"
#include "observers/parameters.h"
#include "observers/rounding.h"

namespace snapgauge {
namespace {

constexpr std::array<std::string_view, 2> kWeightObserverNames{"min-max", "line-search"};
// Of torchao's PerChannelParamObserver with loss evaluation, as ExecuTorch's examples use it.
constexpr int kSearchSteps = 100;

/// The squared error of a row that has one scale.
double error_of(FloatView values, const AffineNumbers& numbers, IntegerRange range) {
  constexpr size_t kLanes = 8, kPiece = 512;  // so many squares are added up in single precision
  const auto low = static_cast<float>(range.min - numbers.zero_point);
  const auto high = static_cast<float>(range.max - numbers.zero_point);
  const float scale = numbers.scale;
  const auto square = [&](float v) {
    float steps = v / scale;
    steps = steps > low ? steps : low;
    steps = steps < high ? steps : high;
    const float error = to_nearest(steps) * scale - v;
    return error * error;
  };
  double out = 0;
  for (size_t from = 0; from < values.size(); from += kPiece) {
    const FloatView piece = values.part(from, std::min(kPiece, values.size() - from));
    std::array<float, kLanes> sums{};
    size_t i = 0;
    for (; i + kLanes <= piece.size(); i += kLanes)
      for (size_t l = 0; l < kLanes; ++l) sums[l] += square(piece[i + l]);
    for (; i < piece.size(); ++i) sums[0] += square(piece[i]);
    for (const float s : sums) out += static_cast<double>(s);
  }
  return out;
}

/// Symmetric ranges from a hundredth of the largest magnitude on; of equal errors the smallest range.
Ranges searched(FloatView values, const BlockRows& rows, const Ranges& seen, const Spec& spec) {
  Ranges best(seen.size());
  std::vector<double> least(seen.size(), std::numeric_limits<double>::infinity());
  const NumbersFor numbers(spec);
  const IntegerRange range = effective_range(spec).value_or(IntegerRange{});
  const BlockedDim last = rows.last();
  for (int step = 1; step <= kSearchSteps; ++step) {
    std::vector<double> error(seen.size());
    const auto threshold = [&](size_t i) {
      return std::max(std::abs(seen.least[i]), seen.largest[i]) / kSearchSteps * static_cast<float>(step);
    };
    rows.each(values.size(), [&](size_t row, uint64_t index) {
      for (uint64_t b = 0; b * last.block < last.size; ++b) {
        const float t = threshold(index + b);
        error[index + b] += error_of(values.part(row + b * last.block, last.block), numbers({-t, t}), range);
      }
    });
    for (size_t i = 0; i < error.size(); ++i) {
      if (error[i] >= least[i]) continue;
      least[i] = error[i];
      best.least[i] = -threshold(i);
      best.largest[i] = threshold(i);
    }
  }
  return best;
}

/// The integers beside the nearest one, and the largest: which of them makes a block's error least. Scales of blocks
/// that are rounded up or down are no longer those that fit their extremes best. Where the largest is the nearest it
/// stays, so that a channel's scale can be told from the products.
void refine(FloatView values, const BlockRows& rows, const Spec& spec, std::span<const float> channel_of,
            std::vector<uint8_t>& integers) {
  constexpr int kBelow = 3, kAbove = 1, kMost = 1 << kBlockScaleBits;
  const IntegerRange range = effective_range(spec).value_or(IntegerRange{});
  const BlockedDim last = rows.last();
  std::vector<double> least(integers.size(), std::numeric_limits<double>::infinity());
  std::vector<uint8_t> best = integers;
  for (int step = -kBelow; step <= kAbove + 1; ++step) {
    const auto candidate = [&](size_t i) {
      return step > kAbove || integers[i] == kMost ? kMost : std::clamp(integers[i] + step, 1, kMost);
    };
    std::vector<double> error(integers.size());
    rows.each(values.size(), [&](size_t row, uint64_t index) {
      for (uint64_t b = 0; b * last.block < last.size; ++b) {
        const float scale = channel_of[index + b] * static_cast<float>(candidate(index + b));
        error[index + b] += error_of(values.part(row + b * last.block, last.block), {scale, 0}, range);
      }
    });
    for (size_t i = 0; i < error.size(); ++i) {
      if (error[i] >= least[i]) continue;
      least[i] = error[i];
      best[i] = static_cast<uint8_t>(candidate(i));
    }
  }
  integers = std::move(best);
}

/// Block scales become products of an integer and a scale of their channel.
void split_levels(FloatView values, const Spec& spec, std::span<const int64_t> dims, std::span<const int64_t> block,
                  WeightNumbers& out) {
  std::vector<int64_t> of_scales(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) of_scales[i] = dims[i] / block[i];
  const auto axis = static_cast<size_t>(axis_of(spec, dims.size()));
  TwoLevelScales levels = two_level(out.scales, of_scales, axis);
  std::vector<int64_t> of_channels = of_scales;
  of_channels[axis] = 1;
  const BlockRows rows(of_scales, of_channels);
  const BlockedDim last = rows.last();
  std::vector<float> channel_of(out.scales.size());
  rows.each(out.scales.size(), [&](size_t row, uint64_t index) {
    for (uint64_t i = 0; i < last.size; ++i) channel_of[row + i] = levels.channels[index + i / last.block];
  });
  refine(values, BlockRows(dims, block), spec, channel_of, levels.integers);
  for (size_t i = 0; i < out.scales.size(); ++i) out.scales[i] = channel_of[i] * static_cast<float>(levels.integers[i]);
  out.channel_scales = std::move(levels.channels);
  out.block_scales = std::move(levels.integers);
}

}  // namespace

std::string_view weight_observer_name(WeightObserver observer) {
  return kWeightObserverNames[static_cast<size_t>(observer)];
}

std::optional<WeightObserver> weight_observer_named(std::string_view name) {
  const auto it = std::find(kWeightObserverNames.begin(), kWeightObserverNames.end(), name);
  if (it == kWeightObserverNames.end()) return std::nullopt;
  return static_cast<WeightObserver>(it - kWeightObserverNames.begin());
}

WeightNumbers observe_weight(FloatView values, std::span<const int64_t> dims, const Spec& spec,
                             WeightObserver observer) {
  const std::vector<int64_t> block = elements_per_scale(spec, dims);
  Ranges ranges = block_ranges(values, dims, block);
  if (observer == WeightObserver::kLineSearch && is_symmetric(spec.scheme))
    ranges = searched(values, BlockRows(dims, block), ranges, spec);
  const NumbersFor numbers(spec);
  WeightNumbers out;
  out.scales.resize(ranges.size());
  const bool symmetric = is_symmetric(spec.scheme);
  // Of blocks one stands for all.
  out.zero_points.assign(symmetric && !spec.block.empty() ? 1 : ranges.size(), numbers({0, 0}).zero_point);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const AffineNumbers n = numbers(ranges[i]);
    out.scales[i] = n.scale;
    if (!symmetric) out.zero_points[i] = n.zero_point;
  }
  if (spec.two_level) split_levels(values, spec, dims, block, out);
  return out;
}

}  // namespace snapgauge
