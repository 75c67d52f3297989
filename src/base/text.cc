#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>

namespace snapgauge {

size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr size_t kLongest = 64;
  a = a.substr(0, kLongest);
  b = b.substr(0, kLongest);
  std::array<size_t, kLongest + 1> row{};
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same =
          std::tolower(static_cast<unsigned char>(a[i - 1])) == std::tolower(static_cast<unsigned char>(b[j - 1]));
      const size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1)});
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row[b.size()];
}

std::vector<std::string> near_matches(std::string_view word, std::span<const std::string> candidates, size_t limit) {
  const size_t furthest = std::max<size_t>(2, word.size() / 3);
  std::vector<std::pair<size_t, std::string>> found;
  for (const std::string& candidate : candidates)
    if (const size_t d = edit_distance(word, candidate); d <= furthest) found.emplace_back(d, candidate);
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [distance, name] : found)
    if (names.size() < limit) names.push_back(std::move(name));
  return names;
}

std::string join_or(std::span<const std::string> words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string number_text(double value) { return fmt::format("{}", value); }

size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : lead >= 0xF5 ? 0 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length > text.size()) return 0;
  for (size_t k = 1; k < length; ++k)
    if ((byte(k) & 0xC0) != 0x80) return 0;
  switch (lead) {  // overlong forms, surrogates, beyond U+10FFFF
    case 0xE0: return byte(1) < 0xA0 ? 0 : length;
    case 0xED: return byte(1) >= 0xA0 ? 0 : length;
    case 0xF0: return byte(1) < 0x90 ? 0 : length;
    case 0xF4: return byte(1) >= 0x90 ? 0 : length;
    default: return length;
  }
}

bool is_harmful(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  switch (byte(0)) {
    case 0x7F: return true;
    case 0xC2: return byte(1) < 0xA0;
    case 0xD8: return byte(1) == 0x9C;
    case 0xE2:
      return (byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE))) ||
             (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9);
    default: return byte(0) < 0x20;
  }
}

std::string printable(std::string_view text) {
  // Nearly every name is plain ASCII.
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const std::string_view character = text.substr(i, utf8_length(text.substr(i)));
    if (!character.empty() && !is_harmful(character)) {
      out += character;
      i += character.size();
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      ++i;
    }
  }
  return out;
}

}  // namespace snapgauge
