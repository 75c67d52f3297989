// What verbs share to answer with, and opinfo: what the tables say.
#include <fmt/format.h>

#include <cstdio>

#include "api/opinfo_text.h"
#include "base/file.h"
#include "base/mouths.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/commands.h"

namespace snapgauge::cli {
namespace {

/// Standard error may be closed or full: then nobody is told.
void say(const std::string& text) {
  std::fputs(for_log(fmt::format("snapgauge: {}\n", printable(text))).c_str(), stderr);
}

}  // namespace

void tell_unused(const FoundConfig& config) {
  say(fmt::format("{} is not used: {}; --config {} uses it", config.path, config.unused_because, config.path));
}

int fail(const Error& error) {
  say(error.message());
  return 2;
}

int fail_usage(const std::string& why) {
  say(why);
  std::fputs("Run with --help for more information.\n", stderr);
  return 2;
}

Status output_is_free(const CheckArguments& arguments) {
  if (arguments.output.empty()) return Done{};
  std::vector<std::string> inputs = arguments.files;
  const TableOptions& tables = arguments.tables;
  inputs.insert(inputs.end(), {tables.database.empty() ? default_database_path() : tables.database, tables.directory,
                               arguments.config, arguments.baseline, arguments.diff_against});
  for (const std::string& file : arguments.files)
    if (arguments.config.empty()) inputs.push_back(find_config(file).path);
  for (const std::string& input : inputs)
    if (is_same_file(arguments.output, input))
      return Error{ErrorCode::kUsage, arguments.output, "is read by this run; its output needs another file"};
  return Done{};
}

int deliver(const std::string& text, const std::string& path) {
  if (!path.empty()) {
    const Status written = write_file(path, text);
    return written ? 0 : fail(written.error());
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : fail({ErrorCode::kIo, "standard output", "cannot write"});
}

int run_show(const CheckArguments& arguments) {
  if (auto free = output_is_free(arguments); !free) return fail(free.error());
  const auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return fail(session.error());
  auto loaded = load_graph(arguments.files.front(), arguments.allowed_folders);
  if (!loaded) return fail(loaded.error());
  const auto text = session.value()->backend_text(loaded->graph);
  return text ? deliver(for_log(text.value()), arguments.output) : fail(text.error());
}

int run_opinfo(const OpInfoArguments& arguments) {
  const auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return fail(session.error());
  const auto text = arguments.verb == OpInfoArguments::Verb::kList   ? list_ops(*session.value())
                    : arguments.verb == OpInfoArguments::Verb::kShow ? show_op(*session.value(), arguments.op)
                                                                     : coverage(*session.value());
  return text ? deliver(text.value(), "") : fail(text.error());
}

int run_opinfo_diff(const OpInfoDiffArguments& arguments, const Terminal& terminal) {
  const auto diff = diff_opinfo(arguments.tables, arguments.options);
  if (!diff) return fail(diff.error());
  return deliver(arguments.format == "json" ? render_opinfo_diff_json(diff.value())
                                            : render_opinfo_diff_text(diff.value(), terminal.colour),
                 "");
}

}  // namespace snapgauge::cli
