#include "formats/json/document.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/encoding.h"

namespace snapgauge {

namespace od = simdjson::ondemand;

// Walks simdjson's on-demand cursor once and lays the tree out in the document's arenas.
class JsonReader {
 public:
  JsonReader(JsonDocument& out, std::string_view text, bool extents) : out_(out), text_(text), extents_(extents) {}

  /// Throws simdjson_error, or std::length_error when nested too deeply. The depth bounds the recursion.
  uint32_t read(od::value value, uint32_t depth) {
    if (depth > JsonDocument::kMaxDepth) throw std::length_error("depth");
    const auto index = static_cast<uint32_t>(out_.nodes_.size());
    out_.nodes_.emplace_back();
    JsonDocument::Node node;
    node.offset = here(value);
    switch (value.type()) {
      case od::json_type::object: read_object(value, depth, node); break;
      case od::json_type::array: read_array(value, depth, node); break;
      case od::json_type::string: {
        node.type = JsonValue::Type::kString;
        const auto [first, count] = keep(value.get_string());
        node.range = {first, count};
        break;
      }
      case od::json_type::number: read_number(value, node); break;
      case od::json_type::boolean:
        node.type = JsonValue::Type::kBool;
        node.boolean = value.get_bool();
        break;
      case od::json_type::null:
        if (!value.is_null()) throw simdjson::simdjson_error(simdjson::INCORRECT_TYPE);
        node.type = JsonValue::Type::kNull;
        break;
    }
    out_.nodes_[index] = node;
    if (extents_) keep_end(value, index);
    return index;
  }

 private:
  std::pair<uint32_t, uint32_t> keep(std::string_view text) {
    const auto first = static_cast<uint32_t>(out_.text_.size());
    out_.text_ += text;
    return {first, static_cast<uint32_t>(text.size())};
  }

  uint32_t here(od::value& value) const {
    const char* at = nullptr;
    if (value.current_location().get(at) != simdjson::SUCCESS || at < text_.data()) return 0;
    return static_cast<uint32_t>(at - text_.data());
  }

  /// The cursor stands at the next token; in front of it is nothing but white space.
  void keep_end(od::value& value, uint32_t index) {
    const char* next = nullptr;
    size_t end = text_.size();
    if (value.current_location().get(next) == simdjson::SUCCESS) end = static_cast<size_t>(next - text_.data());
    while (end > 0 && std::string_view(" \t\r\n").find(text_[end - 1]) != std::string_view::npos) --end;
    out_.ends_.resize(out_.nodes_.size());
    out_.ends_[index] = static_cast<uint32_t>(end);
  }

  /// The members from `first` on, on top of the stack, belong to `node`.
  void close(JsonDocument::Node& node, size_t first) {
    node.range = {static_cast<uint32_t>(out_.children_.size()), static_cast<uint32_t>(members_.size() - first)};
    out_.children_.insert(out_.children_.end(), members_.begin() + static_cast<ptrdiff_t>(first), members_.end());
    members_.resize(first);
  }

  void read_object(od::value& value, uint32_t depth, JsonDocument::Node& node) {
    node.type = JsonValue::Type::kObject;
    const size_t first = members_.size();
    od::object object = value.get_object();
    for (auto field : object) {
      JsonDocument::Child child;
      const std::string_view key = field.unescaped_key();
      std::tie(child.key_first, child.key_count) = keep(key);
      child.node = read(field.value(), depth + 1);
      members_.push_back(child);
    }
    close(node, first);
  }

  void read_array(od::value& value, uint32_t depth, JsonDocument::Node& node) {
    node.type = JsonValue::Type::kArray;
    const size_t first = members_.size();
    od::array array = value.get_array();
    for (auto element : array) {
      JsonDocument::Child child;
      child.node = read(element.value(), depth + 1);
      members_.push_back(child);
    }
    close(node, first);
  }

  static void read_number(od::value& value, JsonDocument::Node& node) {
    int64_t integer = 0;
    if (value.get_int64().get(integer) == simdjson::SUCCESS) {
      node.type = JsonValue::Type::kInt;
      node.integer = integer;
    } else {
      node.type = JsonValue::Type::kReal;
      node.real = value.get_double();
    }
  }

  JsonDocument& out_;
  std::vector<JsonDocument::Child> members_;  // of the containers that are open
  std::string_view text_;
  bool extents_;
};

namespace {

/// The first pass over the text says what is wrong, not where: find bytes that no JSON text has, else
/// it is the end that is missing.
uint32_t first_fault(std::string_view text, simdjson::error_code error) {
  size_t at = text.size();
  if (error == simdjson::UTF8_ERROR) {
    at = 0;
    // The longest valid prefix, by halves: a prefix is cut at a character, so continuation bytes step back.
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
      at = low;
    }
  } else if (error == simdjson::UNESCAPED_CHARS) {
    bool inside = false;
    for (size_t i = 0; i < text.size() && at == text.size(); ++i) {
      if (text[i] == '\\' && inside)
        ++i;
      else if (text[i] == '"')
        inside = !inside;
      else if (inside && static_cast<unsigned char>(text[i]) < 0x20)
        at = i;
    }
  }
  return static_cast<uint32_t>(at > 0 && at >= text.size() ? text.size() - 1 : at);
}

}  // namespace

