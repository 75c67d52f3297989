// Convolutions and matrix products of integers, exact: zero points are taken off the operands, 16-bit numbers are split
// into a high and a low byte, and products of 16-bit integers are summed in 32 bits as long as they fit, then in 64.
#include <cmath>
#include <optional>

#include "runtime/products.h"
#include "runtime/rounding.h"

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define SNAPGAUGE_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define SNAPGAUGE_CLONES
#endif

namespace snapgauge {
namespace {

/// Sums of products of one row with `Columns` others, `stride` apart.
constexpr int kColumns = 4;

SNAPGAUGE_CLONES void dot(const int16_t* a, const int16_t* b, int64_t stride, int64_t count, int32_t* sums) {
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  const int16_t *b0 = b, *b1 = b + stride, *b2 = b + 2 * stride, *b3 = b + 3 * stride;
  for (int64_t k = 0; k < count; ++k) {
    s0 += a[k] * b0[k];
    s1 += a[k] * b1[k];
    s2 += a[k] * b2[k];
    s3 += a[k] * b3[k];
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/// Numbers of up to 17 bits as sums of 16-bit ones: value = first + 256 * second.
struct Split {
  bool two = false;

  static Split of(DType dtype) { return {bit_width(dtype) > 8}; }
  int planes() const { return two ? 2 : 1; }
  void put(int32_t value, int16_t* first, int16_t* second) const {
    *first = static_cast<int16_t>(two ? value & 255 : value);
    if (two) *second = static_cast<int16_t>(value >> 8);
  }
};

/// The numbers of a quantized tensor, less its zero points.
struct Integers {
  DType dtype;
  std::vector<int32_t> zero_points;
  Split split;
  const std::byte* data = nullptr;  // of constants

  explicit Integers(const Buffer& b)
      : dtype(b.dtype), zero_points(b.quant.zero_points), split(Split::of(b.dtype)), data(b.data.data()) {}

  /// Calls `use(i, number)` for `count` elements from `first` on.
  template <class Use>
  void each(const std::byte* from, int64_t first, int64_t count, Use use) const {
    const int32_t zero = zero_points[0];
    const auto walk = [&](auto type) {
      const auto* x = reinterpret_cast<const decltype(type)*>(from) + first;
      for (int64_t i = 0; i < count; ++i) use(i, int32_t{x[i]} - zero);
    };
    switch (dtype) {
      case DType::kInt8: return walk(int8_t{});
      case DType::kUint8: return walk(uint8_t{});
      case DType::kInt16: return walk(int16_t{});
      default: return walk(uint16_t{});
    }
  }
  void split_into(const std::byte* from, int64_t first, int64_t count, int16_t* low, int16_t* high) const {
    if (split.two)
      each(from, first, count, [&](int64_t i, int32_t value) { split.put(value, low + i, high + i); });
    else
      each(from, first, count, [&](int64_t i, int32_t value) { low[i] = static_cast<int16_t>(value); });
  }
  /// Of a constant.
  int32_t number(int64_t i, size_t channel) const {
    int32_t out = 0;
    each(data, i, 1, [&](int64_t, int32_t value) { out = value; });
    return zero_points.size() == 1 ? out : out + zero_points[0] - zero_points[channel];
  }
};

/// Columns of the right-hand side, each contiguous, one plane behind the other. Room for whole groups of columns.
struct Columns {
  int64_t count = 0, depth = 0;
  Split split;
  int32_t largest = 1;  // magnitude in any plane
  const int16_t* data = nullptr;

  int64_t padded() const { return (count + kColumns - 1) / kColumns * kColumns; }
  int64_t plane() const { return padded() * depth; }
  uint64_t bytes() const { return static_cast<uint64_t>(plane() * split.planes()) * sizeof(int16_t); }
  const int16_t* column(int plane_index, int64_t n) const { return data + plane_index * plane() + n * depth; }
};

/// sums[row][column] += 256^(planes) * ...: rows as Columns has columns.
void multiply(const int16_t* rows, int64_t row_count, const Split& row_split, const Columns& right, int64_t* sums) {
  const int64_t row_plane = row_count * right.depth;
  const int64_t block = std::max<int64_t>(1, INT32_MAX / (int64_t{256} * right.largest));
  std::fill_n(sums, row_count * right.padded(), 0);
  for (int p = 0; p < row_split.planes(); ++p)
    for (int q = 0; q < right.split.planes(); ++q) {
      const int64_t weight = int64_t{1} << (8 * (p + q));
      for (int64_t r = 0; r < row_count; ++r)
        for (int64_t n = 0; n < right.padded(); n += kColumns)
          for (int64_t k = 0; k < right.depth; k += block) {
            int32_t part[kColumns];
            dot(rows + p * row_plane + r * right.depth + k, right.column(q, n) + k, right.depth,
                std::min(block, right.depth - k), part);
            for (int i = 0; i < kColumns; ++i) sums[r * right.padded() + n + i] += weight * part[i];
          }
    }
}

/// From sums to what is stored: rne((sum + bias) * scale) + zero point. Of 8-bit operands in float, as ONNX Runtime's
/// integer kernels have it; of wider ones, whose sums no float holds, in double.
struct Finish {
  std::vector<int64_t> bias;       // by column, in steps of operand scale * weight scale
  std::vector<double> exact_bias;  // the same unrounded, for sums that are finished in double
  std::vector<double> scales;      // by column
  int32_t zero_point = 0;
  bool wide = false;

  DType dtype = DType::kFloat32;

  /// Columns [first, first + count) go to elements from `at` on.
  void store(const int64_t* sums, int64_t first, int64_t count, std::byte* out, int64_t at) const {
    switch (dtype) {
      case DType::kInt8: return store_as(sums, first, count, reinterpret_cast<int8_t*>(out) + at);
      case DType::kUint8: return store_as(sums, first, count, reinterpret_cast<uint8_t*>(out) + at);
      case DType::kInt16: return store_as(sums, first, count, reinterpret_cast<int16_t*>(out) + at);
      case DType::kUint16: return store_as(sums, first, count, reinterpret_cast<uint16_t*>(out) + at);
      default: return store_as(sums, first, count, reinterpret_cast<float*>(out) + at);
    }
  }

 private:
  template <class Out>
  void store_as(const int64_t* sums, int64_t first, int64_t count, Out* y) const {
    for (int64_t c = 0; c < count; ++c) {
      const auto channel = static_cast<size_t>(first + c);
      const int64_t sum = sums[c] + bias[channel];
      const double exact = static_cast<double>(sums[c]) + exact_bias[channel];
      if constexpr (std::is_same_v<Out, float>)
        y[c] = static_cast<float>(exact * scales[channel]);
      else if (wide)
        y[c] = to_integer<Out>(exact * scales[channel], zero_point);
      else
        y[c] = to_integer<Out>(static_cast<float>(sum) * static_cast<float>(scales[channel]), zero_point);
    }
  }
};

bool is_integer_operand(const Buffer& b) {
  const bool known =
      b.dtype == DType::kInt8 || b.dtype == DType::kUint8 || b.dtype == DType::kInt16 || b.dtype == DType::kUint16;
  return known && !b.quant.empty();
}

float at_channel(const std::vector<float>& v, size_t c) { return v.size() == 1 ? v[0] : v[c]; }
int32_t at_channel(const std::vector<int32_t>& v, size_t c) { return v.size() == 1 ? v[0] : v[c]; }

/// A bias in steps of the sums, `product` being the size of one; no whole number where it has a scale of its own.
double bias_steps(const Buffer& b, size_t c, double product) {
  if (b.dtype == DType::kFloat32)
    return static_cast<double>(reinterpret_cast<const float*>(b.data.data())[c]) / product;
  const auto number = int64_t{reinterpret_cast<const int32_t*>(b.data.data())[c]};
  if (b.quant.empty()) return static_cast<double>(number);
  const double scale = at_channel(b.quant.scales, c);
  return static_cast<double>(number - at_channel(b.quant.zero_points, c)) * (scale / product);
}

/// As integer kernels add it: scales that are the product's but for their rounding to float count as equal.
int64_t whole_bias(double steps) {
  constexpr double kMost = 9e18;
  return std::llround(std::clamp(steps, -kMost, kMost));
}

/// Whether kernels here take the encodings: activations per tensor, weights per result channel or per tensor.
bool fits(const Buffer& x, const Buffer& w, const Buffer& y) {
  if (!is_integer_operand(x) || !is_integer_operand(w) || !x.quant.per_tensor()) return false;
  if (!w.quant.per_tensor() && w.quant.axis + 1 != static_cast<int>(w.dims.size())) return false;
  return y.dtype == DType::kFloat32 || (is_integer_operand(y) && y.quant.per_tensor());
}

std::optional<Finish> finish_of(const Plan& plan, const Step& step, size_t columns) {
  const Buffer &x = plan.buffer(step.inputs[0]), &w = plan.buffer(step.inputs[1]), &y = plan.buffer(step.output);
  if (!fits(x, w, y)) return std::nullopt;
  const Buffer* bias = step.inputs.size() > 2 && step.inputs[2].valid() ? &plan.buffer(step.inputs[2]) : nullptr;
  if (bias != nullptr &&
      (bias->role != BufferRole::kConstant || (bias->dtype != DType::kInt32 && bias->dtype != DType::kFloat32)))
    return std::nullopt;
  if (bias != nullptr && bias->quant.scales.size() > 1 && bias->quant.scales.size() != columns) return std::nullopt;
  Finish out;
  out.dtype = y.dtype;
  out.wide = bit_width(x.dtype) > 8 || bit_width(w.dtype) > 8 || bit_width(y.dtype) == 16;
  out.zero_point = y.quant.empty() ? 0 : y.quant.zero_points[0];
  for (size_t c = 0; c < columns; ++c) {
    const float sx = x.quant.scales[0], sw = at_channel(w.quant.scales, c);
    const double product = static_cast<double>(sx) * sw;
    if (y.quant.empty())
      out.scales.push_back(product);
    else
      out.scales.push_back(out.wide ? product / y.quant.scales[0] : static_cast<double>(sx * sw / y.quant.scales[0]));
    const double steps = bias == nullptr ? 0 : bias_steps(*bias, c, product);
    out.exact_bias.push_back(steps);
    out.bias.push_back(whole_bias(steps));
  }
  return out;
}

/// Weights as columns, made once.
class PackedWeights {
 public:
  /// `value(depth index, column)`.
  template <class Value>
  PackedWeights(int64_t count, int64_t depth, Value value) {
    columns_.count = count;
    columns_.depth = depth;
    for (int64_t n = 0; n < count; ++n)
      for (int64_t k = 0; k < depth; ++k) columns_.largest = std::max(columns_.largest, std::abs(value(k, n)));
    columns_.split.two = columns_.largest > INT16_MAX;
    if (columns_.split.two) columns_.largest = 256;
    data_.resize(columns_.bytes() / sizeof(int16_t));
    for (int64_t n = 0; n < count; ++n)
      for (int64_t k = 0; k < depth; ++k) {
        int16_t* at = data_.data() + n * depth + k;
        columns_.split.put(value(k, n), at, columns_.split.two ? at + columns_.plane() : nullptr);
      }
    columns_.data = data_.data();
  }
  PackedWeights(PackedWeights&& other) noexcept : columns_(other.columns_), data_(std::move(other.data_)) {
    columns_.data = data_.data();
  }
  const Columns& columns() const { return columns_; }

 private:
  Columns columns_;
  std::vector<int16_t> data_;
};

class IntegerConvolution final : public Kernel {
 public:
  IntegerConvolution(const Plan& plan, const Step& step, const ConvShape& shape, Finish finish)
      : shape_(shape),
        finish_(std::move(finish)),
        x_(plan.buffer(step.inputs[0])),
        in_(step.inputs[0]),
        out_(step.output) {
    const Integers w(plan.buffer(step.inputs[1]));
    for (int64_t g = 0; g < shape.window.groups; ++g)
      weights_.emplace_back(shape.group_results, shape.depth(), [&](int64_t k, int64_t n) {
        const int64_t channel = g * shape.group_results + n;
        return w.number(k * shape.results + channel, static_cast<size_t>(channel));
      });
  }

  uint64_t scratch() const override {
    return windows_bytes() + static_cast<uint64_t>(pixels() * weights_[0].columns().padded()) * sizeof(int64_t);
  }

  void run(const Memory& m) const override {
    const int64_t band = rows_at_once();
    for (int64_t n = 0; n < shape_.batch; ++n)
      for (int64_t g = 0; g < shape_.window.groups; ++g)
        for (int64_t row = 0; row < shape_.rows; row += band) rows(m, n, g, row, std::min(band, shape_.rows - row));
  }

 private:
  int64_t rows_at_once() const {
    const int64_t window = shape_.depth() * x_.split.planes() * static_cast<int64_t>(sizeof(int16_t));
    return shape_.band(window + weights_[0].columns().padded() * static_cast<int64_t>(sizeof(int64_t)));
  }
  int64_t pixels() const { return rows_at_once() * shape_.columns; }
  uint64_t windows_bytes() const {
    return aligned(static_cast<uint64_t>(pixels() * shape_.depth() * x_.split.planes()) * sizeof(int16_t));
  }

  void rows(const Memory& m, int64_t n, int64_t g, int64_t first, int64_t count) const {
    const ConvShape& s = shape_;
    auto* windows = m.scratch<int16_t>();
    auto* sums = reinterpret_cast<int64_t*>(m.scratch<std::byte>() + windows_bytes());
    const int64_t plane = count * s.columns * s.depth(), channels = s.group_channels;
    const auto* image = m.read<std::byte>(in_);
    int16_t* to = windows;
    each_tap(
        s, first, count,
        [&](int64_t pixel) {
          x_.split_into(image, (n * s.height * s.width + pixel) * s.channels + g * channels, channels, to, to + plane);
          to += channels;
        },
        [&] {
          if (x_.split.two) std::fill_n(to + plane, channels, int16_t{0});
          to = std::fill_n(to, channels, int16_t{0});
        });
    const Columns& columns = weights_[static_cast<size_t>(g)].columns();
    multiply(windows, count * s.columns, x_.split, columns, sums);
    const int64_t start = (n * s.rows + first) * s.columns * s.results + g * s.group_results;
    for (int64_t p = 0; p < count * s.columns; ++p)
      finish_.store(sums + p * columns.padded(), g * s.group_results, s.group_results, m.write<std::byte>(out_),
                    start + p * s.results);
  }

  ConvShape shape_;
  Finish finish_;
  Integers x_;
  BufferId in_, out_;
  std::vector<PackedWeights> weights_;  // by group
};

/// Convolutions whose sums lie side by side by channel: depthwise and transposed ones.
class ChannelSums final : public Kernel {
 public:
  ChannelSums(const Plan& plan, const Step& step, const ConvShape& shape, Finish finish)
      : shape_(shape),
        finish_(std::move(finish)),
        x_(plan.buffer(step.inputs[0])),
        transposed_(step.kind == StepKind::kTransposedConvolution),
        in_(step.inputs[0]),
        out_(step.output) {
    const Buffer& buffer = plan.buffer(step.inputs[1]);
    const Integers w(buffer);
    const auto columns = buffer.dims.back();
    for (int64_t i = 0; i < static_cast<int64_t>(buffer.elements()); ++i)
      weights_.push_back(w.number(i, static_cast<size_t>(i % columns)));
  }

  uint64_t scratch() const override {
    return static_cast<uint64_t>((transposed_ ? shape_.batch * shape_.rows * shape_.columns : 1) * shape_.results) *
           sizeof(int64_t);
  }

  void run(const Memory& m) const override { transposed_ ? run_transposed(m) : run_depthwise(m); }

 private:
  void run_depthwise(const Memory& m) const {
    const ConvShape& s = shape_;
    auto* sums = m.scratch<int64_t>();
    int64_t tap = 0, done = 0;
    const auto behind = [&] {
      if (++tap < s.taps) return;
      finish_.store(sums, 0, s.results, m.write<std::byte>(out_), done);
      done += s.results;
      tap = 0;
      std::fill_n(sums, s.results, 0);
    };
    std::fill_n(sums, s.results, 0);
    for (int64_t n = 0; n < s.batch; ++n)
      each_tap(
          s, 0, s.rows,
          [&](int64_t pixel) {
            const int32_t* own = weights_.data() + tap * s.results;
            x_.each(m.read<std::byte>(in_), (n * s.height * s.width + pixel) * s.channels, s.results,
                    [&](int64_t c, int32_t value) { sums[c] += int64_t{value} * own[c]; });
            behind();
          },
          behind);
  }

  void run_transposed(const Memory& m) const {
    const ConvShape& s = shape_;
    auto* sums = m.scratch<int64_t>();
    const int64_t pixels = s.batch * s.rows * s.columns;
    std::fill_n(sums, pixels * s.results, 0);
    each_spread(s, [&](int64_t from, int64_t to, int64_t t) {
      x_.each(m.read<std::byte>(in_), from * s.channels, s.channels, [&](int64_t c, int32_t value) {
        const int32_t* tap = weights_.data() + (t * s.channels + c) * s.group_results;
        int64_t* pixel = sums + to * s.results + c / s.group_channels * s.group_results;
        for (int64_t r = 0; r < s.group_results; ++r) pixel[r] += int64_t{value} * tap[r];
      });
    });
    for (int64_t p = 0; p < pixels; ++p)
      finish_.store(sums + p * s.results, 0, s.results, m.write<std::byte>(out_), p * s.results);
  }

  ConvShape shape_;
  Finish finish_;
  Integers x_;
  bool transposed_;
  BufferId in_, out_;
  std::vector<int32_t> weights_;  // less their zero points, HWIO
};

class IntegerMatMul final : public Kernel {
 public:
  IntegerMatMul(const Plan& plan, const Step& step, Finish finish)
      : finish_(std::move(finish)),
        a_(plan.buffer(step.inputs[0])),
        b_(plan.buffer(step.inputs[1])),
        batches_(plan.buffer(step.inputs[0]).dims, plan.buffer(step.inputs[1]).dims, plan.buffer(step.output).dims),
        in_(step.inputs),
        out_(step.output) {
    const std::vector<int64_t>& y = plan.buffer(out_).dims;
    rows_ = y[y.size() - 2];
    columns_.count = y.back();
    columns_.depth = plan.buffer(in_[0]).dims.back();
    columns_.split = b_.split;
    columns_.largest = b_.split.two ? 256 : 255;
    const Buffer& b = plan.buffer(in_[1]);
    if (b.role != BufferRole::kConstant || b.dims.size() != 2) return;
    constant_ = std::make_unique<PackedWeights>(columns_.count, columns_.depth, [&](int64_t k, int64_t n) {
      return b_.number(k * columns_.count + n, static_cast<size_t>(n));
    });
    columns_ = constant_->columns();
  }

  uint64_t scratch() const override { return rows_bytes() + sums_bytes() + (constant_ ? 0 : columns_.bytes()); }

  void run(const Memory& m) const override {
    auto* left = m.scratch<int16_t>();
    auto* sums = reinterpret_cast<int64_t*>(m.scratch<std::byte>() + rows_bytes());
    const int64_t elements = rows_ * columns_.depth;
    int64_t done = 0;
    for (const Batches::Offsets& at : batches_.all) {
      a_.split_into(m.read<std::byte>(in_[0]), at.a * elements, elements, left, left + elements);
      multiply(left, rows_, a_.split, constant_ ? columns_ : packed(m, at.b), sums);
      for (int64_t r = 0; r < rows_; ++r, done += columns_.count)
        finish_.store(sums + r * columns_.padded(), 0, columns_.count, m.write<std::byte>(out_), done);
    }
  }

 private:
  uint64_t rows_bytes() const {
    return aligned(static_cast<uint64_t>(rows_ * columns_.depth * a_.split.planes()) * sizeof(int16_t));
  }
  uint64_t sums_bytes() const { return aligned(static_cast<uint64_t>(rows_ * columns_.padded()) * sizeof(int64_t)); }

  Columns packed(const Memory& m, int64_t matrix) const {
    Columns out = columns_;
    auto* data = reinterpret_cast<int16_t*>(m.scratch<std::byte>() + rows_bytes() + sums_bytes());
    const int64_t first = matrix * columns_.depth * columns_.count;
    std::fill_n(data, columns_.plane() * columns_.split.planes(), int16_t{0});
    for (int64_t k = 0; k < columns_.depth; ++k)
      b_.each(m.read<std::byte>(in_[1]), first + k * columns_.count, columns_.count, [&](int64_t n, int32_t value) {
        int16_t* at = data + n * columns_.depth + k;
        columns_.split.put(value, at, at + columns_.plane());
      });
    out.data = data;
    return out;
  }

  Finish finish_;
  Integers a_, b_;
  Batches batches_;
  std::vector<BufferId> in_;
  BufferId out_;
  int64_t rows_ = 0;
  Columns columns_;
  std::unique_ptr<PackedWeights> constant_;
};

}  // namespace

MadeKernel make_integer_convolution(const Plan& plan, const Step& step) {
  const auto* w = std::get_if<Window>(&step.params);
  if (plan.buffer(step.inputs[1]).role != BufferRole::kConstant) return nullptr;
  const ConvShape shape(*w, plan.buffer(step.inputs[0]), plan.buffer(step.output));
  const bool transposed = step.kind == StepKind::kTransposedConvolution;
  // Scales along the results of one group are not those of the whole.
  if (transposed && w->groups > 1 && !plan.buffer(step.inputs[1]).quant.per_tensor()) return nullptr;
  auto finish = finish_of(plan, step, static_cast<size_t>(shape.results));
  if (!finish) return nullptr;
  if (transposed || shape.is_depthwise()) return std::make_unique<ChannelSums>(plan, step, shape, std::move(*finish));
  return std::make_unique<IntegerConvolution>(plan, step, shape, std::move(*finish));
}

MadeKernel make_integer_matmul(const Plan& plan, const Step& step) {
  const Buffer& b = plan.buffer(step.inputs[1]);
  auto finish = finish_of(plan, step, static_cast<size_t>(plan.buffer(step.output).dims.back()));
  if (!finish || (b.role != BufferRole::kConstant && !b.quant.per_tensor())) return nullptr;
  return std::make_unique<IntegerMatMul>(plan, step, std::move(*finish));
}

}  // namespace snapgauge
