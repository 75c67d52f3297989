#include "base/encoding.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace snapgauge {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Close {
  void operator()(iconv_t converter) const { ::iconv_close(converter); }
};

Status convert(std::string_view bytes, const char* encoding, std::string& out) {
  iconv_t opened = ::iconv_open("UTF-8", encoding);
  if (opened == reinterpret_cast<iconv_t>(-1))  // NOLINT(performance-no-int-to-ptr): how iconv says no
    return Error{ErrorCode::kUnsupported, encoding, "this system cannot convert it to UTF-8"};
  const std::unique_ptr<void, Close> converter(opened);
  std::array<char, size_t{64} << 10> buffer{};
  char* in = const_cast<char*>(bytes.data());  // iconv's signature; it only reads
  for (size_t left = bytes.size(); left > 0;) {
    char* end = buffer.data();
    size_t room = buffer.size();
    const bool done = ::iconv(converter.get(), &in, &left, &end, &room) != static_cast<size_t>(-1);
    const int why = errno;
    out.append(buffer.data(), static_cast<size_t>(end - buffer.data()));
    if (done || why == E2BIG) continue;
    out += kReplacement;
    const size_t skipped = why == EINVAL ? left : std::min<size_t>(left, 2);  // EINVAL: cut off at the end
    in += skipped;
    left -= skipped;
  }
  return Done{};
}

}  // namespace

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

Result<std::string_view> unicode_text(std::string_view bytes, std::string& storage) {
  const bool little = bytes.starts_with("\xFF\xFE");
  if (!little && !bytes.starts_with("\xFE\xFF")) return without_byte_order_mark(bytes);
  storage.clear();
  if (auto done = convert(bytes.substr(2), little ? "UTF-16LE" : "UTF-16BE", storage); !done) return done.error();
  return std::string_view(storage);
}

}  // namespace snapgauge
