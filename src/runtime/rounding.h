// The one rounding of the runtime: to the nearest integer, ties to even, then into the range of the type, as ONNX's
// QuantizeLinear has it. docs/notes/007-arithmetic.md says which operator rounds where.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace snapgauge {

/// `zero_point` is added after rounding.
template <class Q, class Real>
Q to_integer(Real value, int32_t zero_point) {
  constexpr auto kLow = static_cast<Real>(std::numeric_limits<Q>::min());
  constexpr auto kHigh = static_cast<Real>(std::numeric_limits<Q>::max());
  const Real rounded = std::nearbyint(value) + static_cast<Real>(zero_point);
  // Written so that what is not a number becomes the lowest value. The largest int32 is no float: 2^31 is beyond it.
  if (!(rounded > kLow)) return std::numeric_limits<Q>::min();
  return rounded >= kHigh ? std::numeric_limits<Q>::max() : static_cast<Q>(rounded);
}

}  // namespace snapgauge
