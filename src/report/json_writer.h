// JSON objects written member by member into a text. For reports of many nodes and findings: a document tree of
// each costs more than half of a large check (docs/notes/005-json-report.md).
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace snapgauge {

/// A string literal. Names come from untrusted files: invalid UTF-8 becomes U+FFFD.
void append_json(std::string& out, std::string_view text);

/// Closes its brace or bracket when it goes out of scope. Keys are plain ASCII.
class JsonWriter {
 public:
  enum class Kind : char { kObject, kArray };
  JsonWriter(std::string& out, Kind kind) : out_(out), kind_(kind) { out_ += kind == Kind::kObject ? '{' : '['; }
  explicit JsonWriter(std::string& out) : JsonWriter(out, Kind::kObject) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;
  ~JsonWriter() { out_ += kind_ == Kind::kObject ? '}' : ']'; }

  void text(std::string_view key, std::string_view value) {
    begin(key);
    append_json(out_, value);
  }
  void number(std::string_view key, uint64_t value) {
    begin(key);
    char digits[20];
    out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  void boolean(std::string_view key, bool value) {
    begin(key);
    out_ += value ? "true" : "false";
  }
  JsonWriter object(std::string_view key) {
    begin(key);
    return JsonWriter(out_);
  }
  JsonWriter array(std::string_view key) {
    begin(key);
    return JsonWriter(out_, Kind::kArray);
  }
  /// An element of an array.
  JsonWriter element() {
    if (!first_) out_ += ',';
    first_ = false;
    return JsonWriter(out_);
  }

 private:
  void begin(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }

  std::string& out_;
  Kind kind_;
  bool first_ = true;
};

}  // namespace snapgauge
