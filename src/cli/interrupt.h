// Long work that ends in order when somebody presses Ctrl-C: a second time ends it at once.
#pragma once

namespace snapgauge::cli {

class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  static bool interrupted();
};

/// Of a process that was interrupted: 128 and the number of the signal.
inline constexpr int kInterruptedExit = 130;

}  // namespace snapgauge::cli
