#include "observers/parameters.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "observers/blocks.h"
#include "observers/rounding.h"

namespace snapgauge {
namespace {

/// Numbers of 8 and 16 bits; with one scale for all.
template <class T>
void quantize_run(FloatView values, float scale, float low, float high, int32_t zero_point, T* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    float steps = values[i] / scale;
    steps = steps > low ? steps : low;  // what is no number becomes the lowest
    steps = steps < high ? steps : high;
    out[i] = static_cast<T>(static_cast<int32_t>(to_nearest(steps)) + zero_point);
  }
}

/// With a scale for each.
template <class T>
void quantize_row(FloatView values, const float* scales, float low, float high, int32_t zero_point, T* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    float steps = values[i] / scales[i];
    steps = steps > low ? steps : low;
    steps = steps < high ? steps : high;
    out[i] = static_cast<T>(static_cast<int32_t>(to_nearest(steps)) + zero_point);
  }
}

int32_t wide_integer(float value, float scale, int64_t zero_point, IntegerRange range) {
  const double q =
      std::nearbyint(static_cast<double>(value) / static_cast<double>(scale)) + static_cast<double>(zero_point);
  if (!(q > static_cast<double>(range.min))) return static_cast<int32_t>(range.min);
  return static_cast<int32_t>(std::min(q, static_cast<double>(range.max)));
}

template <class T>
void quantize_run(FloatView values, float scale, int64_t zero_point, IntegerRange range, T* out) {
  if constexpr (sizeof(T) <= 2)
    quantize_run(values, scale, static_cast<float>(range.min - zero_point), static_cast<float>(range.max - zero_point),
                 static_cast<int32_t>(zero_point), out);
  else
    for (size_t i = 0; i < values.size(); ++i) out[i] = wide_integer(values[i], scale, zero_point, range);
}

}  // namespace

NumbersFor::NumbersFor(const Spec& spec)
    : range_(effective_range(spec).value_or(IntegerRange{})),
      symmetric_(is_symmetric(spec.scheme)),
      middle_(symmetric_zero_point(spec).value_or(0)),
      steps_(static_cast<float>(range_.max - range_.min)),
      least_scale_(std::max(static_cast<float>(spec.eps), std::numeric_limits<float>::min())) {}

AffineNumbers NumbersFor::operator()(const ValueRange& range) const {
  if (range.empty()) return {1, symmetric_ ? middle_ : range_.min};
  const float least = std::min(range.least, 0.0F), largest = std::max(range.largest, 0.0F);
  if (symmetric_) return {std::max(std::max(-least, largest) / (steps_ / 2), least_scale_), middle_};
  AffineNumbers out;
  out.scale = std::max((largest - least) / steps_, least_scale_);
  const auto low = static_cast<double>(range_.min), high = static_cast<double>(range_.max);
  const double moved = low - std::nearbyint(static_cast<double>(least / out.scale));
  out.zero_point = static_cast<int64_t>(std::clamp(moved, low, high));
  return out;
}

AffineNumbers numbers_for(const ValueRange& range, const Spec& spec) { return NumbersFor(spec)(range); }

TwoLevelScales two_level(FloatView block_scales, std::span<const int64_t> dims, size_t axis) {
  constexpr auto kMost = static_cast<float>(1 << kBlockScaleBits);
  TwoLevelScales out;
  out.channels = channel_ranges(block_scales, dims, axis).largest;
  for (float& scale : out.channels) scale = std::max(scale / kMost, std::numeric_limits<float>::min());
  out.integers.resize(block_scales.size());
  std::vector<int64_t> block(dims.begin(), dims.end());
  block[axis] = 1;
  quantize_tensor(block_scales, {dims, block, out.channels, std::vector<int64_t>{0}, {1, 1 << kBlockScaleBits}},
                  out.integers.data());
  return out;
}

template <class T>
void quantize_tensor(FloatView values, const TensorNumbers& numbers, T* out) {
  const BlockRows rows(numbers.dims, numbers.block);
  const BlockedDim last = rows.last();
  const bool one_zero = numbers.zero_points.size() <= 1;
  const int64_t zero = numbers.zero_points.empty() ? 0 : numbers.zero_points[0];
  rows.each(values.size(), [&](size_t row, uint64_t index) {
    if (sizeof(T) <= 2 && last.block == 1 && one_zero)
      return quantize_row(values.part(row, last.size), numbers.scales.data() + index,
                          static_cast<float>(numbers.range.min - zero), static_cast<float>(numbers.range.max - zero),
                          static_cast<int32_t>(zero), out + row);
    for (uint64_t b = 0; b * last.block < last.size; ++b) {
      const size_t at = row + b * last.block;
      quantize_run(values.part(at, last.block), numbers.scales[index + b],
                   one_zero ? zero : numbers.zero_points[index + b], numbers.range, out + at);
    }
  });
}

template void quantize_tensor(FloatView, const TensorNumbers&, int8_t*);
template void quantize_tensor(FloatView, const TensorNumbers&, uint8_t*);
template void quantize_tensor(FloatView, const TensorNumbers&, int16_t*);
template void quantize_tensor(FloatView, const TensorNumbers&, uint16_t*);
template void quantize_tensor(FloatView, const TensorNumbers&, int32_t*);

}  // namespace snapgauge
