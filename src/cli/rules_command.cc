// explain and rules list: the rule table, printed.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/rule_pages.h"
#include "diag/rule.h"

namespace snapgauge::cli {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const auto near = near_matches(word, known);
  return near.empty() ? "" : "; did you mean " + join_or(near) + "?";
}

/// Prefixes and backends that match nothing are slips of the pen, not empty answers.
Status check_filters(const RulesArguments& arguments) {
  for (const std::string& prefix : arguments.prefixes) {
    const auto rules = all_rules();
    if (std::none_of(rules.begin(), rules.end(),
                     [&](const Rule& r) { return code_text(r.code).starts_with(upper(prefix)); }))
      return Error{ErrorCode::kUsage, "", fmt::format("no rule's code starts with '{}'", printable(prefix))};
  }
  if (arguments.backend.empty()) return Done{};
  auto tables = open_tables({});
  if (!tables) return tables.error();
  auto backends = tables->backends();
  if (!backends) return backends.error();
  if (std::find(backends->begin(), backends->end(), arguments.backend) == backends->end())
    return Error{
        ErrorCode::kUsage, "",
        fmt::format("no backend '{}'{}", printable(arguments.backend), did_you_mean(arguments.backend, *backends))};
  return Done{};
}

bool listed(const RulesArguments& arguments, const Rule& r) {
  if (!arguments.kind.empty() && kind_name(r.kind) != arguments.kind) return false;
  if (!arguments.backend.empty() && !names_item(r.backends, arguments.backend)) return false;
  return arguments.prefixes.empty() ||
         std::any_of(arguments.prefixes.begin(), arguments.prefixes.end(),
                     [&](const std::string& p) { return code_text(r.code).starts_with(upper(p)); });
}

nlohmann::ordered_json json_list(std::string_view items) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  while (!items.empty()) {
    const size_t comma = std::min(items.find(','), items.size());
    list.push_back(items.substr(0, comma));
    items.remove_prefix(std::min(comma + 1, items.size()));
  }
  return list;
}

nlohmann::ordered_json json_rule(const Rule& r) {
  return {{"code", code_text(r.code)},
          {"name", r.name},
          {"kind", kind_name(r.kind)},
          {"level", level_name(default_level(r.kind))},
          {"default", r.on_by_default},
          {"message", r.message},
          {"action", r.action},
          {"fix", r.fix.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(r.fix)},
          {"why", r.why},
          {"source", r.source},
          {"since", r.since},
          {"predicates", json_list(r.predicates)},
          {"ops", json_list(r.ops)},
          {"backends", json_list(r.backends)},
          {"except", json_list(r.except)},
          {"after", json_list(r.after)},
          {"limit", r.limit == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(r.limit)}};
}

}  // namespace

int run_explain(const std::string& code) {
  const Rule* row = find_rule(upper(code));
  if (row == nullptr) row = find_rule(code);
  if (row != nullptr) return deliver(std::string(rule_page(row->code)), "");
  const RetiredWord* old = find_retired(upper(code));
  if (old == nullptr) old = find_retired(code);
  if (old != nullptr && old->now == 0) return fail({ErrorCode::kUsage, "", retirement_text(*old)});
  if (old != nullptr) return deliver(fmt::format("{}.\n\n{}", retirement_text(*old), rule_page(old->now)), "");
  std::vector<std::string> names;
  for (const Rule& r : all_rules()) {
    names.emplace_back(r.name);
    names.push_back(code_text(r.code));
  }
  return fail({ErrorCode::kUsage, "", fmt::format("no rule '{}'{}", printable(code), did_you_mean(code, names))});
}

int run_rules_list(const RulesArguments& arguments) {
  if (const Status valid = check_filters(arguments); !valid) return fail(valid.error());
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  std::string text;
  for (const Rule& r : all_rules()) {
    if (!listed(arguments, r)) continue;
    text += fmt::format("{}  {:<28} {}{}\n", code_text(r.code), r.name, kind_name(r.kind),
                        r.on_by_default ? "" : ", off unless selected");
    list.push_back(json_rule(r));
  }
  return deliver(arguments.json ? list.dump(1) + "\n" : text, "");
}

}  // namespace snapgauge::cli
