// Mutations that know the grammar of a text: its words are put in, parts are repeated often enough to show what is not
// linear, and nested deeply enough to show what recurses. libFuzzer's own mutations do the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>

// Only libFuzzer has it; elsewhere inputs are replayed and nothing mutates.
extern "C" __attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace snapgauge::fuzz {

/// What opens and closes a level.
using Bracket = std::pair<std::string_view, std::string_view>;

inline size_t grow(uint8_t* data, size_t size, size_t max_size, unsigned seed, std::span<const std::string_view> words,
                   std::span<const Bracket> brackets) {
  std::minstd_rand random(seed);
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  if (below(2) == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string text(reinterpret_cast<const char*>(data), size);
  const size_t first = below(text.size() + 1), count = below(std::min<size_t>(text.size() - first, 200) + 1);
  const size_t times = size_t{1} << below(12);
  if (const size_t kind = below(3); kind == 0) {
    text.insert(first, words[below(words.size())]);
  } else if (kind == 1) {
    const std::string part = text.substr(first, count);
    std::string repeated;
    for (size_t i = 0; i < times && repeated.size() < max_size; ++i) repeated += part;
    text.insert(first, repeated);
  } else {
    const auto [open, close] = brackets[below(brackets.size())];
    std::string before, behind;
    for (size_t i = 0; i < times && before.size() < max_size; ++i) before += open, behind += close;
    text.insert(first + count, behind);
    text.insert(first, before);
  }
  text.resize(std::min(text.size(), max_size));
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

}  // namespace snapgauge::fuzz

/// Declares the mutator of a target.
#define SNAPGAUGE_GROWS(words, brackets)                                                                  \
  extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed);  \
  extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) { \
    return snapgauge::fuzz::grow(data, size, max_size, seed, words, brackets);                            \
  }
