// Signatures and key files: only what was signed with the trusted key passes, and a key file is never lost, shared or
// taken for one of the other kind.
#include "signing/signing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace snapgauge {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

static_assert(!std::is_copy_constructible_v<SecretKey> && !std::is_copy_assignable_v<SecretKey>);

std::vector<std::byte> unhex(std::string_view hex) {
  std::vector<std::byte> out;
  for (size_t i = 0; i < hex.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (const std::byte b : bytes) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4U];
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15U];
  }
  return out;
}

std::span<const std::byte> content_of(std::string_view text) { return std::as_bytes(std::span(text)); }

KeyPair keys_of(uint8_t number) {
  std::array<std::byte, 32> seed{};
  seed.fill(std::byte{number});
  return keys_from_seed(seed).value();
}

Signature signature_of(std::span<const std::byte> content, const KeyPair& keys) {
  return sign(content, keys.secret_key).value();
}

/// Calls `check` with every bit turned around once.
template <class Check>
void flip_each_bit(std::span<std::byte> bytes, Check check) {
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    check(bit);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

// RFC 8032, section 7.3.
TEST(Signing, TheStandardsOwnExample) {
  const auto seed = unhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");
  const auto keys = keys_from_seed(std::span(seed).first<32>());
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(hex(keys.value().public_key.bytes), "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf");
  EXPECT_EQ(keys.value().secret_key.public_key(), keys.value().public_key);
  const auto signature = sign(content_of("abc"), keys.value().secret_key);
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_EQ(signature.value().signer, keys.value().public_key);
  EXPECT_EQ(hex(signature.value().bytes),
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
            "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406");
  EXPECT_TRUE(verify(content_of("abc"), signature.value(), keys.value().public_key));
  // By another implementation of BLAKE2b (Python's hashlib).
  EXPECT_EQ(fingerprint(keys.value().public_key), "96cec3f4e18c034e");
}

TEST(Signing, EveryBitOfTheContentCounts) {
  const KeyPair keys = keys_of(1);
  auto content = unhex("00ff107e80c3");
  const Signature signature = signature_of(content, keys);
  flip_each_bit(content, [&](size_t bit) {
    const Status verified = verify(content, signature, keys.public_key);
    ASSERT_FALSE(verified) << bit;
    EXPECT_EQ(verified.error().code, ErrorCode::kParse);
    EXPECT_EQ(verified.error().message(), "the content or its signature was altered");
  });
  EXPECT_TRUE(verify(content, signature, keys.public_key));
  EXPECT_FALSE(verify(std::span(content).first(5), signature, keys.public_key));
  content.push_back(std::byte{0});
  EXPECT_FALSE(verify(content, signature, keys.public_key));
}

TEST(Signing, EveryBitOfTheSignatureCounts) {
  const KeyPair keys = keys_of(1);
  Signature signature = signature_of(content_of("content"), keys);
  flip_each_bit(signature.bytes, [&](size_t bit) {
    const Status verified = verify(content_of("content"), signature, keys.public_key);
    ASSERT_FALSE(verified) << bit;
    EXPECT_EQ(verified.error().code, ErrorCode::kParse);
  });
  flip_each_bit(signature.signer.bytes, [&](size_t bit) {
    const Status verified = verify(content_of("content"), signature, keys.public_key);
    ASSERT_FALSE(verified) << bit;
    EXPECT_EQ(verified.error().code, ErrorCode::kUsage);
  });
  EXPECT_TRUE(verify(content_of("content"), signature, keys.public_key));
}

TEST(Signing, AnotherKeyIsNamed) {
  const KeyPair mine = keys_of(1), other = keys_of(2);
  Signature signature = signature_of(content_of("content"), other);
  const Status verified = verify(content_of("content"), signature, mine.public_key);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::kUsage);
  EXPECT_EQ(verified.error().message(), "signed by another key (fingerprint " + fingerprint(other.public_key) +
                                            ", trusted is " + fingerprint(mine.public_key) + ")");
  // Who merely says that he is the one that is trusted, is not.
  signature.signer = mine.public_key;
  const Status claimed = verify(content_of("content"), signature, mine.public_key);
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, ErrorCode::kParse);
}

// Of such a key anybody could make a signature: 32 zeros are a point of order 4.
TEST(Signing, AWeakKeyVerifiesNothing) {
  Signature signature;
  EXPECT_FALSE(verify(content_of("content"), signature, PublicKey{}));
}

