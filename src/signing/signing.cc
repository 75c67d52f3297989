// Nothing of the cryptography is ours; what is, is that no key gets this far whose halves do not belong together.
#include "signing/signing.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/guard.h"
#include "signing/wiped.h"

namespace snapgauge {
namespace {

static_assert(PublicKey::kSize == crypto_sign_PUBLICKEYBYTES && SecretKey::kSize == crypto_sign_SECRETKEYBYTES &&
              Signature::kSize == crypto_sign_BYTES && crypto_sign_SEEDBYTES == 32);

// What is hashed at a time: of a mapped file, pages come in piece by piece.
constexpr size_t kPiece = size_t{1} << 20;

Error internal_error(std::string_view what) {
  return {ErrorCode::kInternal, "", fmt::format("libsodium failed: {}", what)};
}

/// May be asked as often as one likes, from several threads.
Status started() {
  if (sodium_init() < 0) return internal_error("it cannot start");
  return Done{};
}

Result<crypto_sign_state> hashed(std::span<const std::byte> content) {
  if (Status can = started(); !can) return can.error();
  crypto_sign_state state;
  if (crypto_sign_init(&state) != 0) return internal_error("no hash begins");
  while (!content.empty()) {
    const auto piece = content.first(std::min(content.size(), kPiece));
    if (crypto_sign_update(&state, for_sodium(piece.data()), piece.size()) != 0)
      return internal_error("no hash goes on");
    content = content.subspan(piece.size());
  }
  return state;
}

}  // namespace

void SecretKey::Wiper::operator()(Bytes* bytes) const {
  sodium_memzero(bytes->data(), bytes->size());
  delete bytes;
}

Result<SecretKey> SecretKey::of(std::span<const std::byte, kSize> bytes) {
  if (Status can = started(); !can) return can.error();
  return guarded("", [&]() -> Result<SecretKey> {
    PublicKey own;
    Wiped<std::byte, kSize> made;
    if (crypto_sign_seed_keypair(for_sodium(own.bytes.data()), for_sodium(made.data.data()),
                                 for_sodium(bytes.data())) != 0)
      return internal_error("no public key follows from the secret one");
    if (sodium_memcmp(made.data.data(), bytes.data(), kSize) != 0)
      return Error{ErrorCode::kParse, "", "damaged: the secret part of the key does not belong to its public part"};
    SecretKey out;
    out.bytes_.reset(new Bytes);
    std::copy(bytes.begin(), bytes.end(), out.bytes_->begin());
    return out;
  });
}

PublicKey SecretKey::public_key() const {
  PublicKey out;
  const auto half = bytes().last<PublicKey::kSize>();
  std::copy(half.begin(), half.end(), out.bytes.begin());
  return out;
}

Result<KeyPair> keys_from_seed(std::span<const std::byte, 32> seed) {
  if (Status can = started(); !can) return can.error();
  return guarded("", [&]() -> Result<KeyPair> {
    PublicKey public_key;
    Wiped<std::byte, SecretKey::kSize> secret;
    if (crypto_sign_seed_keypair(for_sodium(public_key.bytes.data()), for_sodium(secret.data.data()),
                                 for_sodium(seed.data())) != 0)
      return internal_error("no keys follow from the seed");
    auto secret_key = SecretKey::of(secret.data);
    if (!secret_key) return secret_key.error();
    return KeyPair{public_key, std::move(*secret_key)};
  });
}

Result<KeyPair> generate_keys() {
  if (Status can = started(); !can) return can.error();
  Wiped<std::byte, crypto_sign_SEEDBYTES> seed;
  randombytes_buf(seed.data.data(), seed.data.size());
  return keys_from_seed(seed.data);
}

Result<Signature> sign(std::span<const std::byte> content, const SecretKey& key) {
  return guarded("", [&]() -> Result<Signature> {
    if (key.empty()) return Error{ErrorCode::kUsage, "", "the secret key is empty: it was moved elsewhere"};
    auto state = hashed(content);
    if (!state) return state.error();
    Signature out{key.public_key(), {}};
    if (crypto_sign_final_create(&*state, for_sodium(out.bytes.data()), nullptr, for_sodium(key.bytes().data())) != 0)
      return internal_error("nothing is signed");
    return out;
  });
}

Status verify(std::span<const std::byte> content, const Signature& signature, const PublicKey& trusted) {
  return guarded("", [&]() -> Status {
    // Before the content is read, which may take long: nobody's signature but this one counts.
    if (signature.signer != trusted)
      return Error{ErrorCode::kUsage, "",
                   fmt::format("signed by another key (fingerprint {}, trusted is {})", fingerprint(signature.signer),
                               fingerprint(trusted))};
    auto state = hashed(content);
    if (!state) return state.error();
    if (crypto_sign_final_verify(&*state, for_sodium(signature.bytes.data()), for_sodium(trusted.bytes.data())) != 0)
      return Error{ErrorCode::kParse, "", "the content or its signature was altered"};
    return Done{};
  });
}

std::string fingerprint(const PublicKey& key) {
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  // Fails for lengths only, and these are fine.
  (void)crypto_generichash(hash.data(), hash.size(), for_sodium(key.bytes.data()), key.bytes.size(), nullptr, 0);
  std::array<char, 17> text{};
  sodium_bin2hex(text.data(), text.size(), hash.data(), 8);
  return text.data();
}

}  // namespace snapgauge
