// Small text helpers for messages.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace snapgauge {

/// Damerau-free Levenshtein distance, case-insensitive, O(|a| |b|). Both are cut at 64 characters.
size_t edit_distance(std::string_view a, std::string_view b);

/// Up to `limit` candidates that are close enough to `word` to be worth suggesting, best first;
/// equally close ones in alphabetical order.
std::vector<std::string> near_matches(std::string_view word, std::span<const std::string> candidates, size_t limit = 3);

/// "a, b or c".
std::string join_or(std::span<const std::string> words);

/// The shortest decimal that reads back as the same double ("0.00390625", "1e-12").
std::string number_text(double value);

/// Bytes of the well-formed UTF-8 character at the start of `text`; 0 when there is none.
size_t utf8_length(std::string_view text);

/// Whether a well-formed character disturbs what shows it: controls (those of C1, too, move cursors on some
/// terminals), line separators and the marks that reorder what stands around them.
bool is_harmful(std::string_view character);

/// Replaces control characters and invalid UTF-8 so that untrusted names cannot disturb a terminal.
std::string printable(std::string_view text);

}  // namespace snapgauge
