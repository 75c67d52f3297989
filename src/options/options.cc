#include "options/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

#include "base/text.h"

namespace snapgauge {
namespace {

std::string_view phase_text(OptionPhase phase) { return phase == OptionPhase::kCompile ? "compile time" : "run time"; }

std::string_view origin_text(OptionOrigin origin) {
  switch (origin) {
    case OptionOrigin::kCompile: return "compile time";
    case OptionOrigin::kRun: return "run time";
    case OptionOrigin::kDefault: break;
  }
  return "default";
}

bool is_named(const OptionRow& row, std::string_view word) {
  if (word.empty()) return false;  // as is a key that a row has not
  return row.name == word || row.flag == word || row.compile_key == word || row.run_key == word;
}

std::string backends_text(const OptionRow& row) {
  std::vector<std::string> names;
  for (const OptionBackend backend : {OptionBackend::kHtp, OptionBackend::kGpu, OptionBackend::kLpai})
    if (row.belongs_to(backend)) names.emplace_back(option_backend_name(backend));
  return join_or(names);
}

/// What to say of a word that is a name of an option, only not its key in this phase.
std::string misplaced(const OptionRow& row, OptionBackend backend, OptionPhase phase) {
  if (!row.belongs_to(backend))
    return fmt::format("an option of {}, not of {}", backends_text(row), option_backend_name(backend));
  if (!row.key(phase).empty()) return fmt::format("its key at {} is {}", phase_text(phase), row.key(phase));
  const OptionPhase other = phase == OptionPhase::kRun ? OptionPhase::kCompile : OptionPhase::kRun;
  return fmt::format("can be set at {} only, as {}", phase_text(other), row.key(other));
}

std::string why_no_option(OptionBackend backend, OptionPhase phase, std::string_view key) {
  const OptionRow* named = nullptr;
  std::vector<std::string> keys;
  for (const OptionRow& row : option_rows()) {
    if (std::find(row.former.begin(), row.former.end(), key) != row.former.end())
      return fmt::format("a misspelt name of {}; {}", row.name, misplaced(row, backend, phase));
    // Two backends may have a word in common; this one's own option comes first.
    if (is_named(row, key) && (named == nullptr || row.belongs_to(backend))) named = &row;
    if (row.belongs_to(backend) && !row.key(phase).empty()) keys.emplace_back(row.key(phase));
  }
  if (named != nullptr) return misplaced(*named, backend, phase);
  const std::vector<std::string> near = near_matches(key, keys);
  std::string text = fmt::format("no option of {} at {}", option_backend_name(backend), phase_text(phase));
  if (!near.empty()) text += fmt::format("; did you mean {}?", join_or(near));
  return text;
}

Error usage(std::string_view subject, std::string text) {
  return {ErrorCode::kUsage, printable(subject), std::move(text)};
}

/// "online_prepare and use_multi_contexts".
std::string options_text(const OptionCombination& combination) {
  std::string text;
  for (const OptionCondition& condition : combination.when)
    text += fmt::format("{}{}", text.empty() ? "" : " and ", option_row(condition.id).name);
  return text;
}

/// The rows of a batch's keys, in its order; no row twice.
template <class Batch, class KeyOf>
Result<std::vector<const OptionRow*>> rows_of(OptionBackend backend, OptionPhase phase, const Batch& batch,
                                              KeyOf key_of) {
  std::vector<const OptionRow*> rows;
  std::set<OptionId> seen;
  for (const auto& item : batch) {
    const std::string& key = key_of(item);
    const OptionRow* row = find_option(backend, phase, key);
    if (row == nullptr) return usage(key, why_no_option(backend, phase, key));
    if (!seen.insert(row->id).second) return usage(key, "stands in the batch twice");
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

Status OptionSet::set(OptionPhase phase, std::span<const OptionSetting> settings) {
  const auto rows = rows_of(
      backend_, phase, settings, [](const OptionSetting& s) -> const auto& { return s.key; });
  if (!rows) return rows.error();
  OptionSet next = *this;
  for (size_t i = 0; i < settings.size(); ++i) {
    const OptionRow& row = *rows.value()[i];
    auto value = checked_option(row, settings[i].value);
    if (!value) return usage(settings[i].key, value.error().text);
    next.values(phase)[row.id] = std::move(value).value();
  }
  if (Status taken = next.check_combinations(); !taken) return taken;
  *this = std::move(next);
  return Done{};
}

Status OptionSet::set_texts(OptionPhase phase, std::span<const OptionText> texts) {
  const auto rows = rows_of(
      backend_, phase, texts, [](const OptionText& t) -> const auto& { return t.key; });
  if (!rows) return rows.error();
  std::vector<OptionSetting> settings;
  for (size_t i = 0; i < texts.size(); ++i) {
    auto value = parse_option(*rows.value()[i], texts[i].text);
    if (!value) return usage(texts[i].key, value.error().text);
    settings.push_back({texts[i].key, std::move(value).value()});
  }
  return set(phase, settings);
}

Status OptionSet::unset(OptionPhase phase, std::span<const std::string> keys) {
  const auto rows = rows_of(
      backend_, phase, keys, [](const std::string& key) -> const auto& { return key; });
  if (!rows) return rows.error();
  OptionSet next = *this;
  for (const OptionRow* row : rows.value()) next.values(phase).erase(row->id);
  if (Status taken = next.check_combinations(); !taken) return taken;
  *this = std::move(next);
  return Done{};
}

EffectiveOption OptionSet::effective(OptionId id) const {
  const Values& run = values(OptionPhase::kRun);
  if (const auto found = run.find(id); found != run.end()) return {found->second, OptionOrigin::kRun};
  const Values& compile = values(OptionPhase::kCompile);
  if (const auto found = compile.find(id); found != compile.end()) return {found->second, OptionOrigin::kCompile};
  return {option_default(option_row(id)), OptionOrigin::kDefault};
}

int64_t OptionSet::integer(OptionId id) const {
  const EffectiveOption found = effective(id);
  const auto* number = std::get_if<int64_t>(&found.value);
  assert(number != nullptr);
  return number == nullptr ? 0 : *number;
}

bool OptionSet::truth(OptionId id) const {
  const EffectiveOption found = effective(id);
  const auto* truth = std::get_if<bool>(&found.value);
  assert(truth != nullptr);
  return truth != nullptr && *truth;
}

std::string OptionSet::text(OptionId id) const {
  const EffectiveOption found = effective(id);
  const auto* text = std::get_if<std::string>(&found.value);
  assert(text != nullptr);
  return text == nullptr ? std::string() : *text;
}

Status OptionSet::check_cores(int cores) const {
  for (const OptionRow& row : option_rows()) {
    if (row.type != OptionType::kMask || !row.belongs_to(backend_)) continue;
    const int64_t mask = integer(row.id);
    if (cores >= 63 || mask >> std::max(cores, 0) == 0) continue;
    return usage(row.name,
                 fmt::format("{} names a core that is not there; the hardware has {}", option_text(row, mask), cores));
  }
  return Done{};
}

bool OptionSet::matches(const OptionCombination& combination) const {
  if ((combination.backends & static_cast<uint8_t>(backend_)) == 0) return false;
  return std::all_of(combination.when.begin(), combination.when.end(), [&](const OptionCondition& condition) {
    const OptionValue value = effective(condition.id).value;
    int64_t number = 0;
    if (const auto* truth = std::get_if<bool>(&value)) number = *truth ? 1 : 0;
    if (const auto* text = std::get_if<std::string>(&value)) number = text->empty() ? 0 : 1;
    if (const auto* integer = std::get_if<int64_t>(&value)) number = *integer;
    return std::find(condition.any_of.begin(), condition.any_of.end(), number) != condition.any_of.end();
  });
}

Status OptionSet::check_combinations() const {
  for (const OptionCombination& combination : option_combinations())
    if (!combination.only_warns && matches(combination))
      return usage(options_text(combination), std::string(combination.why));
  return Done{};
}

std::vector<std::string> OptionSet::warnings() const {
  std::vector<std::string> found;
  for (const OptionCombination& combination : option_combinations())
    if (combination.only_warns && matches(combination))
      found.push_back(fmt::format("{}: {}", options_text(combination), combination.why));
  return found;
}

std::vector<OptionText> OptionSet::stored() const {
  std::vector<OptionText> texts;
  for (const auto& [id, value] : values(OptionPhase::kCompile)) {
    const OptionRow& row = option_row(id);
    texts.push_back({std::string(row.compile_key), option_text(row, value)});
  }
  return texts;
}

Result<OptionSet> OptionSet::restored(OptionBackend backend, std::span<const OptionText> stored) {
  OptionSet options(backend);
  if (const Status taken = options.set_texts(OptionPhase::kCompile, stored); !taken) return taken.error();
  return options;
}

std::string OptionSet::to_text() const {
  std::string text;
  for (const OptionRow& row : option_rows()) {
    if (!row.belongs_to(backend_)) continue;
    const EffectiveOption found = effective(row.id);
    text +=
        fmt::format("{} = {} ({})\n", row.name, printable(option_text(row, found.value)), origin_text(found.origin));
  }
  return text;
}

}  // namespace snapgauge
