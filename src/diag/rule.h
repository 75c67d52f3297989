// The rule table: one row per rule, generated from rules/*.toml by scripts/generate_rules.py.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "diag/finding.h"

namespace snapgauge {

enum class RuleKind : uint8_t { kMalformed, kInvalid, kUnsupported, kUnjudged, kAdvice };

/// Between what the formula of an op keeps its result.
struct OutputRange {
  std::string_view op, operation;  // `operation`: only with this value of the op's parameter; empty: always
  double min, max;
  std::string_view min_param, max_param;  // the parameter that holds the bound, instead
};

struct Rule {
  RuleCode code;
  std::string_view name;  // kebab-case, reads as "allow <name>"
  RuleKind kind;
  std::string_view message;  // sentence with {holes}
  std::string_view action;   // what to do, one sentence
  std::string_view fix;      // what a program does about it, and how far it is safe; empty: nothing
  std::string_view why;
  std::string_view source;  // document the rule rests on; rows of the op-info tables name their own
  std::string_view since;
  bool on_by_default;
  std::string_view predicates;  // op-info predicate kinds this rule reports, comma-separated
  // Of rules that look at nodes for themselves:
  std::string_view ops;       // backend ops they look at, comma-separated; empty: all
  std::string_view backends;  // likewise
  std::string_view except;    // ops that it does not look at
  std::string_view after;     // ops in front of them
  double limit;               // the number that the rule compares with
  std::span<const OutputRange> ranges;
};

std::span<const Rule> all_rules();
const Rule& rule(RuleCode code);                       // the code must exist
const Rule* find_rule(std::string_view code_or_name);  // "SG201" or "asymmetric-weight"
/// A code or name that was a rule's once (rules/retired.toml).
struct RetiredWord {
  std::string_view word;
  RuleCode now;  // of the rule that took its place; 0 when none did
};
std::span<const RetiredWord> retired_words();
const RetiredWord* find_retired(std::string_view code_or_name, std::span<const RetiredWord> all = retired_words());
std::string retirement_text(const RetiredWord& retired);
/// Whether a comma-separated list of a row names `item`, or is empty.
bool names_item(std::string_view list, std::string_view item);
std::string code_text(RuleCode code);  // "SG201"
std::string_view kind_name(RuleKind kind);
std::string_view level_name(Level level);
/// Level that findings of a kind have unless their source row is doubtful.
Level default_level(RuleKind kind);

using HoleValue = std::pair<std::string_view, std::string>;
/// A finding of `code` whose message has its holes filled from `holes`; a missing hole stays visible.
Finding make_finding(RuleCode code, std::span<const HoleValue> holes);
inline Finding make_finding(RuleCode code, std::initializer_list<HoleValue> holes) {
  return make_finding(code, std::span(holes.begin(), holes.size()));
}

}  // namespace snapgauge
