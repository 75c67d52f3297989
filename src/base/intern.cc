#include "base/intern.h"

#include <algorithm>
#include <cstring>

namespace snapgauge {
namespace {

template <class Word>
uint64_t word_at(const char* p) {
  Word word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// Its last eight bytes, or all of a shorter text.
uint64_t last_word(std::string_view text) {
  const char* const end = text.data() + text.size();
  if (text.size() >= 8) return word_at<uint64_t>(end - 8);
  if (text.size() >= 4) return word_at<uint32_t>(text.data()) << 32 | word_at<uint32_t>(end - 4);
  if (text.empty()) return 0;
  const char* const middle = text.data() + text.size() / 2;
  return word_at<uint8_t>(text.data()) << 16 | word_at<uint8_t>(middle) << 8 | word_at<uint8_t>(end - 1);
}

/// Most texts are names of a word or three: less work than a call of the general hash.
uint32_t hash_of(std::string_view text) {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15U;
  uint64_t hash = text.size() * kOdd;
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 32;
  };
  for (size_t at = 0; at + 8 < text.size(); at += 8) mix(word_at<uint64_t>(text.data() + at));
  mix(last_word(text));
  return static_cast<uint32_t>(hash * kOdd >> 32);
}

}  // namespace

size_t Interner::slot_of(std::string_view text, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].symbol.valid() && (slots_[at].hash != hash || texts_[slots_[at].symbol.index] != text))
    at = (at + 1) & mask;
  return at;
}

Symbol Interner::add(std::string_view text) {
  const uint32_t hash = hash_of(text);
  const Symbol known = slots_[slot_of(text, hash)].symbol;
  return known.valid() ? known : insert(text, hash);
}

Symbol Interner::insert(std::string_view text, uint32_t hash) {
  if ((texts_.size() + 1) * 2 > slots_.size()) grow();
  if (!arena_) arena_ = std::make_unique<std::pmr::monotonic_buffer_resource>();
  char* own = static_cast<char*>(arena_->allocate(text.size(), 1));
  if (!text.empty()) std::memcpy(own, text.data(), text.size());
  const Symbol symbol{size()};
  slots_[slot_of(text, hash)] = {hash, symbol};
  texts_.emplace_back(own, text.size());
  return symbol;
}

void Interner::grow() {
  std::vector<Slot> old(std::max<size_t>(64, slots_.size() * 2));
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (!slot.symbol.valid()) continue;
    size_t at = slot.hash & mask;
    while (slots_[at].symbol.valid()) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

Symbol Interner::find(std::string_view text) const { return slots_[slot_of(text, hash_of(text))].symbol; }

}  // namespace snapgauge
