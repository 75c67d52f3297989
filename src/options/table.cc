#include "options/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/text.h"

namespace snapgauge {
namespace {

#include "options/option_table.inc"

/// What of a value's name counts: RealTime, real-time and real_time are one.
std::string squeezed(std::string_view word) {
  std::string out;
  for (const char c : word)
    if (c != '-' && c != '_') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Error refusal(const OptionRow& row, std::string_view found) {
  return {ErrorCode::kUsage, std::string(row.name), fmt::format("takes {}, not {}", option_range(row), found)};
}

Error undefined_chosen(const OptionRow& row) {
  return {ErrorCode::kUsage, std::string(row.name),
          fmt::format("{} says that nothing was chosen; takes {}", row.undefined, option_range(row))};
}

std::string shown(std::string_view text) { return fmt::format("'{}'", printable(text)); }

std::optional<int64_t> read_number(std::string_view text) {
  const std::string_view prefix = text.substr(0, 2);
  const int base = prefix == "0x" || prefix == "0X" ? 16 : prefix == "0b" || prefix == "0B" ? 2 : 10;
  if (base != 10) text.remove_prefix(2);
  if (base != 10 && text.starts_with('-')) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<OptionValue> choice_named(const OptionRow& row, std::string_view name) {
  const std::string wanted = squeezed(name);
  for (const OptionChoice& choice : row.choices)
    if (squeezed(choice.name) == wanted) return OptionValue(choice.number);
  if (!row.undefined.empty() && squeezed(row.undefined) == wanted) return undefined_chosen(row);
  return refusal(row, shown(name));
}

Result<OptionValue> choice_numbered(const OptionRow& row, int64_t number) {
  if (number == 0 && !row.undefined.empty()) return undefined_chosen(row);
  if (std::any_of(row.choices.begin(), row.choices.end(), [&](const OptionChoice& c) { return c.number == number; }))
    return OptionValue(number);
  return refusal(row, fmt::format("{}", number));
}

Result<OptionValue> parse_boolean(const OptionRow& row, std::string_view text) {
  const std::string word = squeezed(text);
  if (word == "true" || word == "on" || word == "1") return OptionValue(true);
  if (word == "false" || word == "off" || word == "0") return OptionValue(false);
  return refusal(row, shown(text));
}

/// Upstream keeps texts up to their first NUL.
bool fits_text(const OptionRow& row, const std::string& text) {
  return std::cmp_less_equal(text.size(), row.max) && text.find('\0') == std::string::npos;
}

}  // namespace

std::span<const OptionRow> option_rows() { return kRows; }
std::span<const OptionCombination> option_combinations() { return kCombinations; }
const OptionRow& option_row(OptionId id) { return kRows[static_cast<size_t>(id)]; }

const OptionRow* find_option(OptionBackend backend, OptionPhase phase, std::string_view key) {
  if (key.empty()) return nullptr;
  for (const OptionRow& row : kRows)
    if (row.belongs_to(backend) && row.key(phase) == key) return &row;
  return nullptr;
}

const OptionRow* find_option_by_flag(std::string_view flag) {
  for (const OptionRow& row : kRows)
    if (row.flag == flag) return &row;
  return nullptr;
}

std::optional<OptionBackend> option_backend(std::string_view name) {
  for (const OptionBackendRow& row : kBackendRows)
    if (row.name == name) return row.backend;
  return std::nullopt;
}

const OptionBackendRow& option_backend_row(OptionBackend backend) {
  return *std::find_if(std::begin(kBackendRows), std::end(kBackendRows) - 1,
                       [&](const OptionBackendRow& row) { return row.backend == backend; });
}

std::string_view option_backend_name(OptionBackend backend) { return option_backend_row(backend).name; }

OptionValue option_default(const OptionRow& row) {
  if (row.type == OptionType::kText) return std::string(row.default_text);
  if (row.type == OptionType::kBoolean) return row.default_number != 0;
  return row.default_number;
}

std::string option_range(const OptionRow& row) {
  switch (row.type) {
    case OptionType::kBoolean: return "true or false";
    case OptionType::kInteger: return fmt::format("an integer from {} to {}", row.min, row.max);
    case OptionType::kMask: return fmt::format("a mask of cores from {} to {:#x}", row.min, row.max);
    case OptionType::kText: return fmt::format("a text of at most {} bytes without NUL", row.max);
    case OptionType::kEnum: break;
  }
  std::vector<std::string> names;
  for (const OptionChoice& choice : row.choices) names.emplace_back(choice.name);
  return join_or(names);
}

Result<OptionValue> parse_option(const OptionRow& row, std::string_view text) {
  if (row.type == OptionType::kText) return checked_option(row, std::string(text));
  if (row.type == OptionType::kBoolean) return parse_boolean(row, text);
  if (const auto number = read_number(text)) return checked_option(row, *number);
  if (row.type == OptionType::kEnum) return choice_named(row, text);
  return refusal(row, shown(text));
}

std::string option_text(const OptionRow& row, const OptionValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const int64_t number = *std::get_if<int64_t>(&value);
  if (row.type == OptionType::kMask) return fmt::format("{:#b}", number);
  for (const OptionChoice& choice : row.choices)
    if (choice.number == number) return std::string(choice.name);
  if (number == 0 && !row.undefined.empty()) return std::string(row.undefined);
  return fmt::format("{}", number);
}

Result<OptionValue> checked_option(const OptionRow& row, OptionValue value) {
  if (const auto* truth = std::get_if<bool>(&value)) {
    if (row.type == OptionType::kBoolean) return value;
    return refusal(row, *truth ? "true" : "false");
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (row.type == OptionType::kEnum) return choice_named(row, *text);
    if (row.type != OptionType::kText) return refusal(row, "the text " + shown(*text));
    if (fits_text(row, *text)) return value;
    return refusal(row, fmt::format("one of {} bytes", text->size()));
  }
  const int64_t number = *std::get_if<int64_t>(&value);
  if (row.type == OptionType::kEnum) return choice_numbered(row, number);
  const bool counts = row.type == OptionType::kInteger || row.type == OptionType::kMask;
  if (counts && row.min <= number && number <= row.max) return value;
  return refusal(row, fmt::format("{}", number));
}

}  // namespace snapgauge
