#include "base/mouths.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace snapgauge {
namespace {

constexpr std::string_view kUnwritable = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kLineCommand = "::", kCommand = "##[";

uint32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  uint32_t point = lead & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return point;
}

/// `escape` in the place of the bracket of each "##[".
void disarm(std::string& text, std::string_view escape) {
  for (size_t at = 0; (at = text.find(kCommand, at)) != std::string::npos; at += escape.size())
    text.replace(at + kCommand.size() - 1, 1, escape);
}

}  // namespace

std::string for_log(std::string text) {
  disarm(text, "\\x5b");
  for (size_t line = 0; line < text.size();) {
    const size_t first = text.find_first_not_of(" \t\r\f\v", line);
    if (std::string_view(text).substr(std::min(first, text.size())).starts_with(kLineCommand))
      text.replace(first, 1, "\\x3a");
    line = std::min(text.find('\n', line), text.size() - 1) + 1;
  }
  return text;
}

std::string for_workflow(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    const bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
    out += special ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  disarm(out, "\\x5b");
  return out;
}

std::string for_xml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    text.remove_prefix(character.size());
    switch (character[0]) {
      case '&': out += "&amp;"; continue;
      case '<': out += "&lt;"; continue;
      case '>': out += "&gt;"; continue;
      case '"': out += "&quot;"; continue;
      // Line breaks in attributes survive only as references.
      case '\t': out += "&#9;"; continue;
      case '\n': out += "&#10;"; continue;
      case '\r': out += "&#13;"; continue;
      case '[': out += out.ends_with("##") ? "&#91;" : "["; continue;
      default: break;
    }
    // XML 1.0 has no way to write most control characters, U+FFFE and U+FFFF.
    const bool forbidden = length == 0 || static_cast<unsigned char>(character[0]) < 0x20 ||
                           character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
    if (!forbidden && is_harmful(character))
      out += fmt::format("&#{};", code_point(character));
    else
      out += forbidden ? kUnwritable : character;
  }
  return out;
}

std::string for_markdown(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_{}[]()<>#|~&@!$:").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string for_json(std::string text) {
  disarm(text, "\\u005b");
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    const std::string_view character = rest.substr(0, std::max<size_t>(utf8_length(rest), 1));
    // Controls of ASCII outside of strings are the layout; inside, JSON has escaped them.
    if (!plain(character[0]) && is_harmful(character))
      out += fmt::format("\\u{:04x}", code_point(character));
    else
      out += character;
    at += character.size();
  }
  return out;
}

}  // namespace snapgauge
