#include "formats/json/document.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "base/encoding.h"
#include "formats/json/fault.h"

namespace snapgauge {

namespace od = simdjson::ondemand;
namespace numbers = simdjson::builtin::numberparsing;
namespace atoms = simdjson::builtin::atomparsing;

namespace {

const uint8_t* bytes_at(const char* text, uint32_t offset) { return reinterpret_cast<const uint8_t*>(text) + offset; }

constexpr ptrdiff_t kShortDigits = 18;  // as many fit into 64 bits

bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/// Whether there is an integer of few digits and nothing else, as nearly all numbers are. Of others simdjson knows.
bool is_short_integer(const uint8_t* at) {
  const uint8_t* const first = at + (*at == '-' ? 1 : 0);
  const uint8_t* end = first;
  while (is_digit(*end)) ++end;
  if (end == first || end - first > kShortDigits || (*first == '0' && end - first > 1)) return false;
  return *end == ',' || *end == ']' || *end == '}' || *end == '\n';
}

// What is rare is not inlined into what runs for every token, whose variables would leave the registers.

[[gnu::noinline]] std::optional<int64_t> integer_of(const uint8_t* at) {
  int64_t integer = 0;
  return numbers::parse_integer(at).get(integer) == simdjson::SUCCESS ? std::optional(integer) : std::nullopt;
}

[[gnu::noinline]] std::optional<double> real_of(const uint8_t* at) {
  double real = 0;
  return numbers::parse_double(at).get(real) == simdjson::SUCCESS ? std::optional(real) : std::nullopt;
}

}  // namespace

/// Whether tokens are JSON; notes where containers end and what strings with escapes say.
class JsonCheck {
 public:
  JsonCheck(JsonDocument& document, od::json_iterator strings)
      : document_(document),
        text_(document.text_.data()),
        strings_(std::move(strings)),
        escapes_(document.text_.find('\\') != std::string::npos) {}

  /// One container, and nothing behind it but the text's end.
  [[gnu::noinline]] bool whole(size_t end) {
    std::array<Open, JsonDocument::kMaxDepth + 1> open;
    size_t depth = 0;
    char close = '\0';  // of the innermost open container
    const uint32_t* token = document_.tokens_;
    if (!is_container(first_of(token))) return false;
    for (;;) {
      if (close == '}') {
        if (first_of(token) != '"' || first_of(token + 1) != ':' || !string(token)) return false;
        token += 2;
      }
      if (const char c = first_of(token); is_container(c)) {
        close = c == '{' ? '}' : ']';
        open[depth++] = {token++, close};
        if (first_of(token) != close) {
          if (depth > JsonDocument::kMaxDepth) return false;
          continue;
        }
      } else if (!scalar(token++)) {
        return false;
      }
      while (first_of(token) == close) {
        link_of(open[--depth].token) = static_cast<uint32_t>(++token - document_.tokens_);
        if (depth == 0) return *token == end;
        close = open[depth - 1].close;
      }
      if (first_of(token++) != ',') return false;
    }
  }

 private:
  struct Open {
    const uint32_t* token;
    char close;
  };

  static bool is_container(char c) { return c == '{' || c == '['; }
  char first_of(const uint32_t* token) const { return text_[*token]; }
  uint32_t& link_of(const uint32_t* token) { return document_.links_[static_cast<size_t>(token - document_.tokens_)]; }

  bool scalar(const uint32_t* token) {
    if (first_of(token) == '"') return string(token);
    const auto* at = reinterpret_cast<const uint8_t*>(text_ + *token);
    if (is_short_integer(at)) return true;
    switch (*at) {
      case 't': return atoms::is_valid_true_atom(at);
      case 'f': return atoms::is_valid_false_atom(at);
      case 'n': return atoms::is_valid_null_atom(at);
      default: return real_of(at).has_value();
    }
  }

  bool string(const uint32_t* token) { return !escapes_ || unescape(token); }

  bool unescape(const uint32_t* token) {
    const char* at = text_ + *token;
    link_of(token) = 0;
    if (std::memchr(at, '\\', token[1] - token[0]) == nullptr) return true;
    std::string_view plain;
    const od::raw_json_string raw(reinterpret_cast<const uint8_t*>(at) + 1);
    if (strings_.unescape(raw).get(plain) != simdjson::SUCCESS) return false;
    document_.unescaped_.push_back(plain);
    link_of(token) = static_cast<uint32_t>(document_.unescaped_.size());
    return true;
  }

