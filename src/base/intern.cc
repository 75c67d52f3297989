#include "base/intern.h"

namespace snapgauge {

Symbol Interner::add(std::string_view text) {
  if (auto it = index_.find(text); it != index_.end()) return Symbol{it->second};
  const auto index = static_cast<uint32_t>(texts_.size());
  texts_.emplace_back(text);
  index_.emplace(texts_.back(), index);
  return Symbol{index};
}

Symbol Interner::find(std::string_view text) const {
  auto it = index_.find(text);
  return it == index_.end() ? Symbol{} : Symbol{it->second};
}

}  // namespace snapgauge
