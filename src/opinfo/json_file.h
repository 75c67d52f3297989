// JSON files of the project's own tables: read whole, with a place in every error.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snapgauge::opinfo {

using Json = nlohmann::json;

/// Parses a file. Nesting deeper than 64 levels is refused.
Result<Json> read_json(const std::string& path);
Result<Json> parse_json(std::string_view text, const std::string& path);

/// nlohmann's message without its "[json.exception...]" prefix.
std::string plain_text(const Json::exception& error);

}  // namespace snapgauge::opinfo
