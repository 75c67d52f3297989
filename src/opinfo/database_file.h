// The database as a file: a SQLite image, behind it what was compiled from it (opinfo/compiled.h), and a seal over
// both, so that damage is found at once and without looking into the tables.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snapgauge::opinfo {

struct DatabaseFile {
  std::span<const std::byte> image, compiled;
};

/// The parts of a file with their seal.
std::string sealed(std::string image, std::string_view compiled = {});

/// The parts of a sealed file, after checking that it is ours, of our schema version and whole.
Result<DatabaseFile> unsealed(std::span<const std::byte> file, const std::string& path);

}  // namespace snapgauge::opinfo
