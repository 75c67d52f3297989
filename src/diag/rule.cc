#include "diag/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace snapgauge {
namespace {

#include "diag/rule_table.inc"

constexpr std::array<std::string_view, 5> kKinds{"malformed", "invalid", "unsupported", "unjudged", "advice"};
constexpr std::array<std::string_view, 3> kLevels{"note", "warning", "error"};

std::string fill(std::string_view text, std::span<const HoleValue> holes) {
  std::string out;
  out.reserve(text.size() + 64);
  while (!text.empty()) {
    const size_t open = text.find('{');
    const size_t close = open == std::string_view::npos ? open : text.find('}', open);
    out += text.substr(0, open);
    if (close == std::string_view::npos) break;
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const auto hole = std::find_if(holes.begin(), holes.end(), [&](const HoleValue& h) { return h.first == name; });
    out += hole == holes.end() ? std::string(text.substr(open, close - open + 1)) : hole->second;
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace

std::span<const Rule> all_rules() { return kRules; }

const Rule& rule(RuleCode code) {
  const auto it = std::lower_bound(std::begin(kRules), std::end(kRules), code,
                                   [](const Rule& r, RuleCode c) { return r.code < c; });
  assert(it != std::end(kRules) && it->code == code);
  return *it;
}

const Rule* find_rule(std::string_view code_or_name) {
  for (const Rule& r : kRules)
    if (r.name == code_or_name || code_text(r.code) == code_or_name) return &r;
  return nullptr;
}

std::span<const RetiredWord> retired_words() { return kRetired; }

const RetiredWord* find_retired(std::string_view code_or_name, std::span<const RetiredWord> all) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const RetiredWord& r) { return r.word == code_or_name; });
  return it == all.end() ? nullptr : &*it;
}

std::string retirement_text(const RetiredWord& retired) {
  if (retired.now == 0) return fmt::format("{} is retired, and no rule took its place", retired.word);
  return fmt::format("{} is retired; {} {} took its place", retired.word, code_text(retired.now),
                     rule(retired.now).name);
}

bool names_item(std::string_view list, std::string_view item) {
  if (list.empty()) return true;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == item) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::string code_text(RuleCode code) { return fmt::format("SG{:03}", code); }
std::string_view kind_name(RuleKind kind) { return kKinds[static_cast<size_t>(kind)]; }
std::string_view level_name(Level level) { return kLevels[static_cast<size_t>(level)]; }

Level default_level(RuleKind kind) {
  switch (kind) {
    case RuleKind::kAdvice: return Level::kNote;
    case RuleKind::kUnjudged: return Level::kWarning;
    default: return Level::kError;
  }
}

Finding make_finding(RuleCode code, std::span<const HoleValue> holes) {
  const Rule& row = rule(code);
  Finding finding;
  finding.code = code;
  finding.level = default_level(row.kind);
  finding.message = fill(row.message, holes);
  finding.fix = {std::string(row.action), FixSafety::kShow};
  return finding;
}

}  // namespace snapgauge
