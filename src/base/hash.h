// One way to mix numbers into a hash of something larger. Not for files: it may change from build to build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace snapgauge {

class Hash {
 public:
  explicit Hash(size_t start = 0) : value_(start) {}
  template <class T>
  Hash& add(const T& part) {
    value_ = (value_ ^ std::hash<T>()(part)) * 0x9E3779B97F4A7C15U;
    value_ ^= value_ >> 29U;
    return *this;
  }
  size_t value() const { return value_; }

 private:
  size_t value_;
};

}  // namespace snapgauge
