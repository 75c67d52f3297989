// The one bound on how deep a configuration may nest, held against the text before it is parsed.
//
// The TOML library builds and takes down its tables by recursion, so a megabyte of "a.a.a..." or "[[[[..." would end
// the program for want of stack. A snapgauge.toml needs three levels.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace snapgauge {

inline constexpr int kMostTomlDepth = 8;

/// A place in a text, 1-based.
struct TomlPlace {
  uint32_t line = 1, column = 1;
};

/// Where brackets and braces, or the parts of a dotted key, exceed the bound; nothing when they do not. One pass
/// that knows strings and comments. In a text that is no TOML it may be wrong behind the first mistake, which is
/// where parsing ends.
std::optional<TomlPlace> too_deep(std::string_view text);

}  // namespace snapgauge
