#include "report/excerpt.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace snapgauge {
namespace {

constexpr std::string_view kTab = "    ";
constexpr std::string_view kEllipsis = "...";

struct Cell {
  std::string text;
  int width = 1;
  size_t end = 0;  // offset in the line
};

struct WidthRange {
  uint32_t first, last;
  int width;
};
// What differs from one column per character (Unicode East Asian Width W and F; combining marks).
constexpr WidthRange kWidths[] = {{0x0300, 0x036F, 0}, {0x1100, 0x115F, 2},   {0x200B, 0x200F, 0},  {0x20D0, 0x20FF, 0},
                                  {0x2E80, 0x303E, 2}, {0x3041, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},  {0xF900, 0xFAFF, 2},
                                  {0xFE00, 0xFE0F, 0}, {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},  {0xFF00, 0xFF60, 2},
                                  {0xFFE0, 0xFFE6, 2}, {0x1F300, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2}};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Terminal columns of one valid UTF-8 character.
int width_of(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return 1;
  uint32_t point = lead & (0xFFu >> (character.size() + 1));
  for (const char c : character.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  for (const WidthRange& range : kWidths)
    if (point >= range.first && point <= range.last) return range.width;
  return 1;
}

/// The cell that starts at `at`: a character, or one byte that has to be written as an escape.
Cell cell_at(std::string_view line, size_t at) {
  if (line[at] == '\t') return {std::string(kTab), static_cast<int>(kTab.size()), at + 1};
  const auto lead = static_cast<unsigned char>(line[at]);
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  const std::string_view character = line.substr(at, length);
  if (printable(character) == character) return {std::string(character), width_of(character), at + length};
  const std::string escape = printable(line.substr(at, 1));
  return {escape, static_cast<int>(escape.size()), at + 1};
}

int width_of(const std::vector<Cell>& cells, size_t first, size_t last) {
  int width = 0;
  for (size_t i = first; i < last; ++i) width += cells[i].width;
  return width;
}

}  // namespace

Excerpt cut_line(std::string_view line, uint32_t column, int width) {
  constexpr size_t kBytesPerColumn = 4;
  const size_t reach = static_cast<size_t>(width) * kBytesPerColumn;
  const size_t mark = std::min<size_t>(column > 0 ? column - 1 : 0, line.size());
  const size_t stop = std::min(line.size(), mark + reach);
  size_t start = mark > reach ? mark - reach : 0;
  while (start > 0 && start < mark && is_continuation(line[start])) ++start;

  std::vector<Cell> cells;
  size_t caret = 0;  // index of the marked cell
  size_t at = start;
  while (at < stop) {
    cells.push_back(cell_at(line, at));
    at = cells.back().end;
    if (at <= mark) caret = cells.size();
  }

  size_t first = 0;
  size_t last = cells.size();
  if (start > 0 || at < line.size() || width_of(cells, 0, last) > width) {
    // What follows the mark gets half of the room; what it does not need goes to what stands before.
    const int room = width - 2 * static_cast<int>(kEllipsis.size());
    const int after = std::min(width_of(cells, caret, cells.size()), room / 2);
    first = last = caret;
    int used = 0;
    while (first > 0 && used + cells[first - 1].width <= room - after) used += cells[--first].width;
    while (last < cells.size() && used + cells[last].width <= room) used += cells[last++].width;
  }

  Excerpt excerpt;
  if (start > 0 || first > 0) excerpt.line = kEllipsis;
  excerpt.caret = static_cast<int>(excerpt.line.size()) + width_of(cells, first, caret);
  for (size_t i = first; i < last; ++i) excerpt.line += cells[i].text;
  if (last < cells.size() || at < line.size()) excerpt.line += kEllipsis;
  return excerpt;
}

Lines::Lines(std::string_view text, std::vector<uint32_t> wanted) : numbers_(std::move(wanted)) {
  std::sort(numbers_.begin(), numbers_.end());
  numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
  uint32_t number = 1;
  size_t start = 0;
  for (const uint32_t next : numbers_) {
    for (; number < next && start < text.size(); ++number) {
      const size_t end = text.find('\n', start);
      start = end == std::string_view::npos ? text.size() : end + 1;
    }
    if (start >= text.size()) break;
    std::string_view line = text.substr(start, text.find('\n', start) - start);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines_.push_back(line);
  }
}

std::optional<std::string_view> Lines::find(uint32_t number) const {
  const auto it = std::lower_bound(numbers_.begin(), numbers_.end(), number);
  const auto index = static_cast<size_t>(std::distance(numbers_.begin(), it));
  if (it == numbers_.end() || *it != number || index >= lines_.size()) return std::nullopt;
  return lines_[index];
}

}  // namespace snapgauge
