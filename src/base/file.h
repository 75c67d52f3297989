// Files that are read. Nothing but a regular file is opened, and opening never waits.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snapgauge {

/// A read-only view of a whole file. Move-only; the bytes live as long as the object.
///
/// Another program may cut a file off while we read it, which in a mapping is a bus error. So files are read into
/// memory, and one that changes meanwhile is an error; only what is larger than any graph without its weights is
/// mapped, because copying gigabytes of weights that nobody looks at would cost more than it protects.
class MappedFile {
 public:
  static constexpr size_t kMostRead = size_t{64} << 20;

  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::unique_ptr<std::byte[]> read_;  // what data_ points to, unless it is mapped
};

/// Up to `bytes` of a regular file; less, or nothing, where it has no more or cannot be read.
std::string beginning_of(const std::string& path, size_t bytes);

}  // namespace snapgauge
