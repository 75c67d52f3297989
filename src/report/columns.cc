#include "report/columns.h"

#include <algorithm>
#include <iterator>

namespace snapgauge {
namespace {

/// UTF-16 code units that start with this byte of UTF-8.
uint32_t units_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte & 0xC0) == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1;
}

}  // namespace

Utf16Columns::Utf16Columns(std::string_view text, const std::vector<Location>& places) {
  if (text.empty()) return;
  for (const Location& place : places)
    if (place.line > 0 && place.column > 0) places_.emplace_back(place.line, place.column);
  std::sort(places_.begin(), places_.end());
  places_.erase(std::unique(places_.begin(), places_.end()), places_.end());

  uint32_t line = 1;
  size_t start = 0;  // of the line
  size_t at = 0;
  uint32_t column = 1;  // of text[at]
  for (const auto& [wanted, bytes] : places_) {
    for (; line < wanted; ++line) {
      const size_t end = text.find('\n', at);
      if (end == std::string_view::npos) return;
      start = at = end + 1;
      column = 1;
    }
    // A column beyond the line means its end.
    for (; at < text.size() && at - start < bytes - 1 && text[at] != '\n'; ++at) column += units_of(text[at]);
    columns_.push_back(column);
  }
}

uint32_t Utf16Columns::find(Location place) const {
  const auto it = std::lower_bound(places_.begin(), places_.end(), Place{place.line, place.column});
  const auto index = static_cast<size_t>(std::distance(places_.begin(), it));
  return it != places_.end() && *it == Place{place.line, place.column} && index < columns_.size() ? columns_[index] : 0;
}

}  // namespace snapgauge
