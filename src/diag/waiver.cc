#include "diag/waiver.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diag/rule.h"

namespace snapgauge {

bool covers_a_rule(std::string_view prefix) {
  const auto rules = all_rules();
  return !prefix.empty() &&
         std::any_of(rules.begin(), rules.end(), [&](const Rule& r) { return code_text(r.code).starts_with(prefix); });
}

bool has_prefix(const std::vector<std::string>& prefixes, std::string_view code) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& p) { return code.starts_with(p); });
}

std::optional<std::string> code_fault(std::string_view prefix) {
  if (covers_a_rule(prefix)) return std::nullopt;
  // People write names of rules, too; tell them the code.
  if (const Rule* named = find_rule(prefix))
    return fmt::format("'{}' is a rule's name; write its code, {}", printable(prefix), code_text(named->code));
  if (const RetiredWord* old = find_retired(prefix)) return retirement_text(*old);
  std::vector<std::string> codes;
  for (const Rule& r : all_rules()) codes.push_back(code_text(r.code));
  const std::vector<std::string> near = near_matches(prefix, codes);
  return fmt::format("no rule's code begins with '{}'{}", printable(prefix),
                     near.empty() ? "" : fmt::format("; did you mean {}?", join_or(near)));
}

}  // namespace snapgauge
