// Declares verbs and options, and hands over. What a verb does is in its own file.
#include "cli/command_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "base/guard.h"
#include "cli/commands.h"
#include "cli/usage.h"
#include "diag/rule.h"
#include "report/formats.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

bool wants_colour(const std::string& when) {
  if (when == "always") return true;
  if (when == "never" || std::getenv("NO_COLOR") != nullptr) return false;
  if (const char* force = std::getenv("CLICOLOR_FORCE"); force != nullptr && std::string(force) != "0") return true;
  return ::isatty(STDOUT_FILENO) == 1;
}

int terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) return size.ws_col;
  return 100;
}

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
  std::string code, shell, colour = "auto", view = "backend";
  bool strict = false;

  Terminal terminal() const { return {wants_colour(colour), ::isatty(STDOUT_FILENO) == 1, terminal_width()}; }
};

/// The chosen verb, set while the command line is parsed.
using Action = std::function<int()>;

void add_tables(CLI::App& app, std::string& pipeline, TableOptions& tables) {
  app.add_option("--pipeline", pipeline,
                 "who lowers the graph: ort-qnn, executorch or qairt (default: by file format)");
  app.add_option("--db", tables.database, "op-info database to use")->type_name("FILE");
  app.add_option("--opinfo", tables.directory, "directory or file with op-info tables of your own")->type_name("PATH");
}

void add_hardware(CLI::App& app, TargetOptions& target) {
  app.add_option("--backend", target.backend, "htp, lpai, gpu, cpu, dsp or hta")->capture_default_str();
  app.add_option("--soc", target.soc, "SoC, with or without its letters")->capture_default_str();
}

void add_target(CLI::App& app, TargetOptions& target, TableOptions& tables) {
  add_hardware(app, target);
  app.add_option("--sdk", target.sdk, "SDK version, or latest")->capture_default_str();
  add_tables(app, target.pipeline, tables);
}

void add_allowed(CLI::App& app, std::vector<std::string>& folders) {
  app.add_option("--allow-external", folders,
                 "a folder that a model's external data may really lie in (default: the model's own)")
      ->type_name("DIR")
      ->expected(1)
      ->take_all();
}

