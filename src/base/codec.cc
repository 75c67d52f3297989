#include "base/codec.h"

#include <bit>

namespace snapgauge {
namespace {

/// Shorter texts take no less than their number; repeating long ones would make much of few bytes.
bool is_numbered(std::string_view text) { return text.size() >= 3 && text.size() < 256; }

}  // namespace

void Encoder::integer(int64_t value) {
  auto rest = static_cast<uint64_t>(value) << 1U ^ static_cast<uint64_t>(value >> 63);
  for (; rest >= 0x80; rest >>= 7U) bytes_ += static_cast<char>(0x80U | (rest & 0x7FU));
  bytes_ += static_cast<char>(rest);
}

void Encoder::real(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  for (unsigned shift = 0; shift < 64; shift += 8) bytes_ += static_cast<char>(bits >> shift & 0xFFU);
}

/// A size, or the number of a text that was there before as -1, -2, ...
void Encoder::text(std::string_view value) {
  if (const auto known = texts_.find(value); known != texts_.end()) return integer(~known->second);
  if (is_numbered(value)) texts_.emplace(value, static_cast<int64_t>(texts_.size()));
  integer(static_cast<int64_t>(value.size()));
  bytes_ += value;
}

int64_t Decoder::long_integer() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const auto byte = std::to_integer<uint64_t>(*at_++);
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7FU) << shift;
    if (byte < 0x80) return unfolded(value);
  }
  fail();
  return 0;
}

double Decoder::real() {
  constexpr size_t kSize = 8;
  if (static_cast<size_t>(end_ - at_) < kSize) {
    fail();
    return 0;
  }
  uint64_t bits = 0;
  for (unsigned shift = 0; shift < 64; shift += 8) bits |= std::to_integer<uint64_t>(*at_++) << shift;
  return std::bit_cast<double>(bits);
}

size_t Decoder::count(int64_t claimed) {
  if (claimed >= 0 && claimed <= end_ - at_) return static_cast<size_t>(claimed);
  fail();
  return 0;
}

std::string_view Decoder::text() {
  const int64_t size = integer();
  if (size < 0 && static_cast<uint64_t>(~size) < texts_.size()) return texts_[static_cast<size_t>(~size)];
  const std::string_view out(reinterpret_cast<const char*>(at_), count(size));
  at_ += out.size();
  if (is_numbered(out)) texts_.push_back(out);
  return out;
}

}  // namespace snapgauge
