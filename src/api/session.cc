#include "api/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "backend/translate.h"
#include "base/text.h"
#include "diag/rule.h"
#include "report/suppress.h"

namespace snapgauge {
namespace {

#ifndef SNAPGAUGE_DATA_DIR
#define SNAPGAUGE_DATA_DIR ""
#endif

}  // namespace

std::string default_database_path() {
  std::array<char, 4096> path{};
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (n > 0) {
    const std::string exe(path.data(), static_cast<size_t>(n));
    std::string beside = exe.substr(0, exe.rfind('/')) + "/../share/snapgauge/opinfo.db";
    if (::access(beside.c_str(), R_OK) == 0) return beside;
  }
  return std::string(SNAPGAUGE_DATA_DIR) + "/opinfo.db";
}

Result<Database> open_tables(const TableOptions& options) {
  auto database = Database::open(options.database.empty() ? default_database_path() : options.database);
  std::vector<std::string> own = options.overlays;
  if (!options.directory.empty()) own.push_back(options.directory);
  for (const std::string& path : own)
    if (database) database = Database::from_directory(path, *database);
  return database;
}

Result<std::unique_ptr<Session>> Session::open(const TableOptions& tables, const TargetOptions& target) {
  auto database = open_tables(tables);
  if (!database) return database.error();
  auto catalog = TargetCatalog::load(*database);
  if (!catalog) return catalog.error();
  if (auto valid = catalog->validate(target); !valid) return valid.error();
  return std::unique_ptr<Session>(new Session(std::move(*database), std::move(*catalog), target));
}

Result<Gauge*> Session::gauge_for(Frontend frontend) {
  auto& gauge = gauges_[frontend];
  if (!gauge) {
    auto target = target_for(frontend);
    if (!target) return target.error();
    gauge = std::make_unique<Gauge>(database_, std::move(*target));
  }
  gauge->set_reuse(reuse_, share_);
  gauge->set_selected(selected_);
  return gauge.get();
}

Result<CheckResult> Session::check(const Graph& graph) {
  auto gauge = gauge_for(graph.frontend);
  return gauge ? (*gauge)->check(graph) : gauge.error();
}

Result<std::string> Session::backend_text(const Graph& graph) {
  auto gauge = gauge_for(graph.frontend);
  return gauge ? (*gauge)->backend_text(graph) : gauge.error();
}

Result<BackendGraph> Session::backend_graph(const Graph& graph) {
  auto gauge = gauge_for(graph.frontend);
  return gauge ? (*gauge)->backend_graph(graph) : gauge.error();
}

Result<FileReport> Session::report(const Graph& graph, const std::string& path) {
  auto result = check(graph);
  if (!result) return result.error();
  return file_report(graph, std::move(*result), path, selected_);
}

FileReport file_report(const Graph& graph, CheckResult result, const std::string& path,
                       const std::vector<std::string>& selected) {
  FileReport file;
  file.path = path;
  file.verdict = result.verdict;
  file.reason = std::move(result.reason);
  file.nodes.reserve(result.nodes.size());
  for (const NodeResult& n : result.nodes)
    file.nodes.push_back({printable(graph.name(n.node)), printable(graph.text(graph.node(n.node).op)),
                          std::string(result.backend_op(n)), n.verdict, result.reason_of(n)});
  file.findings = std::move(result.findings);
  if (graph.waivers.empty()) return file;
  Suppressor suppressor(graph.waivers);
  suppressor.apply(file, SuppressedBy::kGraph);
  for (Finding& f : suppressor.unused(selected)) file.findings.push_back(std::move(f));
  return file;
}

Finding unreadable(const Error& error) {
  Finding f = make_finding(1, {{"text", printable(error.text)}});
  f.expected = "a readable graph";
  f.actual = printable(error.text);
  f.location = {error.line, error.column};
  return f;
}

}  // namespace snapgauge
