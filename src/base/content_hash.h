// A hash of content that is the same on every machine and in every build: XXH3.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace snapgauge {

/// Tells contents apart by accident, not against somebody who wants them to look alike.
uint64_t content_hash(std::string_view content);
/// Of the pieces one behind the other.
uint64_t content_hash(std::span<const std::string_view> pieces);

}  // namespace snapgauge
