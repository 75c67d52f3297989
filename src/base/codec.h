// Values as bytes and back, field by field: the form in which things compiled from the tables are stored.
//
// A structure takes part with one function beside it that names all of its members,
//
//   inline auto fields(Point& p) { auto& [x, y] = p; return std::tie(x, y); }
//
// which no longer compiles once a member is added; an enumeration with
// `constexpr Kind last_of(Kind) { return Kind::kLast; }`. What has a text form that is parsed anyway is stored as that
// text, by `std::string to_stored(const T&)` and `bool from_stored(std::string_view, T&)`, false for text that is none.
//
// Of a structure only the members that are not as they are made are stored; numbers are as long as they need to be, and
// a text that occurs again is its number. The bytes are the same on every machine. A decoder takes any bytes: it never
// reads beyond them and nests no deeper than kMaxDepth. One of them can stand for a structure or a text of 255.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/boxed.h"

namespace snapgauge {

class Encoder {
 public:
  void integer(int64_t value);
  void real(double value);
  void text(std::string_view value);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::map<std::string, int64_t, std::less<>> texts_;
};

class Decoder {
 public:
  static constexpr int kMaxDepth = 64;

  explicit Decoder(std::span<const std::byte> bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  int64_t integer() {
    if (at_ != end_ && std::to_integer<uint8_t>(*at_) < 0x80) return unfolded(std::to_integer<uint8_t>(*at_++));
    return long_integer();
  }
  double real();
  std::string_view text();
  /// A number of things that take a byte at least.
  size_t count() { return count(integer()); }

  /// From here on everything reads as zero or empty.
  void fail() { at_ = end_, failed_ = true; }
  bool failed() const { return failed_; }
  /// Nothing failed and nothing is left.
  bool finished() const { return !failed_ && at_ == end_; }
  bool enter() { return ++depth_ <= kMaxDepth || (fail(), false); }
  void leave() { --depth_; }

 private:
  /// 0, -1, 1, -2, ... are 0, 1, 2, 3, ..., so that small numbers of either sign are short.
  static int64_t unfolded(uint64_t v) { return static_cast<int64_t>(v >> 1U) ^ -static_cast<int64_t>(v & 1U); }
  int64_t long_integer();
  size_t count(int64_t claimed);

  const std::byte* at_;
  const std::byte* end_;
  std::vector<std::string_view> texts_;
  int depth_ = 0;
  bool failed_ = false;
};

namespace codec {

template <class T, template <class...> class Of>
inline constexpr bool is_a = false;
template <class... Args, template <class...> class Of>
inline constexpr bool is_a<Of<Args...>, Of> = true;

template <class T>
concept Number = std::integral<T> || std::is_enum_v<T>;
/// May hold nothing.
template <class T>
concept Holder = is_a<T, std::optional> || is_a<T, Boxed>;
template <class T>
concept Map = requires {
  typename T::mapped_type;
};
template <class T>
concept StoredAsText = requires(const T& t) {
  to_stored(t);
};

template <class T>
concept Tuple = is_a<T, std::pair> || is_a<T, std::tuple>;

template <Number T>
bool number_fits(int64_t value) {
  if constexpr (std::is_enum_v<T>)
    return value >= 0 && value <= static_cast<int64_t>(last_of(T{}));
  else if constexpr (std::same_as<T, bool>)
    return value == 0 || value == 1;
  else
    return static_cast<int64_t>(static_cast<std::make_signed_t<T>>(value)) == value;
}

template <class T>
void put_members(Encoder& out, const T& value);

template <class T>
void put(Encoder& out, const T& value) {
  if constexpr (std::is_enum_v<T> || std::same_as<T, bool>) {
    out.integer(static_cast<int64_t>(value));
  } else if constexpr (std::integral<T>) {
    out.integer(static_cast<std::make_signed_t<T>>(value));  // all bits set, which means "any", is short
  } else if constexpr (std::same_as<T, double>) {
    out.real(value);
  } else if constexpr (std::same_as<T, std::string>) {
    out.text(value);
  } else if constexpr (StoredAsText<T>) {
    out.text(to_stored(value));
  } else if constexpr (is_a<T, std::vector> || Map<T>) {
    out.integer(static_cast<int64_t>(value.size()));
    for (const auto& element : value) put(out, element);
  } else if constexpr (Holder<T>) {
    put(out, static_cast<bool>(value));
    if (value) put(out, *value);
  } else if constexpr (Tuple<T>) {
    std::apply([&out](const auto&... member) { (put(out, member), ...); }, value);
  } else {
    put_members(out, value);
  }
}

/// Bit i says whether member i follows.
template <class T>
void put_members(Encoder& out, const T& value) {
  T standard{};
  const auto members = fields(const_cast<T&>(value)), made = fields(standard);
  constexpr auto kAll = std::make_index_sequence<std::tuple_size_v<decltype(members)>>();
  static_assert(kAll.size() < 63);
  const auto each = [&]<size_t... I>(std::index_sequence<I...>) {
    const int64_t changed = (... | (int64_t{std::get<I>(members) != std::get<I>(made)} << I));
    out.integer(changed);
    ((changed >> I & 1 ? put(out, std::get<I>(members)) : void()), ...);
  };
  each(kAll);
}

template <class T>
void get(Decoder& in, T& value);
template <class T>
void get_members(Decoder& in, T& value);

template <class T>
void get_elements(Decoder& in, T& list) {
  constexpr size_t kMostReserved = 64;  // a count is a claim only
  const size_t count = in.count();
  list.clear();
  if constexpr (!Map<T>) list.reserve(std::min(count, kMostReserved));
  for (size_t i = 0; i < count && !in.failed(); ++i) {
    if constexpr (Map<T>) {
      std::pair<typename T::key_type, typename T::mapped_type> entry;
      get(in, entry);
      list.insert(std::move(entry));
    } else {
      get(in, list.emplace_back());
    }
  }
}

template <Holder T>
void get_held(Decoder& in, T& holder) {
  holder = T();
  bool held = false;
  get(in, held);
  if (!held) return;
  std::remove_cvref_t<decltype(*holder)> value{};
  get(in, value);
  holder = std::move(value);
}

template <class T>
void get(Decoder& in, T& value) {
  if constexpr (Number<T>) {
    const int64_t number = in.integer();
    if (!number_fits<T>(number)) return in.fail();
    value = static_cast<T>(number);
  } else if constexpr (std::same_as<T, double>) {
    value = in.real();
  } else if constexpr (std::same_as<T, std::string>) {
    value = in.text();
  } else if constexpr (StoredAsText<T>) {
    if (!from_stored(in.text(), value)) in.fail();
  } else if constexpr (is_a<T, std::vector> || Map<T>) {
    get_elements(in, value);
  } else if constexpr (Holder<T>) {
    get_held(in, value);
  } else if constexpr (Tuple<T>) {
    std::apply([&in](auto&... member) { (get(in, member), ...); }, value);
  } else {
    if (in.enter()) get_members(in, value);
    in.leave();
  }
}

/// `value` is as it is made.
template <class T>
void get_members(Decoder& in, T& value) {
  const auto changed = static_cast<uint64_t>(in.integer());
  uint64_t bit = 1;
  std::apply([&](auto&... member) { ((changed & bit ? get(in, member) : void(), bit <<= 1U), ...); }, fields(value));
  if (changed >= bit) in.fail();
}

}  // namespace codec

template <class T>
std::string encoded(const T& value) {
  Encoder out;
  codec::put(out, value);
  return out.bytes();
}

/// Nothing for bytes that are not exactly one value.
template <class T>
std::optional<T> decoded(std::span<const std::byte> bytes) {
  Decoder in(bytes);
  std::optional<T> value(std::in_place);
  codec::get(in, *value);
  if (!in.finished()) value.reset();
  return value;
}

}  // namespace snapgauge
