// The process around the command line.
#include <climits>

#include "cli/command_line.h"
#include "cli/process.h"

#if __has_include(<malloc.h>)
#include <malloc.h>  // of glibc: elsewhere the allocator stays as it is
#endif

int main(int argc, char** argv) {
#ifdef M_MMAP_THRESHOLD
  // Pages touched for the first time cost more than anything done in them, most of all on virtual machines: what
  // was freed is kept, and the heap grows in large steps.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, INT_MAX);
  ::mallopt(M_TOP_PAD, 1 << 20);
#endif
  snapgauge::cli::settle_process();
  return snapgauge::cli::run(argc, argv);
}
