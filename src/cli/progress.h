// Counts what is done on a terminal's standard error while a long batch runs.
#pragma once

#include <unistd.h>

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

}  // namespace snapgauge::cli
