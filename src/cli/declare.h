// Within cli: the declarations of verbs and options, and what they have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace snapgauge::cli {

/// What the options of all verbs write to.
struct Arguments {
  CheckArguments check;
  FixArguments fix;
  DecodeArguments decode;
  OpInfoArguments opinfo;
  OpInfoDiffArguments opinfo_diff;
  RulesArguments rules;
  RunArguments run;
  AnnotateArguments annotate;
  QuantizeArguments quantize;
  AccuracyArguments accuracy;
  LowerArguments lower;
  ArtifactArguments artifact;
  std::string code, shell, colour = "auto", view = "backend";
  bool strict = false;

  /// What standard output is, and whether it wants colours.
  Terminal terminal() const;
};

/// The chosen verb, set while the command line is parsed.
using Action = std::function<int()>;

void add_tables(CLI::App& app, std::string& pipeline, TableOptions& tables);
void add_hardware(CLI::App& app, TargetOptions& target);
void add_target(CLI::App& app, TargetOptions& target, TableOptions& tables);
void add_allowed(CLI::App& app, std::vector<std::string>& folders);
void add_colour(CLI::App& app, std::string& colour);
void add_text_or_json(CLI::App& app, std::string& format);
void add_output(CLI::App& app, std::string& output);
void add_config(CLI::App& app, CheckArguments& check);
/// Names of the options that stand on the command line.
std::set<std::string> options_given(const CLI::App& verb);

// Each adds its verbs; those that judge, those behind the gate, those that tell.
void declare_check(CLI::App& app, Arguments& a, Action& action);
void declare_fix(CLI::App& app, Arguments& a, Action& action);
void declare_config(CLI::App& app, Arguments& a, Action& action);
void declare_matrix(CLI::App& app, Arguments& a, Action& action);
void declare_show(CLI::App& app, Arguments& a, Action& action);
void declare_run(CLI::App& app, Arguments& a, Action& action);
void declare_bench(CLI::App& app, Arguments& a, Action& action);
void declare_annotate(CLI::App& app, Arguments& a, Action& action);
void declare_accuracy(CLI::App& app, Arguments& a, Action& action);
void declare_quantize(CLI::App& app, Arguments& a, Action& action);
void declare_lower(CLI::App& app, Arguments& a, Action& action);
void declare_artifacts(CLI::App& app, Arguments& a, Action& action);
void declare_decode(CLI::App& app, Arguments& a, Action& action);
void declare_rules(CLI::App& app, Arguments& a, Action& action);
void declare_opinfo(CLI::App& app, Arguments& a, Action& action);

}  // namespace snapgauge::cli
