// Verbs that judge and mend graphs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/declare.h"
#include "report/formats.h"

namespace snapgauge::cli {
namespace {

void add_codes(CLI::App& app, const std::string& name, std::vector<std::string>& codes, const std::string& help) {
  app.add_option(name, codes, help)->delimiter(',')->type_name("CODES");
}

void add_selection(CLI::App& app, CheckArguments& check) {
  add_codes(app, "--select", check.select, "report only codes with these prefixes");
  add_codes(app, "--extend-select", check.extend_select,
            "report these as well: SG8 (speed) and SG9 (accuracy) are off by default");
  add_codes(app, "--ignore", check.ignore, "leave out codes with these prefixes");
}

}  // namespace

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

}  // namespace snapgauge::cli
