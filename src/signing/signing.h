// Signatures of artifacts: Ed25519 over a hash of the content (Ed25519ph of RFC 8032, without a context), so that a
// mapped file of any size is read once, from front to back. Whoever has libsodium or another Ed25519ph can check them
// without us.
//
// Who is trusted is the caller's to say: a signature names its signer, and that alone proves nothing.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace snapgauge {

struct PublicKey {
  static constexpr size_t kSize = 32;
  std::array<std::byte, kSize> bytes{};

  bool operator==(const PublicKey&) const = default;
};

/// A seed and, behind it, the public key that follows from it. The bytes stay in one place, which is wiped in the end;
/// what was moved from has none.
class SecretKey {
 public:
  static constexpr size_t kSize = 64;

  /// A copy of them. kParse where the second half does not follow from the first: two signatures with such a key would
  /// give the secret away.
  static Result<SecretKey> of(std::span<const std::byte, kSize> bytes);

  bool empty() const { return bytes_ == nullptr; }
  /// Both of a key that is not empty.
  std::span<const std::byte, kSize> bytes() const { return *bytes_; }
  PublicKey public_key() const;

 private:
  using Bytes = std::array<std::byte, kSize>;
  struct Wiper {
    void operator()(Bytes* bytes) const;
  };

  SecretKey() = default;
  std::unique_ptr<Bytes, Wiper> bytes_;
};

struct KeyPair {
  PublicKey public_key;
  SecretKey secret_key;
};

struct Signature {
  static constexpr size_t kSize = 64;
  PublicKey signer;
  std::array<std::byte, kSize> bytes{};
};

// Whatever asks libsodium fails with kInternal where it cannot start. Errors about files name the file.

Result<KeyPair> generate_keys();
/// The same pair from the same seed: for tests.
Result<KeyPair> keys_from_seed(std::span<const std::byte, 32> seed);

/// The same bytes for the same content and key. kUsage for an empty key.
Result<Signature> sign(std::span<const std::byte> content, const SecretKey& key);
/// kUsage: signed by another key than `trusted`, both named by their fingerprints. kParse: by this one, it says, but
/// the content or the signature is not what it was.
Status verify(std::span<const std::byte> content, const Signature& signature, const PublicKey& trusted);

/// For people to compare: the first 16 hexadecimal digits of the key's BLAKE2b-256 (`b2sum -l 256` of its 32 bytes).
/// Programs compare keys.
std::string fingerprint(const PublicKey& key);

/// Key files are one line of text: `snapgauge-ed25519-secret BASE64` or `snapgauge-ed25519-public BASE64`.
///
/// kIo: cannot be opened or read, or no regular file. kLimit: larger than a key file. kParse: not a key file, damaged,
/// or halves that do not belong together. kUsage: a key of the other kind, or a secret key to which group or others
/// have any access.
Result<SecretKey> read_secret_key(const std::string& path);
Result<PublicKey> read_public_key(const std::string& path);

/// NAME.key, which is its owner's alone from the beginning, and NAME.pub: both or neither. kIo, also where one of them
/// is there already: keys are never overwritten. kUsage: no name, or keys that are no pair.
Status write_key_files(const std::string& name, const KeyPair& keys);

}  // namespace snapgauge
