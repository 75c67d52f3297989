// What annotating costs a node: the walk that writes the specs, and the passes before it.
#include <benchmark/benchmark.h>

#include "backend/translate.h"
#include "generated_graph.h"
#include "graph/edit.h"
#include "quantize/annotate.h"
#include "quantize/prepare.h"
#include "shipped.h"

namespace snapgauge::bench {
namespace {

/// The generated graph in float; every 16th relu is one that is written out as two ops.
Graph float_graph(uint32_t nodes, bool written_out) {
  Graph graph = generated_graph({nodes, 0, 1});
  for (Use& use : graph.uses) {
    use.spec = {};
    use.annotated = false;
  }
  for (Value& value : graph.values) value.spec = {};
  const Symbol relu = graph.names.find("aten.relu.default"), silu = graph.names.add("aten.silu.default");
  uint32_t relus = 0;
  for (Node& node : graph.nodes) {
    node.annotated = false;
    if (written_out && node.op == relu && relus++ % 16 == 0) node.op = silu;
  }
  graph.specs.clear();
  graph.derived.clear();
  graph.derived_from.clear();
  graph.edges.clear();
  return graph;
}

size_t calls(const Graph& graph) {
  return static_cast<size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) { return n.kind == NodeKind::kCall; }));
}

void BM_annotate(benchmark::State& state) {
  const auto session = open_session(state);
  if (!session) return;
  Graph graph = float_graph(static_cast<uint32_t>(state.range(0)), false);
  const auto configs = QuantConfigs::load(session->database());
  const auto rows = AnnotationRows::load(session->database(), "htp", graph.frontend);
  const auto backend = session->backend_graph(graph);
  if (!configs || !rows || !backend) return state.SkipWithError("the tables cannot be read");
  const Recipe recipe;
  const auto annotator = Annotator::create(configs.value(), rows.value(), recipe);
  if (!annotator) return state.SkipWithError(annotator.error().message().c_str());
  GraphEdit edit(graph);
  for (auto _ : state) {
    auto choices = annotator.value().annotate(edit, backend.value().ops, {});
    benchmark::DoNotOptimize(choices);
    state.PauseTiming();
    edit.undo();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(calls(graph)) * state.iterations());
}
BENCHMARK(BM_annotate)->Arg(1000)->Arg(100000)->Unit(benchmark::kMillisecond);

void BM_annotation_passes(benchmark::State& state) {
  const auto session = open_session(state);
  if (!session) return;
  const auto target = session->target_for(Frontend::kTorch);
  const auto rows = AnnotationRows::load(session->database(), "htp", Frontend::kTorch);
  if (!target || !rows) return state.SkipWithError("the tables cannot be read");
  OpMaps maps(session->database(), Frontend::kTorch);
  size_t nodes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Graph graph = float_graph(static_cast<uint32_t>(state.range(0)), true);
    nodes = calls(graph);
    state.ResumeTiming();
    auto prepared = prepare_for_annotation(std::move(graph), rows.value(), maps, target.value());
    if (!prepared || prepared->changes.empty()) return state.SkipWithError("nothing was written out");
    state.PauseTiming();
    prepared = Prepared{};
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(nodes) * state.iterations());
}
BENCHMARK(BM_annotation_passes)->Arg(1000)->Arg(100000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace snapgauge::bench
