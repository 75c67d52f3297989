#include <cstdlib>

#include "base/write.h"
#include "cli/check_run.h"
#include "report/formats.h"

namespace snapgauge::cli {
namespace {

/// GitHub Actions names the file; every step of a job appends to it.
int add_to_job_summary(const std::string& text) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return 0;
  const Status written = append_to_file(path, text);
  return written ? 0 : fail(written.error());
}

}  // namespace

int run_check(const CheckArguments& arguments, const Terminal& terminal) {
  const Format* format = find_format(arguments.format);
  if (format == nullptr) return fail({ErrorCode::kUsage, "--output-format", "unknown format"});
  if (auto free = output_is_free(arguments); !free) return fail(free.error());
  CheckRun run(arguments);
  auto report = run.run(format->has_replacements);
  if (!report) return fail(report.error());
  const TextOptions options{terminal.colour && arguments.output.empty(), arguments.verbose, terminal.width};
  if (const int code = deliver(format->render(*report, options), arguments.output); code != 0) return code;
  if (format->job_summary != nullptr)
    if (const int code = add_to_job_summary(format->job_summary(*report)); code != 0) return code;
  return exit_code(*report);
}

int run_config_show(const CheckArguments& arguments) {
  const auto config = config_in_use(arguments, arguments.files.empty() ? "here" : arguments.files.front());
  if (!config) return fail(config.error());
  const TargetOptions& defaults = arguments.target;
  return deliver(
      show_config(config.value(), {{"backend", defaults.backend}, {"soc", defaults.soc}, {"sdk", defaults.sdk}}), "");
}

}  // namespace snapgauge::cli
