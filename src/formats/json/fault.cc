#include "formats/json/fault.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <stdexcept>

namespace snapgauge {
namespace {

namespace od = simdjson::ondemand;

/// Looks at every value, and leaves where it finds the first fault: throws simdjson_error, or std::length_error when
/// nested too deeply. The depth bounds the recursion.
void walk(od::value value, uint32_t depth, uint32_t max_depth) {
  if (depth > max_depth) throw std::length_error("depth");
  switch (value.type()) {
    case od::json_type::object: {
      od::object object = value.get_object();
      for (auto field : object) {
        (void)field.unescaped_key().value();
        walk(field.value(), depth + 1, max_depth);
      }
      break;
    }
    case od::json_type::array: {
      od::array array = value.get_array();
      for (auto element : array) walk(element.value(), depth + 1, max_depth);
      break;
    }
    case od::json_type::string: (void)value.get_string().value(); break;
    case od::json_type::number:
      if (int64_t integer = 0; value.get_int64().get(integer) != simdjson::SUCCESS) (void)value.get_double().value();
      break;
    case od::json_type::boolean: (void)value.get_bool().value(); break;
    case od::json_type::null:
      if (!value.is_null()) throw simdjson::simdjson_error(simdjson::INCORRECT_TYPE);
      break;
  }
}

/// Length of the longest valid prefix, by halves: a prefix is cut at a character, so continuation bytes step back.
size_t valid_utf8(std::string_view text) {
  size_t low = 0;
  size_t high = text.size();
  while (low < high) {
    size_t middle = low + (high - low + 1) / 2;
    size_t cut = middle;
    while (cut > low && (static_cast<unsigned char>(text[cut - 1]) & 0xC0) == 0x80) --cut;
    if (cut > low && static_cast<unsigned char>(text[cut - 1]) >= 0xC0) --cut;
    if (simdjson::validate_utf8(text.data(), cut))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

/// Where the first control character inside a string stands, else the end.
size_t control_character(std::string_view text) {
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && inside)
      ++i;
    else if (text[i] == '"')
      inside = !inside;
    else if (inside && static_cast<unsigned char>(text[i]) < 0x20)
      return i;
  }
  return text.size();
}

/// simdjson's first pass over the text says what is wrong, not where: find bytes that no JSON text has, else it is
/// the end that is missing.
uint32_t first_pass_fault(std::string_view text, simdjson::error_code error) {
  const size_t at = error == simdjson::UTF8_ERROR        ? valid_utf8(text)
                    : error == simdjson::UNESCAPED_CHARS ? control_character(text)
                                                         : text.size();
  return static_cast<uint32_t>(at > 0 && at >= text.size() ? text.size() - 1 : at);
}

}  // namespace

JsonFault json_fault(std::string_view text, uint32_t max_depth) {
  od::parser parser;
  od::document cursor;
  const auto fault = [&](ErrorCode code, std::string_view what) {
    const char* at = nullptr;
    // Without a cursor the text ended too early.
    auto offset = static_cast<uint32_t>(text.empty() ? 0 : text.size() - 1);
    if (cursor.current_location().get(at) == simdjson::SUCCESS && at >= text.data() && at <= text.data() + text.size())
      offset = static_cast<uint32_t>(at - text.data());
    return JsonFault{code, fmt::format("not valid JSON: {}", what), offset};
  };
  try {
    const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
    if (auto error = parser.iterate(padded).get(cursor); error != simdjson::SUCCESS)
      return {ErrorCode::kParse, fmt::format("not valid JSON: {}", simdjson::error_message(error)),
              first_pass_fault(text, error)};
    od::value root;
    if (auto error = cursor.get_value().get(root); error != simdjson::SUCCESS)
      return fault(ErrorCode::kParse, "a lone number, string or literal where an object is expected");
    walk(root, 0, max_depth);
  } catch (const simdjson::simdjson_error& e) {
    return fault(ErrorCode::kParse, e.what());
  } catch (const std::length_error&) {
    return fault(ErrorCode::kLimit, fmt::format("nested deeper than {} levels", max_depth));
  }
  return fault(ErrorCode::kParse, "text after the end of the document");
}

}  // namespace snapgauge
