// Heap bytes of the benchmark program, counted by its own operator new.
#pragma once

#include <cstddef>

namespace snapgauge::bench {

size_t live_bytes();
/// Largest live_bytes() since the last reset_peak().
size_t peak_bytes();
void reset_peak();

}  // namespace snapgauge::bench
