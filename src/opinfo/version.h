// SDK versions as comparable triples.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace snapgauge {

struct SdkVersion {
  uint16_t major = 0, minor = 0, patch = 0;

  constexpr auto operator<=>(const SdkVersion&) const = default;
  std::string text() const;
};

/// Newer than any real version: what --sdk latest means.
inline constexpr SdkVersion kLatestSdk{UINT16_MAX, 0, 0};

/// "2.25.0", "2.25" or "latest".
std::optional<SdkVersion> parse_sdk_version(std::string_view text);

}  // namespace snapgauge
