#include "cli/interrupt.h"

#include <csignal>

namespace snapgauge::cli {
namespace {

volatile std::sig_atomic_t interruptions = 0;
struct sigaction before;

void note(int /*signal*/) {
  interruptions = 1;
  ::sigaction(SIGINT, &before, nullptr);
}

}  // namespace

Interruptible::Interruptible() {
  interruptions = 0;
  struct sigaction action {};
  action.sa_handler = note;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &before);
}

Interruptible::~Interruptible() { ::sigaction(SIGINT, &before, nullptr); }

bool Interruptible::interrupted() { return interruptions != 0; }

}  // namespace snapgauge::cli
