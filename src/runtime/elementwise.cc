// Element by element: functions of one operand, functions of two that broadcast, and selection.
#include <Eigen/Core>
#include <array>
#include <cmath>

#include "runtime/kernel.h"
#include "runtime/rounding.h"

namespace snapgauge {
namespace {

template <class F>
MadeKernel unary_kernel(const Plan& plan, const Step& step, F f) {
  const BufferId in = step.inputs[0], out = step.output;
  const auto count = static_cast<int64_t>(plan.buffer(out).elements());
  return kernel_of([in, out, count, f](const Memory& m) {
    const float* x = m.read<float>(in);
    float* y = m.write<float>(out);
    for (int64_t i = 0; i < count; ++i) y[i] = f(x[i]);
  });
}

float sigmoid(float x) {
  // Of the side on which exp() does not run out of range.
  const float e = std::exp(-std::abs(x));
  return x >= 0 ? 1.0F / (1.0F + e) : e / (1.0F + e);
}

/// Keeps what is not a number, as ONNX's Clip and Relu do.
float clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

MadeKernel make_activation(const Plan& plan, const Step& step, const Elementwise& e) {
  const auto of = [&](auto f) { return unary_kernel(plan, step, f); };
  const float a = e.a, b = e.b;
  switch (e.function) {
    case Function::kRelu: return of([](float x) { return x < 0 ? 0.0F : x; });
    case Function::kClip: return of([a, b](float x) { return clip(x, a, b); });
    case Function::kSigmoid: return of(sigmoid);
    case Function::kTanh: return of([](float x) { return std::tanh(x); });
    case Function::kElu: return of([a](float x) { return x < 0 ? a * std::expm1(x) : x; });
    case Function::kGelu: return of([](float x) { return 0.5F * x * (1.0F + std::erf(x * 0.70710678F)); });
    case Function::kHardSwish: return of([](float x) { return x * clip(x / 6.0F + 0.5F, 0.0F, 1.0F); });
    case Function::kHardSigmoid: return of([a, b](float x) { return clip(a * x + b, 0.0F, 1.0F); });
    case Function::kSoftplus: return of([](float x) { return std::max(x, 0.0F) + std::log1p(std::exp(-std::abs(x))); });
    default: return nullptr;
  }
}

MadeKernel make_not(const Plan& plan, const Step& step) {
  if (plan.buffer(step.inputs[0]).dtype != DType::kBool8 || plan.buffer(step.output).dtype != DType::kBool8)
    return nullptr;
  return kernel_of(
      [in = step.inputs[0], out = step.output, count = plan.buffer(step.output).elements()](const Memory& m) {
        const auto* x = m.read<uint8_t>(in);
        auto* y = m.write<uint8_t>(out);
        for (uint64_t i = 0; i < count; ++i) y[i] = x[i] == 0 ? 1 : 0;
      });
}

MadeKernel make_unary(const Plan& plan, const Step& step) {
  const auto* e = std::get_if<Elementwise>(&step.params);
  if (e != nullptr && e->function == Function::kNot) return make_not(plan, step);
  if (e == nullptr || plan.buffer(step.inputs[0]).dtype != DType::kFloat32 ||
      plan.buffer(step.output).dtype != DType::kFloat32)
    return nullptr;
  const auto of = [&](auto f) { return unary_kernel(plan, step, f); };
  switch (e->function) {
    case Function::kExp: return of([](float x) { return std::exp(x); });
    case Function::kLog: return of([](float x) { return std::log(x); });
    case Function::kSqrt: return of([](float x) { return std::sqrt(x); });
    case Function::kRsqrt: return of([](float x) { return 1.0F / std::sqrt(x); });
    case Function::kNeg: return of([](float x) { return -x; });
    case Function::kAbs: return of([](float x) { return std::abs(x); });
    case Function::kFloor: return of([](float x) { return std::floor(x); });
    case Function::kCeil: return of([](float x) { return std::ceil(x); });
    case Function::kRound: return of([](float x) { return std::nearbyint(x); });
    case Function::kSign: return of([](float x) { return x > 0 ? 1.0F : x < 0 ? -1.0F : x; });
    case Function::kSin: return of([](float x) { return std::sin(x); });
    case Function::kCos: return of([](float x) { return std::cos(x); });
    case Function::kErf: return of([](float x) { return std::erf(x); });
    case Function::kAsin: return of([](float x) { return std::asin(x); });
    case Function::kAtan: return of([](float x) { return std::atan(x); });
    case Function::kReciprocal: return of([](float x) { return 1.0F / x; });
    case Function::kHalf: return of([](float x) { return static_cast<float>(Eigen::half(x)); });
    default: return make_activation(plan, step, *e);
  }
}

/// Walks over a result, rows of its last dimension at a time, with where each operand's row begins.
template <size_t N>
class Broadcast {
 public:
  Broadcast(const Plan& plan, const Step& step) : dims_(plan.buffer(step.output).dims) {
    if (dims_.empty()) dims_.push_back(1);
    for (size_t k = 0; k < N; ++k) strides_[k] = strides_of(plan.buffer(step.inputs[k]).dims);
  }