TEST(Signing, EmptyAndLongContent) {
  const KeyPair keys = keys_of(1);
  const Signature empty = signature_of({}, keys);
  EXPECT_TRUE(verify({}, empty, keys.public_key));
  EXPECT_FALSE(verify(content_of("x"), empty, keys.public_key));

  // Around the size of a piece, and some pieces with a rest.
  for (const size_t size : {(size_t{1} << 20) - 1, size_t{1} << 20, (size_t{1} << 20) + 1, (size_t{3} << 20) + 12345}) {
    std::vector<std::byte> content(size);
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<std::byte>(i * 2654435761U >> 24U);
    const Signature signature = signature_of(content, keys);
    EXPECT_TRUE(verify(content, signature, keys.public_key)) << size;
    for (const size_t at : {size_t{0}, size / 2, size - 1}) {
      content[at] ^= std::byte{1};
      EXPECT_FALSE(verify(content, signature, keys.public_key)) << size << ", byte " << at;
      content[at] ^= std::byte{1};
    }
  }
}

TEST(Signing, SameContentSameBytes) {
  const KeyPair keys = keys_of(1);
  const Signature first = signature_of(content_of("content"), keys), second = signature_of(content_of("content"), keys);
  EXPECT_EQ(first.bytes, second.bytes);
  EXPECT_NE(first.bytes, signature_of(content_of("content."), keys).bytes);
}

TEST(Signing, GeneratedKeysDiffer) {
  const auto one = generate_keys(), two = generate_keys();
  ASSERT_TRUE(one && two);
  EXPECT_NE(one.value().public_key, two.value().public_key);
  EXPECT_NE(fingerprint(one.value().public_key), fingerprint(two.value().public_key));
  const Signature signature = signature_of(content_of("content"), one.value());
  EXPECT_TRUE(verify(content_of("content"), signature, one.value().public_key));
}

TEST(Signing, SecretsMoveAndAreWhole) {
  KeyPair keys = keys_of(1);
  const SecretKey moved = std::move(keys.secret_key);
  EXPECT_EQ(moved.public_key(), keys.public_key);
  ASSERT_TRUE(keys.secret_key.empty());  // NOLINT(bugprone-use-after-move): what is asked here
  const auto signature = sign(content_of("content"), keys.secret_key);
  ASSERT_FALSE(signature);
  EXPECT_EQ(signature.error().code, ErrorCode::kUsage);

  std::array<std::byte, SecretKey::kSize> bytes{};
  std::copy(moved.bytes().begin(), moved.bytes().end(), bytes.begin());
  EXPECT_TRUE(SecretKey::of(bytes));
  flip_each_bit(bytes, [&](size_t bit) {
    const auto key = SecretKey::of(bytes);
    ASSERT_FALSE(key) << bit;
    EXPECT_EQ(key.error().code, ErrorCode::kParse);
  });
}

class KeyFiles : public testing::Test {
 protected:
  KeyFiles()
      : folder_(std::filesystem::path(testing::TempDir()) /
                (std::string("key_files_") + testing::UnitTest::GetInstance()->current_test_info()->name())),
        keys_(keys_of(7)) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~KeyFiles() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  /// A file that only its owner reads.
  std::string file(const std::string& name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    ::chmod(path(name).c_str(), 0600);
    return path(name);
  }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static unsigned mode(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
  }
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  /// One clear error that begins with the file's name, from both readers.
  static void expect_refused(const std::string& path, ErrorCode code, std::string_view text) {
    const auto secret = read_secret_key(path);
    const auto open = read_public_key(path);
    ASSERT_FALSE(secret) << text;
    ASSERT_FALSE(open) << text;
    for (const Error& error : {secret.error(), open.error()}) {
      EXPECT_EQ(error.code, code) << error.message();
      EXPECT_EQ(error.subject, path);
      EXPECT_THAT(error.text, HasSubstr(std::string(text)));
    }
  }

  std::filesystem::path folder_;
  KeyPair keys_;
};

