// Changes to a text that leave every other byte where it is.
#pragma once

#include <cstddef>
#include <string>

namespace snapgauge {

/// Bytes [first, end) of a text.
struct TextRange {
  size_t first = 0, end = 0;
};

/// The bytes of a range of the text become `text`.
struct TextEdit {
  TextRange range;
  std::string text;
};

}  // namespace snapgauge
