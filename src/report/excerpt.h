// Excerpts of text files: the line of a finding, cut to the terminal's width around its column.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/finding.h"

namespace snapgauge {

struct Excerpt {
  std::string line;  // printable
  int caret = 0;     // terminal columns before the marked character
};

/// The part of `line` around the byte `column` (1-based; beyond the end means the end) that takes at
/// most `width` terminal columns. Looks only at the bytes near the column.
Excerpt cut_line(std::string_view line, uint32_t column, int width);

/// The lines of a text that findings point to. One pass over the text, and memory only for the lines
/// asked for: a text may be a mapped file of gigabytes, in one line or in as many lines as bytes.
class Lines {
 public:
  Lines(std::string_view text, std::vector<uint32_t> wanted);
  /// Without its line end; nothing when the text has no such line or it was not asked for.
  std::optional<std::string_view> find(uint32_t number) const;

 private:
  std::vector<uint32_t> numbers_;        // ascending
  std::vector<std::string_view> lines_;  // of the first numbers_, as far as the text reaches
};

}  // namespace snapgauge
