// Files that once took time with the square of their size: one tensor with many readers, one node with many
// inputs, many fixes that do not serve. The order that is fitted must stay below n squared.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "api/fixer.h"
#include "shipped.h"

namespace snapgauge::bench {
namespace {

constexpr std::string_view kVal = R"("val":{"shape":[1,8],"dtype":"float32"})";

std::string spec(double scale) {
  return fmt::format(R"({{"dtype":"uint8","qscheme":"per_tensor_affine","scale":{},"zero_point":128}})", scale);
}

std::string file_of(const std::string& nodes) {
  return R"({"format":"snapgauge-graph","version":1,"frontend":"aten","nodes":[)" + nodes + "]}";
}

std::string input(const std::string& name) {
  return fmt::format(R"({{"name":"{}","op":"input",{},"annotation":{{"output":{}}}}})", name, kVal, spec(0.0078125));
}

std::string call(const std::string& name, const char* op, const std::string& args, const std::string& inputs,
                 const std::string& output) {
  return fmt::format(
      R"(,{{"name":"{}","op":"call","target":"aten.{}","args":[{}],{},"annotation":{{"inputs":[{}],"output":{}}}}})",
      name, op, args, kVal, inputs, output);
}

/// One tensor, and n readers that each see it with parameters of their own.
std::string fan(int64_t n) {
  std::string nodes = input("x");
  for (int64_t i = 0; i < n; ++i)
    nodes += call(fmt::format("r{}", i), "relu.default", R"({"node":"x"})",
                  fmt::format(R"(["x",{}])", spec(0.001 + 1e-7 * static_cast<double>(i))), spec(0.0078125));
  return file_of(nodes);
}

/// One concat of n inputs, all sharing the parameters of the last edge.
std::string concat(int64_t n) {
  std::string nodes, list, edges;
  for (int64_t i = 0; i < n; ++i) {
    const char* comma = i > 0 ? "," : "";
    nodes += comma + input(fmt::format("x{}", i));
    list += fmt::format(R"({}{{"node":"x{}"}})", comma, i);
    edges += fmt::format(R"({}["x{}",{}])", comma, i,
                         i + 1 < n ? fmt::format(R"({{"shared":["x{}","cat"]}})", n - 1) : spec(0.0078125));
  }
  return file_of(nodes + call("cat", "cat.default", "[" + list + "],1", edges, spec(0.0078125)));
}

/// n sigmoids whose prescribed parameters do not fit what their concat asks for.
std::string refused(int64_t n) {
  std::string nodes = input("x");
  const std::string x = R"({"node":"x"})", of_x = R"(["x",)" + spec(0.0078125) + "]";
  for (int64_t i = 0; i < n; ++i) {
    nodes += call(fmt::format("s{}", i), "sigmoid.default", x, of_x, spec(0.0078125));
    nodes += call(fmt::format("r{}", i), "relu.default", x, of_x, spec(0.0078125));
    nodes += call(fmt::format("c{}", i), "cat.default", fmt::format(R"([{{"node":"s{}"}},{{"node":"r{}"}}],1)", i, i),
                  fmt::format(R"(["s{}",{}],["r{}",{}])", i, spec(0.0078125), i, spec(0.0078125)), spec(0.0078125));
  }
  return file_of(nodes);
}

void check(benchmark::State& state, const std::string& text) {
  auto session = Session::open({kDatabase, {}}, {});
  if (!session) return state.SkipWithError(session.error().message().c_str());
  for (auto _ : state) {
    auto graph = read_graph(text, "generated.sgraph.json");
    if (!graph) return state.SkipWithError(graph.error().message().c_str());
    auto result = (*session)->check(*graph);
    benchmark::DoNotOptimize(result);
  }
  state.SetComplexityN(state.range(0));
}

void BM_readers_apart(benchmark::State& state) { check(state, fan(state.range(0))); }
BENCHMARK(BM_readers_apart)->RangeMultiplier(10)->Range(1000, 100000)->Complexity()->Unit(benchmark::kMillisecond);

void BM_wide_concat(benchmark::State& state) { check(state, concat(state.range(0))); }
BENCHMARK(BM_wide_concat)->RangeMultiplier(10)->Range(1000, 100000)->Complexity()->Unit(benchmark::kMillisecond);

void BM_refused_fixes(benchmark::State& state) {
  const std::string text = refused(state.range(0));
  auto session = Session::open({kDatabase, {}}, {});
  if (!session) return state.SkipWithError(session.error().message().c_str());
  FixOptions options;
  options.judge = [&](const Graph& graph) { return (*session)->report(graph, "generated.sgraph.json"); };
  for (auto _ : state) {
    auto result = fix(text, "generated.sgraph.json", options);
    if (!result) return state.SkipWithError(result.error().message().c_str());
    if (!result->fixed.empty()) return state.SkipWithError("a fix served");
  }
  state.SetComplexityN(state.range(0));
}
BENCHMARK(BM_refused_fixes)->RangeMultiplier(10)->Range(100, 10000)->Complexity()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace snapgauge::bench
