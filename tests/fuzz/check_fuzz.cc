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
    result.value()->set_selected({"SG"});  // rules that are off by default, too
    return std::move(result).value();
  }();
  return *opened;
}

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
