// JSON text with the place of every value, over simdjson's index of tokens: nothing is laid out beside the text but
// where each container ends. nlohmann::json (used for writing) has no positions; findings and errors in annotation
// files need them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "diag/finding.h"
#include "formats/contract/text_edit.h"

namespace snapgauge {

class JsonValue;
template <class Item>
class JsonRange;
template <class Table>
class JsonFields;
using JsonElements = JsonRange<JsonValue>;
using JsonMember = std::pair<std::string_view, JsonValue>;  // key and value

/// A key as readers ask for it: a short literal, compared with a text by its first eight bytes at once.
class JsonWord {
 public:
  template <size_t N>
  consteval JsonWord(const char (&text)[N]) : text_(text, N - 1) {  // NOLINT: implicit by design
    static_assert(N < kPadding);
    std::array<unsigned char, 8> head{}, mask{};
    constexpr size_t kHead = std::min<size_t>(8, N);
    for (size_t i = 0; i < kHead; ++i) {
      head[i] = static_cast<unsigned char>(i + 1 == N ? '"' : text[i]);
      mask[i] = 0xFF;
    }
    head_ = std::bit_cast<uint64_t>(head);
    mask_ = std::bit_cast<uint64_t>(mask);
  }

  /// Bytes behind a text that may be looked at.
  static constexpr size_t kPadding = 64;

  std::string_view text() const { return text_; }
  /// Whether the text at `at` is this word and a quote.
  bool is_at(const char* at) const {
    uint64_t head = 0;
    std::memcpy(&head, at, sizeof head);
    if (((head ^ head_) & mask_) != 0) return false;
    return text_.size() < 8 ||
           (at[text_.size()] == '"' && std::memcmp(at + 8, text_.data() + 8, text_.size() - 8) == 0);
  }

 private:
  std::string_view text_;
  uint64_t head_ = 0, mask_ = 0;
};

/// Immutable once parsed; reading is thread safe.
class JsonDocument {
 public:
  static constexpr uint32_t kMaxDepth = 200;

  /// Copies `text`. Errors name `file`, line and column.
  static Result<JsonDocument> parse(std::string_view text, const std::string& file);

  JsonValue root() const;
  const std::string& file() const { return file_; }
  /// Of a byte of the text that was parsed.
  Location location_of(size_t offset) const { return place_of(static_cast<uint32_t>(offset - skipped_)); }

 private:
  friend class JsonValue;
  template <class Item>
  friend class JsonRange;
  friend class JsonCheck;
  JsonDocument() = default;

  Location place_of(uint32_t offset) const;  // behind a byte-order mark
  Location place_of(uint32_t offset, uint32_t& line) const;
  char first_of(uint32_t token) const { return text_[tokens_[token]]; }
  /// The token behind the value that begins at `token`.
  uint32_t behind(uint32_t token) const {
    const char c = first_of(token);
    return c == '{' || c == '[' ? links_[token] : token + 1;
  }
  bool is_escaped(uint32_t token) const { return !unescaped_.empty() && links_[token] != 0; }
  /// What the string says that begins at `token`.
  std::string_view string_at(uint32_t token) const {
    if (is_escaped(token)) return unescaped_[links_[token] - 1];
    const size_t first = size_t{tokens_[token]} + 1;
    size_t quote = size_t{tokens_[token + 1]} - 1;
    while (text_[quote] != '"') --quote;  // over white space
    return {text_.data() + first, quote - first};
  }
  /// Whether it says `word`: quicker than asking what it says.
  bool says(uint32_t token, const JsonWord& word) const {
    if (is_escaped(token)) return unescaped_[links_[token] - 1] == word.text();
    return word.is_at(text_.data() + tokens_[token] + 1);
  }
  /// The end of a token's text: nothing but white space stands in front of the next one.
  size_t end_of(uint32_t token) const {
    size_t end = tokens_[token + 1];
    while (text_[end - 1] == ' ' || text_[end - 1] == '\n' || text_[end - 1] == '\r' || text_[end - 1] == '\t') --end;
    return end;
  }

  std::string file_;
  std::string text_;  // with the padding
  std::vector<uint32_t> line_starts_;
  uint32_t skipped_ = 0;                     // bytes in front of the text that offsets count from: a byte-order mark
  std::shared_ptr<const void> parser_;       // owns the tokens and what `unescaped_` views
  const uint32_t* tokens_ = nullptr;         // where they begin in the text, and behind the last one the text's end
  std::vector<std::string_view> unescaped_;  // strings and keys that the text writes with escapes
  /// By token. Of a container: the token behind it. Of a string, where any is unescaped: one more than its index
  /// there, or 0.
  std::unique_ptr<uint32_t[]> links_;
};

/// A value in a JsonDocument; cheap to copy, valid as long as the document stays where it is. A default-constructed
/// or missing value answers every question with "no".
class JsonValue {
 public:
  enum class Type : uint8_t { kMissing, kNull, kBool, kInt, kReal, kString, kArray, kObject };

