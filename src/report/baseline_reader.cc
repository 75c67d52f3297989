#include "report/baseline_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "report/baseline.h"

namespace snapgauge {
namespace {

constexpr int kMostDepth = 64;  // of members that are not ours

using PlainJson = nlohmann::json;

class BaselineReader : public nlohmann::json_sax<PlainJson> {
 public:
  using Take = std::function<void(std::string, std::vector<BaselineEntry>)>;
  explicit BaselineReader(const Take& take) : take_(take) {}

  const std::string& fault() const { return fault_; }

  bool null() override { return value(Kind::kOther); }
  bool boolean(bool) override { return value(Kind::kOther); }
  bool number_integer(number_integer_t) override { return value(Kind::kOther); }
  bool number_float(number_float_t, const string_t&) override { return value(Kind::kOther); }
  bool binary(binary_t&) override { return value(Kind::kOther); }
  bool number_unsigned(number_unsigned_t number) override {
    number_ = number;
    return value(Kind::kCount);
  }
  bool string(string_t& text) override {
    text_ = &text;
    return value(Kind::kText);
  }
  bool key(string_t& name) override {
    if (skipped_ == 0) key_ = std::move(name);
    return true;
  }
  bool start_object(size_t) override { return value(Kind::kObject); }
  bool start_array(size_t) override { return value(Kind::kArray); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& e) override {
    const std::string_view what = e.what();  // "[json.exception.parse_error.101] parse error at line 1, ..."
    return fail(printable(what.substr(std::min(what.find("] ") + 2, what.size()))));
  }

 private:
  enum class Kind : uint8_t { kObject, kArray, kText, kCount, kOther, kAny };
  enum class Where : uint8_t { kStart, kRoot, kFiles, kFile, kFindings, kFinding };

  bool fail(std::string why) {
    fault_ = std::move(why);
    return false;
  }

  /// Of the object that is being read, or of the element that comes next.
  std::string place() const {
    switch (where_) {
      case Where::kStart:
      case Where::kRoot: return "the baseline";
      case Where::kFiles:
      case Where::kFile: return fmt::format("files[{}]", file_index_);
      case Where::kFindings:
      case Where::kFinding: break;
    }
    return fmt::format("files[{}].findings[{}]", file_index_, entries_.size());
  }

  std::string* text_member() {
    for (const auto& [name, member] : {std::pair("code", &BaselineEntry::code), std::pair("node", &BaselineEntry::node),
                                       std::pair("op", &BaselineEntry::op), std::pair("port", &BaselineEntry::port),
                                       std::pair("value", &BaselineEntry::value)})
      if (key_ == name) return &(entry_.*member);
    return nullptr;
  }

  Kind wanted() {
    switch (where_) {
      case Where::kStart:
      case Where::kFiles:
      case Where::kFindings: return Kind::kObject;
      case Where::kRoot: return key_ == "schema" ? Kind::kText : key_ == "files" ? Kind::kArray : Kind::kAny;
      case Where::kFile: return key_ == "path" ? Kind::kText : key_ == "findings" ? Kind::kArray : Kind::kAny;
      case Where::kFinding: break;
    }
    return key_ == "count" ? Kind::kCount : text_member() != nullptr ? Kind::kText : Kind::kAny;
  }

  bool value(Kind kind) {
    const bool opens = kind == Kind::kObject || kind == Kind::kArray;
    if (skipped_ > 0 || wanted() == Kind::kAny) {
      if (opens && ++skipped_ > kMostDepth) return fail(fmt::format("nested deeper than {} levels", kMostDepth));
      return true;
    }
    if (kind != wanted())
      return fail(wanted() == Kind::kObject ? fmt::format("{} must be an object", place())
                                            : fmt::format("\"{}\" of {} has the wrong type", key_, place()));
    if (opens) {
      where_ = static_cast<Where>(static_cast<int>(where_) + 1);
      if (where_ == Where::kFiles) has_files_ = true;
      if (where_ == Where::kFindings) has_findings_ = true, entries_.clear();
      return true;
    }
    return where_ == Where::kFinding ? take_member(kind) : take_text();
  }

  bool take_text() {
    if (where_ == Where::kRoot && *text_ != kBaselineSchema)
      return fail(fmt::format("\"schema\" must be {}", kBaselineSchema));
    if (where_ == Where::kRoot)
      has_schema_ = true;
    else
      path_ = std::move(*text_);
    return true;
  }

  bool take_member(Kind kind) {
    seen_.insert(key_);
    if (kind == Kind::kText) {
      *text_member() = std::move(*text_);
      return true;
    }
    entry_.count = number_;
    if (number_ == 0 || number_ > kMostBaselineTimes)
      return fail(fmt::format("\"count\" of {} is out of range", place()));
    return true;
  }

  bool end() {
    if (skipped_ > 0) {
      --skipped_;
      return true;
    }
    if (!end_of_object()) return false;
    where_ = static_cast<Where>(static_cast<int>(where_) - 1);
    return true;
  }

  bool lacks(std::string_view name) { return fail(fmt::format("{} has no \"{}\"", place(), name)); }

  bool end_of_object() {
    if (where_ == Where::kRoot) {
      if (!has_schema_) return lacks("schema");
      return has_files_ || lacks("files");
    }
    if (where_ == Where::kFinding) {
      for (const char* name : {"count", "code", "node", "op", "port", "value"})
        if (!seen_.contains(name)) return lacks(name);
      seen_.clear();
      entries_.push_back(std::exchange(entry_, {}));
    } else if (where_ == Where::kFile) {
      if (!path_) return lacks("path");
      if (!has_findings_) return lacks("findings");
      take_(*std::exchange(path_, std::nullopt), std::exchange(entries_, {}));
      has_findings_ = false;
      ++file_index_;
    }
    return true;
  }

  const Take& take_;
  Where where_ = Where::kStart;
  std::string key_, fault_;
  std::string* text_ = nullptr;
  uint64_t number_ = 0;
  size_t file_index_ = 0;
  int skipped_ = 0;             // open containers of a member that is not ours
  std::set<std::string> seen_;  // members of the finding that is being read
  bool has_schema_ = false, has_files_ = false, has_findings_ = false;
  std::optional<std::string> path_;
  BaselineEntry entry_;
  std::vector<BaselineEntry> entries_;
};

}  // namespace

Status read_baseline(std::string_view text, const std::string& path, const BaselineReader::Take& take) {
  BaselineReader reader(take);
  if (PlainJson::sax_parse(text, &reader)) return Done{};
  return Error{ErrorCode::kParse, path, reader.fault()};
}

}  // namespace snapgauge
