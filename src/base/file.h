// Files: read-only mappings, and writing that can never damage what was there.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snapgauge {

/// A read-only view of a whole file. Move-only; the bytes live as long as the object.
class MappedFile {
 public:
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
};

/// Writes `content` beside `path` and renames it into place, so that a reader sees the old file or
/// the new one, never a part. A link stays a link, the file keeps its mode; to a device or pipe it is written
/// as it is.
Status write_file(const std::string& path, std::string_view content);

}  // namespace snapgauge
