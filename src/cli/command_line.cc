// Declares verbs and options, and hands over. What a verb does is in its own file.
#include "cli/command_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "base/guard.h"
#include "cli/declare.h"
#include "cli/usage.h"
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
                             declare_bench, declare_annotate, declare_quantize, declare_accuracy, declare_lower,
                             declare_artifacts, declare_decode, declare_rules, declare_opinfo, declare_completions})
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

Terminal Arguments::terminal() const { return {wants_colour(colour), ::isatty(STDOUT_FILENO) == 1, terminal_width()}; }

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

void add_config(CLI::App& app, CheckArguments& check) {
  auto* config = app.add_option("--config", check.config, "configuration to use (default: the nearest snapgauge.toml)");
  config->type_name("FILE");
  app.add_flag("--isolated", check.isolated, "use no configuration")->excludes(config);
}

std::set<std::string> options_given(const CLI::App& verb) {
  std::set<std::string> names;
  for (const CLI::Option* option : verb.get_options())
    if (option->count() > 0) names.insert(option->get_name().substr(2));
  return names;
}
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