  JsonDocument& document_;
  const char* text_;
  od::json_iterator strings_;
  bool escapes_;
};

Result<JsonDocument> JsonDocument::parse(std::string_view text, const std::string& file) {
  JsonDocument document;
  const size_t whole = text.size();
  text = without_byte_order_mark(text);
  document.skipped_ = static_cast<uint32_t>(whole - text.size());
  if (text.size() >= UINT32_MAX) return Error{ErrorCode::kLimit, file, "JSON text of 4 GiB or more"};
  document.file_ = file;
  static_assert(JsonWord::kPadding >= simdjson::SIMDJSON_PADDING);
  document.text_.reserve(text.size() + JsonWord::kPadding);
  document.text_.append(text).append(JsonWord::kPadding, '\0');
  text = std::string_view(document.text_).substr(0, text.size());
  document.line_starts_.push_back(0);
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    document.line_starts_.push_back(static_cast<uint32_t>(at + 1));

  const auto parser = std::make_shared<od::parser>();
  od::json_iterator tokens;
  const simdjson::padded_string_view padded(text.data(), text.size(), document.text_.size());
  if (!text.empty() && parser->iterate_raw(padded).get(tokens) == simdjson::SUCCESS) {
    document.tokens_ = tokens.position();
    document.links_.reset(new uint32_t[text.size() + 2]);  // a token is a byte or more; most of it stays untouched
    document.parser_ = parser;
    if (JsonCheck(document, std::move(tokens)).whole(text.size())) return document;
  }
  JsonFault fault = json_fault(text, kMaxDepth);
  const Location place = document.place_of(fault.offset);
  return Error{fault.code, file, std::move(fault.text), place.line, place.column};
}

Location JsonDocument::place_of(uint32_t offset) const {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<uint32_t>(next - line_starts_.begin());
  return {line, offset - line_starts_[line - 1] + 1};
}

Location JsonDocument::place_of(uint32_t offset, uint32_t& line) const {
  if (line_starts_[line - 1] > offset) line = place_of(offset).line;
  while (line < line_starts_.size() && line_starts_[line] <= offset) ++line;
  return {line, offset - line_starts_[line - 1] + 1};
}

JsonValue::Type JsonValue::type() const {
  switch (first()) {
    case '\0': return Type::kMissing;
    case '{': return Type::kObject;
    case '[': return Type::kArray;
    case '"': return Type::kString;
    case 't':
    case 'f': return Type::kBool;
    case 'n': return Type::kNull;
    default: return integer() ? Type::kInt : Type::kReal;
  }
}

std::optional<int64_t> JsonValue::integer() const {
  if (missing()) return std::nullopt;
  const uint8_t* const at = bytes_at(document_->text_.data(), document_->tokens_[token_]);
  const uint8_t* const first = at + (*at == '-' ? 1 : 0);
  const uint8_t* end = first;
  uint64_t digits = 0;
  for (; is_digit(*end); ++end) digits = digits * 10 + (*end - '0');
  if (end - first > kShortDigits) return integer_of(at);
  if (end == first || *end == '.' || *end == 'e' || *end == 'E') return std::nullopt;
  return *at == '-' ? -static_cast<int64_t>(digits) : static_cast<int64_t>(digits);
}

std::optional<double> JsonValue::real() const {
  if (const auto i = integer()) return static_cast<double>(*i);
  return missing() ? std::nullopt : real_of(bytes_at(document_->text_.data(), document_->tokens_[token_]));
}

uint32_t JsonValue::size() const {
  const auto count = [](const auto& items) {
    uint32_t n = 0;
    for (auto it = items.begin(); it != items.end(); ++it) ++n;
    return n;
  };
  return count(elements()) + count(members());
}

std::optional<std::pair<JsonValue, JsonValue>> JsonValue::pair() const {
  if (!is_array()) return std::nullopt;
  std::array<JsonValue, 2> both;
  size_t count = 0;
  for (const JsonValue element : elements()) {
    if (count == both.size()) return std::nullopt;
    both[count++] = element;
  }
  return count == both.size() ? std::optional(std::pair(both[0], both[1])) : std::nullopt;
}

std::string_view JsonValue::text() const {
  if (missing()) return {};
  const size_t first = document_->tokens_[token_];
  return {document_->text_.data() + first, document_->end_of(document_->behind(token_) - 1) - first};
}

TextRange JsonValue::range() const {
  if (missing()) return {};
  const size_t first = size_t{document_->tokens_[token_]} + document_->skipped_;
  return {first, first + text().size()};
}

}  // namespace snapgauge
