// Pooling and resizing of images, NHWC.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/kernel.h"

namespace snapgauge {
namespace {

struct Image {
  int64_t batch, height, width, channels;

  explicit Image(const Buffer& b) : batch(b.dims[0]), height(b.dims[1]), width(b.dims[2]), channels(b.dims[3]) {}
  int64_t at(int64_t n, int64_t y, int64_t x) const { return ((n * height + y) * width + x) * channels; }
};

/// Calls `pixel(batch, row, column)` for every pixel of an image.
template <class Pixel>
void each_pixel(const Image& image, Pixel pixel) {
  for (int64_t n = 0; n < image.batch; ++n)
    for (int64_t y = 0; y < image.height; ++y)
      for (int64_t x = 0; x < image.width; ++x) pixel(n, y, x);
}

/// The part of a window that lies within the image: [first, last) in steps of the dilation.
struct Span {
  int64_t first, last;

  static Span of(const Window& w, size_t i, int64_t at, int64_t size) {
    int64_t first = at * w.stride[i] - w.pad_before[i];
    const int64_t last = std::min(size, first + w.dilation[i] * (w.kernel[i] - 1) + 1);
    if (first < 0) first += (-first + w.dilation[i] - 1) / w.dilation[i] * w.dilation[i];
    return {first, last};
  }
};

/// Integers with the operand's encoding, or floats: the largest of either is the largest number.
MadeKernel make_max_pool(const Plan& plan, const Step& step, const Window& w) {
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  if (in.dtype != out.dtype || !(in.quant == out.quant)) return nullptr;
  return for_number(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    return kernel_of([from = step.inputs[0], to = step.output, x = Image(in), y = Image(out), w](const Memory& m) {
      const T* source = m.read<T>(from);
      T* target = m.write<T>(to);
      constexpr T kLeast =
          std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
      each_pixel(y, [&](int64_t n, int64_t row, int64_t column) {
        T* best = target + y.at(n, row, column);
        std::fill_n(best, y.channels, kLeast);
        const Span rows = Span::of(w, 0, row, x.height), columns = Span::of(w, 1, column, x.width);
        for (int64_t i = rows.first; i < rows.last; i += w.dilation[0])
          for (int64_t j = columns.first; j < columns.last; j += w.dilation[1]) {
            const T* pixel = source + x.at(n, i, j);
            for (int64_t c = 0; c < y.channels; ++c) best[c] = std::max(best[c], pixel[c]);
          }
      });
    });
  });
}

/// Of floats. Padding counts or does not; what a window reaches beyond the padding never does.
MadeKernel make_average_pool(const Plan& plan, const Step& step, const Window& w) {
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  if (in.dtype != DType::kFloat32 || out.dtype != DType::kFloat32) return nullptr;
  return kernel_of([from = step.inputs[0], to = step.output, x = Image(in), y = Image(out), w](const Memory& m) {
    const float* source = m.read<float>(from);
    float* target = m.write<float>(to);
    const auto padded = [&](size_t i, int64_t at, int64_t size) {
      const int64_t first = at * w.stride[i] - w.pad_before[i];
      return std::min(first + w.kernel[i], size + w.pad_after[i]) - first;
    };
    each_pixel(y, [&](int64_t n, int64_t row, int64_t column) {
      float* sum = target + y.at(n, row, column);
      std::fill_n(sum, y.channels, 0.0F);
      const Span rows = Span::of(w, 0, row, x.height), columns = Span::of(w, 1, column, x.width);
      int64_t count = 0;
      for (int64_t i = rows.first; i < rows.last; i += w.dilation[0])
        for (int64_t j = columns.first; j < columns.last; j += w.dilation[1], ++count) {
          const float* pixel = source + x.at(n, i, j);
          for (int64_t c = 0; c < y.channels; ++c) sum[c] += pixel[c];
        }
      if (w.count_padding) count = padded(0, row, x.height) * padded(1, column, x.width);
      for (int64_t c = 0; c < y.channels; ++c) sum[c] /= static_cast<float>(count);
    });
  });
}

/// Where a pixel of the result lies in the operand.
struct Position {
  float scale, shift;
  int64_t size;

