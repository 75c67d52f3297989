// A value that most of its owners leave as it was made, held apart: these then pay a pointer for it.
#pragma once

#include <memory>
#include <utility>

namespace snapgauge {

/// Reads like a `const T`; never empty. Copies share the value, which is replaced as a whole.
template <class T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(T value) : held_(std::make_shared<const T>(std::move(value))) {}  // NOLINT: implicit by design

  const T& operator*() const { return held_ != nullptr ? *held_ : standard(); }
  const T* operator->() const { return &**this; }
  /// Whether a value was ever put in.
  explicit operator bool() const { return held_ != nullptr; }
  bool operator==(const Boxed& other) const { return held_ == other.held_ || **this == *other; }

 private:
  static const T& standard() {
    static const T value{};
    return value;
  }
  std::shared_ptr<const T> held_;
};

}  // namespace snapgauge