TEST_F(KeyFiles, AreReadAsTheyWereWritten) {
  const Status written = write_key_files(path("release"), keys_);
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(entries(), 2u);
  EXPECT_THAT(content(path("release.key")), testing::MatchesRegex("snapgauge-ed25519-secret [A-Za-z0-9+/]*==\n"));
  EXPECT_THAT(content(path("release.pub")), testing::MatchesRegex("snapgauge-ed25519-public [A-Za-z0-9+/]*=\n"));
  EXPECT_EQ(mode(path("release.key")), 0600U);
  const auto secret = read_secret_key(path("release.key"));
  const auto open = read_public_key(path("release.pub"));
  ASSERT_TRUE(secret) << secret.error().message();
  ASSERT_TRUE(open) << open.error().message();
  EXPECT_EQ(open.value(), keys_.public_key);
  EXPECT_TRUE(std::ranges::equal(secret.value().bytes(), keys_.secret_key.bytes()));
  const auto signature = sign(content_of("content"), secret.value());
  EXPECT_TRUE(verify(content_of("content"), signature.value(), open.value()));
}

TEST_F(KeyFiles, TheModeIsNeverWidened) {
  const mode_t before = ::umask(0);
  const Status written = write_key_files(path("a"), keys_);
  ::umask(before);
  ASSERT_TRUE(written);
  EXPECT_EQ(mode(path("a.key")), 0600U);
  EXPECT_EQ(mode(path("a.pub")), 0666U);
}

TEST_F(KeyFiles, NothingIsOverwrittenAndNothingLeftBehind) {
  for (const char* taken : {"a.key", "a.pub"}) {
    file(taken, "precious");
    const Status written = write_key_files(path("a"), keys_);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kIo);
    EXPECT_EQ(written.error().message(), path(taken) + ": is there already, and keys are not overwritten");
    EXPECT_EQ(content(path(taken)), "precious");
    EXPECT_EQ(entries(), 1u);
    std::filesystem::remove(path(taken));
  }
  // Nor through a link to where nothing is yet.
  std::filesystem::create_symlink(path("elsewhere"), path("a.pub"));
  EXPECT_FALSE(write_key_files(path("a"), keys_));
  EXPECT_EQ(entries(), 1u);
}

// As on a full disk: a part is written, then there is an error.
TEST_F(KeyFiles, HalfAKeyIsNotLeftBehind) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit little { 100, before.rlim_max };
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  const Status written = write_key_files(path("a"), keys_);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kIo);
  EXPECT_THAT(written.error().message(), StartsWith(path("a.key") + ": cannot write: "));
  EXPECT_EQ(entries(), 0u);
}

TEST_F(KeyFiles, WhatCannotBeWrittenIsAnError) {
  const Status folder = write_key_files(path("no/such"), keys_);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::kIo);
  EXPECT_THAT(folder.error().message(), StartsWith(path("no/such.key") + ": cannot create: "));
  for (const std::string& name : {std::string(), path("")}) {
    const Status unnamed = write_key_files(name, keys_);
    ASSERT_FALSE(unnamed);
    EXPECT_EQ(unnamed.error().code, ErrorCode::kUsage);
  }
  KeyPair mixed{keys_of(8).public_key, std::move(keys_.secret_key)};
  const Status pair = write_key_files(path("a"), mixed);
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().code, ErrorCode::kUsage);
  EXPECT_EQ(entries(), 0u);
}

TEST_F(KeyFiles, OneKindIsNotTakenForTheOther) {
  ASSERT_TRUE(write_key_files(path("a"), keys_));
  ::chmod(path("a.pub").c_str(), 0644);
  const auto secret = read_secret_key(path("a.pub"));
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, ErrorCode::kUsage);
  EXPECT_EQ(secret.error().message(),
            path("a.pub") + ": a public key (.pub) is given where a secret key (.key) is needed");
  const auto open = read_public_key(path("a.key"));
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::kUsage);
  EXPECT_EQ(open.error().message(),
            path("a.key") + ": a secret key (.key) is given where a public key (.pub) is needed");
}

TEST_F(KeyFiles, SecretsThatOthersHaveAccessToAreRefused) {
  ASSERT_TRUE(write_key_files(path("a"), keys_));
  for (const mode_t wide : {0640U, 0604U, 0644U, 0620U, 0660U, 0666U, 0777U}) {
    ::chmod(path("a.key").c_str(), wide);
    const auto secret = read_secret_key(path("a.key"));
    ASSERT_FALSE(secret) << wide;
    EXPECT_EQ(secret.error().code, ErrorCode::kUsage);
    EXPECT_EQ(secret.error().subject, path("a.key"));
    EXPECT_THAT(secret.error().text, HasSubstr("run chmod 600 on it"));
  }
  for (const mode_t narrow : {0600U, 0400U, 0700U}) {
    ::chmod(path("a.key").c_str(), narrow);
    EXPECT_TRUE(read_secret_key(path("a.key"))) << narrow;
  }
}

