// Columns as other programs count them.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "diag/finding.h"

namespace snapgauge {

/// Columns of places in UTF-16 code units; ours count bytes. One pass over the text for all of
/// them: it may be a mapped file of gigabytes in one line.
class Utf16Columns {
 public:
  Utf16Columns(std::string_view text, const std::vector<Location>& places);
  /// 1-based; 0 when the text does not have the place.
  uint32_t find(Location place) const;

 private:
  using Place = std::pair<uint32_t, uint32_t>;  // line, column in bytes
  std::vector<Place> places_;                   // ascending
  std::vector<uint32_t> columns_;               // of the first places_, as far as the text reaches
};

}  // namespace snapgauge
