// Within runtime: what convolutions and matrix products have in common.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/kernel.h"

namespace snapgauge {

/// A convolution of NHWC images with HWIO weights.
struct ConvShape {
  Window window;
  int64_t batch, height, width, channels;       // of the operand
  int64_t rows, columns, results;               // of the result
  int64_t group_channels, group_results, taps;  // of one group; taps: kernel positions

  ConvShape(const Window& w, const Buffer& x, const Buffer& y)
      : window(w),
        batch(x.dims[0]),
        height(x.dims[1]),
        width(x.dims[2]),
        channels(x.dims[3]),
        rows(y.dims[1]),
        columns(y.dims[2]),
        results(y.dims[3]),
        group_channels(channels / w.groups),
        group_results(results / w.groups),
        taps(w.kernel[0] * w.kernel[1]) {}

  bool is_depthwise() const { return group_channels == 1 && group_results == 1; }
  /// Elements of a window.
  int64_t depth() const { return taps * group_channels; }
  /// Rows of the result that are made at once: what `bytes` says that a pixel of it needs fits into a cache.
  int64_t band(int64_t bytes) const {
    constexpr int64_t kCache = 256 << 10;
    return std::clamp<int64_t>(kCache / std::max<int64_t>(1, columns * bytes), 1, std::max<int64_t>(1, rows));
  }
};

/// Walks over the windows of rows [first, first + count) of one image's result, a kernel position at a time, and calls
/// `inside(pixel of the operand)` or `outside()`.
template <class Inside, class Outside>
void each_tap(const ConvShape& s, int64_t first, int64_t count, Inside inside, Outside outside) {
  const Window& w = s.window;
  for (int64_t row = first; row < first + count; ++row)
    for (int64_t column = 0; column < s.columns; ++column)
      for (int64_t i = 0; i < w.kernel[0]; ++i)
        for (int64_t j = 0; j < w.kernel[1]; ++j) {
          const int64_t y = row * w.stride[0] - w.pad_before[0] + i * w.dilation[0];
          const int64_t x = column * w.stride[1] - w.pad_before[1] + j * w.dilation[1];
          if (y < 0 || y >= s.height || x < 0 || x >= s.width)
            outside();
          else
            inside(y * s.width + x);
        }
}

/// The same of a transposed convolution: calls `tap(pixel of the operand, pixel of the result, kernel position)`.
template <class Tap>
void each_spread(const ConvShape& s, Tap tap) {
  const Window& w = s.window;
  for (int64_t p = 0; p < s.batch * s.height * s.width; ++p)
    for (int64_t t = 0; t < s.taps; ++t) {
      const int64_t n = p / (s.height * s.width), row = p / s.width % s.height, column = p % s.width;
      const int64_t y = row * w.stride[0] - w.pad_before[0] + t / w.kernel[1] * w.dilation[0];
      const int64_t x = column * w.stride[1] - w.pad_before[1] + t % w.kernel[1] * w.dilation[1];
      if (y >= 0 && y < s.rows && x >= 0 && x < s.columns) tap(p, (n * s.rows + y) * s.columns + x, t);
    }
}

/// Leading dimensions of a product, which broadcast: where the matrices of each of its parts begin.
struct Batches {
  struct Offsets {
    int64_t a, b;  // in matrices
  };
  std::vector<Offsets> all;

  Batches(const std::vector<int64_t>& a, const std::vector<int64_t>& b, const std::vector<int64_t>& y);
};

MadeKernel make_integer_convolution(const Plan& plan, const Step& step);
MadeKernel make_integer_matmul(const Plan& plan, const Step& step);

}  // namespace snapgauge
