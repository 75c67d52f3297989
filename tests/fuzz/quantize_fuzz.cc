// Any graph that is annotated gets numbers without being run: what is written as a model or as encodings reads back.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/annotator.h"
#include "formats/encodings/encodings.h"
#include "formats/onnx/writer.h"
#include "quantize/convert.h"
#include "shipped_session.h"

namespace {

using namespace snapgauge;

constexpr std::array<const char*, 4> kConfigs{"8a8w", "16a4w_block", "16a16w", "16a2w"};

/// As if every computed tensor had been seen with numbers from -1 to 1.
std::vector<GroupObservation> seen(const std::vector<QuantGroup>& groups) {
  std::vector<GroupObservation> out(groups.size());
  SampleSummary sample;
  sample.seen.range = {-1, 1};
  for (GroupObservation& group : out) {
    group.seen = true;
    group.observer.add(sample, {});
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMostElements = 1 << 20;
  auto graph = read_graph({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!graph) return 0;
  for (const Constant& c : graph.value().constants)
    if (c.count > kMostElements) return 0;
  Recipe recipe;
  recipe.defaults.configs = {kConfigs[size % kConfigs.size()]};
  Session& session = shipped_session();
  const auto done = annotate(session, *graph, recipe, [&](const Graph& g) { return session.report(g, "fuzz"); });
  if (!done) return 0;
  const Sharing sharing(graph.value());
  const std::vector<QuantGroup> groups = groups_to_observe(graph.value(), sharing);
  GraphEdit edit(*graph);
  ConvertOptions options;
  options.weights = size % 2 == 0 ? WeightObserver::kMinMax : WeightObserver::kLineSearch;
  if (!write_numbers(edit, sharing, groups, seen(groups), options)) return 0;
  if (!verify(graph.value()).empty()) std::abort();
  if (aimet_encodings(graph.value()).text.empty() || qairt_overrides(graph.value()).text.empty()) std::abort();
  if (!read_graph(write_graph(graph.value()), "again")) std::abort();
  const auto model = onnx_model(graph.value());
  if (!model) return 0;
  const auto again = read_graph(model.value(), "model");
  if (!again || onnx_model(graph.value()).value() != model.value()) std::abort();
  return 0;
}
