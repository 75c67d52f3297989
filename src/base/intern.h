// Interned strings: equal text has an equal Symbol, so names compare and hash as integers.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"

namespace snapgauge {

struct SymbolTag;
using Symbol = Id<SymbolTag>;

/// Owns the text. Not thread safe while adding; reading is.
class Interner {
 public:
  Symbol add(std::string_view text);
  /// The symbol of `text` if it was added before, else an invalid one.
  Symbol find(std::string_view text) const;
  std::string_view text(Symbol symbol) const {
    return symbol.valid() ? std::string_view(texts_[symbol.index]) : std::string_view();
  }
  uint32_t size() const { return static_cast<uint32_t>(texts_.size()); }

 private:
  std::deque<std::string> texts_;  // a deque keeps the views in index_ valid while it grows
  std::unordered_map<std::string_view, uint32_t> index_;
};

}  // namespace snapgauge
