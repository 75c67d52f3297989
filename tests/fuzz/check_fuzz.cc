// Any bytes that some reader takes for a graph: the check ends, finds the same twice, and what it
// finds can be rendered.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "report/report.h"
#include "shipped_session.h"

namespace {

using namespace snapgauge;

/// Rules that are off by default run, too.
Session& session() { return shipped_session({"SG"}); }

std::string rendered(const Graph& graph, std::string_view text) {
  auto file = session().report(graph, "fuzz");
  if (!file.ok()) std::abort();
  file.value().text = text;
  Report report;
  report.files.push_back(std::move(file).value());
  return render_text(report, {}) + render_json(report);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto graph = read_graph(bytes, "fuzz");
  if (!graph.ok()) return 0;
  if (rendered(graph.value(), bytes) != rendered(graph.value(), bytes)) std::abort();
  return 0;
}