TEST_F(KeyFiles, EveryTruncationIsRefused) {
  ASSERT_TRUE(write_key_files(path("a"), keys_));
  const std::string secret = content(path("a.key")), open = content(path("a.pub"));
  for (size_t size = 0; size + 1 < secret.size(); ++size) {
    const auto key = read_secret_key(file("cut", secret.substr(0, size)));
    ASSERT_FALSE(key) << size;
    EXPECT_EQ(key.error().code, ErrorCode::kParse);
    EXPECT_EQ(key.error().subject, path("cut"));
  }
  for (size_t size = 0; size + 1 < open.size(); ++size) {
    const auto key = read_public_key(file("cut", open.substr(0, size)));
    ASSERT_FALSE(key) << size;
    EXPECT_EQ(key.error().code, ErrorCode::kParse);
  }
}

TEST_F(KeyFiles, TheEndOfTheLineDoesNotMatter) {
  ASSERT_TRUE(write_key_files(path("a"), keys_));
  const std::string line = content(path("a.pub")).substr(0, content(path("a.pub")).size() - 1);
  for (const char* end : {"", "\n", "\r\n"}) EXPECT_TRUE(read_public_key(file("b", line + end)));
  for (const char* end : {" ", "\n\n", "A", "=", "\nmore", " # mine"}) {
    const auto key = read_public_key(file("b", line + end));
    ASSERT_FALSE(key) << end;
    EXPECT_EQ(key.error().code, ErrorCode::kParse);
  }
  EXPECT_FALSE(read_public_key(file("b", line + std::string(1, '\0'))));
}

TEST_F(KeyFiles, WhatIsNoKeyFileIsRefused) {
  expect_refused(path("missing"), ErrorCode::kIo, "cannot open: No such file");
  expect_refused(folder_, ErrorCode::kIo, "not a regular file");
  expect_refused("/dev/zero", ErrorCode::kIo, "not a regular file");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  expect_refused(path("pipe"), ErrorCode::kIo, "not a regular file");
  expect_refused(file("empty", ""), ErrorCode::kParse, "not a key file: it is empty");
  expect_refused(file("newline", "\n"), ErrorCode::kParse, "not a key file: it is empty");
  expect_refused(file("junk", std::string_view("\0\xff\x1b[2Jjunk", 9)), ErrorCode::kParse, "it holds something else");
  expect_refused(file("openssh", "-----BEGIN OPENSSH PRIVATE KEY-----\n"), ErrorCode::kParse, "not a key file");
  expect_refused(file("long", std::string(4097, 'A')), ErrorCode::kLimit, "larger than 4096 bytes");
  // Sparse: read to the end it would take a while.
  file("huge", "snapgauge-ed25519-public ");
  std::filesystem::resize_file(path("huge"), uintmax_t{1} << 30);
  expect_refused(path("huge"), ErrorCode::kLimit, "larger than 4096 bytes");
}

TEST_F(KeyFiles, DamagedKeysAreRefused) {
  const std::string label = "snapgauge-ed25519-public ";
  for (const std::string& code : {std::string(), std::string("AAAA"), std::string(43, 'A'), std::string(44, 'A'),
                                  std::string(88, 'A'), std::string(43, '*') + "=", std::string(2000, 'A')}) {
    const auto key = read_public_key(file("a", label + code));
    ASSERT_FALSE(key) << code;
    EXPECT_EQ(key.error().code, ErrorCode::kParse);
    EXPECT_EQ(key.error().message(),
              path("a") + ": damaged: behind 'snapgauge-ed25519-public ' the base64 of 32 bytes is expected");
  }
  // 32 zeros: a point, and no key.
  const auto weak = read_public_key(file("a", label + std::string(43, 'A') + "="));
  ASSERT_FALSE(weak);
  EXPECT_EQ(weak.error().code, ErrorCode::kParse);
  EXPECT_EQ(weak.error().message(), path("a") + ": damaged: its 32 bytes are no Ed25519 public key");
}

TEST_F(KeyFiles, HalvesThatDoNotBelongTogetherAreRefused) {
  const auto halves = read_secret_key(file("a", "snapgauge-ed25519-secret " + std::string(86, 'A') + "=="));
  ASSERT_FALSE(halves);
  EXPECT_EQ(halves.error().code, ErrorCode::kParse);
  EXPECT_EQ(halves.error().message(),
            path("a") + ": damaged: the secret part of the key does not belong to its public part");
}

}  // namespace
}  // namespace snapgauge
