// The database as a file: a SQLite image and a seal of 16 bytes behind it, so that damage is found at
// once and without looking into the tables.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace snapgauge::opinfo {

/// The image with its seal.
std::string sealed(std::string image);

/// The image inside a sealed file, after checking that it is ours, of our schema version and whole.
Result<std::span<const std::byte>> unsealed(std::span<const std::byte> file, const std::string& path);

}  // namespace snapgauge::opinfo
