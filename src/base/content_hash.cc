#include "base/content_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace snapgauge {

uint64_t content_hash(std::string_view content) { return XXH3_64bits(content.data(), content.size()); }

uint64_t content_hash(std::span<const std::string_view> pieces) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const std::string_view piece : pieces) XXH3_64bits_update(&state, piece.data(), piece.size());
  return XXH3_64bits_digest(&state);
}

}  // namespace snapgauge
