// A small JSON tree with the place of every value, over simdjson. nlohmann::json (used for writing)
// has no positions; findings and errors in annotation files need them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/finding.h"
#include "formats/contract/text_edit.h"

namespace snapgauge {

class JsonDocument;

/// A value in a JsonDocument; cheap to copy, valid as long as the document. A default-constructed
/// or missing value answers every question with "no".
class JsonValue {
 public:
  enum class Type : uint8_t { kMissing, kNull, kBool, kInt, kReal, kString, kArray, kObject };

  JsonValue() = default;
  Type type() const;
  bool missing() const { return type() == Type::kMissing; }
  bool is_null() const { return type() == Type::kNull; }
  bool is_array() const { return type() == Type::kArray; }
  bool is_object() const { return type() == Type::kObject; }
  bool is_string() const { return type() == Type::kString; }

  std::optional<bool> boolean() const;
  std::optional<int64_t> integer() const;
  std::optional<double> real() const;  // also of integers
  std::optional<std::string_view> string() const;

  /// Members of an object or elements of an array.
  uint32_t size() const;
  JsonValue at(uint32_t i) const;
  std::string_view key_at(uint32_t i) const;
  /// First member called `key`; missing when there is none or this is no object.
  JsonValue operator[](std::string_view key) const;

  Location location() const;
  /// Where the value stands in the text that was parsed; only of documents that keep extents.
  TextRange range() const;

 private:
  friend class JsonDocument;
  JsonValue(const JsonDocument* document, uint32_t index) : document_(document), index_(index) {}
  const JsonDocument* document_ = nullptr;
  uint32_t index_ = 0;
};

/// Immutable once parsed; reading is thread safe.
class JsonDocument {
 public:
  static constexpr uint32_t kMaxDepth = 200;

  /// Whether values know where they end; only those who edit a text need it.
  enum class Extents : uint8_t { kDrop, kKeep };

  /// Copies what it needs from `text`. Errors name `file`, line and column.
  static Result<JsonDocument> parse(std::string_view text, const std::string& file, Extents extents = Extents::kDrop);

  JsonValue root() const { return {this, 0}; }
  const std::string& file() const { return file_; }
  /// Of a byte of the text that was parsed.
  Location location_of(size_t offset) const { return place_of(static_cast<uint32_t>(offset - skipped_)); }

 private:
  friend class JsonValue;
  friend class JsonReader;
  Location place_of(uint32_t offset) const;  // behind a byte-order mark
  struct Slice {
    uint32_t first, count;
  };
  struct Node {
    JsonValue::Type type = JsonValue::Type::kNull;
    uint32_t offset = 0;  // in the text
    union {
      bool boolean;
      int64_t integer = 0;
      double real;
      Slice range;  // kString: into text_; kArray, kObject: into children_
    };
  };
  struct Child {
    uint32_t key_first = 0, key_count = 0;  // into text_, for objects
    uint32_t node = 0;
  };

  std::string file_;
  std::vector<Node> nodes_;
  std::vector<Child> children_;
  std::string text_;                   // unescaped strings and keys
  std::vector<uint32_t> line_starts_;  // offsets
  std::vector<uint32_t> ends_;         // of nodes_, when they are kept
  uint32_t skipped_ = 0;               // bytes in front of the text that offsets count from: a byte-order mark
};

}  // namespace snapgauge
