// Result<T>: the outcome of our own work. A failure says what kind it is, which file or object it
// concerns, and one sentence for the user. It is never used for findings about a user's graph.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace snapgauge {

enum class ErrorCode : uint8_t {
  kIo,           // the operating system refused
  kParse,        // the bytes are not what the format asks for
  kLimit,        // larger or deeper than the stated limit
  kUnsupported,  // a valid file of a kind or version we do not read
  kUsage,        // the caller's arguments do not make sense
  kInternal,     // a dependency failed in a way that input cannot cause
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string subject;  // file name, option or object
  std::string text;     // one sentence without trailing newline
  uint32_t line = 0;    // 1-based place in the subject; 0 when there is none
  uint32_t column = 0;

  /// "subject:line:column: text", leaving out what is not known.
  std::string message() const;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  T& operator*() & { return checked(); }
  T&& operator*() && { return std::move(checked()); }

  const Error& error() const {
    assert(!ok());
    return std::get<1>(state_);
  }

 private:
  T& checked() {
    assert(ok());
    return std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

/// Result without a value.
struct Done {};
using Status = Result<Done>;

}  // namespace snapgauge