  Position(const Resizing& r, int64_t from, int64_t to)
      : scale(r.align_corners ? (to > 1 ? static_cast<float>(from - 1) / static_cast<float>(to - 1) : 0.0F)
                              : static_cast<float>(from) / static_cast<float>(to)),
        shift(r.half_pixel ? 0.5F : 0.0F),
        size(from) {
    if (r.zero_of_one && to == 1) scale = shift = 0;
  }
  float of(int64_t i) const { return (static_cast<float>(i) + shift) * scale - shift; }
};

MadeKernel make_nearest(const Plan& plan, const Step& step, const Resizing& r) {
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  if (in.dtype != out.dtype) return nullptr;
  const Image x(in), y(out);
  const auto picks = [&](int64_t from, int64_t to) {
    const Position position(r, from, to);
    std::vector<int64_t> picked;
    for (int64_t i = 0; i < to; ++i) {
      const float at = position.of(i);
      const float whole = r.nearest == Resizing::Nearest::kFloor         ? std::floor(at)
                          : r.nearest == Resizing::Nearest::kCeil        ? std::ceil(at)
                          : r.nearest == Resizing::Nearest::kPreferFloor ? std::ceil(at - 0.5F)
                                                                         : std::floor(at + 0.5F);
      picked.push_back(std::clamp(static_cast<int64_t>(whole), int64_t{0}, from - 1));
    }
    return picked;
  };
  return for_number(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    return kernel_of([from = step.inputs[0], to = step.output, x, y, rows = picks(x.height, y.height),
                      columns = picks(x.width, y.width)](const Memory& m) {
      const T* source = m.read<T>(from);
      T* target = m.write<T>(to);
      each_pixel(y, [&](int64_t n, int64_t row, int64_t column) {
        const T* pixel = source + x.at(n, rows[static_cast<size_t>(row)], columns[static_cast<size_t>(column)]);
        std::copy_n(pixel, y.channels, target + y.at(n, row, column));
      });
    });
  });
}

struct Blend {
  int64_t low, high;
  float share;  // of `high`
};

std::vector<Blend> blends(const Resizing& r, int64_t from, int64_t to) {
  const Position position(r, from, to);
  std::vector<Blend> out;
  for (int64_t i = 0; i < to; ++i) {
    const float at = std::clamp(position.of(i), 0.0F, static_cast<float>(from - 1));
    const auto low = static_cast<int64_t>(at);
    out.push_back({low, std::min(low + 1, from - 1), at - static_cast<float>(low)});
  }
  return out;
}

MadeKernel make_linear(const Plan& plan, const Step& step, const Resizing& r) {
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  if (in.dtype != DType::kFloat32 || out.dtype != DType::kFloat32) return nullptr;
  const Image x(in), y(out);
  return kernel_of([from = step.inputs[0], to = step.output, x, y, rows = blends(r, x.height, y.height),
                    columns = blends(r, x.width, y.width)](const Memory& m) {
    const float* source = m.read<float>(from);
    float* target = m.write<float>(to);
    each_pixel(y, [&](int64_t n, int64_t row, int64_t column) {
      const Blend &v = rows[static_cast<size_t>(row)], &h = columns[static_cast<size_t>(column)];
      const float *a = source + x.at(n, v.low, h.low), *b = source + x.at(n, v.low, h.high),
                  *c = source + x.at(n, v.high, h.low), *d = source + x.at(n, v.high, h.high);
      float* pixel = target + y.at(n, row, column);
      for (int64_t i = 0; i < y.channels; ++i)
        pixel[i] = (1 - v.share) * (1 - h.share) * a[i] + (1 - v.share) * h.share * b[i] +
                   v.share * (1 - h.share) * c[i] + v.share * h.share * d[i];
    });
  });
}

}  // namespace

MadeKernel make_window(const Plan& plan, const Step& step) {
  if (const auto* r = std::get_if<Resizing>(&step.params))
    return r->linear ? make_linear(plan, step, *r) : make_nearest(plan, step, *r);
  const auto* w = std::get_if<Window>(&step.params);
  if (w == nullptr) return nullptr;
  return step.kind == StepKind::kMaxPool ? make_max_pool(plan, step, *w) : make_average_pool(plan, step, *w);
}

}  // namespace snapgauge