  /// `row(first element of the result, elements, first of each operand, stride of each)`.
  template <class Row>
  void each(Row row) const {
    const size_t last = dims_.size() - 1;
    int64_t rows = 1;
    for (size_t d = 0; d < last; ++d) rows *= dims_[d];
    std::array<int64_t, N> inner{};
    for (size_t k = 0; k < N; ++k) inner[k] = strides_[k][last];
    std::vector<int64_t> at(dims_.size());
    std::array<int64_t, N> first{};
    for (int64_t r = 0; r < rows; ++r) {
      row(r * dims_[last], dims_[last], first, inner);
      for (size_t d = last; d-- > 0;) {
        for (size_t k = 0; k < N; ++k) first[k] += strides_[k][d];
        if (++at[d] < dims_[d]) break;
        for (size_t k = 0; k < N; ++k) first[k] -= strides_[k][d] * dims_[d];
        at[d] = 0;
      }
    }
  }

 private:
  std::vector<int64_t> strides_of(const std::vector<int64_t>& dims) const {
    std::vector<int64_t> out(dims_.size());
    int64_t stride = 1;
    for (size_t i = 0; i < dims.size(); ++i) {
      const size_t from = dims.size() - 1 - i, to = dims_.size() - 1 - i;
      out[to] = dims[from] == 1 ? 0 : stride;
      stride *= dims[from];
    }
    return out;
  }

  std::vector<int64_t> dims_;
  std::array<std::vector<int64_t>, N> strides_;
};

template <class In, class Out, class F>
MadeKernel binary_kernel(const Plan& plan, const Step& step, F f) {
  return kernel_of(
      [a = step.inputs[0], b = step.inputs[1], out = step.output, walk = Broadcast<2>(plan, step), f](const Memory& m) {
        const In *x = m.read<In>(a), *y = m.read<In>(b);
        Out* z = m.write<Out>(out);
        walk.each([&](int64_t at, int64_t count, const auto& first, const auto& stride) {
          for (int64_t i = 0; i < count; ++i) z[at + i] = f(x[first[0] + i * stride[0]], y[first[1] + i * stride[1]]);
        });
      });
}

template <class T>
MadeKernel make_comparison(const Plan& plan, const Step& step, Function function) {
  const auto of = [&](auto f) { return binary_kernel<T, uint8_t>(plan, step, f); };
  switch (function) {
    case Function::kEqual: return of([](T a, T b) { return a == b; });
    case Function::kNotEqual: return of([](T a, T b) { return a != b; });
    case Function::kLess: return of([](T a, T b) { return a < b; });
    case Function::kLessEqual: return of([](T a, T b) { return a <= b; });
    case Function::kGreater: return of([](T a, T b) { return a > b; });
    case Function::kGreaterEqual: return of([](T a, T b) { return a >= b; });
    default: return nullptr;
  }
}

/// Toward zero; what is divided by zero is zero, and the one quotient that has no number wraps around.
template <class T>
T quotient(T a, T b) {
  if (b == 0) return 0;
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return static_cast<T>(std::make_unsigned_t<T>{0} - static_cast<std::make_unsigned_t<T>>(a));
  return static_cast<T>(a / b);
}
template <class T>
T remainder(T a, T b) {
  return b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1)) ? T{0} : static_cast<T>(a % b);
}
/// Whether a remainder has another sign than the divisor.
template <class T>
bool is_below(T remainder, T divisor) {
  return remainder != 0 && (remainder < 0) != (divisor < 0);
}

