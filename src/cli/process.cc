#include "cli/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

namespace snapgauge::cli {
namespace {

void tell_cut_off(int /*signal*/) {
  constexpr std::string_view kText = "snapgauge: a file was cut off while it was read\n";
  if (::write(STDERR_FILENO, kText.data(), kText.size()) >= 0) ::_exit(2);
  ::_exit(2);  // nobody to tell
}

}  // namespace

void settle_process() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    // For the wrong direction, so that using it fails as it would have: the lowest free number is this one.
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGBUS, tell_cut_off);
}

}  // namespace snapgauge::cli
