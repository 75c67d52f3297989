// What looks along dimensions: softmax, norms, sums and their kind, the place of the largest.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "runtime/kernel.h"
#include "runtime/rounding.h"

namespace snapgauge {
namespace {

MadeKernel make_softmax(const Plan& plan, const Step& step, const OverAxes& over) {
  const AroundAxis around(plan.buffer(step.output).dims, static_cast<size_t>(over.axes[0]));
  const bool log = over.function == Function::kLog;
  return kernel_of([in = step.inputs[0], out = step.output, around, log](const Memory& m) {
    const float* x = m.read<float>(in);
    float* y = m.write<float>(out);
    for (int64_t o = 0; o < around.outer; ++o)
      for (int64_t i = 0; i < around.inner; ++i) {
        const int64_t first = o * around.size * around.inner + i;
        float most = -std::numeric_limits<float>::infinity();
        for (int64_t k = 0; k < around.size; ++k) most = std::max(most, x[first + k * around.inner]);
        float sum = 0;
        for (int64_t k = 0; k < around.size; ++k) {
          const int64_t at = first + k * around.inner;
          sum += y[at] = std::exp(x[at] - most);
        }
        const float log_sum = log ? std::log(sum) : 0;
        for (int64_t k = 0; k < around.size; ++k) {
          const int64_t at = first + k * around.inner;
          y[at] = log ? x[at] - most - log_sum : y[at] / sum;
        }
      }
  });
}

/// Of 8-bit integers, as ONNX Runtime's kernel has it: numbers of 1 / scale, rounded down, in the result, of
/// exponentials that a table has for every distance from the largest operand.
template <class Q>
MadeKernel make_quantized_softmax(const Plan& plan, const Step& step, const OverAxes& over) {
  const BufferQuant &x = plan.buffer(step.inputs[0]).quant, &y = plan.buffer(step.output).quant;
  if (!x.per_tensor() || !y.per_tensor() || over.function == Function::kLog) return nullptr;
  const AroundAxis around(plan.buffer(step.output).dims, static_cast<size_t>(over.axes[0]));
  const auto scale = static_cast<double>(x.scales[0]);
  // As large as sums of them can be without leaving float.
  const float most = std::numeric_limits<float>::max() / static_cast<float>(std::max<int64_t>(1, around.size));
  const double shift = std::max(0.0, static_cast<double>(std::log(most)) - 5) / scale;
  std::array<float, 256> table{};  // by 255 less the distance
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = static_cast<float>(std::exp((static_cast<double>(i) - 255 + shift) * scale));
  return kernel_of([in = step.inputs[0], out = step.output, around, table, steps = std::floor(1.0F / y.scales[0]),
                    zero = y.zero_points[0]](const Memory& m) {
    const Q* from = m.read<Q>(in);
    Q* to = m.write<Q>(out);
    for (int64_t o = 0; o < around.outer; ++o)
      for (int64_t i = 0; i < around.inner; ++i) {
        const int64_t first = o * around.size * around.inner + i;
        int32_t largest = INT32_MIN;
        for (int64_t k = 0; k < around.size; ++k) largest = std::max(largest, int32_t{from[first + k * around.inner]});
        const auto exponential = [&](int64_t k) {
          const int32_t place = 255 - largest + int32_t{from[first + k * around.inner]};
          return table[static_cast<size_t>(place)];
        };
        float sum = 0;
        for (int64_t k = 0; k < around.size; ++k) sum += exponential(k);
        for (int64_t k = 0; k < around.size; ++k)
          to[first + k * around.inner] = to_integer<Q>(exponential(k) * steps / sum, zero);
      }
  });
}

/// Over everything from an axis on: y = (x - mean) / sqrt(variance + epsilon) * scale + bias.
MadeKernel make_norm(const Plan& plan, const Step& step, const OverAxes& over) {
  const std::vector<int64_t>& dims = plan.buffer(step.inputs[0]).dims;
  int64_t rows = 1, size = 1;
  for (size_t d = 0; d < dims.size(); ++d) (static_cast<int64_t>(d) < over.axes[0] ? rows : size) *= dims[d];
  const auto fits = [&](size_t i) {
    if (i >= step.inputs.size() || !step.inputs[i].valid()) return true;
    const Buffer& b = plan.buffer(step.inputs[i]);
    return b.dtype == DType::kFloat32 && b.elements() == static_cast<uint64_t>(size);
  };
  if (!fits(1) || !fits(2)) return nullptr;
  const bool centred = step.kind == StepKind::kLayerNorm;
  return kernel_of([in = step.inputs, out = step.output, rows, size, centred, epsilon = over.epsilon](const Memory& m) {
    const float* x = m.read<float>(in[0]);
    const float* scale = in.size() > 1 && in[1].valid() ? m.read<float>(in[1]) : nullptr;
    const float* bias = in.size() > 2 && in[2].valid() ? m.read<float>(in[2]) : nullptr;
    float* y = m.write<float>(out);
    for (int64_t r = 0; r < rows; ++r, x += size, y += size) {
      double sum = 0, squares = 0;
      for (int64_t i = 0; i < size; ++i) sum += x[i];
      const double mean = centred ? sum / static_cast<double>(size) : 0;
      for (int64_t i = 0; i < size; ++i) squares += (x[i] - mean) * (x[i] - mean);
      const double deviation = std::sqrt(squares / static_cast<double>(size) + static_cast<double>(epsilon));
      for (int64_t i = 0; i < size; ++i) {
        const auto normal = static_cast<float>((x[i] - mean) / deviation);
        y[i] = normal * (scale == nullptr ? 1.0F : scale[i]) + (bias == nullptr ? 0.0F : bias[i]);
      }
    }
  });
}

struct Reduced {
  double sum = 0, product = 1;
  float largest = -std::numeric_limits<float>::infinity(), smallest = std::numeric_limits<float>::infinity();
};

/// Any axes: every element goes to the place of its other dimensions.
MadeKernel make_reduce(const Plan& plan, const Step& step, const OverAxes& over) {
  const std::vector<int64_t> dims = plan.buffer(step.inputs[0]).dims;
  std::vector<int64_t> strides(dims.size());
  int64_t results = 1, each = 1;
  for (size_t d = dims.size(); d-- > 0;) {
    const bool gone = std::find(over.axes.begin(), over.axes.end(), static_cast<int64_t>(d)) != over.axes.end();
    strides[d] = gone ? 0 : results;
    (gone ? each : results) *= dims[d];
  }
  if (plan.buffer(step.output).elements() != static_cast<uint64_t>(results)) return nullptr;
  return kernel_of([in = step.inputs[0], out = step.output, dims, strides, results, each,
                    function = over.function](const Memory& m) {
    const float* x = m.read<float>(in);
    float* y = m.write<float>(out);
    std::vector<Reduced> all(static_cast<size_t>(results));
    std::vector<int64_t> at(dims.size());
    int64_t to = 0;
    for (int64_t i = 0; i < results * each; ++i) {
      Reduced& r = all[static_cast<size_t>(to)];
      r.sum += x[i];
      r.product *= x[i];
      r.largest = std::max(r.largest, x[i]);
      r.smallest = std::min(r.smallest, x[i]);
      for (size_t d = dims.size(); d-- > 0;) {
        to += strides[d];
        if (++at[d] < dims[d]) break;
        to -= strides[d] * dims[d];
        at[d] = 0;
      }
    }
    for (int64_t i = 0; i < results; ++i) {
      const Reduced& r = all[static_cast<size_t>(i)];
      switch (function) {
        case Function::kLargest: y[i] = r.largest; break;
        case Function::kSmallest: y[i] = r.smallest; break;
        case Function::kMean: y[i] = static_cast<float>(r.sum / static_cast<double>(each)); break;
        case Function::kProduct: y[i] = static_cast<float>(r.product); break;
        default: y[i] = static_cast<float>(r.sum);
      }
    }
  });
}

/// The first of equal ones.
template <class T>
MadeKernel make_argmax(const Plan& plan, const Step& step, size_t axis, bool smallest) {
  const AroundAxis around(plan.buffer(step.inputs[0]).dims, axis);
  const auto make = [&](auto zero) {
    using I = decltype(zero);
    return kernel_of([in = step.inputs[0], out = step.output, around, smallest](const Memory& m) {
      const T* x = m.read<T>(in);
      I* y = m.write<I>(out);
      for (int64_t o = 0; o < around.outer; ++o)
        for (int64_t i = 0; i < around.inner; ++i) {
          const int64_t first = o * around.size * around.inner + i;
          int64_t best = 0;
          for (int64_t k = 1; k < around.size; ++k)
            if (const T v = x[first + k * around.inner], now = x[first + best * around.inner];
                smallest ? v < now : v > now)
              best = k;
          y[o * around.inner + i] = static_cast<I>(best);
        }
    });
  };
  if (plan.buffer(step.output).dtype == DType::kInt32) return make(int32_t{});
  return plan.buffer(step.output).dtype == DType::kInt64 ? make(int64_t{}) : nullptr;
}

}  // namespace

MadeKernel make_reduction(const Plan& plan, const Step& step) {
  const auto* over = std::get_if<OverAxes>(&step.params);
  const Buffer& in = plan.buffer(step.inputs[0]);
  if (over == nullptr || (over->axes.empty() && step.kind != StepKind::kReduce)) return nullptr;
  for (const int64_t axis : over->axes)
    if (axis < 0 || static_cast<size_t>(axis) >= in.dims.size()) return nullptr;
  if (step.kind == StepKind::kArgMax)
    return for_number(in.dtype, [&](auto zero) {
      return make_argmax<decltype(zero)>(plan, step, static_cast<size_t>(over->axes[0]),
                                         over->function == Function::kSmallest);
    });
  const DType made = plan.buffer(step.output).dtype;
  if (step.kind == StepKind::kSoftmax && !in.quant.empty() && in.dtype == made) {
    if (made == DType::kUint8) return make_quantized_softmax<uint8_t>(plan, step, *over);
    return made == DType::kInt8 ? make_quantized_softmax<int8_t>(plan, step, *over) : nullptr;
  }
  if (in.dtype != DType::kFloat32 || made != DType::kFloat32) return nullptr;
  switch (step.kind) {
    case StepKind::kSoftmax: return make_softmax(plan, step, *over);
    case StepKind::kReduce: return make_reduce(plan, step, *over);
    default: return make_norm(plan, step, *over);
  }
}

}  // namespace snapgauge
