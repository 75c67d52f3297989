#include "base/write.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"

namespace snapgauge {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;
constexpr std::chrono::seconds kPatience(30);
// One name a folder: whoever holds the folder's lock may remove what a killed process left there.
constexpr const char* kTemporary = ".snapgauge-new";

Error write_error(const std::string& path, std::string_view what) {
  return {ErrorCode::kIo, path, fmt::format("{}: {}", what, std::strerror(errno))};
}

Error changed_meanwhile(const std::string& path) {
  return {ErrorCode::kIo, path, "was changed by another program meanwhile; nothing is written"};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    content.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool write_all(int fd, std::span<const std::string_view> pieces) {
  return std::all_of(pieces.begin(), pieces.end(), [&](std::string_view piece) { return write_all(fd, piece); });
}

/// Non-blocking when it is opened: a pipe that nobody reads is an error.
Status write_through(const std::string& path, std::span<const std::string_view> content, int flags) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, 0666);
  if (fd < 0) return write_error(path, "cannot write");
  const bool written = ::fcntl(fd, F_SETFL, flags & O_APPEND) == 0 && write_all(fd, content);
  if (::close(fd) != 0 || !written) return write_error(path, "cannot write");
  return Done{};
}

/// Signals that end a process wait as long as there is a temporary to leave behind.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ending, signal);
    ::pthread_sigmask(SIG_BLOCK, &ending, &before_);
  }
  ~SignalsWait() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_{};
};

/// The folder's lock, which needs no file of its own and ends with the process.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder) : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// False when somebody holds it for too long. Where there are no such locks (some network file systems, folders
  /// that cannot be read), nobody is waited for.
  bool wait() {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (fd_ >= 0 && !held_) {
      held_ = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
      if (held_ || (errno != EWOULDBLOCK && errno != EINTR)) break;
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  bool held() const { return held_; }
  void sync() const {
    if (fd_ >= 0) ::fsync(fd_);
  }

 private:
  int fd_;
  bool held_ = false;
};

/// Where a path leads, through links that may end at nothing yet.
Result<std::string> destination(const std::string& path) {
  fs::path at = path;
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(at, error))) return at.native();
    const fs::path to = fs::read_symlink(at, error);
    if (error) break;
    at = to.is_absolute() ? to : at.parent_path() / to;
  }
  return Error{ErrorCode::kIo, path, "cannot follow its links"};
}

/// What is there, so that it is known again.
struct Present {
  bool exists = false;
  struct stat info {};

  static Result<Present> look(const std::string& target, const std::string& path) {
    Present out;
    out.exists = ::stat(target.c_str(), &out.info) == 0;
    if (!out.exists && errno != ENOENT) return write_error(path, "cannot write");
    return out;
  }
  /// Renaming changes the time of change (ctime); whatever else it was, the content is what it was.
  bool same_content(const Present& other) const {
    const auto key = [](const struct stat& s) {
      return std::tuple(s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    };
    return exists == other.exists && (!exists || key(info) == key(other.info));
  }
  bool operator==(const Present& other) const {
    return same_content(other) && (!exists || (info.st_ctim.tv_sec == other.info.st_ctim.tv_sec &&
                                               info.st_ctim.tv_nsec == other.info.st_ctim.tv_nsec));
  }
};

/// Why it is not replaced; nothing when it may be.
Status may_replace(const Present& present, const std::string& target, const std::string& path) {
  const auto refused = [&](std::string why) { return Error{ErrorCode::kIo, path, "cannot write: " + std::move(why)}; };
  if (!present.exists) return Done{};
  if (S_ISDIR(present.info.st_mode)) return refused("it is a folder");
  if (!S_ISREG(present.info.st_mode)) return refused("it is not a regular file");
  if ((present.info.st_mode & 0222U) == 0) return refused("it is read-only");
  if (::access(target.c_str(), W_OK) != 0) return write_error(path, "cannot write");
  if (present.info.st_nlink > 1) return refused("it has other names (hard links), which would keep the old content");
  return Done{};
}

class Temporary {
 public:
  Temporary(const fs::path& target, bool locked)
      : path_((target.parent_path() / kTemporary).native() + (locked ? "" : fmt::format(".{}", ::getpid()))) {}
  ~Temporary() {
    if (fd_ >= 0) ::close(fd_);
    if (created_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  Status write(const Present& present, std::span<const std::string_view> content, mode_t mode,
               const std::string& path) {
    ::unlink(path_.c_str());
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, present.exists ? 0600 : mode);
    if (fd_ < 0) return write_error(path, "cannot create a temporary file beside it");
    created_ = true;
    if (!write_all(fd_, content)) return write_error(path, "cannot write");
    if (present.exists)
      if (auto same = take_over(present.info, path); !same) return same;
    if (::fsync(fd_) != 0 || ::close(std::exchange(fd_, -1)) != 0) return write_error(path, "cannot write");
    return Done{};
  }

  /// Changes places with what is there, so that what somebody put there at the last moment is seen and goes back.
  Status rename_to(const Present& present, const std::string& target, const std::string& path) {
    const unsigned how = present.exists ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    if (rename(target, how)) {
      if (!present.exists) return kept();
      const auto old = Present::look(path_, path);
      if (old && old.value().same_content(present)) return Done{};  // and is removed
      if (rename(target, how)) return changed_meanwhile(path);
      created_ = false;  // it is somebody's, and stays
      return write_error(path, "cannot put back what another program wrote, which is in " + path_);
    }
    if (errno == EEXIST || errno == ENOENT) return changed_meanwhile(path);
    // File systems that know no such renames.
    return std::rename(path_.c_str(), target.c_str()) == 0 ? kept() : write_error(path, "cannot write");
  }

 private:
  bool rename(const std::string& target, unsigned how) const {
    return ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), how) == 0;
  }
  Status kept() {
    created_ = false;
    return Done{};
  }

