#include "opinfo/json_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace snapgauge::opinfo {
namespace {

constexpr int kMaxDepth = 64;

Error parse_error(std::string_view text, const std::string& path, const Json::parse_error& error) {
  const size_t end = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
  const std::string_view before = text.substr(0, end);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  Error out{ErrorCode::kParse, path, "not valid JSON: "};
  out.line = static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  out.column = static_cast<uint32_t>(end - line_start) + 1;
  // "parse error at line 1, column 5: syntax error while ...": the place is in the error already.
  const std::string what = plain_text(error);
  const size_t colon = what.find(": ");
  out.text += printable(colon == std::string::npos ? what : what.substr(colon + 2));
  return out;
}

/// Whether brackets and braces outside of strings nest too deeply. Held against the text before it is parsed: the
/// parser's own callback looks through all elements of a list at the end of each, which takes quadratic time.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '[':
      case '{':
        if (++depth > kMaxDepth) return true;
        break;
      case ']':
      case '}': --depth; break;
      case '"':
        for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
        break;
      default: break;
    }
  }
  return false;
}

}  // namespace

std::string plain_text(const Json::exception& error) {
  const std::string_view what = error.what();
  const size_t end = what.find("] ");
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

Result<Json> parse_json(std::string_view text, const std::string& path) {
  if (is_too_deep(text)) return Error{ErrorCode::kLimit, path, fmt::format("nested deeper than {} levels", kMaxDepth)};
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    return parse_error(text, path, error);
  } catch (const Json::exception& error) {
    return Error{ErrorCode::kParse, path, "not valid JSON: " + printable(plain_text(error))};
  }
}

Result<Json> read_json(const std::string& path) {
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  return parse_json(file.value().text(), path);
}

}  // namespace snapgauge::opinfo
