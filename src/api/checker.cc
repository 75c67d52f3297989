// include/snapgauge/check.h over Session.
#include <fmt/format.h>

#include "api/public_report.h"
#include "api/session.h"
#include "base/guard.h"
#include "diag/rule.h"
#include "snapgauge/check.h"

namespace snapgauge {

CheckFinding public_finding(const Finding& f) {
  const Rule& row = rule(f.code);
  CheckFinding out;
  out.code = code_text(f.code);
  out.rule = row.name;
  out.kind = kind_name(row.kind);
  out.level = level_name(f.level);
  out.node = f.node;
  out.port = f.port;
  out.value = f.value;
  out.message = f.message;
  out.expected = f.expected;
  out.actual = f.actual;
  out.action = f.fix.title;
  out.source_document = f.source.document.empty() ? std::string(row.source) : f.source.document;
  out.source_sdk = f.source.sdk;
  out.line = f.location.line;
  out.column = f.location.column;
  return out;
}

CheckedFile public_file(const FileReport& report) {
  CheckedFile file;
  file.path = report.path;
  file.verdict = static_cast<CheckVerdict>(report.verdict);
  for (const NodeReport& n : report.nodes)
    file.nodes.push_back({n.name, n.op, n.backend_op, std::string(verdict_name(n.verdict)), n.reason, n.suppressed});
  for (const Finding& f : report.findings) file.findings.push_back(public_finding(f));
  for (const Suppressed& s : report.suppressed) {
    file.suppressed.push_back(public_finding(s.finding));
    file.suppressed.back().suppressed_because = s.reason;
  }
  return file;
}

namespace {

CheckedFile failed(const Error& error, const std::string& path) {
  CheckedFile file;
  file.path = path;
  file.findings.push_back(public_finding(unreadable(error)));
  return file;
}

}  // namespace

struct Checker::Impl {
  std::unique_ptr<Session> session;
  std::vector<std::string> allowed_folders;

  CheckedFile check(const Result<Graph>& graph, const std::string& path) const {
    if (!graph) return failed(graph.error(), path);
    const auto report = session->report(graph.value(), path);
    if (!report) return failed(report.error(), path);
    return public_file(report.value());
  }
};

static_assert(static_cast<int>(CheckVerdict::kUnreadable) == static_cast<int>(FileVerdict::kUnreadable));
static_assert(static_cast<int>(CheckVerdict::kRejected) == static_cast<int>(FileVerdict::kRejected));

Checker::Checker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Checker::~Checker() = default;

std::unique_ptr<Checker> Checker::create(const CheckTarget& target, const TableSource& tables, std::string* error) {
  auto session = guarded("", [&] {
    return Session::open({tables.database, tables.directory},
                         {target.backend, target.soc, target.sdk, target.pipeline});
  });
  if (!session) {
    if (error != nullptr) *error = session.error().message();
    return nullptr;
  }
  auto impl = std::make_unique<Impl>();
  impl->session = std::move(*session);
  return std::unique_ptr<Checker>(new Checker(std::move(impl)));
}

void Checker::allow_external(std::string folder) { impl_->allowed_folders.push_back(std::move(folder)); }

CheckedFile Checker::check_file(const std::string& path) {
  const auto checked = guarded(path, [&]() -> Result<CheckedFile> {
    auto loaded = load_graph(path, impl_->allowed_folders);
    if (!loaded) return loaded.error();
    return impl_->check(std::move(loaded->graph), path);
  });
  return checked ? checked.value() : failed(checked.error(), path);
}

CheckedFile Checker::check_bytes(std::string_view bytes, const std::string& name) {
  const auto checked =
      guarded(name, [&]() -> Result<CheckedFile> { return impl_->check(read_graph(bytes, name), name); });
  return checked ? checked.value() : failed(checked.error(), name);
}

}  // namespace snapgauge
