#include "memory.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace snapgauge::bench {
namespace {

// Plain integers: the scenarios run on one thread, and what is measured should not pay for atomics.
size_t live = 0;
size_t peak = 0;

void* count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  live += malloc_usable_size(memory);
  peak = std::max(peak, live);
  return memory;
}

void discount(void* memory) {
  live -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

size_t live_bytes() { return live; }
size_t peak_bytes() { return peak; }
void reset_peak() { peak = live; }

}  // namespace snapgauge::bench

// The array forms call these.
void* operator new(size_t size) { return snapgauge::bench::count(std::malloc(size)); }
void operator delete(void* memory) noexcept { snapgauge::bench::discount(memory); }
void operator delete(void* memory, size_t) noexcept { snapgauge::bench::discount(memory); }