  /// Owner and mode.
  Status take_over(const struct stat& info, const std::string& path) const {
    struct stat own {};
    if (::fstat(fd_, &own) != 0) return write_error(path, "cannot write");
    const bool same = own.st_uid == info.st_uid && own.st_gid == info.st_gid;
    if (!same && ::fchown(fd_, info.st_uid, info.st_gid) != 0)
      return write_error(path, "cannot write: it belongs to another user or group, which a new file could not");
    if (::fchmod(fd_, info.st_mode & 07777U) != 0) return write_error(path, "cannot write");
    return Done{};
  }

  std::string path_;
  int fd_ = -1;
  bool created_ = false;
};

/// Of a new file, before the umask.
mode_t mode_like(const std::string& like) {
  struct stat info {};
  return like.empty() || ::stat(like.c_str(), &info) != 0 ? 0666U : (info.st_mode & 0666U) | S_IWUSR;
}

/// What a file gets; it need not be in one piece.
struct Content {
  std::string own;
  std::vector<std::string_view> pieces;
};
using NextContent = std::function<Status(std::optional<std::string_view> now, Content& next)>;

Status replace(const std::string& path, const std::string& like, const NextContent& next, bool look_inside) {
  const auto followed = destination(path);
  if (!followed) return followed.error();
  const std::string& target = followed.value();
  const fs::path folder = fs::path(target).parent_path();
  FolderLock lock(folder.empty() ? "." : folder.native());
  if (!lock.wait()) return Error{ErrorCode::kIo, path, "cannot write: another program keeps its folder locked"};
  const auto present = Present::look(target, path);
  if (!present) return present.error();
  if (auto may = may_replace(present.value(), target, path); !may) return may;
  std::optional<MappedFile> file;
  if (look_inside && present.value().exists) {
    auto opened = MappedFile::open(target);
    if (!opened) return opened.error();
    file = std::move(*opened);
  }
  Content content;
  if (auto made = next(file ? std::optional(file->text()) : std::nullopt, content); !made) return made;
  const SignalsWait wait;
  Temporary temporary(target, lock.held());
  if (auto written = temporary.write(present.value(), content.pieces, mode_like(like), path); !written) return written;
  const auto still = Present::look(target, path);
  if (!still) return still.error();
  if (!(still.value() == present.value())) return changed_meanwhile(path);
  if (auto renamed = temporary.rename_to(present.value(), target, path); !renamed) return renamed;
  lock.sync();
  return Done{};
}

}  // namespace

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

Status rewrite_file(const std::string& path, const Rewrite& next, const std::string& like) {
  const auto rewritten = [&](std::optional<std::string_view> now, Content& out) -> Status {
    auto text = next(now);
    if (!text) return text.error();
    out.own = std::move(*text);
    out.pieces = {out.own};
    return Done{};
  };
  return replace(path, like, rewritten, true);
}

Status write_file(const std::string& path, std::span<const std::string_view> pieces, const std::string& like) {
  struct stat info {};
  const bool stream = ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
  if (stream) return write_through(path, pieces, 0);
  const auto as_given = [&](std::optional<std::string_view>, Content& out) -> Status {
    out.pieces.assign(pieces.begin(), pieces.end());
    return Done{};
  };
  return replace(path, like, as_given, false);
}

Status write_file(const std::string& path, std::string_view content, const std::string& like) {
  return write_file(path, std::span(&content, 1), like);
}

Status append_to_file(const std::string& path, std::string_view content) {
  return write_through(path, std::span(&content, 1), O_APPEND | O_CREAT);
}

}  // namespace snapgauge
