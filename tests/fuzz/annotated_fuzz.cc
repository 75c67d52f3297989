// Any bytes: the annotation reader returns a sound graph or one error that names a place, and the
// stages that need no tables take every sound graph.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "formats/sgraph/reader.h"
#include "graph/sharing.h"
#include "rules/parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace snapgauge;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = JsonDocument::parse(text, "fuzz.sgraph.json");
  if (!document.ok()) {
    if (document.error().text.empty() || document.error().line == 0) std::abort();
    return 0;
  }
  const auto graph = read_annotated_graph(document.value());
  if (!graph.ok()) {
    if (graph.error().text.empty() || graph.error().line == 0) std::abort();
    return 0;
  }
  if (!verify(graph.value()).empty()) std::abort();
  const Sharing sharing(graph.value());
  for (const PlacedFinding& found : check_parameters(graph.value(), sharing))
    if (found.node.valid() && found.finding.message.empty()) std::abort();
  return 0;
}
