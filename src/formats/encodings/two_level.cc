// The largest block's integer is tried out: it gives the channel's scale but for one step of rounding to either side.
#include "formats/encodings/two_level.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace snapgauge {
namespace {

std::optional<TwoLevelScale> take_apart_by(float channel, std::span<const double> block_scales, int largest_integer) {
  TwoLevelScale out{channel, {}};
  for (const double scale : block_scales) {
    const double integer = std::nearbyint(scale / static_cast<double>(channel));
    if (!(integer >= 1 && integer <= largest_integer)) return std::nullopt;
    if (static_cast<float>(integer) * channel != static_cast<float>(scale)) return std::nullopt;
    out.integers.push_back(static_cast<int>(integer));
  }
  return out;
}

}  // namespace

std::optional<TwoLevelScale> take_apart(std::span<const double> block_scales, int largest_integer) {
  if (block_scales.empty()) return std::nullopt;
  const auto [least, most] = std::minmax_element(block_scales.begin(), block_scales.end());
  // Normal numbers of 32 bits, also after the division.
  constexpr double kLeast = std::numeric_limits<float>::min();
  if (!(*least >= kLeast * largest_integer && *most <= std::numeric_limits<float>::max())) return std::nullopt;
  for (int turn = 0; turn < largest_integer; ++turn) {
    const int integer = turn == 0 ? largest_integer : turn;
    const auto middle = static_cast<float>(*most / integer);
    for (const float channel : {middle, std::nextafter(middle, 0.0F), std::nextafter(middle, 2 * middle)})
      if (auto out = take_apart_by(channel, block_scales, largest_integer)) return out;
  }
  return std::nullopt;
}

}  // namespace snapgauge
