// The end record names the directory, the directory every member, and each member repeats its name and method.
#include "formats/zip/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/text.h"

namespace snapgauge {
namespace {

// Sizes of the records without what is variable in them, and their signatures.
constexpr size_t kEnd = 22, kEnd64 = 56, kLocator64 = 20, kEntry = 46, kLocal = 30;
constexpr std::string_view kEndMark = "PK\5\6", kEnd64Mark = "PK\6\6", kLocator64Mark = "PK\6\7", kEntryMark = "PK\1\2",
                           kLocalMark = "PK\3\4";
constexpr size_t kMostComment = 65535;                         // its length has 16 bits
constexpr uint64_t kIn64 = 0xffffffff;                         // 32 bits that say: look at the extra field
constexpr uint64_t kSizesId = 1;                               // of that field
constexpr uint64_t kEncrypted = 1U << 0 | 1U << 6 | 1U << 13;  // traditional, strong, the directory too
constexpr uint64_t kStored = 0, kDeflated = 8;
// Deflate cannot do better (258 bytes from two bits). Who states more is lying.
constexpr uint64_t kMostRatio = 1032;
constexpr size_t kMostAtOnce = size_t{1} << 30;  // zlib counts in 32 bits

/// `count` bytes at `at`, which are there, least first.
uint64_t number(std::string_view bytes, size_t at, size_t count) {
  uint64_t out = 0;
  for (size_t i = 0; i < count; ++i) out |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return out;
}

bool is_record(std::string_view bytes, uint64_t at, std::string_view mark, size_t size) {
  return at <= bytes.size() && size <= bytes.size() - at && bytes.substr(at, mark.size()) == mark;
}

struct Directory {
  std::string_view text;
  uint64_t members = 0;
};

/// The end record whose comment ends where the file does.
std::optional<size_t> find_end(std::string_view bytes) {
  for (size_t comment = 0; comment <= kMostComment && kEnd + comment <= bytes.size(); ++comment) {
    const size_t at = bytes.size() - kEnd - comment;
    if (is_record(bytes, at, kEndMark, kEnd) && number(bytes, at + 20, 2) == comment) return at;
  }
  return std::nullopt;
}

std::optional<Directory> find_directory(std::string_view bytes) {
  const auto end = find_end(bytes);
  if (!end) return std::nullopt;
  uint64_t limit = *end, disk = number(bytes, *end + 4, 2), members = number(bytes, *end + 10, 2);
  uint64_t size = number(bytes, *end + 12, 4), offset = number(bytes, *end + 16, 4);
  if (*end >= kLocator64 && is_record(bytes, *end - kLocator64, kLocator64Mark, kLocator64)) {
    limit = number(bytes, *end - kLocator64 + 8, 8);
    if (!is_record(bytes, limit, kEnd64Mark, kEnd64)) return std::nullopt;
    disk = number(bytes, limit + 16, 4);
    members = number(bytes, limit + 32, 8);
    size = number(bytes, limit + 40, 8);
    offset = number(bytes, limit + 48, 8);
  }
  if (disk != 0 || offset > limit || size > limit - offset) return std::nullopt;
  return Directory{bytes.substr(offset, size), members};
}

/// Those of size, packed size and offset that have no room in the entry. False: they are not there.
bool read_wide_numbers(std::string_view extra, ZipMember& member) {
  std::vector<uint64_t*> wide;
  for (uint64_t* one : {&member.size, &member.packed_size, &member.offset})
    if (*one == kIn64) wide.push_back(one);
  if (wide.empty()) return true;
  for (size_t at = 0; at + 4 <= extra.size();) {
    const uint64_t id = number(extra, at, 2), size = number(extra, at + 2, 2);
    at += 4;
    if (size > extra.size() - at) return false;
    if (id != kSizesId) {
      at += size;
      continue;
    }
    if (size < 8 * wide.size()) return false;
    for (uint64_t* one : wide) *one = number(extra, std::exchange(at, at + 8), 8);
    return true;
  }
  return false;
}

/// Why no member should have this name; empty: it may. Names are not used as paths here, but a tool that unpacks would.
std::string_view fault_of_name(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) return "its name has a zero byte";
  for (std::string_view rest = name; !rest.empty();) {
    const size_t length = utf8_length(rest);
    if (length == 0) return "its name is not UTF-8";
    rest.remove_prefix(length);
  }
  for (size_t first = 0; first <= name.size();) {
    const size_t end = std::min(name.find_first_of("/\\", first), name.size());
    if (name.substr(first, end - first) == "..") return "its name leads out of the archive (..)";
    first = end + 1;
  }
  return "";
}

/// An entry whose fixed part and name are there.
Result<ZipMember> read_member(std::string_view entry, uint64_t file_size, const std::string& file) {
  const uint64_t method = number(entry, 10, 2);
  const size_t name_size = number(entry, 28, 2);
  ZipMember out{
      std::string(entry.substr(kEntry, name_size)), number(entry, 42, 4), number(entry, 20, 4), number(entry, 24, 4),
      static_cast<uint32_t>(number(entry, 16, 4)),  method == kDeflated};
  const auto fail = [&](ErrorCode code, std::string text) {
    return Error{code, zip_subject(file, out.name), std::move(text)};
  };
  if (const std::string_view fault = fault_of_name(out.name); !fault.empty())
    return fail(ErrorCode::kParse, std::string(fault));
  if ((number(entry, 8, 2) & kEncrypted) != 0) return fail(ErrorCode::kUnsupported, "encrypted");
  if (method != kStored && method != kDeflated)
    return fail(ErrorCode::kUnsupported,
                fmt::format("compressed with method {}, which is not read (stored and deflated members are)", method));
  if (!read_wide_numbers(entry.substr(kEntry + name_size, number(entry, 30, 2)), out))
    return fail(ErrorCode::kParse, "its sizes of 64 bits are missing");
  if (out.packed_size > file_size ||
      (out.deflated ? out.size / kMostRatio > out.packed_size : out.size != out.packed_size))
    return fail(ErrorCode::kParse, fmt::format("{} bytes of the archive cannot hold {}", out.packed_size, out.size));
  return out;
}

}  // namespace

