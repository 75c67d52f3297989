// Rows by operator: those that were compiled with the database, or else from its JSON text.
#include "backend/opmap.h"
#include "backend/opmap_codec.h"
#include "base/codec.h"
#include "base/text.h"

namespace snapgauge {
namespace {

constexpr std::string_view kDirect = "qnn.";
constexpr char kPatternMark = '~';

/// Names of what is stored: a row, and the names of all patterns.
std::string row_key(Frontend frontend, std::string_view op) {
  return std::string("map ").append(row_of(frontend).name).append(" ").append(op);
}
std::string patterns_key(Frontend frontend) { return std::string("patterns ").append(row_of(frontend).name); }

Result<std::vector<std::string>> row_names(const Database& database, Frontend frontend, bool patterns) {
  auto names = database.op_map_names(std::string(row_of(frontend).name));
  if (names) std::erase_if(*names, [&](const std::string& name) { return (name[0] == kPatternMark) != patterns; });
  return names;
}

Result<std::unique_ptr<OpMapping>> compiled_row(const Database& database, Frontend frontend, const std::string& op) {
  auto row = database.op_map(std::string(row_of(frontend).name), op);
  if (!row) return row.error();
  return row->has_value() ? compile_mapping(**row, op) : std::unique_ptr<OpMapping>();
}

}  // namespace

Status compile_maps(const Database& database, Frontend frontend, CompiledWriter& out) {
  for (const bool patterns : {false, true}) {
    const auto names = row_names(database, frontend, patterns);
    if (!names) return names.error();
    for (const std::string& name : names.value()) {
      const auto row = compiled_row(database, frontend, name);
      if (!row) return row.error();
      if (Status s = out.add(row_key(frontend, name), {}, encoded_mapping(*row.value())); !s) return s;
    }
    if (!patterns) continue;
    if (Status s = out.add(patterns_key(frontend), {}, encoded(names.value())); !s) return s;
  }
  return Done{};
}

Result<const OpMapping*> OpMaps::find(std::string_view op) {
  const std::string name(op);
  if (auto it = rows_.find(name); it != rows_.end()) return it->second.get();
  auto row = load(name);
  if (!row) return row.error();
  return rows_.emplace(name, std::move(*row)).first->second.get();
}

Status OpMaps::replace(const std::string& op, const std::string& json) {
  auto row = compile_mapping(json, op);
  if (!row) return row.error();
  rows_.insert_or_assign(op, std::move(*row));
  return Done{};
}

Result<std::unique_ptr<OpMapping>> OpMaps::load(const std::string& op) const {
  if (op.starts_with(kDirect)) {
    auto row = std::make_unique<OpMapping>();
    row->backend_op = op.substr(kDirect.size());
    row->generic = true;
    row->all_outputs = true;
    return row;
  }
  const auto stored = database_.compiled(row_key(frontend_, op), kLatestSdk);
  if (!stored) return compiled_row(database_, frontend_, op);
  auto row = decoded_mapping(*stored);
  if (row == nullptr) return database_.damaged(row_key(frontend_, op));
  return row;
}

Status OpMaps::load_patterns() {
  if (patterns_) return Done{};
  if (const auto stored = database_.compiled(patterns_key(frontend_), kLatestSdk)) {
    patterns_ = decoded<std::vector<std::string>>(*stored);
    return patterns_ ? Status(Done{}) : database_.damaged(patterns_key(frontend_));
  }
  auto names = row_names(database_, frontend_, true);
  if (!names) return names.error();
  patterns_ = std::move(*names);
  return Done{};
}

Result<std::vector<const OpMapping*>> OpMaps::patterns() {
  if (Status s = load_patterns(); !s) return s.error();
  std::vector<const OpMapping*> out;
  for (const std::string& name : *patterns_) {
    auto row = find(name);
    if (!row) return row.error();
    if (*row != nullptr) out.push_back(*row);
  }
  return out;
}

const std::vector<std::string>& OpMaps::similar(const std::string& op) {
  // Of files with thousands of unknown operators the first ones are enough to see what is wrong.
  constexpr size_t kMostSuggestions = 200;
  static const std::vector<std::string> none;
  if (const auto known = similar_.find(op); known != similar_.end()) return known->second;
  if (similar_.size() >= kMostSuggestions) return none;
  if (!names_) {
    auto names = row_names(database_, frontend_, false);
    if (!names) return none;
    names_ = std::move(*names);
  }
  return similar_.emplace(op, near_matches(op, *names_)).first->second;
}

}  // namespace snapgauge
