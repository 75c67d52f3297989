// Zip archives in memory (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT): stored and deflated members,
// also with sizes of 64 bits. Debian's minizip 1.1 does not read the latter, and archives of samples grow beyond 4 GiB.
//
// Nothing is believed that can be held against something else, and no memory is taken for what an archive merely says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct z_stream_s;

namespace snapgauge {

/// What the directory says of a member.
struct ZipMember {
  std::string name;
  uint64_t offset = 0;  // of its own header
  uint64_t packed_size = 0;
  uint64_t size = 0;
  uint32_t crc = 0;
  bool deflated = false;
};

/// All members, in the directory's order. Names are UTF-8, all different, and none has ".." among its folders; sizes
/// fit the file. Errors name `file` and, where it is about one, the member.
Result<std::vector<ZipMember>> read_zip_directory(std::string_view bytes, const std::string& file);

/// What errors about a member are about: "x.zip: member 'a/b'".
std::string zip_subject(const std::string& file, std::string_view member);

/// A member's bytes, piece by piece: begin(), fill() until all `size` are there, end().
class ZipUnpacker {
 public:
  /// Both outlive it. Errors name `subject`.
  ZipUnpacker(std::string_view bytes, const ZipMember& member, std::string subject);
  ZipUnpacker(const ZipUnpacker&) = delete;
  ZipUnpacker& operator=(const ZipUnpacker&) = delete;
  ~ZipUnpacker();

  Status begin();
  /// The next `size` bytes: not more than are left.
  Status fill(std::byte* to, size_t size);
  /// That nothing is left, and the checksum.
  Status end();

 private:
  Error damaged(std::string text) const { return {ErrorCode::kParse, subject_, std::move(text)}; }
  Status inflate_into(std::byte* to, size_t size);

  struct Closer {
    void operator()(z_stream_s* stream) const;
  };
  std::string_view bytes_;
  const ZipMember& member_;
  std::string subject_;
  std::string_view packed_;  // what is left of it
  uint32_t crc_ = 0;
  std::unique_ptr<z_stream_s, Closer> inflater_;  // of deflated members
};

}  // namespace snapgauge
