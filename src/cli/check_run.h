// A run of `check`, without its rendering: which configuration holds for which file, the files judged,
// and what is suppressed in them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "config/config.h"
#include "config/find.h"
#include "report/report.h"
#include "report/suppress.h"

namespace snapgauge::cli {

/// The options of one file: those of the command line, else its configuration's, else the defaults.
CheckArguments merged(const CheckArguments& arguments, const Config& config);
/// The configuration that holds for `file`, or would but for who wrote it or where it lies.
FoundConfig config_of(const CheckArguments& arguments, const std::string& file);
/// The same read, for a verb that takes one file; says so when it is not used.
Result<Config> config_in_use(const CheckArguments& arguments, const std::string& file);
/// Prefixes of rules to run although they are off by default.
std::vector<std::string> selected_by(const CheckArguments& options);

class CheckRun {
 public:
  explicit CheckRun(const CheckArguments& arguments) : arguments_(arguments) {}

  /// The report points into the files that this object keeps.
  /// `replacements`: describe what fixes would change in texts.
  Result<Report> run(bool replacements = false);

  /// For those who judge graphs of their own: reads the configurations and the tables, once.
  Status open();
  /// What a report would have about `graph` if it were file number `file` of the arguments.
  Result<FileReport> judge(size_t file, const Graph& graph);
  /// The tables and the target of them all, after open().
  Session& session() { return *session_; }
  /// A report of it as `check` makes one of its files.
  Result<Report> report_of(FileReport file);
  /// What the configuration that holds for it says of quantization.
  Recipe recipe_of(size_t file) const { return of_file_[file]->config.recipe.value_or(Recipe()); }
  /// Of the configuration that holds for it; empty: none does.
  const std::string& configuration_of(size_t file) const { return of_file_[file]->config.path; }

 private:
  /// A configuration in use.
  struct Rules {
    Config config;
    CheckArguments options;
    Suppressor suppressor;
    ConfigurationUse use;
    FileReport* last = nullptr;  // of the files it holds for
    bool any_unreadable = false;
  };

  Result<Rules*> rules_for(const std::string& file);
  Result<FileReport> judge(const std::string& path, const Rules& rules, Suppressor& suppressor);
  Result<FileReport> read_and_judge(const std::string& path, const Rules& rules, Suppressor& suppressor);
  Result<FileReport> judge(const Graph& graph, const std::string& path, const Rules& rules, Suppressor& suppressor);
  static ConfigurationUse filter(FileReport& file, const Rules& rules);
  Status judge_all();
  void report_unused();
  Status compare();
  Status compare_with_baseline();
  Status compare_with_old();
  void filter();
  Status describe_target();
  Status describe_fixes();

  const CheckArguments& arguments_;
  Report report_;
  std::map<std::string, std::unique_ptr<Rules>> rules_;  // by path of the configuration
  std::map<std::string, std::string> unused_;            // configurations, and why
  std::vector<Rules*> of_file_;                          // as report_.files
  std::vector<std::shared_ptr<const MappedFile>> kept_;  // excerpts point into the files
  std::set<std::string> pipelines_;                      // a batch may mix formats with different defaults
  std::unique_ptr<Session> session_;
};

}  // namespace snapgauge::cli
