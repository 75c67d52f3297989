#include "cli/check_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "api/fixer.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/progress.h"
#include "diag/rule.h"
#include "report/baseline.h"
#include "report/levels.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

/// What one run has once only.
auto run_options(const CheckArguments& a) {
  return std::tie(a.target.backend, a.target.soc, a.target.sdk, a.target.pipeline, a.tables.directory,
                  a.tables.overlays, a.warn);
}

enum class Shown : uint8_t { kYes, kIgnored, kUnselected };

Shown shown(const CheckArguments& options, const Finding& finding) {
  const std::string code = code_text(finding.code);
  if (has_prefix(options.ignore, code)) return Shown::kIgnored;
  if (options.select.empty() || has_prefix(options.extend_select, code) || has_prefix(options.select, code))
    return Shown::kYes;
  return Shown::kUnselected;
}

FileReport unreadable_file(const std::string& path, const Error& error) {
  FileReport file;
  file.path = path;
  file.verdict = FileVerdict::kUnreadable;
  file.findings.push_back(unreadable(error));
  return file;
}

}  // namespace

CheckArguments merged(const CheckArguments& arguments, const Config& config) {
  CheckArguments out = arguments;
  const auto take = [&](const char* key, const auto& from, auto& to) {
    const auto own = from.find(key);
    if (own != from.end() && !arguments.given.contains(key)) to = own->second;
  };
  take("backend", config.texts, out.target.backend);
  take("soc", config.texts, out.target.soc);
  take("sdk", config.texts, out.target.sdk);
  take("pipeline", config.texts, out.target.pipeline);
  take("select", config.lists, out.select);
  take("extend-select", config.lists, out.extend_select);
  take("ignore", config.lists, out.ignore);
  take("opinfo", config.lists, out.tables.overlays);
  if (config.warn && !arguments.given.contains("warn") && !arguments.given.contains("strict")) out.warn = *config.warn;
  return out;
}

FoundConfig config_of(const CheckArguments& arguments, const std::string& file) {
  if (!arguments.config.empty()) return {arguments.config, ""};
  return arguments.isolated ? FoundConfig() : find_config(file);
}

Result<Config> config_in_use(const CheckArguments& arguments, const std::string& file) {
  const FoundConfig found = config_of(arguments, file);
  if (!found.unused_because.empty()) tell_unused(found);
  return found.path.empty() || !found.unused_because.empty() ? Config() : load_config(found.path);
}

std::vector<std::string> selected_by(const CheckArguments& options) {
  std::vector<std::string> selected = options.select;
  selected.insert(selected.end(), options.extend_select.begin(), options.extend_select.end());
  return selected;
}

Result<Report> CheckRun::run(bool replacements) {
  report_.tool_version = kVersion;
  for (const auto step : {&CheckRun::open, &CheckRun::judge_all, &CheckRun::compare, &CheckRun::describe_target})
    if (auto done = (this->*step)(); !done) return done.error();
  filter();
  if (replacements)
    if (auto done = describe_fixes(); !done) return done.error();
  return std::move(report_);
}

Status CheckRun::describe_fixes() {
  for (size_t i = 0; i < report_.files.size(); ++i) {
    FileReport& file = report_.files[i];
    if (file.text.empty()) continue;
    FixOptions options;
    options.judge = [&](const Graph& graph) { return judge(i, graph); };
    options.allowed_folders = arguments_.allowed_folders;
    if (auto done = describe_replacements(file, std::string(file.text), options); !done) return done;
  }
  return Done{};
}

Result<CheckRun::Rules*> CheckRun::rules_for(const std::string& file) {
  const FoundConfig found = config_of(arguments_, file);
  if (!found.unused_because.empty() && unused_.emplace(found.path, found.unused_because).second) tell_unused(found);
  const std::string path = found.unused_because.empty() ? found.path : "";
  auto& rules = rules_[path];
  if (rules) return rules.get();
  Result<Config> config = path.empty() ? Config() : load_config(path);
  if (!config) return config.error();
  CheckArguments options = merged(arguments_, *config);
  std::vector<Waiver> waivers = config->waivers;
  ConfigurationUse use;
  use.path = path;
  use.warn = config->warn.value_or(false) && options.warn;
  use.tables = options.tables.overlays;
  rules = std::make_unique<Rules>(
      Rules{std::move(*config), std::move(options), Suppressor(std::move(waivers)), std::move(use)});
  return rules.get();
}

