// Archives of NumPy arrays (.npz): a zip file with one .npy member a tensor, stored or deflated
// (https://numpy.org/doc/stable/reference/generated/numpy.savez.html).
//
// Samples are streamed from them: what is kept is the directory, and one member is in memory at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "formats/npy/npy.h"
#include "formats/zip/zip.h"

namespace snapgauge {

/// A tensor and the memory it lies in.
struct NpzTensor {
  NpyTensor tensor;  // its data are in `bytes`
  std::unique_ptr<std::byte[]> bytes;
};

/// Move-only. Reading is thread safe. Errors name the file and, where it is about one, the member.
class NpzFile {
 public:
  static Result<NpzFile> open(const std::string& path);
  /// The same of a file in memory. `bytes` outlive the result; errors call it `file`.
  static Result<NpzFile> of_bytes(std::string_view bytes, const std::string& file);

  /// Members without ".npy", in the order of the archive's directory. They are UTF-8 and no two are equal.
  const std::vector<std::string>& names() const { return names_; }
  /// Bytes that reading the member takes, by the archive's own word.
  uint64_t size(size_t index) const { return members_[index].size; }
  Result<NpzTensor> read(size_t index) const;

 private:
  NpzFile() = default;
  static Result<NpzFile> read_directory(std::string_view bytes, const std::string& file);
  static Result<NpzTensor> unpack(ZipUnpacker& unpacker, uint64_t size, const std::string& subject);

  std::optional<MappedFile> mapped_;
  std::string_view bytes_;
  std::string file_;
  std::vector<ZipMember> members_;
  std::vector<std::string> names_;  // parallel to members_
};

}  // namespace snapgauge
