// Convolutions and matrix products of floats.
#include "runtime/products.h"

#include <Eigen/Core>

namespace snapgauge {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;
using View = Eigen::Map<const Matrix, 0, Stride>;
using Target = Eigen::Map<Matrix, 0, Stride>;

bool all_float(const Plan& plan, const Step& step) {
  for (const BufferId id : step.inputs)
    if (id.valid() && plan.buffer(id).dtype != DType::kFloat32) return false;
  return plan.buffer(step.output).dtype == DType::kFloat32;
}

bool has(const Step& step, size_t i) { return i < step.inputs.size() && step.inputs[i].valid(); }

class Convolution final : public Kernel {
 public:
  Convolution(const ConvShape& shape, const Step& step) : shape_(shape), in_(step.inputs), out_(step.output) {}

  uint64_t scratch() const override {
    return static_cast<uint64_t>(band() * shape_.columns * shape_.depth()) * sizeof(float);
  }

  void run(const Memory& m) const override {
    const ConvShape& s = shape_;
    const float* bias = in_.size() > 2 && in_[2].valid() ? m.read<float>(in_[2]) : nullptr;
    const int64_t at_once = band();
    for (int64_t n = 0; n < s.batch; ++n) {
      const float* x = m.read<float>(in_[0]) + n * s.height * s.width * s.channels;
      float* y = m.write<float>(out_) + n * s.rows * s.columns * s.results;
      if (s.is_depthwise()) {
        depthwise(x, m.read<float>(in_[1]), bias, y);
        continue;
      }
      for (int64_t g = 0; g < s.window.groups; ++g)
        for (int64_t row = 0; row < s.rows; row += at_once)
          rows(m, x, g, row, std::min(at_once, s.rows - row), bias, y);
    }
  }

 private:
  int64_t band() const { return shape_.band(shape_.depth() * static_cast<int64_t>(sizeof(float))); }

  void rows(const Memory& m, const float* x, int64_t g, int64_t first, int64_t count, const float* bias,
            float* y) const {
    const ConvShape& s = shape_;
    float* windows = m.scratch<float>();
    float* to = windows;
    const int64_t channels = s.group_channels;
    each_tap(
        s, first, count, [&](int64_t pixel) { to = std::copy_n(x + pixel * s.channels + g * channels, channels, to); },
        [&] { to = std::fill_n(to, channels, 0.0F); });
    const int64_t pixels = count * s.columns;
    const View a(windows, pixels, s.depth(), Stride(s.depth()));
    const View w(m.read<float>(in_[1]) + g * s.group_results, s.depth(), s.group_results, Stride(s.results));
    Target out(y + first * s.columns * s.results + g * s.group_results, pixels, s.group_results, Stride(s.results));
    out.noalias() = a * w;
    if (bias != nullptr)
      out.rowwise() += Eigen::Map<const Eigen::RowVectorXf>(bias + g * s.group_results, s.group_results);
  }

  void depthwise(const float* x, const float* weights, const float* bias, float* y) const {
    const ConvShape& s = shape_;
    int64_t tap = 0;
    float* to = y - s.results;
    const auto next = [&] {
      if (tap == 0) {
        to += s.results;
        for (int64_t c = 0; c < s.results; ++c) to[c] = bias == nullptr ? 0.0F : bias[c];
      }
      const float* own = weights + tap * s.results;
      tap = tap + 1 == s.taps ? 0 : tap + 1;
      return own;
    };
    each_tap(
        s, 0, s.rows,
        [&](int64_t pixel) {
          const float *from = x + pixel * s.channels, *own = next();
          for (int64_t c = 0; c < s.results; ++c) to[c] += from[c] * own[c];
        },
        next);
  }

  ConvShape shape_;
  std::vector<BufferId> in_;
  BufferId out_;
};

/// Every pixel of the operand is spread over a window of the result.
MadeKernel make_transposed(const Step& step, const ConvShape& s) {
  return kernel_of([s, in = step.inputs, out = step.output](const Memory& m) {
    const float *x = m.read<float>(in[0]), *weights = m.read<float>(in[1]);
    const float* bias = in.size() > 2 && in[2].valid() ? m.read<float>(in[2]) : nullptr;
    float* y = m.write<float>(out);
    for (int64_t p = 0; p < s.batch * s.rows * s.columns; ++p)
      for (int64_t c = 0; c < s.results; ++c) y[p * s.results + c] = bias == nullptr ? 0.0F : bias[c];
    each_spread(s, [&](int64_t from, int64_t to, int64_t t) {
      for (int64_t c = 0; c < s.channels; ++c) {
        const float value = x[from * s.channels + c];
        const float* tap = weights + (t * s.channels + c) * s.group_results;
        float* pixel = y + to * s.results + c / s.group_channels * s.group_results;
        for (int64_t r = 0; r < s.group_results; ++r) pixel[r] += value * tap[r];
      }
    });
  });
}

MadeKernel make_float_matmul(const Plan& plan, const Step& step) {
  const std::vector<int64_t>&a = plan.buffer(step.inputs[0]).dims, &b = plan.buffer(step.inputs[1]).dims,
        &y = plan.buffer(step.output).dims;
  const int64_t rows = y[y.size() - 2], columns = y.back(), depth = a.back();
  const BufferId bias = has(step, 2) ? step.inputs[2] : BufferId{};
  return kernel_of(
      [in = step.inputs, out = step.output, bias, rows, columns, depth, batches = Batches(a, b, y)](const Memory& m) {
        float* target = m.write<float>(out);
        for (const Batches::Offsets& at : batches.all) {
          const View left(m.read<float>(in[0]) + at.a * rows * depth, rows, depth, Stride(depth));
          const View right(m.read<float>(in[1]) + at.b * depth * columns, depth, columns, Stride(columns));
          Target result(target, rows, columns, Stride(columns));
          result.noalias() = left * right;
          if (bias.valid()) result.rowwise() += Eigen::Map<const Eigen::RowVectorXf>(m.read<float>(bias), columns);
          target += rows * columns;
        }
      });
}

}  // namespace

Batches::Batches(const std::vector<int64_t>& a, const std::vector<int64_t>& b, const std::vector<int64_t>& y) {
  int64_t count = 1;
  for (size_t i = 0; i + 2 < y.size(); ++i) count *= y[i];
  const auto place = [&](const std::vector<int64_t>& dims, int64_t part) {
    int64_t at = 0, stride = 1;
    for (size_t i = 0; i + 2 < y.size(); ++i) {
      const size_t d = y.size() - 3 - i;
      const int64_t index = part % y[d];
      part /= y[d];
      if (i + 3 > dims.size()) continue;
      const int64_t size = dims[dims.size() - 3 - i];
      at += size == 1 ? 0 : index * stride;
      stride *= size;
    }
    return at;
  };
  for (int64_t part = 0; part < count; ++part) all.push_back({place(a, part), place(b, part)});
}

MadeKernel make_product(const Plan& plan, const Step& step) {
  if (step.kind == StepKind::kMatMul)
    return all_float(plan, step) ? make_float_matmul(plan, step) : make_integer_matmul(plan, step);
  const auto* w = std::get_if<Window>(&step.params);
  if (w == nullptr) return nullptr;
  if (!all_float(plan, step)) return make_integer_convolution(plan, step);
  const ConvShape shape(*w, plan.buffer(step.inputs[0]), plan.buffer(step.output));
  if (step.kind == StepKind::kTransposedConvolution) return make_transposed(step, shape);
  return std::make_unique<Convolution>(shape, step);
}

}  // namespace snapgauge
