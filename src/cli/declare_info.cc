// Verbs that tell: what a log says, what rules mean, what the tables hold.
#include "cli/declare.h"
#include "diag/rule.h"

namespace snapgauge::cli {
namespace {

void declare_opinfo_diff(CLI::App& tables, Arguments& a, Action& action) {
  CLI::App& verb = *tables.add_subcommand("diff", "What another SDK version changes, for all ops or those of models");
  OpInfoDiffOptions& options = a.opinfo_diff.options;
  verb.add_option("old", options.before, "SDK version, or latest")->required()->type_name("SDK");
  verb.add_option("new", options.after, "SDK version, or latest")->required()->type_name("SDK");
  verb.add_option("models", options.models, "only what concerns these models, and their verdicts under both versions");
  verb.add_option("--op", options.op, "only this backend op, such as Conv2d")->type_name("OP");
  add_allowed(verb, options.allowed_folders);
  add_hardware(verb, options.target);
  add_tables(verb, options.target.pipeline, a.opinfo_diff.tables);
  add_text_or_json(verb, a.opinfo_diff.format);
  add_colour(verb, a.colour);
  verb.callback([&] { action = [&] { return run_opinfo_diff(a.opinfo_diff, a.terminal()); }; });
}

}  // namespace

void declare_decode(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb =
      *app.add_subcommand("decode", "What the lines of a vendor's log mean, and which nodes they are about");
  auto* log = verb.add_option("log", a.decode.log, "log file, or - for standard input")->capture_default_str();
  verb.add_option("--line", a.decode.line, "one line, or an error code, instead of a log")->excludes(log);
  verb.add_option("--model", a.decode.model, "the model that the log is about: name its nodes")->type_name("FILE");
  add_allowed(verb, a.decode.allowed_folders);
  add_target(verb, a.decode.target, a.decode.tables);
  add_text_or_json(verb, a.decode.format);
  add_colour(verb, a.colour);
  verb.callback([&] { action = [&] { return run_decode(a.decode, a.terminal()); }; });
}

void declare_rules(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& explain = *app.add_subcommand("explain", "What a rule means and what to do about it");
  explain.add_option("code", a.code, "code or name, such as SG201 or asymmetric-weight")->required()->type_name("CODE");
  explain.callback([&] { action = [&] { return run_explain(a.code); }; });

  CLI::App& rules = *app.add_subcommand("rules", "The rules")->require_subcommand(1);
  CLI::App& list = *rules.add_subcommand("list", "List the rules");
  list.add_option("prefix", a.rules.prefixes, "only codes with these prefixes, such as SG2")->type_name("CODES");
  std::set<std::string> kinds;
  for (const Rule& r : all_rules()) kinds.emplace(kind_name(r.kind));
  list.add_option("--kind", a.rules.kind, "only rules of this kind")->check(CLI::IsMember(kinds));
  list.add_option("--backend", a.rules.backend, "only rules that look at this backend");
  list.add_flag("--json", a.rules.json, "as JSON, with everything known about each rule");
  list.callback([&] { action = [&] { return run_rules_list(a.rules); }; });
}

void declare_opinfo(CLI::App& app, Arguments& a, Action& action) {
  using Verb = OpInfoArguments::Verb;
  CLI::App& tables = *app.add_subcommand("opinfo", "The backends' constraint tables")->require_subcommand(1);
  const auto declare = [&](const char* name, const char* help, Verb verb) {
    CLI::App& sub = *tables.add_subcommand(name, help);
    if (verb == Verb::kShow)
      sub.add_option("op", a.opinfo.op, "backend op, such as Conv2d")->required()->type_name("OP");
    add_target(sub, a.opinfo.target, a.opinfo.tables);
    sub.callback([&, verb] {
      a.opinfo.verb = verb;
      action = [&] { return run_opinfo(a.opinfo); };
    });
  };
  declare("list", "Ops of a backend's table", Verb::kList);
  declare("show", "Everything known about one op, with sources", Verb::kShow);
  declare("coverage", "Predicate kinds by backend, and which have a check", Verb::kCoverage);
  declare_opinfo_diff(tables, a, action);
}

}  // namespace snapgauge::cli
