// Vectors are written out: of loops over lanes g++ 12 keeps the lanes of short blocks in memory, which made the ranges
// of a weight's blocks of 32 take 5.8 times a plain read instead of 1.1 (bench/quantize_bench.cc). `a < b ? a : b` is
// what the machine's minimum does, so nothing has to be assumed about numbers that are none.
#include "observers/range.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "observers/blocks.h"

namespace snapgauge {
namespace {

using Vector = float __attribute__((vector_size(16)));
constexpr size_t kLanes = sizeof(Vector) / sizeof(float);

Vector filled(float v) { return Vector{v, v, v, v}; }
Vector smaller(Vector a, Vector b) { return a < b ? a : b; }
Vector larger(Vector a, Vector b) { return a > b ? a : b; }

/// kCount vectors side by side, enough to hide the latency of one. What is no number leaves the ends as they are.
template <size_t kCount>
struct Lanes {
  static constexpr size_t kStep = kCount * kLanes;
  std::array<Vector, kCount> least, largest, sums{};

  Lanes() {
    least.fill(filled(std::numeric_limits<float>::infinity()));
    largest.fill(filled(-std::numeric_limits<float>::infinity()));
  }
  /// `sum`: also what tells whether some are no numbers: infinities times nothing are none either.
  template <bool kSum>
  void add(FloatView values, size_t from) {
    for (size_t i = 0; i < kCount; ++i) {
      const Vector v = values.vector<Vector>(from + i * kLanes);
      least[i] = smaller(v, least[i]);
      largest[i] = larger(v, largest[i]);
      if (kSum) sums[i] += v * 0.0F;
    }
  }
  ValueRange merged() const {
    Vector low = least[0], high = largest[0];
    for (size_t i = 1; i < kCount; ++i) {
      low = smaller(least[i], low);
      high = larger(largest[i], high);
    }
    ValueRange out{low[0], high[0]};
    for (size_t l = 1; l < kLanes; ++l) out.add({low[l], high[l]});
    return out;
  }
  float sum() const {
    Vector all = sums[0];
    for (size_t i = 1; i < kCount; ++i) all += sums[i];
    return all[0] + all[1] + all[2] + all[3];
  }
};

/// Of blocks, as a rule short ones.
ValueRange plain_range(FloatView values) {
  Lanes<2> lanes;
  size_t i = 0;
  for (; i + lanes.kStep <= values.size(); i += lanes.kStep) lanes.add<false>(values, i);
  ValueRange out = lanes.merged();
  for (; i < values.size(); ++i) out.add({values[i], values[i]});
  return out;
}

void merge_rows(FloatView row, float* least, float* largest) {
  for (size_t i = 0; i < row.size(); ++i) {
    const float v = row[i];
    least[i] = v < least[i] ? v : least[i];
    largest[i] = v > largest[i] ? v : largest[i];
  }
}

/// One row of the last dimension into the ranges that begin at `least` and `largest`.
void block_row(FloatView row, const BlockedDim& last, float* least, float* largest) {
  if (last.block == 1) return merge_rows(row, least, largest);
  for (uint64_t b = 0; b * last.block < last.size; ++b) {
    ValueRange range = plain_range(row.part(b * last.block, last.block));
    range.add({least[b], largest[b]});
    least[b] = range.least;
    largest[b] = range.largest;
  }
}

}  // namespace

SeenRange range_of(FloatView values) {
  SeenRange out;
  Lanes<4> lanes;
  size_t i = 0;
  for (; i + lanes.kStep <= values.size(); i += lanes.kStep) lanes.add<true>(values, i);
  out.range = lanes.merged();
  float sum = lanes.sum();
  for (; i < values.size(); ++i) {
    out.range.add({values[i], values[i]});
    sum += values[i] * 0.0F;
  }
  if (!std::isnan(sum) && out.range.least > -kMasked && out.range.largest < kMasked) return out;
  out = {};
  for (i = 0; i < values.size(); ++i) {
    const float v = values[i];
    out.has_nan = out.has_nan || std::isnan(v);
    if (std::abs(v) < kMasked)
      out.range.add({v, v});
    else
      out.masked = out.masked || !std::isnan(v);
  }
  return out;
}

Ranges channel_ranges(FloatView values, std::span<const int64_t> dims, size_t axis) {
  std::vector<int64_t> block(dims.begin(), dims.end());
  block[axis] = 1;
  return block_ranges(values, dims, block);
}

Ranges block_ranges(FloatView values, std::span<const int64_t> dims, std::span<const int64_t> block) {
  const BlockRows rows(dims, block);
  Ranges out(rows.blocks());
  rows.each(values.size(), [&](size_t row, uint64_t index) {
    block_row(values.part(row, rows.last().size), rows.last(), out.least.data() + index, out.largest.data() + index);
  });
  return out;
}

}  // namespace snapgauge
