// What readers of TOML files share: errors with file and place, and values of a type. For src/config alone.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/mouths.h"
#include "base/result.h"
#include "base/text.h"
#include "config/toml_depth.h"

namespace snapgauge {

class TomlReader {
 public:
  /// Thrown inside this folder only, caught by parse_toml.
  struct Fault {
    Error error;
  };

 protected:
  explicit TomlReader(std::string path) : path_(std::move(path)) {}

  [[noreturn]] void fail(const toml::node& at, std::string why) const {
    const toml::source_position place = at.source().begin;
    throw Fault{{ErrorCode::kParse, path_, std::move(why), place.line, place.column}};
  }

  void refuse_unknown(const toml::table& table, const std::vector<std::string>& known, std::string_view of) const {
    for (const auto& [key, value] : table) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      const std::vector<std::string> near = near_matches(key.str(), known);
      const toml::source_position place = key.source().begin;
      throw Fault{{ErrorCode::kParse, path_,
                   fmt::format("unknown key \"{}\"{}; {}", printable(key.str()), of,
                               near.empty() ? "known are " + fmt::format("{}", fmt::join(known, ", "))
                                            : "did you mean " + join_or(near) + "?"),
                   place.line, place.column}};
    }
  }

  std::string text(const toml::node& node, std::string_view key) const {
    if (!node.is_string()) fail(node, fmt::format("\"{}\" must be text", key));
    const std::string& value = **node.as_string();
    if (value.find_first_not_of(" \t\r\n") == std::string::npos) fail(node, fmt::format("\"{}\" is empty", key));
    return value;
  }

  bool truth(const toml::node& node, std::string_view key) const {
    if (!node.is_boolean()) fail(node, fmt::format("\"{}\" must be true or false", key));
    return **node.as_boolean();
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// What `read` makes of the file's table; what it throws, and what is no TOML, as an error.
template <class T, class Read>
Result<T> parse_toml(std::string_view text, const std::string& path, std::string_view what, const Read& read) {
  constexpr size_t kLargest = size_t{1} << 20U;
  if (text.size() > kLargest) return Error{ErrorCode::kLimit, path, fmt::format("{} of more than 1 MiB", what)};
  if (const auto place = too_deep(text))
    return Error{ErrorCode::kLimit, path, fmt::format("nested deeper than {} levels", kMostTomlDepth), place->line,
                 place->column};
  try {
    return read(toml::parse(text));
  } catch (const toml::parse_error& e) {
    const toml::source_position place = e.source().begin;
    return Error{ErrorCode::kParse, path, printable(e.description()), place.line, place.column};
  } catch (TomlReader::Fault& fault) {
    return std::move(fault.error);
  }
}

}  // namespace snapgauge
