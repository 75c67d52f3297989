// The command line: declares verbs and options, and hands over.
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "cli/commands.h"
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

void add_target(CLI::App& app, TargetOptions& target, TableOptions& tables) {
  app.add_option("--backend", target.backend, "htp, lpai, gpu, cpu, dsp or hta")->capture_default_str();
  app.add_option("--soc", target.soc, "SoC, with or without its letters")->capture_default_str();
  app.add_option("--sdk", target.sdk, "SDK version, or latest")->capture_default_str();
  app.add_option("--pipeline", target.pipeline,
                 "who lowers the graph: ort-qnn, executorch or qairt (default: by file format)");
  app.add_option("--db", tables.database, "op-info database to use")->type_name("FILE");
  app.add_option("--opinfo", tables.directory, "directory or file with op-info tables of your own")->type_name("PATH");
}

CLI::App* declare_decode(CLI::App& app, DecodeArguments& decode, std::string& colour) {
  CLI::App* command =
      app.add_subcommand("decode", "What the lines of a vendor's log mean, and which nodes they are about");
  auto* log = command->add_option("log", decode.log, "log file, or - for standard input")->capture_default_str();
  command->add_option("--line", decode.line, "one line, or an error code, instead of a log")->excludes(log);
  command->add_option("--model", decode.model, "the model that the log is about: name its nodes")->type_name("FILE");
  add_target(*command, decode.target, decode.tables);
  command->add_option("--output-format", decode.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_option("--color", colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  return command;
}

int run(int argc, char** argv) {
  CLI::App app{"snapgauge: does every node of a quantized graph fit what the accelerator accepts?", "snapgauge"};
  app.set_version_flag("--version", "snapgauge " + std::string(kVersion));
  app.require_subcommand(1);
  std::string colour = "auto";

  CheckArguments check;
  CLI::App* check_command = app.add_subcommand("check", "Judge every node of the given graphs");
  check_command->add_option("files", check.files, "annotated graphs: *.sgraph.json, annotation dumps, ONNX models")
      ->required();
  add_target(*check_command, check.target, check.tables);
  bool strict = false;
  auto* strict_flag = check_command->add_flag("--strict", strict, "exit 1 unless every graph is accepted (default)");
  check_command->add_flag("--warn", check.warn, "report the same, exit 0")->excludes(strict_flag);
  check_command->add_option("--output-format", check.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  check_command->add_option("-o,--output", check.output, "file to write instead of standard output")->type_name("FILE");
  check_command->add_option("--select", check.select, "report only codes with these prefixes")
      ->delimiter(',')
      ->type_name("CODES");
  check_command->add_option("--ignore", check.ignore, "leave out codes with these prefixes")
      ->delimiter(',')
      ->type_name("CODES");
  check_command->add_flag("-v,--verbose", check.verbose,
                          "every finding in full instead of folding those with one cause");
  check_command->add_option("--color", colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();

  DecodeArguments decode;
  const CLI::App* decode_command = declare_decode(app, decode, colour);

  std::string code;
  CLI::App* explain = app.add_subcommand("explain", "What a rule means and what to do about it");
  explain->add_option("code", code, "code or name, such as SG201 or asymmetric-weight")->required();

  bool rules_json = false;
  CLI::App* rules = app.add_subcommand("rules", "The rules")->require_subcommand(1);
  CLI::App* rules_list = rules->add_subcommand("list", "List the rules");
  rules_list->add_flag("--json", rules_json, "as JSON");

  OpInfoArguments opinfo;
  CLI::App* tables = app.add_subcommand("opinfo", "The backends' constraint tables")->require_subcommand(1);
  CLI::App* list = tables->add_subcommand("list", "Ops of a backend's table");
  CLI::App* show = tables->add_subcommand("show", "Everything known about one op, with sources");
  CLI::App* coverage = tables->add_subcommand("coverage", "Predicate kinds by backend, and which have a check");
  show->add_option("op", opinfo.op, "backend op, such as Conv2d")->required();
  for (CLI::App* sub : {list, show, coverage}) add_target(*sub, opinfo.target, opinfo.tables);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (*check_command) return run_check(check, {wants_colour(colour), terminal_width()});
  if (*decode_command) return run_decode(decode, {wants_colour(colour), terminal_width()});
  if (*explain) return run_explain(code);
  if (*rules_list) return run_rules_list(rules_json);
  opinfo.verb = *list   ? OpInfoArguments::Verb::kList
                : *show ? OpInfoArguments::Verb::kShow
                        : OpInfoArguments::Verb::kCoverage;
  return run_opinfo(opinfo);
}

}  // namespace
}  // namespace snapgauge::cli

int main(int argc, char** argv) {
  try {
    return snapgauge::cli::run(argc, argv);
  } catch (const std::exception& e) {
    // Nothing below throws across its interface; what arrives here is memory exhaustion or a defect.
    return snapgauge::cli::fail({snapgauge::ErrorCode::kInternal, "", std::string("internal error: ") + e.what()});
  }
}
