// A key file is opened once: what is read, and who may read it, is asked of the same open file. Secret text stays in
// memory that is wiped, so it goes through no std::string and no MappedFile.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/guard.h"
#include "signing/signing.h"
#include "signing/wiped.h"

namespace snapgauge {
namespace {

constexpr size_t kMostText = 4096;  // far more than a line takes, and nothing to wait for
constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;

struct Kind {
  std::string_view label, name, extension;
};
constexpr Kind kSecret{"snapgauge-ed25519-secret ", "secret", ".key"};
constexpr Kind kPublic{"snapgauge-ed25519-public ", "public", ".pub"};

Error system_error(const std::string& path, std::string_view what) {
  return {ErrorCode::kIo, path, fmt::format("{}: {}", what, std::strerror(errno))};
}

/// Closed when it goes out of scope.
struct OpenFile {
  int fd;
  explicit OpenFile(int opened) : fd(opened) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

struct KeyText {
  Wiped<char, kMostText + 1> buffer;
  size_t size = 0;
  mode_t mode = 0;

  /// Without its end, which editors and mail programs may have changed.
  std::string_view line() const {
    std::string_view text(buffer.data.data(), size);
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
  }
};

Status read_text(const std::string& path, KeyText& out) {
  // Non-blocking: opening a pipe must not wait for a writer.
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.fd < 0) return system_error(path, "cannot open");
  struct stat info {};
  if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) return Error{ErrorCode::kIo, path, "not a regular file"};
  out.mode = info.st_mode & 07777U;
  auto& to = out.buffer.data;
  while (out.size < to.size()) {
    const ssize_t n = ::read(file.fd, to.data() + out.size, to.size() - out.size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "cannot read");
    if (n == 0) break;
    out.size += static_cast<size_t>(n);
  }
  if (out.size > kMostText)
    return Error{ErrorCode::kLimit, path, fmt::format("not a key file: larger than {} bytes", kMostText)};
  return Done{};
}

Status check_kind(const std::string& path, const KeyText& text, const Kind& wanted, const Kind& other) {
  if (text.line().starts_with(other.label))
    return Error{ErrorCode::kUsage, path,
                 fmt::format("a {} key ({}) is given where a {} key ({}) is needed", other.name, other.extension,
                             wanted.name, wanted.extension)};
  if (text.line().starts_with(wanted.label)) return Done{};
  return Error{ErrorCode::kParse, path,
               fmt::format("not a key file: {}, where '{}BASE64' is expected",
                           text.line().empty() ? "it is empty" : "it holds something else", wanted.label)};
}

Status decode(const std::string& path, const KeyText& text, const Kind& kind, std::span<std::byte> to) {
  const std::string_view code = text.line().substr(kind.label.size());
  size_t size = 0;
  const bool decoded = sodium_base642bin(for_sodium(to.data()), to.size(), code.data(), code.size(), nullptr, &size,
                                         nullptr, kBase64) == 0;
  if (decoded && size == to.size()) return Done{};
  return Error{ErrorCode::kParse, path,
               fmt::format("damaged: behind '{}' the base64 of {} bytes is expected", kind.label, to.size())};
}

/// A line of text that is wiped with its memory.
struct KeyLine {
  Wiped<char, 128> buffer;
  size_t size = 0;

  KeyLine(const Kind& kind, std::span<const std::byte> key) {
    static_assert(kSecret.label.size() + sodium_base64_ENCODED_LEN(SecretKey::kSize, kBase64) <= 128);
    char* const end = std::copy(kind.label.begin(), kind.label.end(), buffer.data.data());
    const size_t used = kind.label.size();
    sodium_bin2base64(end, buffer.data.size() - used, for_sodium(key.data()), key.size(), kBase64);
    size = used + std::strlen(end);
    buffer.data[size++] = '\n';  // in the place of the zero
  }
  std::string_view text() const { return {buffer.data.data(), size}; }
};

/// A file that was not there before and, unless it is kept, is not there afterwards.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (fd_ >= 0) ::close(fd_);
    if (created_) ::unlink(path_.c_str());
  }

  Status create(mode_t mode) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd_ < 0 && errno == EEXIST)
      return Error{ErrorCode::kIo, path_, "is there already, and keys are not overwritten"};
    if (fd_ < 0) return system_error(path_, "cannot create");
    created_ = true;
    return Done{};
  }

  Status write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::write(fd_, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return system_error(path_, "cannot write");
      text.remove_prefix(static_cast<size_t>(n));
    }
    if (::fsync(fd_) != 0 || ::close(std::exchange(fd_, -1)) != 0) return system_error(path_, "cannot write");
    return Done{};
  }

  void keep() { created_ = false; }

 private:
  std::string path_;
  int fd_ = -1;
  bool created_ = false;
};

Error about(const std::string& path, Error error) {
  error.subject = path;
  return error;
}

}  // namespace

Result<SecretKey> read_secret_key(const std::string& path) {
  return guarded(path, [&]() -> Result<SecretKey> {
    KeyText text;
    if (Status read = read_text(path, text); !read) return read.error();
    // First of all: a public key may well be everybody's to read.
    if (Status kind = check_kind(path, text, kSecret, kPublic); !kind) return kind.error();
    if ((text.mode & 0077U) != 0)
      return Error{
          ErrorCode::kUsage, path,
          fmt::format(
              "a secret key that is not its owner's alone (mode {:04o}); run chmod 600 on it, or make a new one if "
              "somebody may have read it",
              text.mode)};
    Wiped<std::byte, SecretKey::kSize> bytes;
    if (Status decoded = decode(path, text, kSecret, bytes.data); !decoded) return decoded.error();
    auto key = SecretKey::of(bytes.data);
    if (!key) return about(path, key.error());
    return key;
  });
}

Result<PublicKey> read_public_key(const std::string& path) {
  return guarded(path, [&]() -> Result<PublicKey> {
    KeyText text;
    if (Status read = read_text(path, text); !read) return read.error();
    if (Status kind = check_kind(path, text, kPublic, kSecret); !kind) return kind.error();
    PublicKey out;
    if (Status decoded = decode(path, text, kPublic, out.bytes); !decoded) return decoded.error();
    // Half of all 32 bytes are none, and under a few others anybody can sign.
    if (crypto_core_ed25519_is_valid_point(for_sodium(out.bytes.data())) != 1)
      return Error{ErrorCode::kParse, path, "damaged: its 32 bytes are no Ed25519 public key"};
    return out;
  });
}

Status write_key_files(const std::string& name, const KeyPair& keys) {
  return guarded(name, [&]() -> Status {
    if (std::filesystem::path(name).filename().empty())
      return Error{ErrorCode::kUsage, name, "key files need a name: it becomes NAME.key and NAME.pub"};
    if (keys.secret_key.empty() || keys.secret_key.public_key() != keys.public_key)
      return Error{ErrorCode::kUsage, name, "the secret and the public key are not of one pair"};
    NewFile secret(name + std::string(kSecret.extension)), shared(name + std::string(kPublic.extension));
    // Both names are taken before there is anything secret in a file.
    if (Status created = secret.create(0600); !created) return created;
    if (Status created = shared.create(0666); !created) return created;
    if (Status written = secret.write(KeyLine(kSecret, keys.secret_key.bytes()).text()); !written) return written;
    if (Status written = shared.write(KeyLine(kPublic, keys.public_key.bytes).text()); !written) return written;
    secret.keep();
    shared.keep();
    return Done{};
  });
}

}  // namespace snapgauge
