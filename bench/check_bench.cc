// What a user waits for: judging a graph, reading a file, starting the program.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "backend/translate.h"
#include "formats/sgraph/reader.h"
#include "generated_graph.h"
#include "graph/sharing.h"
#include "memory.h"
#include "rules/parameters.h"
#include "shipped.h"

namespace snapgauge::bench {
namespace {

Graph graph_of(const benchmark::State& state, uint32_t faults_per_mille = 50) {
  return generated_graph({static_cast<uint32_t>(state.range(0)), faults_per_mille, 1});
}

void check(benchmark::State& state, uint32_t faults_per_mille, bool reuse) {
  const auto session = open_session(state);
  if (!session) return;
  session->set_reuse(reuse);
  const size_t before = live_bytes();
  const Graph graph = graph_of(state, faults_per_mille);
  const double graph_bytes = static_cast<double>(live_bytes() - before);
  // Compiles the tables of every op that the graph uses.
  auto result = session->check(graph);
  if (!result) return state.SkipWithError(result.error().message().c_str());
  const double nodes = static_cast<double>(result->nodes.size());
  double rejected = 0, unknown = 0;
  for (const NodeResult& node : result->nodes) {
    rejected += node.verdict == NodeVerdict::kRejected;
    unknown += node.verdict == NodeVerdict::kUnknown;
  }
  state.counters["findings_per_1000"] = static_cast<double>(result->findings.size()) * 1000 / nodes;
  state.counters["rejected_per_1000"] = rejected * 1000 / nodes;
  state.counters["unknown_per_1000"] = unknown * 1000 / nodes;
  result = CheckResult{};
  const size_t at_rest = live_bytes();
  reset_peak();
  for (auto _ : state) {
    auto checked = session->check(graph);
    benchmark::DoNotOptimize(checked);
  }
  state.SetItemsProcessed(static_cast<int64_t>(nodes) * state.iterations());
  state.counters["graph_bytes_per_node"] = graph_bytes / nodes;
  state.counters["check_bytes_per_node"] = static_cast<double>(peak_bytes() - at_rest) / nodes;
}

void BM_check(benchmark::State& state) { check(state, 50, true); }
BENCHMARK(BM_check)->RangeMultiplier(10)->Range(1000, 1000000)->Unit(benchmark::kMillisecond);

/// Every node judged for itself, equal or not.
void BM_check_each(benchmark::State& state) { check(state, 50, false); }
BENCHMARK(BM_check_each)->RangeMultiplier(10)->Range(1000, 1000000)->Unit(benchmark::kMillisecond);

void BM_check_clean(benchmark::State& state) { check(state, 0, true); }
BENCHMARK(BM_check_clean)->Arg(100000)->Unit(benchmark::kMillisecond);

/// The backend's view of a graph alone, and what it takes in memory.
void BM_translate(benchmark::State& state) {
  const auto session = open_session(state);
  if (!session) return;
  const Graph graph = graph_of(state);
  auto target = session->target_for(graph.frontend);
  if (!target) return state.SkipWithError(target.error().message().c_str());
  const Sharing sharing(graph, target->pipeline.results_take_readers);
  const auto constants = staticness(graph);
  OpMaps maps(session->database(), graph.frontend);
  double bytes_per_op = 0;
  for (auto _ : state) {
    auto ops = translate(graph, sharing, constants, maps, *target);
    if (!ops) return state.SkipWithError(ops.error().message().c_str());
    bytes_per_op = static_cast<double>(ops->bytes()) / static_cast<double>(ops->ops.size());
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.counters["bytes_per_op"] = bytes_per_op;
}
BENCHMARK(BM_translate)->Arg(1000)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMillisecond);

void BM_check_parameters(benchmark::State& state) {
  const Graph graph = graph_of(state);
  const Sharing sharing(graph);
  for (auto _ : state) benchmark::DoNotOptimize(check_parameters(graph, sharing));
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_check_parameters)->Arg(100000)->Unit(benchmark::kMillisecond);

void BM_shared_chain(benchmark::State& state) {
  const Graph graph = shared_chain(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) {
    const Sharing sharing(graph);
    benchmark::DoNotOptimize(sharing.root(PlaceId{static_cast<uint32_t>(graph.values.size() - 1)}));
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.SetComplexityN(state.range(0));
}
BENCHMARK(BM_shared_chain)
    ->Arg(1000)
    ->Arg(10000)
    ->Arg(100000)
    ->Arg(1000000)
    ->Complexity()
    ->Unit(benchmark::kMillisecond);

void BM_parse_json(benchmark::State& state) {
  const std::string text = sgraph_text(graph_of(state));
  for (auto _ : state) benchmark::DoNotOptimize(JsonDocument::parse(text, "generated.sgraph.json"));
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
}
BENCHMARK(BM_parse_json)->Arg(2500)->Unit(benchmark::kMillisecond);

/// Text to graph. 2500 nodes make about 1 MB.
void BM_read_dump(benchmark::State& state) {
  const std::string text = sgraph_text(graph_of(state));
  for (auto _ : state) {
    auto graph = read_graph(text, "generated.sgraph.json");
    if (!graph) return state.SkipWithError(graph.error().message().c_str());
    benchmark::DoNotOptimize(graph);
  }
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.counters["file_bytes"] = static_cast<double>(text.size());
}
BENCHMARK(BM_read_dump)->Arg(2500)->Arg(100000)->Unit(benchmark::kMillisecond);

/// A file that is gone again at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    char name[] = "/tmp/snapgauge-bench-XXXXXX";
    const int descriptor = ::mkstemp(name);
    if (descriptor < 0) return;
    ::close(descriptor);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << content;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Exit code of `snapgauge check FILE` with its output thrown away; negative when it did not run.
int run_program(const std::string& file) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(127);
    ::execl(kProgram, kProgram, "check", file.c_str(), "--output-format", "json", nullptr);
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

/// From the shell's point of view: process start, tables opened and compiled, file read, judged,
/// written. Zero nodes show the share that every run pays.
void BM_startup(benchmark::State& state) {
  const TemporaryFile file(sgraph_text(graph_of(state)));
  for (auto _ : state) {
    if (const int code = run_program(file.path()); code < 0 || code > 1)
      return state.SkipWithError("the program failed");
  }
}
BENCHMARK(BM_startup)->Arg(0)->Arg(1000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace snapgauge::bench
