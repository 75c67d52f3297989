#include "formats/json/members.h"

#include <fmt/format.h>

#include <limits>

#include "base/number.h"

namespace snapgauge {

std::string_view JsonMembers::optional_text(const JsonValue& object, std::string_view key,
                                            std::string_view otherwise) const {
  const JsonValue v = object[key];
  if (!v.missing() && !v.is_null() && !v.is_string()) fail(v, fmt::format("\"{}\" must be text", key));
  return v.string().value_or(otherwise);
}

bool JsonMembers::optional_bool(const JsonValue& object, std::string_view key, bool otherwise) const {
  const JsonValue v = object[key];
  if (!v.missing() && !v.is_null() && !v.boolean()) fail(v, fmt::format("\"{}\" must be true or false", key));
  return v.boolean().value_or(otherwise);
}

JsonValue JsonMembers::optional_member(const JsonValue& object, std::string_view key, JsonValue::Type type) const {
  const JsonValue v = object[key];
  if (v.missing() || v.is_null()) return {};
  if (v.type() != type) fail(v, fmt::format("\"{}\" has the wrong type", key));
  return v;
}

void JsonMembers::fail(const JsonValue& at, std::string text, ErrorCode code) const {
  const Location place = at.location();
  throw Fault{{code, file_, std::move(text), place.line, place.column}};
}

JsonValue JsonMembers::need(const JsonValue& object, std::string_view key, JsonValue::Type type) const {
  const JsonValue v = object[key];
  if (v.missing()) fail(object, fmt::format("\"{}\" is missing", key));
  if (v.type() != type) fail(v, fmt::format("\"{}\" has the wrong type", key));
  return v;
}

std::string_view JsonMembers::need_text(const JsonValue& object, std::string_view key) const {
  return *need(object, key, JsonValue::Type::kString).string();
}

std::optional<int64_t> JsonMembers::optional_int(const JsonValue& object, std::string_view key) const {
  const JsonValue v = object[key];
  if (v.missing() || v.is_null()) return std::nullopt;
  if (const auto i = v.integer()) return i;
  // Bounds such as 255.0 occur; anything with a fraction is a mistake.
  if (const auto r = v.real(); r && whole_number(*r)) return whole_number(*r);
  fail(v, fmt::format("\"{}\" must be an integer", key));
}

int64_t JsonMembers::need_int(const JsonValue& v, std::string_view what) const {
  if (const auto i = v.integer()) return *i;
  fail(v, fmt::format("\"{}\" must hold integers", what));
}

double JsonMembers::need_real(const JsonValue& v, std::string_view what) const {
  if (const auto r = v.real()) return *r;
  const std::string_view word = text_or(v.is_object() ? v["float"] : v, "");
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  fail(v, fmt::format("\"{}\" must hold numbers", what));
}

}  // namespace snapgauge