/// Integers wrap around, as in the frameworks.
template <class T>
MadeKernel make_integer_division(const Plan& plan, const Step& step, Function function) {
  const auto of = [&](auto f) { return binary_kernel<T, T>(plan, step, f); };
  switch (function) {
    case Function::kDiv: return of([](T a, T b) { return quotient(a, b); });
    case Function::kFmod: return of([](T a, T b) { return remainder(a, b); });
    case Function::kFloorDiv:
      return of([](T a, T b) { return static_cast<T>(quotient(a, b) - (is_below(remainder(a, b), b) ? 1 : 0)); });
    case Function::kMod:
      return of([](T a, T b) {
        const T r = remainder(a, b);
        return is_below(r, b) ? static_cast<T>(r + b) : r;
      });
    default: return make_comparison<T>(plan, step, function);
  }
}

template <class T>
MadeKernel make_integer_arithmetic(const Plan& plan, const Step& step, Function function) {
  using U = std::make_unsigned_t<T>;
  const auto of = [&](auto f) { return binary_kernel<T, T>(plan, step, f); };
  switch (function) {
    case Function::kAdd: return of([](T a, T b) { return static_cast<T>(static_cast<U>(a) + static_cast<U>(b)); });
    case Function::kSub: return of([](T a, T b) { return static_cast<T>(static_cast<U>(a) - static_cast<U>(b)); });
    case Function::kMul: return of([](T a, T b) { return static_cast<T>(static_cast<U>(a) * static_cast<U>(b)); });
    case Function::kMax: return of([](T a, T b) { return std::max(a, b); });
    case Function::kMin: return of([](T a, T b) { return std::min(a, b); });
    case Function::kSquaredDifference:
      return of([](T a, T b) {
        const U difference = static_cast<U>(a) - static_cast<U>(b);
        return static_cast<T>(difference * difference);
      });
    default: return make_integer_division<T>(plan, step, function);
  }
}

MadeKernel make_real_arithmetic(const Plan& plan, const Step& step, Function function) {
  const auto of = [&](auto f) { return binary_kernel<float, float>(plan, step, f); };
  switch (function) {
    case Function::kAdd: return of([](float a, float b) { return a + b; });
    case Function::kSub: return of([](float a, float b) { return a - b; });
    case Function::kMul: return of([](float a, float b) { return a * b; });
    case Function::kDiv: return of([](float a, float b) { return a / b; });
    // Not-a-number on either side stays.
    case Function::kMax: return of([](float a, float b) { return a >= b || std::isnan(a) ? a : b; });
    case Function::kMin: return of([](float a, float b) { return a <= b || std::isnan(a) ? a : b; });
    case Function::kPow: return of([](float a, float b) { return std::pow(a, b); });
    case Function::kPrelu: return of([](float a, float b) { return a < 0 ? a * b : a; });
    case Function::kFloorDiv: return of([](float a, float b) { return std::floor(a / b); });
    case Function::kFmod: return of([](float a, float b) { return std::fmod(a, b); });
    case Function::kMod:
      return of([](float a, float b) {
        const float r = std::fmod(a, b);
        return is_below(r, b) ? r + b : r;
      });
    case Function::kSquaredDifference: return of([](float a, float b) { return (a - b) * (a - b); });
    default: return make_comparison<float>(plan, step, function);
  }
}

MadeKernel make_logic(const Plan& plan, const Step& step, Function function) {
  const auto of = [&](auto f) { return binary_kernel<uint8_t, uint8_t>(plan, step, f); };
  switch (function) {
    case Function::kAnd: return of([](uint8_t a, uint8_t b) { return a != 0 && b != 0; });
    case Function::kOr: return of([](uint8_t a, uint8_t b) { return a != 0 || b != 0; });
    case Function::kXor: return of([](uint8_t a, uint8_t b) { return (a != 0) != (b != 0); });
    default: return make_comparison<uint8_t>(plan, step, function);
  }
}

/// Of 8-bit integers, as ONNX Runtime's kernel has it: rne(a * fa + (b * fb + c0)) with fa = sa / sy, fb = sb / sy and
/// c0 = zy - (fa * za + fb * zb), every multiplication and addition in one rounding.
template <class Q>
MadeKernel make_quantized_add(const Plan& plan, const Step& step) {
  const BufferQuant &a = plan.buffer(step.inputs[0]).quant, &b = plan.buffer(step.inputs[1]).quant,
                    &y = plan.buffer(step.output).quant;
  if (!a.per_tensor() || !b.per_tensor() || !y.per_tensor()) return nullptr;
  const float fa = a.scales[0] / y.scales[0], fb = b.scales[0] / y.scales[0];
  const float c0 = static_cast<float>(y.zero_points[0]) -
                   (fa * static_cast<float>(a.zero_points[0]) + fb * static_cast<float>(b.zero_points[0]));
  return binary_kernel<Q, Q>(plan, step, [fa, fb, c0](Q x, Q z) {
    return to_integer<Q>(std::fma(static_cast<float>(x), fa, std::fma(static_cast<float>(z), fb, c0)), 0);
  });
}

