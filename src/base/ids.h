// Typed 32-bit indices. Graph objects refer to each other by index, never by pointer.
#pragma once

#include <compare>
#include <cstdint>

namespace snapgauge {

template <class Tag>
struct Id {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t index = kNone;

  constexpr bool valid() const { return index != kNone; }
  constexpr auto operator<=>(const Id&) const = default;
};

/// A run of consecutive elements in an arena.
struct Range {
  uint32_t first = 0;
  uint32_t count = 0;

  constexpr uint32_t end() const { return first + count; }
  constexpr bool operator==(const Range&) const = default;
};

}  // namespace snapgauge
