#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace snapgauge {
namespace {

Error io_error(const std::string& path, std::string_view what) {
  return {ErrorCode::kIo, path, fmt::format("{}: {}", what, std::strerror(errno))};
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

Status write_to_device(const std::string& path, std::string_view content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && write_all(fd, content);
  if (fd < 0 || ::close(fd) != 0 || !written) return io_error(path, "cannot write");
  return Done{};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // Non-blocking: opening a pipe must not wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return io_error(path, "cannot open");
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return Error{ErrorCode::kIo, path, "not a regular file"};
  }
  MappedFile file;
  file.size_ = static_cast<size_t>(info.st_size);
  if (file.size_ > 0) {
    void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      ::close(fd);
      return io_error(path, "cannot map");
    }
    file.data_ = static_cast<const std::byte*>(data);
  }
  ::close(fd);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

Status write_file(const std::string& path, std::string_view content) {
  std::string target = path;
  mode_t mode = 0644;
  if (struct stat info{}; ::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return Error{ErrorCode::kIo, path, "cannot write: it is a folder"};
    if (!S_ISREG(info.st_mode)) return write_to_device(path, content);
    mode = info.st_mode & 07777U;
    if (char* real = ::realpath(path.c_str(), nullptr); real != nullptr) {
      target = real;
      std::free(real);
    }
  }
  std::string temporary = target + ".XXXXXX";
  const int fd = ::mkstemp(temporary.data());
  if (fd < 0) return io_error(path, "cannot create a temporary file beside it");
  const bool written = write_all(fd, content) && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  if (::close(fd) != 0 || !written || std::rename(temporary.c_str(), target.c_str()) != 0) {
    Error error = io_error(path, "cannot write");
    ::unlink(temporary.c_str());
    return error;
  }
  return Done{};
}

}  // namespace snapgauge
