// Where a file's number must be an integer: casting whatever a double may hold is undefined.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace snapgauge {

/// The integer that `value` is; nothing for a fraction, an infinity, NaN, or what doubles do not tell apart
/// from their neighbours (2^53 and more).
inline std::optional<int64_t> whole_number(double value) {
  if (!(std::abs(value) < 0x1p53) || value != std::floor(value)) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace snapgauge
