// Within encodings: JSON with an entry a line, its members in the order in which they are set.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace snapgauge {

using EncodingJson = nlohmann::ordered_json;

/// Bytes that are no UTF-8 are replaced: names come from models.
inline std::string one_line(const EncodingJson& json) {
  return json.dump(-1, ' ', false, EncodingJson::error_handler_t::replace);
}

/// `member`, one of a list in `out`, on a line of its own.
inline void add_line(std::string& out, const std::string& member) {
  ((out += out.empty() ? "\n  " : ",\n  ") += member);
}

}  // namespace snapgauge
