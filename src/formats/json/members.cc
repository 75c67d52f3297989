#include "formats/json/members.h"

#include <fmt/format.h>

#include <limits>

#include "base/number.h"

namespace snapgauge {

void fail_at(const JsonValue& at, const std::string& file, std::string text, ErrorCode code) {
  const Location place = at.location();
  throw JsonMemberFault{{code, file, std::move(text), place.line, place.column}};
}

void JsonMembers::fail(JsonValue at, std::string text, ErrorCode code) const {
  fail_at(at, file_, std::move(text), code);
}

JsonValue JsonMembers::need(const JsonField& field, JsonValue::Type type) const {
  if (field.value.missing()) fail(field.object, fmt::format("\"{}\" is missing", field.key));
  if (field.value.type() != type) fail(field.value, fmt::format("\"{}\" has the wrong type", field.key));
  return field.value;
}

std::optional<std::string_view> JsonMembers::text(const JsonField& field) const {
  const JsonValue v = field.value;
  if (!v.is_null() && !v.is_string()) fail(v, fmt::format("\"{}\" must be text", field.key));
  return v.string();
}

std::optional<bool> JsonMembers::boolean(const JsonField& field) const {
  const JsonValue v = field.value;
  if (!v.is_null() && !v.boolean()) fail(v, fmt::format("\"{}\" must be true or false", field.key));
  return v.boolean();
}

std::optional<int64_t> JsonMembers::integer(const JsonField& field) const {
  const JsonValue v = field.value;
  if (v.is_null()) return std::nullopt;
  if (const auto i = v.integer()) return i;
  // Bounds such as 255.0 occur; anything with a fraction is a mistake.
  if (const auto r = v.real(); r && whole_number(*r)) return whole_number(*r);
  fail(v, fmt::format("\"{}\" must be an integer", field.key));
}

JsonValue JsonMembers::member(const JsonField& field, JsonValue::Type type) const {
  if (field.value.is_null()) return {};
  if (field.value.type() != type) fail(field.value, fmt::format("\"{}\" has the wrong type", field.key));
  return field.value;
}

int64_t JsonMembers::need_int(JsonValue v, std::string_view what) const {
  if (const auto i = v.integer()) return *i;
  fail(v, fmt::format("\"{}\" must hold integers", what));
}

double JsonMembers::need_real(JsonValue v, std::string_view what) const {
  if (const auto r = v.real()) return *r;
  const std::string_view word = text_or(v.is_object() ? v["float"] : v, "");
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  fail(v, fmt::format("\"{}\" must hold numbers", what));
}

}  // namespace snapgauge
