// Counts what is done on a terminal's standard error while a long batch runs.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>

namespace snapgauge::cli {

class Progress {
 public:
  /// "checked 20 of 300 files".
  Progress(const char* verb, const char* things, size_t total)
      : verb_(verb), things_(things), total_(total), shown_(total > 20 && ::isatty(STDERR_FILENO) == 1) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void step(size_t done) const {
    if (shown_ && done % 10 == 0) std::fprintf(stderr, "\r%s %zu of %zu %s", verb_, done, total_, things_);
  }

 private:
  const char *verb_, *things_;
  size_t total_;
  bool shown_;
};

/// The same with the time that is left, for work whose pieces take long.
class TimedProgress {
 public:
  TimedProgress(const char* verb, const char* things)
      : verb_(verb), things_(things), shown_(::isatty(STDERR_FILENO) == 1) {}
  TimedProgress(const TimedProgress&) = delete;
  TimedProgress& operator=(const TimedProgress&) = delete;
  ~TimedProgress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void step(size_t done, size_t total) const {
    if (!shown_ || done == 0) return;
    const std::chrono::duration<double> gone = std::chrono::steady_clock::now() - start_;
    const double left = gone.count() / static_cast<double>(done) * static_cast<double>(total - done);
    std::fprintf(stderr, "\r\033[K%s %zu of %zu %s, %.0f s left", verb_, done, total, things_, left);
  }

 private:
  const char *verb_, *things_;
  bool shown_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace snapgauge::cli