Result<JsonDocument> JsonDocument::parse(std::string_view text, const std::string& file, Extents extents) {
  JsonDocument document;
  const size_t whole = text.size();
  text = without_byte_order_mark(text);
  document.skipped_ = static_cast<uint32_t>(whole - text.size());
  if (text.size() >= UINT32_MAX) return Error{ErrorCode::kLimit, file, "JSON text of 4 GiB or more"};
  document.file_ = file;
  document.line_starts_.push_back(0);
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') document.line_starts_.push_back(static_cast<uint32_t>(i + 1));
  document.nodes_.reserve(text.size() / 8 + 16);

  const simdjson::padded_string padded(text);
  od::parser parser;
  od::document cursor;
  auto fail = [&](ErrorCode code, std::string_view what) {
    const char* at = nullptr;
    // Without a cursor the text ended too early.
    Location place = document.place_of(static_cast<uint32_t>(text.empty() ? 0 : text.size() - 1));
    if (cursor.current_location().get(at) == simdjson::SUCCESS && at >= padded.data() &&
        at <= padded.data() + text.size())
      place = document.place_of(static_cast<uint32_t>(at - padded.data()));
    return Error{code, file, fmt::format("not valid JSON: {}", what), place.line, place.column};
  };
  try {
    if (auto error = parser.iterate(padded).get(cursor); error != simdjson::SUCCESS) {
      const Location place = document.place_of(first_fault(text, error));
      return Error{ErrorCode::kParse, file, fmt::format("not valid JSON: {}", simdjson::error_message(error)),
                   place.line, place.column};
    }
    od::value root;
    if (auto error = cursor.get_value().get(root); error != simdjson::SUCCESS)
      return fail(ErrorCode::kParse, "a lone number, string or literal where an object is expected");
    JsonReader(document, {padded.data(), text.size()}, extents == Extents::kKeep).read(root, 0);
    const char* rest = nullptr;
    if (cursor.current_location().get(rest) == simdjson::SUCCESS)
      return fail(ErrorCode::kParse, "text after the end of the document");
  } catch (const simdjson::simdjson_error& e) {
    return fail(ErrorCode::kParse, e.what());
  } catch (const std::length_error&) {
    return fail(ErrorCode::kLimit, fmt::format("nested deeper than {} levels", kMaxDepth));
  }
  return document;
}

Location JsonDocument::place_of(uint32_t offset) const {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<uint32_t>(next - line_starts_.begin());
  return {line, offset - line_starts_[line - 1] + 1};
}

JsonValue::Type JsonValue::type() const {
  return document_ == nullptr ? Type::kMissing : document_->nodes_[index_].type;
}

std::optional<bool> JsonValue::boolean() const {
  if (type() != Type::kBool) return std::nullopt;
  return document_->nodes_[index_].boolean;
}

std::optional<int64_t> JsonValue::integer() const {
  if (type() != Type::kInt) return std::nullopt;
  return document_->nodes_[index_].integer;
}

std::optional<double> JsonValue::real() const {
  if (auto i = integer()) return static_cast<double>(*i);
  if (type() != Type::kReal) return std::nullopt;
  return document_->nodes_[index_].real;
}

std::optional<std::string_view> JsonValue::string() const {
  if (type() != Type::kString) return std::nullopt;
  const auto& range = document_->nodes_[index_].range;
  return std::string_view(document_->text_).substr(range.first, range.count);
}

uint32_t JsonValue::size() const { return is_array() || is_object() ? document_->nodes_[index_].range.count : 0; }

JsonValue JsonValue::at(uint32_t i) const {
  if (i >= size()) return {};
  return {document_, document_->children_[document_->nodes_[index_].range.first + i].node};
}

std::string_view JsonValue::key_at(uint32_t i) const {
  if (!is_object() || i >= size()) return {};
  const auto& child = document_->children_[document_->nodes_[index_].range.first + i];
  return std::string_view(document_->text_).substr(child.key_first, child.key_count);
}

JsonValue JsonValue::operator[](std::string_view key) const {
  if (!is_object()) return {};
  for (uint32_t i = 0; i < size(); ++i)
    if (key_at(i) == key) return at(i);
  return {};
}

TextRange JsonValue::range() const {
  if (document_ == nullptr || index_ >= document_->ends_.size()) return {};
  return {document_->nodes_[index_].offset + size_t{document_->skipped_},
          document_->ends_[index_] + size_t{document_->skipped_}};
}

Location JsonValue::location() const {
  if (document_ == nullptr) return {};
  return document_->place_of(document_->nodes_[index_].offset);
}

}  // namespace snapgauge
