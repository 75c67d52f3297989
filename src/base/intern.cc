#include "base/intern.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace snapgauge {
namespace {

/// Of this process: nobody can write a file whose names all fall upon one place of the table.
uint64_t seed() {
  static const uint64_t value = uint64_t{std::random_device()()} << 32U | std::random_device()();
  return value;
}

uint32_t hash_of(std::string_view text) {
  return static_cast<uint32_t>(XXH3_64bits_withSeed(text.data(), text.size(), seed()));
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
