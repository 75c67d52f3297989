// Within encodings: block scales as integers times the scale of their channel (LPBQ).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace snapgauge {

struct TwoLevelScale {
  float channel = 0;
  std::vector<int> integers;  // from 1 to the largest
};

/// A channel's block scales taken apart so that their products, in 32 bits, are the scales again. Where there are
/// several ways, the largest block has the largest integer, as quantizers choose it, else the least possible. Nothing:
/// there is no way.
std::optional<TwoLevelScale> take_apart(std::span<const double> block_scales, int largest_integer);

}  // namespace snapgauge