std::string zip_subject(const std::string& file, std::string_view member) {
  return fmt::format("{}: member '{}'", file, printable(member));
}

Result<std::vector<ZipMember>> read_zip_directory(std::string_view bytes, const std::string& file) {
  const auto directory = find_directory(bytes);
  if (!directory) return Error{ErrorCode::kParse, file, "not a zip archive, or cut off: no directory at its end"};
  std::vector<ZipMember> out;
  std::string_view rest = directory->text;
  while (!rest.empty() && out.size() < directory->members) {
    uint64_t size = kEntry;
    if (is_record(rest, 0, kEntryMark, kEntry)) size += number(rest, 28, 2) + number(rest, 30, 2) + number(rest, 32, 2);
    if (!is_record(rest, 0, kEntryMark, size))
      return Error{ErrorCode::kParse, file, fmt::format("entry {} of the zip directory is damaged", out.size())};
    auto member = read_member(rest.substr(0, size), bytes.size(), file);
    if (!member) return member.error();
    out.push_back(std::move(member).value());
    rest.remove_prefix(size);
  }
  if (!rest.empty() || out.size() != directory->members)
    return Error{
        ErrorCode::kParse, file,
        fmt::format("the zip directory should have {} members and ends elsewhere than there", directory->members)};
  // Many members of the same bytes would be much from little.
  uint64_t needed = 0;
  std::unordered_set<std::string_view> seen;
  for (const ZipMember& member : out) {
    needed += kLocal + member.name.size() + member.packed_size;
    if (needed > bytes.size())
      return Error{ErrorCode::kParse, file, "the members of the zip archive lie over each other"};
    if (!seen.insert(member.name).second)
      return Error{ErrorCode::kParse, zip_subject(file, member.name), "two members have this name"};
  }
  return out;
}

