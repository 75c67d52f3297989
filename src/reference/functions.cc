#include "reference/functions.h"

#include <algorithm>
#include <cmath>

namespace snapgauge {

double apply(const Elementwise& e, double x) {
  const double a = static_cast<double>(e.a), b = static_cast<double>(e.b);
  switch (e.function) {
    case Function::kRelu: return std::max(x, 0.0);
    case Function::kClip: return std::clamp(x, a, b);
    case Function::kSigmoid: return 1 / (1 + std::exp(-x));
    case Function::kTanh: return std::tanh(x);
    case Function::kElu: return x < 0 ? a * std::expm1(x) : x;
    case Function::kGelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Function::kHardSwish: return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Function::kHardSigmoid: return std::clamp(a * x + b, 0.0, 1.0);
    case Function::kExp: return std::exp(x);
    case Function::kLog: return std::log(x);
    case Function::kSqrt: return std::sqrt(x);
    case Function::kRsqrt: return 1 / std::sqrt(x);
    case Function::kNeg: return -x;
    case Function::kAbs: return std::abs(x);
    case Function::kFloor: return std::floor(x);
    case Function::kCeil: return std::ceil(x);
    case Function::kRound: return std::nearbyint(x);
    case Function::kSign: return (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0);
    case Function::kSin: return std::sin(x);
    case Function::kCos: return std::cos(x);
    case Function::kErf: return std::erf(x);
    case Function::kAsin: return std::asin(x);
    case Function::kAtan: return std::atan(x);
    case Function::kSoftplus: return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    case Function::kReciprocal: return 1 / x;
    case Function::kHalf: return x;  // exact results are not rounded
    case Function::kNot: return x == 0 ? 1 : 0;
    default: return std::nan("");
  }
}

double apply(Function function, double a, double b) {
  switch (function) {
    case Function::kAdd: return a + b;
    case Function::kSub: return a - b;
    case Function::kMul: return a * b;
    case Function::kDiv: return a / b;
    case Function::kMax: return std::max(a, b);
    case Function::kMin: return std::min(a, b);
    case Function::kPow: return std::pow(a, b);
    case Function::kPrelu: return a < 0 ? a * b : a;
    case Function::kFloorDiv: return std::floor(a / b);
    case Function::kMod: return a - b * std::floor(a / b);
    case Function::kFmod: return a - b * std::trunc(a / b);
    case Function::kSquaredDifference: return (a - b) * (a - b);
    case Function::kEqual: return a == b ? 1 : 0;
    case Function::kNotEqual: return a != b ? 1 : 0;
    case Function::kLess: return a < b ? 1 : 0;
    case Function::kLessEqual: return a <= b ? 1 : 0;
    case Function::kGreater: return a > b ? 1 : 0;
    case Function::kGreaterEqual: return a >= b ? 1 : 0;
    case Function::kAnd: return a != 0 && b != 0 ? 1 : 0;
    case Function::kOr: return a != 0 || b != 0 ? 1 : 0;
    case Function::kXor: return (a != 0) != (b != 0) ? 1 : 0;
    default: return std::nan("");
  }
}

}  // namespace snapgauge
