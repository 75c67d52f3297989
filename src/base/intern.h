// Interned strings: equal text has an equal Symbol, so names compare and hash as integers.
#pragma once

#include <memory>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace snapgauge {

struct SymbolTag;
using Symbol = Id<SymbolTag>;

/// Owns the text, which stays where it is. Not thread safe while adding; reading is.
class Interner {
 public:
  Symbol add(std::string_view text);
  /// The symbol of `text` if it was added before, else an invalid one.
  Symbol find(std::string_view text) const;
  std::string_view text(Symbol symbol) const { return symbol.valid() ? texts_[symbol.index] : std::string_view(); }
  uint32_t size() const { return static_cast<uint32_t>(texts_.size()); }

 private:
  /// Where `text` stands in the table, or would.
  size_t slot_of(std::string_view text, uint32_t hash) const;
  Symbol insert(std::string_view text, uint32_t hash);
  void grow();

  struct Slot {
    uint32_t hash = 0;
    Symbol symbol;
  };
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_;  // none before the first text
  std::vector<std::string_view> texts_;                         // in it
  std::vector<Slot> slots_ = std::vector<Slot>(1);  // open addressing; a power of two, at least half of it free
};

}  // namespace snapgauge
