#include "base/content_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace snapgauge {

uint64_t content_hash(std::string_view content) { return XXH3_64bits(content.data(), content.size()); }

}  // namespace snapgauge
