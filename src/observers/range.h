// The least and the largest of floats: over a tensor, by channel, by block. One pass over the data, no copy of it.
//
// Tensors lie densely, the last dimension runs fastest. Thread safety: functions share nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

namespace snapgauge {

/// Floats that lie anywhere: files keep their weights without alignment, and are read where they lie.
class FloatView {
 public:
  FloatView(std::span<const float> values)  // NOLINT: the same numbers
      : data_(reinterpret_cast<const std::byte*>(values.data())), size_(values.size()) {}
  FloatView(const std::vector<float>& values) : FloatView(std::span(values)) {}  // NOLINT: likewise
  FloatView(const std::byte* data, size_t size) : data_(data), size_(size) {}

  size_t size() const { return size_; }
  float operator[](size_t i) const {
    float out = 0;
    std::memcpy(&out, data_ + i * sizeof(float), sizeof out);
    return out;
  }
  /// As many behind each other as it holds.
  template <class Vector>
  Vector vector(size_t i) const {
    Vector out;
    std::memcpy(&out, data_ + i * sizeof(float), sizeof out);
    return out;
  }
  FloatView part(size_t from, size_t count) const { return {data_ + from * sizeof(float), count}; }

 private:
  const std::byte* data_;
  size_t size_;
};

/// Closed; empty until something is added.
struct ValueRange {
  float least = std::numeric_limits<float>::infinity();
  float largest = -std::numeric_limits<float>::infinity();

  bool empty() const { return least > largest; }
  void add(const ValueRange& other) {
    least = other.least < least ? other.least : least;
    largest = other.largest > largest ? other.largest : largest;
  }
  bool operator==(const ValueRange&) const = default;
};

/// Numbers that stand for "nothing here", as attention masks have them: infinities, and what is as good as one.
inline constexpr float kMasked = 1e30F;

struct SeenRange {
  ValueRange range;      // of the numbers below kMasked in magnitude
  bool masked = false;   // there are others
  bool has_nan = false;  // some are no numbers
};
SeenRange range_of(FloatView values);

/// Many ranges, apart, as vector instructions want them.
struct Ranges {
  std::vector<float> least, largest;

  explicit Ranges(size_t count)
      : least(count, std::numeric_limits<float>::infinity()), largest(count, -std::numeric_limits<float>::infinity()) {}
  size_t size() const { return least.size(); }
  ValueRange operator[](size_t i) const { return {least[i], largest[i]}; }
};

/// One per index of `axis`. Not a number is left out.
Ranges channel_ranges(FloatView values, std::span<const int64_t> dims, size_t axis);

/// One per block; blocks divide their dimensions. The result has dims[i] / block[i] in each dimension.
Ranges block_ranges(FloatView values, std::span<const int64_t> dims, std::span<const int64_t> block);

}  // namespace snapgauge
