// Within observers: rounding that vector instructions of every x86-64 have.
#pragma once

namespace snapgauge {

/// To the nearest integer, ties to even, of numbers below 2^22 in magnitude: adding 1.5 * 2^23 leaves no room for a
/// fraction.
inline float to_nearest(float value) {
  constexpr float kNoFraction = 12582912.0F;
  return (value + kNoFraction) - kNoFraction;
}

}  // namespace snapgauge
