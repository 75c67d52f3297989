// Members of JSON objects that must be there, or have a type: what is wrong is thrown with its place and caught
// where a file's reading begins. For readers of formats alone.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/json/document.h"

namespace snapgauge {

/// What the readers throw.
struct JsonMemberFault {
  Error error;
};
/// At a value of the document.
[[noreturn]] void fail_at(const JsonValue& at, const std::string& file, std::string text,
                          ErrorCode code = ErrorCode::kParse);

/// A member that a reader asks for.
struct JsonField {
  JsonValue value;  // missing when the object has none of that name
  JsonValue object;
  std::string_view key;
};

/// The members of an object that a reader knows, found in one walk over it. One that is there twice is a fault: readers
/// disagree about which of them counts. `Table` has their names, quickest in the order in which files have them, and an
/// Index to ask by.
template <class Table>
class JsonFields {
 public:
  explicit JsonFields(const JsonValue& object) : object_(object) {
    const auto members = object.members();
    size_t expected = 0;
    for (auto it = members.begin(); it != members.end(); ++it) {
      const size_t name = index_of(it, expected);
      if (name == kCount) continue;
      if (tokens_[name] != 0) fail_twice(it.value(), Table::kNames[name].text());
      tokens_[name] = it.value().token_;
      expected = behind(name);
    }
  }

  JsonValue operator[](typename Table::Index name) const {
    return tokens_[name] == 0 ? JsonValue() : JsonValue(object_.document_, tokens_[name]);
  }
  JsonField field(typename Table::Index name) const { return {(*this)[name], object_, Table::kNames[name].text()}; }

 private:
  static constexpr size_t kCount = Table::kNames.size();

  [[noreturn, gnu::noinline]] void fail_twice(const JsonValue& again, std::string_view key) const {
    fail_at(again, object_.document_->file(), "\"" + std::string(key) + "\" is there twice");
  }

  static size_t behind(size_t name) { return name + 1 == kCount ? 0 : name + 1; }
  /// Of a member's key; the search begins at the name that is expected.
  static size_t index_of(const JsonRange<JsonMember>::Iterator& member, size_t expected) {
    size_t name = expected;
    do {
      if (member.has_key(Table::kNames[name])) return name;
      name = behind(name);
    } while (name != expected);
    return kCount;
  }

  JsonValue object_;
  std::array<uint32_t, kCount> tokens_{};  // 0: missing; that is the root, no member
};

class JsonMembers {
 public:
  using Fault = JsonMemberFault;

 protected:
  explicit JsonMembers(const JsonDocument& document) : file_(document.file()) {}

  [[noreturn]] void fail(JsonValue at, std::string text, ErrorCode code = ErrorCode::kParse) const;
  static std::string_view text_or(JsonValue v, std::string_view otherwise) { return v.string().value_or(otherwise); }
  int64_t need_int(JsonValue v, std::string_view what) const;
  /// A number, or one of the spellings JSON has no number for.
  double need_real(JsonValue v, std::string_view what) const;

  /// A member that must be there.
  template <class Table>
  JsonValue need(const JsonFields<Table>& fields, typename Table::Index name, JsonValue::Type type) const {
    return need(fields.field(name), type);
  }
  template <class Table>
  std::string_view need_text(const JsonFields<Table>& fields, typename Table::Index name) const {
    const JsonValue v = fields[name];
    return *(v.is_string() ? v : need(fields.field(name), JsonValue::Type::kString)).string();
  }
  /// Members that may be left out or null, but not have another type.
  template <class Table>
  std::string_view optional_text(const JsonFields<Table>& fields, typename Table::Index name,
                                 std::string_view otherwise) const {
    return fields[name].missing() ? otherwise : text(fields.field(name)).value_or(otherwise);
  }
  template <class Table>
  bool optional_bool(const JsonFields<Table>& fields, typename Table::Index name, bool otherwise) const {
    return fields[name].missing() ? otherwise : boolean(fields.field(name)).value_or(otherwise);
  }
  template <class Table>
  std::optional<int64_t> optional_int(const JsonFields<Table>& fields, typename Table::Index name) const {
    return fields[name].missing() ? std::nullopt : integer(fields.field(name));
  }
  template <class Table>
  JsonValue optional_member(const JsonFields<Table>& fields, typename Table::Index name, JsonValue::Type type) const {
    return fields[name].missing() ? JsonValue() : member(fields.field(name), type);
  }

 private:
  JsonValue need(const JsonField& field, JsonValue::Type type) const;
  /// Of a member that is there; nothing when it is null.
  std::optional<std::string_view> text(const JsonField& field) const;
  std::optional<bool> boolean(const JsonField& field) const;
  std::optional<int64_t> integer(const JsonField& field) const;
  JsonValue member(const JsonField& field, JsonValue::Type type) const;

  std::string file_;
};

}  // namespace snapgauge
