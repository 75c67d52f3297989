#include "opinfo/version.h"

#include <fmt/format.h>

#include <charconv>

namespace snapgauge {

std::string SdkVersion::text() const {
  return *this == kLatestSdk ? "latest" : fmt::format("{}.{}.{}", major, minor, patch);
}

std::optional<SdkVersion> parse_sdk_version(std::string_view text) {
  if (text == "latest") return kLatestSdk;
  SdkVersion version;
  uint16_t* const parts[] = {&version.major, &version.minor, &version.patch};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (size_t i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc() || next == at) return std::nullopt;
    at = next;
    if (at == end) return i >= 1 && version < kLatestSdk ? std::optional(version) : std::nullopt;
    if (*at++ != '.') return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace snapgauge
