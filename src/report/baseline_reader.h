// snapgauge-baseline/1 read as a stream: whatever a stranger puts between, nothing is kept but what a baseline has.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace snapgauge {

struct BaselineEntry {
  std::string code, node, op, port, value;
  uint64_t count = 0;
};

/// Hands over one file after the other. Errors name `path` and the place.
Status read_baseline(std::string_view text, const std::string& path,
                     const std::function<void(std::string file, std::vector<BaselineEntry> entries)>& take);

}  // namespace snapgauge