/// All configurations are read before anything is judged: a mistake in the last one costs no time.
Status CheckRun::open() {
  for (const std::string& path : arguments_.files) {
    auto rules = rules_for(path);
    if (!rules) return rules.error();
    of_file_.push_back(*rules);
    const Rules& first = *of_file_.front();
    if (run_options(first.options) == run_options((*rules)->options)) continue;
    const auto named = [](const Rules& r) { return r.config.path.empty() ? "no configuration" : r.config.path; };
    return Error{ErrorCode::kUsage, path,
                 fmt::format("{} and {} ask for different targets, tables or modes; check their files in runs of their "
                             "own, or say on the command line what holds",
                             named(**rules), named(first))};
  }
  const CheckArguments& options = of_file_.front()->options;
  report_.strict = !options.warn;
  auto session = Session::open(options.tables, options.target);
  if (!session) return session.error();
  session_ = std::move(*session);
  return Done{};
}

/// One file that is too much costs itself and not the batch.
Result<FileReport> CheckRun::judge(const std::string& path, const Rules& rules, Suppressor& suppressor) {
  Status outcome = Done{};
  auto judged = guarded(path, [&]() -> Result<FileReport> {
    auto report = read_and_judge(path, rules, suppressor);
    if (!report) outcome = report.error();
    return report;
  });
  if (judged) return judged;
  return outcome ? unreadable_file(path, judged.error()) : Result<FileReport>(outcome.error());
}

Result<FileReport> CheckRun::read_and_judge(const std::string& path, const Rules& rules, Suppressor& suppressor) {
  auto loaded = load_graph(path, arguments_.allowed_folders);
  if (!loaded) return unreadable_file(path, loaded.error());
  auto report = judge(loaded->graph, path, rules, suppressor);
  if (report && loaded->is_text) {
    report->text = without_byte_order_mark(loaded->file->text());
    kept_.push_back(loaded->file);
  }
  return report;
}

Result<FileReport> CheckRun::judge(const Graph& graph, const std::string& path, const Rules& rules,
                                   Suppressor& suppressor) {
  if (const auto target = session_->target_for(graph.frontend)) pipelines_.insert(target.value().pipeline.name);
  session_->set_selected(selected_by(rules.options));
  auto report = session_->report(graph, path);
  if (report) suppressor.apply(*report, SuppressedBy::kConfiguration);
  return report;
}

Result<FileReport> CheckRun::judge(size_t file, const Graph& graph) {
  const Rules& rules = *of_file_[file];
  Suppressor suppressor(rules.config.waivers);
  auto report = judge(graph, arguments_.files[file], rules, suppressor);
  if (report) filter(*report, rules);
  return report;
}

Result<Report> CheckRun::report_of(FileReport file) {
  report_.tool_version = kVersion;
  if (auto done = describe_target(); !done) return done.error();
  Report out = report_;
  out.files.push_back(std::move(file));
  return out;
}

Status CheckRun::judge_all() {
  const Progress progress("checked", "files", arguments_.files.size());
  report_.files.reserve(arguments_.files.size());  // Rules::last points into it
  for (const std::string& path : arguments_.files) {
    progress.step(report_.files.size());
    Rules& rules = *of_file_[report_.files.size()];
    auto file = judge(path, rules, rules.suppressor);
    if (!file) return file.error();
    report_.files.push_back(std::move(*file));
    rules.any_unreadable |= report_.files.back().verdict == FileVerdict::kUnreadable;
    rules.last = &report_.files.back();
  }
  report_unused();
  return Done{};
}

/// A configuration is no file of the report, so its idle entries are told with the last file it holds for.
void CheckRun::report_unused() {
  for (auto& [path, rules] : rules_) {
    if (rules->any_unreadable) continue;  // its findings are not known
    for (Finding& f : rules->suppressor.unused(selected_by(rules->options)))
      rules->last->findings.push_back(std::move(f));
  }
}

Status CheckRun::compare() {
  if (!arguments_.baseline.empty()) return compare_with_baseline();
  if (!arguments_.diff_against.empty()) return compare_with_old();
  return Done{};
}

