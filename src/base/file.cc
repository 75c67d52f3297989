#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace snapgauge {
namespace {

Error io_error(const std::string& path, std::string_view what) {
  return {ErrorCode::kIo, path, fmt::format("{}: {}", what, std::strerror(errno))};
}

/// Closed when it goes out of scope.
struct Descriptor {
  int fd;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

/// False on an error; `got` is less than `size` where the file ends earlier.
bool read_all(int fd, std::byte* to, size_t size, size_t& got) {
  for (got = 0; got < size;) {
    const ssize_t n = ::read(fd, to + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  return true;
}

bool is_unchanged(int fd, const struct stat& before) {
  struct stat now {};
  return ::fstat(fd, &now) == 0 && now.st_size == before.st_size && now.st_mtim.tv_sec == before.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // Non-blocking: opening a pipe must not wait for a writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.fd < 0) return io_error(path, "cannot open");
  struct stat info {};
  if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) return Error{ErrorCode::kIo, path, "not a regular file"};
  MappedFile out;
  out.size_ = static_cast<size_t>(info.st_size);
  if (out.size_ == 0) return out;
  if (out.size_ > kMostRead) {
    void* data = ::mmap(nullptr, out.size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (data == MAP_FAILED) return io_error(path, "cannot map");
    out.data_ = static_cast<const std::byte*>(data);
    return out;
  }
  out.read_.reset(new std::byte[out.size_]);  // not make_unique, which would clear it first
  out.data_ = out.read_.get();
  size_t got = 0;
  if (!read_all(file.fd, out.read_.get(), out.size_, got)) return io_error(path, "cannot read");
  if (got < out.size_ || !is_unchanged(file.fd, info)) return Error{ErrorCode::kIo, path, "changed while it was read"};
  return out;
}

std::string beginning_of(const std::string& path, size_t bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) return {};
  std::string out(bytes, '\0');
  size_t got = 0;
  if (!read_all(file.fd, reinterpret_cast<std::byte*>(out.data()), bytes, got)) return {};
  out.resize(got);
  return out;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), read_(std::move(other.read_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(read_, other.read_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr && read_ == nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace snapgauge
