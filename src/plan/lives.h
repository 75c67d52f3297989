// Within plan: from which step to which the bytes of a buffer must stay.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

#include "plan/plan.h"

namespace snapgauge {

struct Life {
  uint32_t buffer = 0;
  size_t first = SIZE_MAX, last = 0;  // steps

  void at(size_t step) {
    first = std::min(first, step);
    last = std::max(last, step);
  }
};

/// Lives by their ends, the earliest on top.
struct EndsLater {
  bool operator()(const Life& a, const Life& b) const {
    return a.last != b.last ? a.last > b.last : a.buffer > b.buffer;
  }
};
using ByEnd = std::priority_queue<Life, std::vector<Life>, EndsLater>;

/// Of every buffer in the arena that is used, in the order of their first steps. Of those with the same bytes only the
/// owner is there.
std::vector<Life> lives_of(const Plan& plan);

}  // namespace snapgauge
