// Members of JSON objects that must be there, or have a type: what is wrong is thrown with its place and caught
// where a file's reading begins. For readers of formats alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/json/document.h"

namespace snapgauge {

class JsonMembers {
 public:
  struct Fault {
    Error error;
  };

 protected:
  explicit JsonMembers(const JsonDocument& document) : file_(document.file()) {}

  [[noreturn]] void fail(const JsonValue& at, std::string text, ErrorCode code = ErrorCode::kParse) const;
  static std::string_view text_or(const JsonValue& v, std::string_view otherwise) {
    return v.string().value_or(otherwise);
  }
  JsonValue need(const JsonValue& object, std::string_view key, JsonValue::Type type) const;
  std::string_view need_text(const JsonValue& object, std::string_view key) const;
  int64_t need_int(const JsonValue& v, std::string_view what) const;
  /// A number, or one of the spellings JSON has no number for.
  double need_real(const JsonValue& v, std::string_view what) const;
  /// Members that may be left out or null, but not have another type.
  std::string_view optional_text(const JsonValue& object, std::string_view key, std::string_view otherwise) const;
  bool optional_bool(const JsonValue& object, std::string_view key, bool otherwise) const;
  std::optional<int64_t> optional_int(const JsonValue& object, std::string_view key) const;
  JsonValue optional_member(const JsonValue& object, std::string_view key, JsonValue::Type type) const;

 private:
  std::string file_;
};

}  // namespace snapgauge