Status CheckRun::compare_with_baseline() {
  const std::string& path = arguments_.baseline;
  const Baseline::FileNames names = names_beside(path);
  const bool all_read = std::none_of(report_.files.begin(), report_.files.end(),
                                     [](const FileReport& f) { return f.verdict == FileVerdict::kUnreadable; });
  const bool write = arguments_.write_baseline && all_read;
  Baseline baseline;
  if (write) {
    // Read and written in one: runs side by side each add their files.
    const Status written = rewrite_file(path, [&](std::optional<std::string_view> now) -> Result<std::string> {
      auto read = now ? Baseline::parse(*now, path) : Result<Baseline>(Baseline());
      if (!read) return read.error();
      baseline = std::move(*read);
      baseline.update(Baseline::of(report_, names));
      return baseline.text();
    });
    if (!written) return written.error();
  } else if (!arguments_.write_baseline || ::access(path.c_str(), F_OK) == 0) {
    const auto file = MappedFile::open(path);
    if (!file) return file.error();
    auto read = Baseline::parse(file.value().text(), path);
    if (!read) return read.error();
    baseline = std::move(*read);
  }
  report_.compared = baseline.apply(report_, SuppressedBy::kBaseline, "in the baseline " + path, names);
  report_.compared->with = path;
  return Done{};
}

/// The old version is judged under the configuration of the new one; it is compared by its findings
/// alone, wherever it lies.
Status CheckRun::compare_with_old() {
  const std::string& path = arguments_.diff_against;
  if (report_.files.size() != 1)
    return Error{ErrorCode::kUsage, "--diff-against", "compares one file with its old version"};
  Rules& rules = *of_file_.front();
  Suppressor suppressor(rules.config.waivers);
  auto file = judge(path, rules, suppressor);
  if (!file) return file.error();
  if (file->verdict == FileVerdict::kUnreadable) {
    const Finding& f = file->findings.front();
    return Error{ErrorCode::kParse, path, f.message, f.location.line, f.location.column};
  }
  Report old;
  old.files.push_back(std::move(*file));
  const auto one_name = [](const std::string&) { return std::string(); };
  report_.compared =
      Baseline::of(old, one_name).apply(report_, SuppressedBy::kOldVersion, "already in " + path, one_name);
  report_.compared->with = path;
  return Done{};
}

/// What the configuration, not the command line, took from the report.
ConfigurationUse CheckRun::filter(FileReport& file, const Rules& rules) {
  ConfigurationUse use;
  for (const Suppressed& s : file.suppressed) use.suppressed += s.by == SuppressedBy::kConfiguration ? 1 : 0;
  const LevelEffect effect = apply_levels(file, rules.config.levels);
  use.off = effect.off;
  use.lowered = effect.lowered;
  const bool own_ignore = !rules.options.given.contains("ignore");
  const bool own_select = !rules.options.given.contains("select");
  std::erase_if(file.findings, [&](const Finding& f) {
    const Shown how = shown(rules.options, f);
    use.ignored += own_ignore && how == Shown::kIgnored ? 1 : 0;
    use.unselected += own_select && how == Shown::kUnselected ? 1 : 0;
    return how != Shown::kYes;
  });
  std::erase_if(file.suppressed, [&](const Suppressed& s) { return shown(rules.options, s.finding) != Shown::kYes; });
  return use;
}

void CheckRun::filter() {
  for (size_t i = 0; i < report_.files.size(); ++i) {
    const ConfigurationUse one = filter(report_.files[i], *of_file_[i]);
    ConfigurationUse& all = of_file_[i]->use;
    ++all.files;
    all.suppressed += one.suppressed;
    all.ignored += one.ignored;
    all.unselected += one.unselected;
    all.off += one.off;
    all.lowered += one.lowered;
  }
  for (const auto& [path, rules] : rules_)
    if (!path.empty()) report_.configurations.push_back(rules->use);
  for (const auto& [path, why] : unused_) {
    report_.configurations.emplace_back();
    report_.configurations.back().path = path;
    report_.configurations.back().unused_because = why;
  }
}

Status CheckRun::describe_target() {
  const auto target = session_->target_for(kDefaultFrontend);
  if (!target) return target.error();
  report_.backend = target.value().backend.name;
  report_.soc = target.value().soc.name;
  report_.arch = target.value().arch_text();
  report_.sdk = target.value().sdk.text();
  report_.pipeline = pipelines_.empty() ? target.value().pipeline.name : fmt::format("{}", fmt::join(pipelines_, ","));
  return Done{};
}

}  // namespace snapgauge::cli
