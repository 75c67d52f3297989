// Any bytes that some reader takes for a graph: the check ends, finds the same twice, and what it
// finds can be rendered.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/session.h"
#include "report/report.h"

namespace {

using namespace snapgauge;

Session& session() {
  static const std::unique_ptr<Session> opened = [] {
    auto result = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", {}}, {});
    if (!result.ok()) std::abort();
    return std::move(result).value();
  }();
  return *opened;
}

std::string rendered(const Graph& graph, CheckResult result, std::string_view text) {
  Report report;
  FileReport& file = report.files.emplace_back();
  file.path = "fuzz";
  file.verdict = result.verdict;
  for (const NodeResult& node : result.nodes)
    file.nodes.push_back({std::string(graph.name(node.node)), std::string(graph.text(graph.node(node.node).op)),
                          std::string(node.backend_op), node.verdict, node.reason});
  file.findings = std::move(result.findings);
  file.text = text;
  return render_text(report, {}) + render_json(report);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto graph = read_graph(bytes, "fuzz");
  if (!graph.ok()) return 0;
  auto first = session().check(graph.value());
  auto second = session().check(graph.value());
  if (!first.ok() || !second.ok()) std::abort();
  const std::string once = rendered(graph.value(), std::move(first).value(), bytes);
  if (once != rendered(graph.value(), std::move(second).value(), bytes)) std::abort();
  return 0;
}
