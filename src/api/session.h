// Reading and judging joined: what the command line and the public API are thin layers over.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "check/check.h"
#include "formats/registry.h"
#include "report/report.h"
#include "targets/target.h"

namespace snapgauge {

struct TableOptions {
  std::string database;                    // empty: default_database_path()
  std::string directory;                   // the user's own tables
  std::vector<std::string> overlays = {};  // more of them, which `directory` overrules
};

/// opinfo.db beside the running program (../share/snapgauge), or where it was installed.
std::string default_database_path();

Result<Database> open_tables(const TableOptions& options);

/// Judges files for one target. Not thread safe.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const TableOptions& tables, const TargetOptions& target);

  /// The outcome for one file. The graph's target follows from its format when no pipeline was asked for.
  Result<CheckResult> check(const Graph& graph);
  /// The graph as the target's backend would be handed it, one line an op and a port.
  Result<std::string> backend_text(const Graph& graph);
  /// See Gauge::backend_graph.
  Result<BackendGraph> backend_graph(const Graph& graph);
  /// The same as file_report() has it.
  Result<FileReport> report(const Graph& graph, const std::string& path);
  Result<Target> target_for(Frontend frontend) const { return catalog_.resolve(options_, frontend); }
  /// See Gauge::set_reuse; for graphs checked from here on.
  void set_reuse(bool judgements, bool translations = true) {
    reuse_ = judgements;
    share_ = translations;
  }
  /// See Gauge::set_selected; likewise.
  void set_selected(std::vector<std::string> prefixes) { selected_ = std::move(prefixes); }
  const std::vector<std::string>& selected() const { return selected_; }
  const Database& database() const { return database_; }
  const TargetCatalog& catalog() const { return catalog_; }

 private:
  Session(Database database, TargetCatalog catalog, TargetOptions options)
      : database_(std::move(database)), catalog_(std::move(catalog)), options_(std::move(options)) {}

  Result<Gauge*> gauge_for(Frontend frontend);

  Database database_;
  TargetCatalog catalog_;
  TargetOptions options_;
  std::map<Frontend, std::unique_ptr<Gauge>> gauges_;
  bool reuse_ = true, share_ = true;
  std::vector<std::string> selected_;
};

/// A result as part of a report: without the findings that the graph itself accepts, and with one for
/// each acceptance that is of no use.
FileReport file_report(const Graph& graph, CheckResult result, const std::string& path,
                       const std::vector<std::string>& selected);

/// The finding for a file that could not be read.
Finding unreadable(const Error& error);

}  // namespace snapgauge
