#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "base/text.h"
#include "cli/commands.h"
#include "diag/rule.h"
#include "report/formats.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

bool has_prefix(const std::vector<std::string>& prefixes, const std::string& code) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& p) { return code.compare(0, p.size(), p) == 0; });
}

bool reported(const CheckArguments& arguments, const Finding& finding) {
  const std::string code = code_text(finding.code);
  if (has_prefix(arguments.ignore, code)) return false;
  if (has_prefix(arguments.extend_select, code)) return true;
  return arguments.select.empty() || has_prefix(arguments.select, code);
}

FileReport file_report(const std::string& path, const Graph& graph, CheckResult result) {
  FileReport file;
  file.path = path;
  file.verdict = result.verdict;
  file.nodes.reserve(result.nodes.size());
  for (NodeResult& n : result.nodes)
    file.nodes.push_back({printable(graph.name(n.node)), printable(graph.text(graph.node(n.node).op)),
                          std::string(n.backend_op), n.verdict, std::move(n.reason)});
  file.findings = std::move(result.findings);
  return file;
}

/// Counts files on a terminal's standard error while a long batch runs.
class Progress {
 public:
  explicit Progress(size_t total) : total_(total), shown_(total > 20 && ::isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }
  void step(size_t done) const {
    if (shown_ && done % 10 == 0) fmt::print(stderr, "\rchecked {} of {} files", done, total_);
  }

 private:
  size_t total_;
  bool shown_;
};

/// GitHub Actions names the file; every step of a job appends to it.
int add_to_job_summary(const std::string& text) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return 0;
  std::ofstream file(path, std::ios::app | std::ios::binary);
  file << text << std::flush;
  return file ? 0 : fail({ErrorCode::kIo, path, "cannot write"});
}

}  // namespace

int run_check(const CheckArguments& arguments, const Terminal& terminal) {
  auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return fail(session.error());
  std::vector<std::string> selected = arguments.select;
  selected.insert(selected.end(), arguments.extend_select.begin(), arguments.extend_select.end());
  (*session)->set_selected(std::move(selected));
  Report report;
  report.tool_version = kVersion;
  report.strict = !arguments.warn;
  std::vector<std::shared_ptr<const MappedFile>> kept;  // excerpts point into the files
  std::set<std::string> pipelines;                      // a batch may mix formats with different defaults
  {
    const Progress progress(arguments.files.size());
    for (const std::string& path : arguments.files) {
      progress.step(report.files.size());
      FileReport file;
      auto loaded = load_graph(path);
      if (loaded) {
        if (const auto target = (*session)->target_for(loaded->graph.frontend))
          pipelines.insert(target.value().pipeline.name);
        auto result = (*session)->check(loaded->graph);
        if (!result) return fail(result.error());
        file = file_report(path, loaded->graph, std::move(*result));
        if (loaded->is_text) {
          file.text = loaded->file->text();
          kept.push_back(loaded->file);
        }
      } else {
        file.path = path;
        file.verdict = FileVerdict::kUnreadable;
        file.findings.push_back(unreadable(loaded.error()));
      }
      std::erase_if(file.findings, [&](const Finding& f) { return !reported(arguments, f); });
      report.files.push_back(std::move(file));
    }
  }
  const auto target = (*session)->target_for(Frontend::kTorch);
  if (!target) return fail(target.error());
  report.backend = target.value().backend.name;
  report.soc = target.value().soc.name;
  report.arch = target.value().arch_text();
  report.sdk = target.value().sdk.text();
  report.pipeline = pipelines.empty() ? target.value().pipeline.name : fmt::format("{}", fmt::join(pipelines, ","));
  const Format* format = find_format(arguments.format);
  if (format == nullptr) return fail({ErrorCode::kUsage, "--output-format", "unknown format"});
  const TextOptions options{terminal.colour && arguments.output.empty(), arguments.verbose, terminal.width};
  if (const int code = deliver(format->render(report, options), arguments.output); code != 0) return code;
  if (format->job_summary != nullptr)
    if (const int code = add_to_job_summary(format->job_summary(report)); code != 0) return code;
  return exit_code(report);
}

}  // namespace snapgauge::cli
