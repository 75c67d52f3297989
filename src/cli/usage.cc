#include "cli/usage.h"

#include "diag/rule.h"

namespace snapgauge::cli {
namespace {

/// "TEXT:{auto,always,never}" -> auto, always, never. CLI11 tells a check's values only in this form.
std::vector<std::string> listed_choices(const std::string& type) {
  const size_t open = type.find('{');
  const size_t close = type.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

OptionUsage describe(const CLI::Option& option) {
  OptionUsage usage;
  for (const std::string& name : option.get_snames()) usage.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) usage.names.push_back("--" + name);
  if (!option.nonpositional()) usage.names.push_back(option.get_name(true));
  usage.help = option.get_description();
  usage.required = option.get_required();
  usage.many = option.get_items_expected_max() > 1;
  usage.preset = option.get_default_str();
  if (option.get_items_expected_max() == 0) return usage;
  const std::string type = option.get_type_name();
  usage.value = type.substr(0, type.find(':'));
  usage.choices = listed_choices(type);
  // Where no other type is said, a positional is a file to read.
  if (!option.nonpositional() && usage.value == "TEXT" && usage.choices.empty()) usage.value = "FILE";
  if (usage.value == "CODE" || usage.value == "CODES")
    for (const Rule& r : all_rules()) usage.choices.push_back(code_text(r.code));
  return usage;
}

VerbUsage describe(const CLI::App& app, const std::string& name) {
  VerbUsage usage;
  usage.name = name;
  usage.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    (option->nonpositional() ? usage.options : usage.positionals).push_back(describe(*option));
  }
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App* v) { return !v->get_group().empty(); }))
    usage.verbs.push_back(describe(*verb, name.empty() ? verb->get_name() : name + " " + verb->get_name()));
  return usage;
}

void collect(const VerbUsage& verb, std::vector<const VerbUsage*>& out) {
  out.push_back(&verb);
  for (const VerbUsage& sub : verb.verbs) collect(sub, out);
}

}  // namespace

VerbUsage describe(const CLI::App& app) { return describe(app, ""); }

std::vector<const VerbUsage*> all_verbs(const VerbUsage& root) {
  std::vector<const VerbUsage*> out;
  collect(root, out);
  return out;
}

}  // namespace snapgauge::cli
