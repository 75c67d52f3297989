// From what was seen to scale and zero point. Formulas of torch.ao's and torchao's uniform observers
// (UniformQuantizationObserverBase), in single precision as there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "numerics/quant.h"
#include "observers/range.h"

namespace snapgauge {

struct AffineNumbers {
  float scale = 1;
  int64_t zero_point = 0;
};

/// The range is widened to hold 0. Symmetric schemes: scale = largest magnitude / ((qmax - qmin) / 2), the zero point
/// is symmetric_zero_point(). Others: scale = width / (qmax - qmin), zero point = qmin - round(least / scale). The
/// scale is at least the spec's eps, or the smallest normal float. Of an empty range: scale 1. The spec has a range
/// of integers.
AffineNumbers numbers_for(const ValueRange& range, const Spec& spec);
/// The same for many ranges.
class NumbersFor {
 public:
  explicit NumbersFor(const Spec& spec);
  AffineNumbers operator()(const ValueRange& range) const;

 private:
  IntegerRange range_;
  bool symmetric_;
  int64_t middle_;
  float steps_, least_scale_;
};

/// Block scales as integers from 1 to 2^bits times a scale per channel, the form that the backend multiplies with
/// (LPBQ): channel scale = largest block scale / 2^bits, integer = round(block scale / channel scale).
struct TwoLevelScales {
  std::vector<float> channels;
  std::vector<uint8_t> integers;  // in the order of the block scales
};
inline constexpr int kBlockScaleBits = 4;
/// `dims`: of the block scales; `axis`: of their channels.
TwoLevelScales two_level(FloatView block_scales, std::span<const int64_t> dims, size_t axis);

/// What a tensor is quantized with.
struct TensorNumbers {
  std::span<const int64_t> dims, block;  // see elements_per_scale(); blocks divide their dimensions
  std::span<const float> scales;         // one a block
  std::span<const int64_t> zero_points;  // as many, or one for all
  IntegerRange range;
};

/// The nearest stored integers, ties to even, within the range: q = round(x / scale) + zero point. Not a number
/// becomes the lowest. T: int8_t (also for fewer bits), uint8_t, int16_t, uint16_t, int32_t.
template <class T>
void quantize_tensor(FloatView values, const TensorNumbers& numbers, T* out);

}  // namespace snapgauge
