#include "opinfo/database_file.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "opinfo/schema.h"

namespace snapgauge::opinfo {
namespace {

constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);
constexpr std::string_view kSealMagic("SGSEAL2\n", 8);
constexpr size_t kSealSize = 24;  // magic, size of the image, checksum
constexpr size_t kHeaderSize = 100;
constexpr size_t kUserVersionAt = 60;  // offsets in SQLite's file header, big endian
constexpr size_t kApplicationIdAt = 68;

uint32_t big_endian(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8U | std::to_integer<uint32_t>(bytes[at + i]);
  return value;
}

uint64_t little_endian(const std::byte* at) {
  uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap64(value);
}

void append(std::string& out, uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) out += static_cast<char>(value >> 8U * i & 0xFFU);
}

/// Four independent lanes, so that a megabyte costs a fraction of a millisecond. It is there to find
/// accidents, not attackers.
uint64_t checksum(std::span<const std::byte> bytes) {
  constexpr uint64_t kPrime = 0x9E3779B185EBCA87U;
  std::array<uint64_t, 4> lanes = {1, 2, 3, bytes.size()};
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32)
    for (size_t i = 0; i < 4; ++i) lanes[i] = std::rotl((lanes[i] ^ little_endian(at + 8 * i)) * kPrime, 29);
  for (; left > 0; --left, ++at) lanes[0] = std::rotl((lanes[0] ^ std::to_integer<uint64_t>(*at)) * kPrime, 29);
  uint64_t sum = 0;
  for (const uint64_t lane : lanes) sum = std::rotl((sum ^ lane) * kPrime, 31);
  return sum;
}

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

std::string sealed(std::string image, std::string_view compiled) {
  const uint64_t image_size = image.size();
  std::string file = std::move(image);
  file += compiled;
  file += kSealMagic;
  append(file, image_size);
  append(file, checksum(std::as_bytes(std::span(file))));
  return file;
}

Result<DatabaseFile> unsealed(std::span<const std::byte> file, const std::string& path) {
  const Error damaged{ErrorCode::kParse, path, "the op-info database is damaged or incomplete"};
  if (!starts_with(file, kSqliteMagic)) return Error{ErrorCode::kParse, path, "not an op-info database"};
  if (file.size() < kHeaderSize + kSealSize) return damaged;
  if (big_endian(file, kApplicationIdAt) != schema::kApplicationId)
    return Error{ErrorCode::kUnsupported, path, "a SQLite file of another program, not an op-info database"};
  if (const uint32_t version = big_endian(file, kUserVersionAt); version != schema::kVersion)
    return Error{ErrorCode::kUnsupported, path,
                 fmt::format("an op-info database of schema version {}; this program reads version {}", version,
                             schema::kVersion)};
  const auto parts = file.first(file.size() - kSealSize);
  const auto seal = file.last(kSealSize);
  const uint64_t image_size = little_endian(seal.data() + kSealMagic.size());
  if (!starts_with(seal, kSealMagic) || little_endian(seal.data() + 16) != checksum(file.first(file.size() - 8)) ||
      image_size > parts.size())
    return damaged;
  return DatabaseFile{parts.first(image_size), parts.subspan(image_size)};
}

}  // namespace snapgauge::opinfo