void ZipUnpacker::Closer::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

ZipUnpacker::ZipUnpacker(std::string_view bytes, const ZipMember& member, std::string subject)
    : bytes_(bytes), member_(member), subject_(std::move(subject)) {}
ZipUnpacker::~ZipUnpacker() = default;

Status ZipUnpacker::begin() {
  if (!is_record(bytes_, member_.offset, kLocalMark, kLocal))
    return damaged("not where the archive's directory says, or cut off");
  const uint64_t name_size = number(bytes_, member_.offset + 26, 2);
  const uint64_t first = kLocal + name_size + number(bytes_, member_.offset + 28, 2);
  const std::string_view own = bytes_.substr(member_.offset);
  if (own.size() < first || own.substr(kLocal, name_size) != member_.name ||
      number(own, 8, 2) != (member_.deflated ? kDeflated : kStored))
    return damaged("its own header is not what the archive's directory says");
  packed_ = own.substr(first);
  if (packed_.size() < member_.packed_size) return damaged("cut off");
  packed_ = packed_.substr(0, member_.packed_size);
  if (!member_.deflated) return Done{};
  inflater_.reset(new z_stream_s{});
  // Negative: deflate's own data without a header.
  if (inflateInit2(inflater_.get(), -MAX_WBITS) != Z_OK) return Error{ErrorCode::kLimit, subject_, "not enough memory"};
  return Done{};
}

Status ZipUnpacker::fill(std::byte* to, size_t size) {
  if (member_.deflated) {
    if (Status got = inflate_into(to, size); !got) return got;
  } else {
    if (size > packed_.size()) return damaged("shorter than it says");
    if (size > 0) std::memcpy(to, packed_.data(), size);
    packed_.remove_prefix(size);
  }
  crc_ = static_cast<uint32_t>(crc32_z(crc_, reinterpret_cast<const Bytef*>(to), size));
  return Done{};
}

Status ZipUnpacker::inflate_into(std::byte* to, size_t size) {
  while (size > 0) {
    // zlib does not write to what it reads.
    inflater_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed_.data()));
    inflater_->avail_in = static_cast<uInt>(std::min(packed_.size(), kMostAtOnce));
    inflater_->next_out = reinterpret_cast<Bytef*>(to);
    inflater_->avail_out = static_cast<uInt>(std::min(size, kMostAtOnce));
    const uInt in = inflater_->avail_in, out = inflater_->avail_out;
    const int result = inflate(inflater_.get(), Z_NO_FLUSH);
    packed_.remove_prefix(in - inflater_->avail_in);
    to += out - inflater_->avail_out;
    size -= out - inflater_->avail_out;
    if (result == Z_MEM_ERROR) return Error{ErrorCode::kLimit, subject_, "not enough memory"};
    if (size > 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR)) return damaged("shorter than it says");
    if (result != Z_OK && result != Z_STREAM_END) return damaged("damaged: it cannot be inflated");
  }
  return Done{};
}

Status ZipUnpacker::end() {
  if (member_.deflated) {
    // The end of the data is only seen by asking for more.
    std::byte more{};
    inflater_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed_.data()));
    inflater_->avail_in = static_cast<uInt>(std::min(packed_.size(), kMostAtOnce));
    inflater_->next_out = reinterpret_cast<Bytef*>(&more);
    inflater_->avail_out = 1;
    const int result = inflate(inflater_.get(), Z_NO_FLUSH);
    packed_.remove_prefix(packed_.size() - inflater_->avail_in);
    if (inflater_->avail_out == 0) return damaged("longer than it says");
    if (result != Z_STREAM_END) return damaged("damaged: it cannot be inflated");
  }
  if (!packed_.empty()) return damaged("longer than it says");
  if (crc_ != member_.crc) return damaged("damaged: its checksum (CRC-32) is another one");
  return Done{};
}

}  // namespace snapgauge
