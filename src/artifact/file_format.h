// Within artifact: the header and the signature of a file, byte for byte.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "artifact/artifact.h"

namespace snapgauge {

static_assert(std::endian::native == std::endian::little, "artifacts are read where they lie");

constexpr uint32_t kArtifactVersion = 1;
constexpr std::array<char, 8> kArtifactMagic{'S', 'N', 'A', 'P', 'S', 'G', 'B', '\n'};
constexpr std::array<char, 8> kSignatureMagic{'S', 'N', 'A', 'P', 'S', 'I', 'G', '\n'};

struct ArtifactHeader {
  std::array<char, 8> magic = kArtifactMagic;
  uint32_t version = kArtifactVersion;
  uint32_t header_bytes = 0;
  uint64_t structure_offset = 0, structure_bytes = 0, structure_hash = 0;
  uint64_t weights_offset = 0, weights_bytes = 0, weights_hash = 0;
  uint64_t header_hash = 0;  // of everything in front of it
};
constexpr size_t kHeaderBytes = 128;  // with zeros behind the header, for whole cache lines
static_assert(sizeof(ArtifactHeader) == 72);

struct SignatureBlock {
  std::array<char, 8> magic = kSignatureMagic;
  std::array<std::byte, PublicKey::kSize> signer{};
  std::array<std::byte, Signature::kSize> bytes{};
};
static_assert(sizeof(SignatureBlock) == 104);

template <class T>
std::string_view bytes_of(const T& t) {
  return {reinterpret_cast<const char*>(&t), sizeof t};
}

uint64_t hash_of(const ArtifactHeader& header);
/// Of a file with this structure and weights of such length and hash behind it.
ArtifactHeader header_for(std::string_view structure, uint64_t weights_bytes, uint64_t weights_hash);
/// Of the names that the structure has numbers for: another version of this program may number them otherwise.
uint64_t vocabulary();

}  // namespace snapgauge
