// Every target runs on a stack of 1 MiB, as threads of editors and servers have: recursion that follows the input is
// found while inputs are still small. The kernel holds the limit against the main thread's stack while it grows.
#include <sys/resource.h>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  constexpr rlimit kSmall{rlim_t{1} << 20, rlim_t{1} << 20};
  return ::setrlimit(RLIMIT_STACK, &kSmall);
}
