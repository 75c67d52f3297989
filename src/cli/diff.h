// Unified differences of texts, for people and for patch(1).
#pragma once

#include <string>
#include <string_view>

namespace snapgauge::cli {

/// Empty when the texts are equal.
std::string unified_diff(std::string_view before, std::string_view after, const std::string& path);

}  // namespace snapgauge::cli