void add_colour(CLI::App& app, std::string& colour) {
  app.add_option("--color", colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

void add_text_or_json(CLI::App& app, std::string& format) {
  app.add_option("--output-format", format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void add_output(CLI::App& app, std::string& output) {
  app.add_option("-o,--output", output, "file to write instead of standard output")->type_name("FILE");
}

void add_codes(CLI::App& app, const std::string& name, std::vector<std::string>& codes, const std::string& help) {
  app.add_option(name, codes, help)->delimiter(',')->type_name("CODES");
}

void add_selection(CLI::App& app, CheckArguments& check) {
  add_codes(app, "--select", check.select, "report only codes with these prefixes");
  add_codes(app, "--extend-select", check.extend_select,
            "report these as well: SG8 (speed) and SG9 (accuracy) are off by default");
  add_codes(app, "--ignore", check.ignore, "leave out codes with these prefixes");
}

void add_config(CLI::App& app, CheckArguments& check) {
  auto* config = app.add_option("--config", check.config, "configuration to use (default: the nearest snapgauge.toml)");
  config->type_name("FILE");
  app.add_flag("--isolated", check.isolated, "use no configuration")->excludes(config);
}

/// Names of the options that stand on the command line.
std::set<std::string> options_given(const CLI::App& verb) {
  std::set<std::string> names;
  for (const CLI::Option* option : verb.get_options())
    if (option->count() > 0) names.insert(option->get_name().substr(2));
  return names;
}

void declare_check(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("check", "Judge every node of the given graphs");
  verb.add_option("files", a.check.files, "annotated graphs: *.sgraph.json, annotation dumps, ONNX models")->required();
  add_target(verb, a.check.target, a.check.tables);
  auto* strict = verb.add_flag("--strict", a.strict, "exit 1 unless every graph is accepted (default)");
  verb.add_flag("--warn", a.check.warn, "report the same, exit 0")->excludes(strict);
  std::vector<std::string> formats;
  for (const Format& format : output_formats()) formats.emplace_back(format.name);
  verb.add_option("--output-format", a.check.format, fmt::format("one of {}", fmt::join(formats, ", ")))
      ->check(CLI::IsMember(formats))
      ->capture_default_str();
  add_output(verb, a.check.output);
  add_allowed(verb, a.check.allowed_folders);
  add_selection(verb, a.check);
  add_config(verb, a.check);
  auto* baseline =
      verb.add_option("--baseline", a.check.baseline, "report and fail only for findings that are not in this file");
  baseline->type_name("FILE");
  verb.add_flag("--write-baseline", a.check.write_baseline, "make the findings of this run the baseline")
      ->needs(baseline);
  verb.add_option("--diff-against", a.check.diff_against, "report and fail only for findings that this version lacks")
      ->type_name("OLD")
      ->excludes(baseline);
  verb.add_flag("-v,--verbose", a.check.verbose, "every finding in full instead of folding those with one cause");
  add_colour(verb, a.colour);
  verb.callback([&] {
    a.check.given = options_given(verb);
    action = [&] { return run_check(a.check, a.terminal()); };
  });
}

void declare_fix(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb =
      *app.add_subcommand("fix", "Mend what can be mended: annotated graphs in place, models as a new file");
  verb.add_option("files", a.fix.check.files, "annotated graphs: *.sgraph.json, annotation dumps, ONNX models")
      ->required();
  auto* diff = verb.add_flag("--diff", a.fix.diff, "show what would change, write nothing; exit 1 if anything would");
  verb.add_flag("--unsafe", a.fix.unsafe, "also fixes that may change values, not only their rounding");
  add_target(verb, a.fix.check.target, a.fix.check.tables);
  add_allowed(verb, a.fix.check.allowed_folders);
  add_selection(verb, a.fix.check);
  add_config(verb, a.fix.check);
  add_text_or_json(verb, a.fix.format);
  verb.add_option("-o,--output", a.fix.output, "file to write the result to (default: in place, ONNX: NAME.fixed.onnx)")
      ->type_name("FILE")
      ->excludes(diff);
  add_colour(verb, a.colour);
  verb.callback([&] {
    a.fix.check.given = options_given(verb);
    action = [&] { return run_fix(a.fix, a.terminal()); };
  });
}

void declare_config(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& config = *app.add_subcommand("config", "The configuration, snapgauge.toml")->require_subcommand(1);
  CLI::App& show = *config.add_subcommand("show", "What a check would use, and where each value comes from");
  show.add_option("file", a.check.files, "the file to check (default: one in this folder)")->expected(0, 1);
  add_config(show, a.check);
  show.callback([&] { action = [&] { return run_config_show(a.check); }; });
}

void declare_matrix(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("matrix", "Which SoCs, backends and SDK versions take a graph whole");
  verb.add_option("file", a.check.files, "annotated graph")->required()->expected(1);
  add_tables(verb, a.check.target.pipeline, a.check.tables);
  add_allowed(verb, a.check.allowed_folders);
  add_config(verb, a.check);
  add_text_or_json(verb, a.check.format);
  add_output(verb, a.check.output);
  verb.callback([&] {
    a.check.given = options_given(verb);
    action = [&] { return run_matrix(a.check); };
  });
}

void declare_show(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("show", "A graph as the backend would be handed it: ops, ports, parameters");
  verb.add_option("file", a.check.files, "annotated graph")->required()->expected(1);
  verb.add_option("--as", a.view, "what to show it as")->check(CLI::IsMember({"backend"}))->capture_default_str();
  add_target(verb, a.check.target, a.check.tables);
  add_allowed(verb, a.check.allowed_folders);
  add_output(verb, a.check.output);
  verb.callback([&] { action = [&] { return run_show(a.check); }; });
}

void declare_run(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("run", "Run a model that passes the check on this machine");
  verb.add_option("model", a.run.check.files, "model")->required()->expected(1);
  auto* inputs = verb.add_option("--input", a.run.inputs, "a NumPy file for an input; of several, NAME=FILE")
                     ->type_name("FILE")
                     ->expected(1)
                     ->take_all();
  auto* random = verb.add_option("--random", a.run.seed, "random inputs from a seed")->type_name("SEED");
  auto* golden =
      verb.add_option("--compare", a.run.golden, "inputs and expected outputs: *.golden.json")->type_name("FILE");
  auto* plan = verb.add_flag("--plan", a.run.show_plan, "show what would be executed, and stop");
  verb.add_flag("--profile", a.run.profile, "show where the time went, by kind of step and by node")
      ->excludes(golden, plan);
  auto* trace = verb.add_option("--trace", a.run.trace, "file for the time of each step, for a trace viewer")
                    ->type_name("FILE")
                    ->excludes(golden, plan);
  verb.add_option("--output-dir", a.run.output_dir, "folder to write each output to, as NumPy files")
      ->type_name("DIR")
      ->excludes(golden, plan);
  auto* list = verb.add_option("--inputs", a.run.input_list, "a file of sets of inputs, a line each: NAME=FILE ...")
                   ->type_name("LIST")
                   ->excludes(inputs, random, golden, plan, trace);
  verb.add_option("--threads", a.run.threads, "sets of inputs that run at once")
      ->check(CLI::Range(1, 1024))
      ->needs(list)
      ->capture_default_str();
  verb.add_option("--dump-intermediates", a.run.layer_dir,
                  "folder for the result of every step; shows how far each is from the exact one")
      ->type_name("DIR")
      ->excludes(list, plan, trace);
  random->excludes(inputs, golden);
  golden->excludes(inputs);
  add_text_or_json(verb, a.run.format);
  add_target(verb, a.run.check.target, a.run.check.tables);
  add_allowed(verb, a.run.check.allowed_folders);
  add_config(verb, a.run.check);
  add_colour(verb, a.colour);
  verb.callback([&] {
    a.run.check.given = options_given(verb);
    action = [&] { return run_run(a.run, a.terminal()); };
  });
}

void declare_bench(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("bench", "How long a model takes to load and to run on this machine");
  verb.add_option("model", a.run.check.files, "model")->required()->expected(1);
  verb.add_option("--runs", a.run.runs, "runs to measure")->check(CLI::Range(1, 1000000))->capture_default_str();
  verb.add_option("--random", a.run.seed, "random inputs from a seed")->type_name("SEED");
  add_target(verb, a.run.check.target, a.run.check.tables);
  add_allowed(verb, a.run.check.allowed_folders);
  add_config(verb, a.run.check);
  add_text_or_json(verb, a.run.format);
  add_colour(verb, a.colour);
  verb.callback([&] {
    a.run.check.given = options_given(verb);
    action = [&] { return run_bench(a.run, a.terminal()); };
  });
}

/// How nodes get their specs, and what judges them.
void add_annotation(CLI::App& verb, AnnotateArguments& own, Arguments& a) {
  verb.add_option("model", own.check.files, "model in float")->required()->expected(1);
  verb.add_option("--quant", own.quant,
                  "quant config, such as 8a8w; of several, the first that a node takes (default: 8a8w)")
      ->type_name("NAMES")
      ->delimiter(',')
      ->expected(1);
  verb.add_option("--recipe", own.recipe, "what is quantized how, by operator and name: docs/quantizing.md")
      ->type_name("FILE");
  verb.add_option("--granularity", own.granularity, "of weights: per-tensor, per-channel or per-block")
      ->check(CLI::IsMember({"per-tensor", "per-channel", "per-block"}));
  verb.add_option("--block", own.block, "elements per scale, along the input channels")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30U));
  verb.add_flag("--symmetric", own.symmetric, "symmetric activations");
  verb.add_flag("--explain-quant", own.explain, "say of every node what it got and which line decided it");
  add_target(verb, own.check.target, own.check.tables);
  auto* strict = verb.add_flag("--strict", a.strict, "write nothing unless the result is accepted (default)");
  verb.add_flag("--warn", own.check.warn, "write the result whatever the check says, exit 0")->excludes(strict);
  add_allowed(verb, own.check.allowed_folders);
  add_config(verb, own.check);
  add_text_or_json(verb, own.format);
  add_colour(verb, a.colour);
}

void declare_annotate(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("annotate", "Give a float model the quantization specs that its target takes");
  add_annotation(verb, a.annotate, a);
  verb.add_option("-o,--output", a.annotate.output, "annotation file to write (default: NAME.annotated.sgraph.json)")
      ->type_name("FILE");
  verb.callback([&] {
    a.annotate.check.given = options_given(verb);
    action = [&] { return run_annotate(a.annotate, a.terminal()); };
  });
}

void add_samples(CLI::App& verb, std::vector<std::string>& samples) {
  verb.add_option("--calib", samples,
                  "samples of the inputs: .npy, .npz, .raw, a .txt with a line each, a folder, or random:N")
      ->type_name("SOURCE")
      ->required()
      ->expected(1)
      ->take_all();
}

void declare_accuracy(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("accuracy", "Measure a quantized model against its float model, layer by layer");
  AccuracyArguments& own = a.accuracy;
  verb.add_option("models", own.check.files, "the model in float, then the quantized one")->required()->expected(2);
  add_samples(verb, own.samples);
  verb.add_flag("--sensitivity", own.sensitivity, "rank layers by what their error does to the outputs");
  verb.add_flag("--all", own.all, "every layer, not the worst alone");
  verb.add_option("--plot", own.plot, "picture of it over depth to write, SVG")->type_name("FILE");
  add_target(verb, own.check.target, own.check.tables);
  add_allowed(verb, own.check.allowed_folders);
  add_text_or_json(verb, own.format);
  add_colour(verb, a.colour);
  verb.callback([&] { action = [&] { return run_accuracy(own, a.terminal()); }; });
}

void declare_quantize(CLI::App& app, Arguments& a, Action& action) {
  CLI::App& verb = *app.add_subcommand("quantize", "Calibrate a float model and write it in integers for its target");
  QuantizeArguments& own = a.quantize;
  add_annotation(verb, own.annotate, a);
  add_samples(verb, own.samples);
  verb.add_option("--observer", own.observer, "of activations: min-max, moving-average, percentile or mse")
      ->check(CLI::IsMember({"min-max", "moving-average", "percentile", "mse"}))
      ->capture_default_str();
  verb.add_option("--percentile", own.percentile, "share of the numbers that the percentile observer keeps")
      ->check(CLI::Range(50.0, 100.0))
      ->capture_default_str();
  verb.add_option("--weight-observer", own.weight_observer, "of weights: min-max or line-search")
      ->check(CLI::IsMember({"min-max", "line-search"}))
      ->capture_default_str();
  verb.add_option("--threads", own.threads, "that run samples side by side")
      ->check(CLI::Range(uint64_t{1}, uint64_t{256}))
      ->capture_default_str();
  auto* state = verb.add_option("--state", own.state, "keep what was seen there when interrupted, and go on from it");
  state->type_name("FILE");
  verb.add_option("-o,--output", own.annotate.output, "ONNX model to write (default: NAME.quantized.onnx)")
      ->type_name("FILE");
  verb.add_option("--sgraph", own.sgraph, "write the graph with its numbers as an annotation file, too")
      ->type_name("FILE");
  verb.add_option("--aimet", own.aimet, "write AIMET 1.0 encodings for the float model, too")->type_name("FILE");
  verb.add_option("--overrides", own.overrides, "write --quantization_overrides of the vendor's converters, too")
      ->type_name("FILE");
  verb.add_flag("--accuracy", own.accuracy, "measure every layer against float");
  verb.add_option("--plot", own.plot, "the same as a picture, SVG")->type_name("FILE");
  verb.add_flag("--sensitivity", own.sensitivity, "rank layers by what their error does to the outputs");
  verb.add_option("--target-sqnr", own.target_db, "widen layers until the worst output has so many dB")
      ->check(CLI::Range(1.0, 200.0))
      ->excludes(state);
  verb.callback([&] {
    own.annotate.check.given = options_given(verb);
    action = [&] { return run_quantize(own, a.terminal()); };
  });
}

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

/// For the build, which installs what it prints; not shown by --help.
void declare_manual(CLI::App& app, Action& action) {
  CLI::App& verb = *app.add_subcommand("manual", "Print the manual page")->group("");
  verb.callback([&] { action = [&] { return deliver(manual_page(describe(app), std::string(kVersion)), ""); }; });
}

void declare_completions(CLI::App& app, Arguments& a, Action& action) {
  using Write = std::string (*)(const VerbUsage&);
  static const std::map<std::string, Write> shells = {
      {"bash", bash_completion}, {"fish", fish_completion}, {"zsh", zsh_completion}};
  std::set<std::string> names;
  for (const auto& [name, write] : shells) names.insert(name);
  CLI::App& verb = *app.add_subcommand("completions", "Print completions for a shell");
  verb.add_option("shell", a.shell, "whose completions")->required()->check(CLI::IsMember(names));
  verb.callback([&] { action = [&] { return deliver(shells.at(a.shell)(describe(app)), ""); }; });
  declare_manual(app, action);
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app{"snapgauge: does every node of a quantized graph fit what the accelerator accepts?", "snapgauge"};
  app.set_version_flag("--version", "snapgauge " + std::string(kVersion));
  app.require_subcommand(1);
  Arguments arguments;
  Action action;
  for (const auto declare : {declare_check, declare_fix, declare_config, declare_matrix, declare_show, declare_run,
                             declare_bench, declare_annotate, declare_quantize, declare_accuracy, declare_decode,
                             declare_rules, declare_opinfo, declare_completions})
    declare(app, arguments, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) return fail_usage(e.what());
    std::ostringstream text, unused;
    app.exit(e, text, unused);  // help or version
    return deliver(text.str(), "");
  }
  return action();
}

}  // namespace

int run(int argc, const char* const* argv) {
  // Nothing below throws across its interface; what arrives here is memory exhaustion or a defect.
  try {
    const auto code = guarded("", [&] { return Result<int>(parse_and_run(argc, argv)); });
    return code ? code.value() : fail(code.error());
  } catch (...) {
    return 2;  // not even the error could be told
  }
}

}  // namespace snapgauge::cli
