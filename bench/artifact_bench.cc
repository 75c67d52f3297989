// What lowering costs beside H, hashing and copying the bytes of the weights: a graph of convolutions with 64 MB of
// weights and one of matrix products whose weights need not be moved, from the graph in memory to the artifact, in a
// file system in memory where there is one.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "api/lowering.h"
#include "base/content_hash.h"
#include "base/write.h"
#include "formats/registry.h"
#include "graph/draw.h"
#include "shipped.h"

namespace snapgauge::bench {
namespace {

constexpr int64_t kChannels = 680, kSquare = 2896;  // 4 * 3 * 3 * 680^2 and 2 * 2896^2 floats are about 64 MB each

std::string temporary(const char* name) {
  const bool memory = std::filesystem::is_directory("/dev/shm");
  return (memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) / name;
}

std::string graph_text(bool convolutions) {
  const std::string shape = convolutions ? fmt::format("[1, {}, 4, 4]", kChannels) : fmt::format("[4, {}]", kSquare);
  const std::string weight =
      convolutions ? fmt::format("[{0}, {0}, 3, 3]", kChannels) : fmt::format("[{0}, {0}]", kSquare);
  const auto node = [](const std::string& name, const std::string& op, const std::string& rest) {
    return fmt::format(R"({{"name": "{}", "op": "{}", {}}},)", name, op, rest) + "\n";
  };
  const auto value = [](const std::string& dims) {
    return fmt::format(R"("val": {{"shape": {}, "dtype": "float32"}})", dims);
  };
  std::string nodes = node("x", "placeholder", value(shape));
  std::string last = "x";
  for (int i = 0; i < (convolutions ? 4 : 2); ++i) {
    const std::string w = fmt::format("w{}", i), y = fmt::format("y{}", i);
    nodes += node(w, "get_attr", value(weight));
    const char* op = convolutions ? "aten.conv2d.default" : "aten.mm.default";
    const char* more = convolutions ? R"(, null, [1, 1], [1, 1], [1, 1], 1)" : "";
    nodes += node(y, "call_function",
                  fmt::format(R"("target": "{}", "args": [{{"node": "{}"}}, {{"node": "{}"}}{}], {})", op, last, w,
                              more, value(shape)));
    last = y;
  }
  return R"({"format": "snapgauge-graph", "version": 1, "frontend": "aten", "nodes": [)"
         "\n" +
         nodes + fmt::format(R"({{"name": "output", "op": "output", "args": [[{{"node": "{}"}}]]}}]}})", last);
}

struct Case {
  std::unique_ptr<Session> session;
  std::shared_ptr<Graph> graph;
  FileReport gate;
  uint64_t bytes = 0;
};

const Case& graph_of(bool convolutions) {
  static const auto made = [](bool which) {
    Case out;
    auto session = Session::open({kDatabase, {}}, {});
    if (!session) return out;
    out.session = std::move(*session);
    auto graph = read_graph(graph_text(which), "bench");
    out.graph = std::make_shared<Graph>(std::move(*graph));
    draw_constants(*out.graph, 1);
    for (const Constant& c : out.graph->constants) out.bytes += c.count * sizeof(float);
    auto gate = out.session->report(*out.graph, "bench");
    out.gate = std::move(*gate);
    return out;
  };
  static const Case convolution = made(true), product = made(false);
  return convolutions ? convolution : product;
}

/// H.
void BM_hash_and_copy(benchmark::State& state) {
  const Case& c = graph_of(false);
  if (c.session == nullptr) return state.SkipWithError("no tables");
  const std::string path = temporary("snapgauge_bench.copy");
  std::vector<std::string_view> pieces;
  for (const Constant& k : c.graph->constants)
    pieces.emplace_back(reinterpret_cast<const char*>(k.data), k.count * sizeof(float));
  for (auto _ : state) {
    benchmark::DoNotOptimize(content_hash(pieces));
    if (!write_file(path, pieces)) state.SkipWithError("not written");
  }
  std::filesystem::remove(path);
  state.SetBytesProcessed(static_cast<int64_t>(c.bytes) * state.iterations());
}
BENCHMARK(BM_hash_and_copy);

void lower_and_write(benchmark::State& state, bool convolutions) {
  const Case& c = graph_of(convolutions);
  if (c.session == nullptr) return state.SkipWithError("no tables");
  const std::string path = temporary("snapgauge_bench.sgb");
  const LowerRequest request;
  for (auto _ : state) {
    auto lowered = lower_graph(*c.session, *c.graph, c.gate, c.graph, request);
    auto artifact = artifact_for(*c.session, c.graph->frontend, request, 1);
    if (!lowered || !lowered->graph || !artifact) return state.SkipWithError("not lowered");
    artifact->graphs.push_back(std::move(*lowered->graph));
    if (!write_artifact(path, *artifact)) return state.SkipWithError("not written");
  }
  std::filesystem::remove(path);
  state.SetBytesProcessed(static_cast<int64_t>(c.bytes) * state.iterations());
}
void BM_lower_products(benchmark::State& state) { lower_and_write(state, false); }
BENCHMARK(BM_lower_products);
/// Whose weights are permuted.
void BM_lower_convolutions(benchmark::State& state) { lower_and_write(state, true); }
BENCHMARK(BM_lower_convolutions);

void BM_read_artifact(benchmark::State& state) {
  const Case& c = graph_of(false);
  if (c.session == nullptr) return state.SkipWithError("no tables");
  const std::string path = temporary("snapgauge_bench.read.sgb");
  auto lowered = lower_graph(*c.session, *c.graph, c.gate, c.graph, {});
  auto artifact = artifact_for(*c.session, c.graph->frontend, {}, 1);
  if (!lowered || !lowered->graph || !artifact) return state.SkipWithError("not lowered");
  artifact->graphs.push_back(std::move(*lowered->graph));
  if (!write_artifact(path, *artifact)) return state.SkipWithError("not written");
  for (auto _ : state) benchmark::DoNotOptimize(read_artifact(path));
  std::filesystem::remove(path);
  state.SetBytesProcessed(static_cast<int64_t>(c.bytes) * state.iterations());
}
BENCHMARK(BM_read_artifact);

}  // namespace
}  // namespace snapgauge::bench
