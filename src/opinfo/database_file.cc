#include "opinfo/database_file.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "opinfo/schema.h"

namespace snapgauge::opinfo {
namespace {

constexpr std::string_view kSqliteMagic("SQLite format 3\0", 16);
constexpr std::string_view kSealMagic("SGSEAL1\n", 8);
constexpr size_t kSealSize = 16;
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
  for (size_t i = 8; i-- > 0;) value = value << 8U | std::to_integer<uint64_t>(at[i]);
  return value;
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

std::string sealed(std::string image) {
  const uint64_t sum = checksum(std::as_bytes(std::span(image)));
  image += kSealMagic;
  for (unsigned i = 0; i < 8; ++i) image += static_cast<char>(sum >> 8U * i & 0xFFU);
  return image;
}

Result<std::span<const std::byte>> unsealed(std::span<const std::byte> file, const std::string& path) {
  if (!starts_with(file, kSqliteMagic)) return Error{ErrorCode::kParse, path, "not an op-info database"};
  if (file.size() < kHeaderSize + kSealSize)
    return Error{ErrorCode::kParse, path, "the op-info database is damaged or incomplete"};
  if (big_endian(file, kApplicationIdAt) != schema::kApplicationId)
    return Error{ErrorCode::kUnsupported, path, "a SQLite file of another program, not an op-info database"};
  if (const uint32_t version = big_endian(file, kUserVersionAt); version != schema::kVersion)
    return Error{ErrorCode::kUnsupported, path,
                 fmt::format("an op-info database of schema version {}; this program reads version {}", version,
                             schema::kVersion)};
  const auto image = file.first(file.size() - kSealSize);
  const auto seal = file.last(kSealSize);
  if (!starts_with(seal, kSealMagic) || little_endian(seal.data() + kSealMagic.size()) != checksum(image))
    return Error{ErrorCode::kParse, path, "the op-info database is damaged or incomplete"};
  return image;
}

}  // namespace snapgauge::opinfo
