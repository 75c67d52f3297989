// The size of a tensor is held against what the archive says before memory is taken for it.
#include "formats/npz/npz.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/guard.h"

namespace snapgauge {
namespace {

constexpr std::string_view kExtension = ".npy";
// A larger tensor is no sample; one member cannot ask for more memory than this.
constexpr uint64_t kMostMember = uint64_t{4} << 30;

}  // namespace

Result<NpzFile> NpzFile::open(const std::string& path) {
  return guarded(path, [&]() -> Result<NpzFile> {
    auto mapped = MappedFile::open(path);
    if (!mapped) return mapped.error();
    auto out = read_directory(mapped->text(), path);
    if (out) out->mapped_ = std::move(mapped).value();  // the bytes stay where they are
    return out;
  });
}

Result<NpzFile> NpzFile::of_bytes(std::string_view bytes, const std::string& file) {
  return guarded(file, [&] { return read_directory(bytes, file); });
}

Result<NpzFile> NpzFile::read_directory(std::string_view bytes, const std::string& file) {
  auto members = read_zip_directory(bytes, file);
  if (!members) return members.error();
  NpzFile out;
  out.bytes_ = bytes;
  out.file_ = file;
  out.members_ = std::move(members).value();
  for (const ZipMember& member : out.members_) {
    if (!member.name.ends_with(kExtension))
      return Error{ErrorCode::kParse, zip_subject(file, member.name),
                   "not a NumPy array (its name does not end in .npy)"};
    out.names_.push_back(member.name.substr(0, member.name.size() - kExtension.size()));
  }
  return out;
}

Result<NpzTensor> NpzFile::read(size_t index) const {
  if (index >= members_.size())
    return Error{ErrorCode::kUsage, file_, fmt::format("no member {}: there are {}", index, members_.size())};
  const ZipMember& member = members_[index];
  const std::string subject = zip_subject(file_, member.name);
  if (member.size > kMostMember)
    return Error{ErrorCode::kLimit, subject, fmt::format("{} bytes; the most is {}", member.size, kMostMember)};
  return guarded(subject, [&]() -> Result<NpzTensor> {
    ZipUnpacker unpacker(bytes_, member, subject);
    if (const Status begun = unpacker.begin(); !begun) return begun.error();
    auto out = unpack(unpacker, member.size, subject);
    if (!out) return out;
    if (const Status ended = unpacker.end(); !ended) return ended.error();
    return out;
  });
}

// What is read to see the header may hold the first elements, too.
Result<NpzTensor> NpzFile::unpack(ZipUnpacker& unpacker, uint64_t size, const std::string& subject) {
  std::vector<std::byte> front(static_cast<size_t>(std::min<uint64_t>(size, kMostNpyHeader)));
  if (const Status got = unpacker.fill(front.data(), front.size()); !got) return got.error();
  auto header = read_npy_header({reinterpret_cast<const char*>(front.data()), front.size()}, subject);
  if (!header) return header.error();
  if (const uint64_t held = size - header->data_offset; held != header->data_size)
    return Error{ErrorCode::kParse, subject,
                 fmt::format("{} bytes of elements where its type and shape need {}", held, header->data_size)};
  NpzTensor out;
  const auto needed = static_cast<size_t>(header->data_size);
  out.bytes.reset(new std::byte[needed]);  // not make_unique, which would clear it first
  const size_t known = front.size() - header->data_offset;
  if (known > 0) std::memcpy(out.bytes.get(), front.data() + header->data_offset, known);
  if (const Status got = unpacker.fill(out.bytes.get() + known, needed - known); !got) return got.error();
  out.tensor = {header->dtype, std::move(header->dims), {out.bytes.get(), needed}};
  return out;
}

}  // namespace snapgauge
