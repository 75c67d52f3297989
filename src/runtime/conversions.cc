// Between numbers and their integers, and from type to type.
#include <Eigen/Core>
#include <cmath>

#include "runtime/kernel.h"
#include "runtime/rounding.h"

namespace snapgauge {
namespace {

/// Scale and zero point of each index along the axis of a tensor; per tensor the axis has one index.
struct Scales {
  AroundAxis around;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;

  explicit Scales(const Buffer& b)
      : around(b.dims, b.quant.per_tensor() ? b.dims.size() : static_cast<size_t>(b.quant.axis)),
        scales(b.quant.scales),
        zero_points(b.quant.zero_points) {}

  /// Calls `use(first, count, scale, zero point)` for every run of elements with the same.
  template <class Use>
  void each(Use use) const {
    const auto groups = static_cast<int64_t>(scales.size());
    if (groups == 1) return use(0, around.outer * around.size * around.inner, scales[0], zero_points[0]);
    for (int64_t o = 0; o < around.outer; ++o)
      for (int64_t g = 0; g < groups; ++g) {
        const auto at = static_cast<size_t>(g);
        use((o * groups + g) * around.inner, around.inner, scales[at], zero_points[at]);
      }
  }
};

MadeKernel make_quantize(const Plan& plan, const Step& step) {
  const BufferId in = step.inputs[0], out = step.output;
  if (plan.buffer(in).dtype != DType::kFloat32 || plan.buffer(out).quant.empty()) return nullptr;
  return for_quantized(plan.buffer(out).dtype, [&](auto zero) {
    using Q = decltype(zero);
    return kernel_of([in, out, scales = Scales(plan.buffer(out))](const Memory& m) {
      const float* x = m.read<float>(in);
      Q* y = m.write<Q>(out);
      scales.each([&](int64_t first, int64_t count, float scale, int32_t zero_point) {
        for (int64_t i = first; i < first + count; ++i) y[i] = to_integer<Q>(x[i] / scale, zero_point);
      });
    });
  });
}

MadeKernel make_dequantize(const Plan& plan, const Step& step) {
  const BufferId in = step.inputs[0], out = step.output;
  if (plan.buffer(out).dtype != DType::kFloat32 || plan.buffer(in).quant.empty()) return nullptr;
  return for_quantized(plan.buffer(in).dtype, [&](auto zero) {
    using Q = decltype(zero);
    return kernel_of([in, out, scales = Scales(plan.buffer(in))](const Memory& m) {
      const Q* x = m.read<Q>(in);
      float* y = m.write<float>(out);
      scales.each([&](int64_t first, int64_t count, float scale, int32_t zero_point) {
        for (int64_t i = first; i < first + count; ++i) y[i] = static_cast<float>(int64_t{x[i]} - zero_point) * scale;
      });
    });
  });
}

/// Through the real number, as a DequantizeLinear and a QuantizeLinear would.
MadeKernel make_requantize(const Plan& plan, const Step& step) {
  const BufferId in = step.inputs[0], out = step.output;
  const BufferQuant& from = plan.buffer(in).quant;
  const BufferQuant& to = plan.buffer(out).quant;
  if (!from.per_tensor() || !to.per_tensor()) return nullptr;
  return for_quantized(plan.buffer(in).dtype, [&](auto zero_in) {
    return for_quantized(plan.buffer(out).dtype, [&](auto zero_out) {
      using From = decltype(zero_in);
      using To = decltype(zero_out);
      const auto count = static_cast<int64_t>(plan.buffer(in).elements());
      return kernel_of([in, out, count, scale = from.scales[0], zero_point = from.zero_points[0],
                        to_scale = to.scales[0], to_zero_point = to.zero_points[0]](const Memory& m) {
        const From* x = m.read<From>(in);
        To* y = m.write<To>(out);
        for (int64_t i = 0; i < count; ++i) {
          const float real = static_cast<float>(int64_t{x[i]} - zero_point) * scale;
          y[i] = to_integer<To>(real / to_scale, to_zero_point);
        }
      });
    });
  });
}

/// What does not fit becomes the nearest that does; not-a-number becomes 0.
template <class To, class From>
To cast_to(From v) {
  if constexpr (std::is_floating_point_v<From> && !std::is_floating_point_v<To>) {
    if (std::isnan(v)) return 0;
    if (v <= static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (v >= static_cast<From>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  }
  return static_cast<To>(v);
}

/// Half precision is stored, never computed with.
template <class From, class To>
MadeKernel half_kernel(const Plan& plan, const Step& step) {
  return kernel_of(
      [in = step.inputs[0], out = step.output, count = plan.buffer(step.output).elements()](const Memory& m) {
        const From* x = m.read<From>(in);
        To* y = m.write<To>(out);
        for (uint64_t i = 0; i < count; ++i) y[i] = static_cast<To>(x[i]);
      });
}

MadeKernel make_cast(const Plan& plan, const Step& step) {
  const DType from = plan.buffer(step.inputs[0]).dtype, to = plan.buffer(step.output).dtype;
  if (from == DType::kFloat16 && to == DType::kFloat32) return half_kernel<Eigen::half, float>(plan, step);
  if (from == DType::kFloat32 && to == DType::kFloat16) return half_kernel<float, Eigen::half>(plan, step);
  const BufferId in = step.inputs[0], out = step.output;
  const auto count = static_cast<int64_t>(plan.buffer(in).elements());
  const bool truth = plan.buffer(out).dtype == DType::kBool8;
  return for_number(plan.buffer(in).dtype, [&](auto zero_in) {
    return for_number(plan.buffer(out).dtype, [&](auto zero_out) {
      using From = decltype(zero_in);
      using To = decltype(zero_out);
      return kernel_of([in, out, count, truth](const Memory& m) {
        const From* x = m.read<From>(in);
        To* y = m.write<To>(out);
        for (int64_t i = 0; i < count; ++i) y[i] = truth ? static_cast<To>(x[i] != From{}) : cast_to<To>(x[i]);
      });
    });
  });
}

}  // namespace

MadeKernel make_conversion(const Plan& plan, const Step& step) {
  switch (step.kind) {
    case StepKind::kQuantize: return make_quantize(plan, step);
    case StepKind::kDequantize: return make_dequantize(plan, step);
    case StepKind::kRequantize: return make_requantize(plan, step);
    default: return make_cast(plan, step);
  }
}

}  // namespace snapgauge
