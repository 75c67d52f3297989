// Any graph that is annotated: the passes before keep it sound, the same comes out twice, and what is written can be
// read.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/annotator.h"
#include "shipped_session.h"

namespace {

using namespace snapgauge;

constexpr std::array<const char*, 4> kConfigs{"8a8w", "16a4w_block", "16a16w", "fp16a8w"};

/// Empty: the graph cannot be annotated.
std::string annotated(std::string_view bytes) {
  auto graph = read_graph(bytes, "fuzz");
  if (!graph.ok()) return {};
  Recipe recipe;
  recipe.defaults.configs = {kConfigs[bytes.size() % kConfigs.size()]};
  recipe.defaults.symmetric = bytes.size() % 3 == 0;
  Session& session = shipped_session();
  auto done = annotate(session, *graph, recipe, [&](const Graph& g) { return session.report(g, "fuzz"); });
  if (!done.ok()) return {};
  if (!verify(*graph).empty()) std::abort();
  return done.value().text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string text = annotated(bytes);
  if (text.empty()) return 0;
  if (annotated(bytes) != text) std::abort();
  const auto again = read_graph(text, "again");
  if (!again.ok()) std::abort();
  if (write_graph(again.value()).empty()) std::abort();
  return 0;
}