/// The same of a product: rne((a - za)(b - zb) * (sa * sb / sy)) + zy, the factor in float.
template <class Q>
MadeKernel make_quantized_mul(const Plan& plan, const Step& step) {
  const BufferQuant &a = plan.buffer(step.inputs[0]).quant, &b = plan.buffer(step.inputs[1]).quant,
                    &y = plan.buffer(step.output).quant;
  if (!a.per_tensor() || !b.per_tensor() || !y.per_tensor()) return nullptr;
  const float factor = a.scales[0] * b.scales[0] / y.scales[0];
  const int32_t za = a.zero_points[0], zb = b.zero_points[0], zy = y.zero_points[0];
  return binary_kernel<Q, Q>(plan, step, [=](Q x, Q z) {
    return to_integer<Q>(static_cast<float>((int32_t{x} - za) * (int32_t{z} - zb)) * factor, zy);
  });
}

template <class Q>
MadeKernel make_quantized(const Plan& plan, const Step& step, Function function) {
  if (function == Function::kAdd) return make_quantized_add<Q>(plan, step);
  return function == Function::kMul ? make_quantized_mul<Q>(plan, step) : nullptr;
}

MadeKernel make_binary(const Plan& plan, const Step& step) {
  const auto* e = std::get_if<Elementwise>(&step.params);
  if (e == nullptr || plan.buffer(step.inputs[0]).dtype != plan.buffer(step.inputs[1]).dtype) return nullptr;
  const Buffer &a = plan.buffer(step.inputs[0]), &y = plan.buffer(step.output);
  if (!a.quant.empty() || !y.quant.empty()) {
    if (a.dtype != y.dtype) return nullptr;
    if (a.dtype == DType::kUint8) return make_quantized<uint8_t>(plan, step, e->function);
    return a.dtype == DType::kInt8 ? make_quantized<int8_t>(plan, step, e->function) : nullptr;
  }
  if (y.dtype != (is_truth(e->function) ? DType::kBool8 : a.dtype)) return nullptr;
  switch (a.dtype) {
    case DType::kFloat32: return make_real_arithmetic(plan, step, e->function);
    case DType::kInt32: return make_integer_arithmetic<int32_t>(plan, step, e->function);
    case DType::kInt64: return make_integer_arithmetic<int64_t>(plan, step, e->function);
    case DType::kUint32: return make_integer_arithmetic<uint32_t>(plan, step, e->function);
    case DType::kBool8: return make_logic(plan, step, e->function);
    default: return nullptr;
  }
}

MadeKernel make_select(const Plan& plan, const Step& step) {
  const DType type = plan.buffer(step.output).dtype;
  if (plan.buffer(step.inputs[0]).dtype != DType::kBool8 || plan.buffer(step.inputs[1]).dtype != type ||
      plan.buffer(step.inputs[2]).dtype != type)
    return nullptr;
  return for_number(plan.buffer(step.output).dtype, [&](auto zero) {
    using T = decltype(zero);
    return kernel_of([in = step.inputs, out = step.output, walk = Broadcast<3>(plan, step)](const Memory& m) {
      const auto* c = m.read<uint8_t>(in[0]);
      const T *x = m.read<T>(in[1]), *y = m.read<T>(in[2]);
      T* z = m.write<T>(out);
      walk.each([&](int64_t at, int64_t count, const auto& first, const auto& stride) {
        for (int64_t i = 0; i < count; ++i)
          z[at + i] = c[first[0] + i * stride[0]] != 0 ? x[first[1] + i * stride[1]] : y[first[2] + i * stride[2]];
      });
    });
  });
}

}  // namespace

MadeKernel make_elementwise(const Plan& plan, const Step& step) {
  switch (step.kind) {
    case StepKind::kUnary: return make_unary(plan, step);
    case StepKind::kBinary: return make_binary(plan, step);
    default: return make_select(plan, step);
  }
}

}  // namespace snapgauge