  JsonValue() = default;
  Type type() const;
  bool missing() const { return document_ == nullptr; }
  bool is_null() const { return first() == 'n'; }
  bool is_array() const { return first() == '['; }
  bool is_object() const { return first() == '{'; }
  bool is_string() const { return first() == '"'; }

  std::optional<bool> boolean() const {
    const char c = first();
    return c == 't' || c == 'f' ? std::optional(c == 't') : std::nullopt;
  }
  std::optional<int64_t> integer() const;
  std::optional<double> real() const;  // also of integers
  std::optional<std::string_view> string() const {
    return is_string() ? std::optional(document_->string_at(token_)) : std::nullopt;
  }

  /// Elements of an array, members of an object; none of anything else.
  JsonElements elements() const;
  JsonRange<JsonMember> members() const;
  /// How many of them there are, which is a walk over them.
  uint32_t size() const;
  /// The elements of an array of exactly two.
  std::optional<std::pair<JsonValue, JsonValue>> pair() const;
  /// First member called `key`; missing when there is none or this is no object.
  JsonValue operator[](const JsonWord& key) const;

  Location location() const { return missing() ? Location{} : document_->place_of(document_->tokens_[token_]); }
  /// The same for those who ask in the order of the text: `line` is the last answer's, or 1. Not of missing values.
  Location location(uint32_t& line) const { return document_->place_of(document_->tokens_[token_], line); }
  /// How the text writes it.
  std::string_view text() const;
  /// Where the value stands in the text that was parsed.
  TextRange range() const;

 private:
  friend class JsonDocument;
  template <class Item>
  friend class JsonRange;
  template <class Table>
  friend class JsonFields;
  JsonValue(const JsonDocument* document, uint32_t token) : document_(document), token_(token) {}
  char first() const { return missing() ? '\0' : document_->first_of(token_); }

  const JsonDocument* document_ = nullptr;
  uint32_t token_ = 0;
};

/// What a container holds, in the order of the text.
template <class Item>
class JsonRange {
 public:
  class Iterator {
   public:
    Item operator*() const {
      if constexpr (kKeyed)
        return {document_->string_at(token_), value()};
      else
        return value();
    }
    JsonValue value() const { return {document_, token_ + kValue}; }
    /// Of a member: whether its key is `word`.
    bool has_key(const JsonWord& word) const { return document_->says(token_, word); }
    Iterator& operator++() {
      const uint32_t next = document_->behind(token_ + kValue);
      token_ = document_->first_of(next) == ',' ? next + 1 : kEnd;
      return *this;
    }
    bool operator==(const Iterator& other) const { return token_ == other.token_; }

   private:
    friend class JsonRange;
    Iterator(const JsonDocument* document, uint32_t token) : document_(document), token_(token) {}
    const JsonDocument* document_;
    uint32_t token_;
  };

  Iterator begin() const {
    if (container_.missing()) return end();
    const uint32_t first = container_.token_ + 1;
    const char c = container_.document_->first_of(first);
    return {container_.document_, c == ']' || c == '}' ? kEnd : first};
  }
  Iterator end() const { return {container_.document_, kEnd}; }

 private:
  friend class JsonValue;
  static constexpr bool kKeyed = std::is_same_v<Item, JsonMember>;
  static constexpr uint32_t kValue = kKeyed ? 2 : 0;  // key, colon, value
  static constexpr uint32_t kEnd = 0;                 // the root is in no container
  explicit JsonRange(const JsonValue& container) : container_(container) {}
  JsonValue container_;  // missing when it holds nothing of this kind
};

inline JsonValue JsonValue::operator[](const JsonWord& key) const {
  const auto all = members();
  for (auto it = all.begin(); it != all.end(); ++it)
    if (it.has_key(key)) return it.value();
  return {};
}

inline JsonValue JsonDocument::root() const { return {this, 0}; }

inline JsonElements JsonValue::elements() const { return JsonElements(is_array() ? *this : JsonValue()); }

inline JsonRange<JsonMember> JsonValue::members() const {
  return JsonRange<JsonMember>(is_object() ? *this : JsonValue());
}

}  // namespace snapgauge
