// Memory for secrets, which leaves nothing behind on the stack, and bytes as libsodium takes them.
#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>

namespace snapgauge {

template <class T, size_t N>
struct Wiped {
  std::array<T, N> data{};

  Wiped() = default;
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { sodium_memzero(data.data(), sizeof(data)); }
};

inline const unsigned char* for_sodium(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }
inline unsigned char* for_sodium(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

}  // namespace snapgauge
