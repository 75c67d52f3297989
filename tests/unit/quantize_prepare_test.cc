// What is done to a float graph before it is annotated changes no result: the graph before and after are run on the
// host with the same inputs.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "api/runner.h"
#include "quantize/prepare.h"
#include "unit/onnx_writer.h"

namespace snapgauge {
namespace {

using onnx_test::Dims;
using onnx_test::Model;
using onnx_test::Node;

std::vector<float> drawn(size_t count, uint32_t seed, float low = -1, float high = 1) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> draw(low, high);
  std::vector<float> out(count);
  for (float& f : out) f = draw(engine);
  return out;
}

struct Case {
  std::string name, backend;
  Model model;
  std::string gone;  // operator that is not there any more
  size_t changes = 1;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Model& norm(Model& model, const std::string& in, int64_t channels, const std::string& out) {
  const auto n = static_cast<size_t>(channels);
  model.floats("gamma", {channels}, drawn(n, 11, 0.5, 2)).floats("beta", {channels}, drawn(n, 12));
  model.floats("mean", {channels}, drawn(n, 13)).floats("variance", {channels}, drawn(n, 14, 0.1F, 2));
  return model.node(
      Node("BatchNormalization", {in, "gamma", "beta", "mean", "variance"}, {out}, "norm").real("epsilon", 0.01F));
}

Model convolution(bool with_bias, int64_t groups) {
  Model m;
  m.input("x", onnx_test::kFloat, {1, 4, 5, 5}).output("y", onnx_test::kFloat, {1, 6, 4, 4});
  m.floats("w", {6, 4 / groups, 2, 2}, drawn(96 / static_cast<size_t>(groups), 1));
  std::vector<std::string> inputs{"x", "w"};
  if (with_bias) {
    m.floats("b", {6}, drawn(6, 2));
    inputs.emplace_back("b");
  }
  m.node(Node("Conv", inputs, {"c"}, "conv").integer("group", groups));
  return norm(m, "c", 6, "y");
}

Model transposed(int64_t groups) {
  Model m;
  m.input("x", onnx_test::kFloat, {1, 4, 3, 3}).output("y", onnx_test::kFloat, {1, 6, 4, 4});
  m.floats("w", {4, 6 / groups, 2, 2}, drawn(96 / static_cast<size_t>(groups), 3)).floats("b", {6}, drawn(6, 4));
  m.node(Node("ConvTranspose", {"x", "w", "b"}, {"c"}, "conv").integer("group", groups));
  return norm(m, "c", 6, "y");
}

Model gemm(int64_t trans_b) {
  Model m;
  m.input("x", onnx_test::kFloat, {3, 4}).output("y", onnx_test::kFloat, {3, 6});
  m.floats("w", trans_b == 1 ? Dims{6, 4} : Dims{4, 6}, drawn(24, 5));
  m.node(Node("Gemm", {"x", "w"}, {"c"}, "gemm").integer("transB", trans_b));
  return norm(m, "c", 6, "y");
}

/// A norm whose numbers are not one a channel or that has no root, or a product that scales its bias: they stay.
Model unfoldable(const std::string& why) {
  const bool scaled = why == "scaled", negative = why == "negative variance";
  Model m;
  m.input("x", onnx_test::kFloat, {3, 4}).output("y", onnx_test::kFloat, {3, 6}).floats("w", {4, 6}, drawn(24, 5));
  m.floats("b", {6}, drawn(6, 6));
  Node product("Gemm", {"x", "w", "b"}, {"c"}, "gemm");
  if (scaled) product.real("beta", 2);
  m.node(product);
  if (scaled) return norm(m, "c", 6, "y");
  m.floats("mean", {6}, drawn(6, 7)).floats("variance", {6}, std::vector<float>(6, negative ? -1.0F : 1.0F));
  m.floats("gamma", negative ? Dims{6} : Dims{1}, std::vector<float>(negative ? 6 : 1, 1.0F));
  return m.node(Node("BatchNormalization", {"c", "gamma", "gamma", "mean", "variance"}, {"y"}, "norm"));
}

TEST(Folding, StaysAwayFromWhatIsNotOneFactorAChannel) {
  auto session = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""}, {});
  ASSERT_TRUE(session);
  const auto target = (*session)->target_for(Frontend::kOnnx);
  auto rows = AnnotationRows::load((*session)->database(), "htp", Frontend::kOnnx);
  ASSERT_TRUE(rows);
  OpMaps maps((*session)->database(), Frontend::kOnnx);
  for (const char* why : {"scaled", "one number for all", "negative variance"}) {
    const std::string bytes = unfoldable(why).bytes();
    auto graph = read_graph(bytes, "m");
    ASSERT_TRUE(graph) << graph.error().message();
    const auto done = prepare_for_annotation(std::move(*graph), *rows, maps, target.value());
    ASSERT_TRUE(done);
    EXPECT_EQ(done.value().changes.size(), 0U) << why;
  }
}

Model one(const Node& node, const Dims& dims, const Dims& result) {
  Model m;
  m.input("x", onnx_test::kFloat, dims).output("y", onnx_test::kFloat, result);
  return m.node(node);
}

std::vector<Case> cases() {
  const Dims dims{2, 3, 4};
  Model mean = one(Node("Mean", {"x", "k"}, {"y"}, "n"), dims, dims);
  mean.floats("k", dims, drawn(24, 9));
  return {
      {"conv", "htp", convolution(false, 1), "BatchNormalization"},
      {"conv_bias", "htp", convolution(true, 1), "BatchNormalization"},
      {"conv_groups", "htp", convolution(true, 2), "BatchNormalization"},
      {"transposed", "htp", transposed(1), "BatchNormalization"},
      {"transposed_groups", "lpai", transposed(2), "BatchNormalization"},
      {"gemm", "htp", gemm(0), "BatchNormalization"},
      {"gemm_transposed", "lpai", gemm(1), "BatchNormalization"},
      {"hard_sigmoid", "lpai",
       one(Node("HardSigmoid", {"x"}, {"y"}, "n").real("alpha", 0.3F).real("beta", 0.4F), dims, dims), "HardSigmoid"},
      {"hard_sigmoid_defaults", "lpai", one(Node("HardSigmoid", {"x"}, {"y"}, "n"), dims, dims), "HardSigmoid"},
      {"tan", "htp", one(Node("Tan", {"x"}, {"y"}, "n"), dims, dims), "Tan"},
      {"quick_gelu", "htp", one(Node("QuickGelu", {"x"}, {"y"}, "n", "com.microsoft"), dims, dims),
       "com.microsoft.QuickGelu"},
      {"thresholded_relu", "htp", one(Node("ThresholdedRelu", {"x"}, {"y"}, "n").real("alpha", 0.2F), dims, dims),
       "ThresholdedRelu"},
      {"mean", "htp", mean, "Mean"},
  };
}

class Preparation : public testing::TestWithParam<Case> {
 protected:
  struct Outcome {
    std::vector<float> values;
    std::vector<std::string> ops, changes;
  };

  /// Runs the model as it is, or prepared.
  static Outcome run(const Case& c, bool prepared) {
    Outcome out;
    TargetOptions options;
    options.backend = c.backend;
    options.soc = c.backend == "lpai" ? "SM8850" : "SM8750";
    auto session = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""}, options);
    EXPECT_TRUE(session) << session.error().message();
    const auto bytes = std::make_shared<const std::string>(c.model.bytes());
    auto graph = read_graph(*bytes, c.name);
    EXPECT_TRUE(graph) << graph.error().message();
    if (prepared) {
      const auto target = (*session)->target_for(Frontend::kOnnx);
      auto rows = AnnotationRows::load((*session)->database(), c.backend, Frontend::kOnnx);
      EXPECT_TRUE(rows) << rows.error().message();
      OpMaps maps((*session)->database(), Frontend::kOnnx);
      for (const auto& [op, row] : rows->own_decompositions()) EXPECT_TRUE(maps.replace(op, row));
      auto done = prepare_for_annotation(std::move(*graph), *rows, maps, target.value());
      EXPECT_TRUE(done) << done.error().message();
      EXPECT_EQ(verify(done->graph), "");
      out.changes = std::move(done->changes);
      graph = std::move(done->graph);
    }
    for (const auto& node : graph->nodes)
      if (node.kind == NodeKind::kCall) out.ops.emplace_back(graph->text(node.op));
    const auto held = std::make_shared<const Graph>(std::move(*graph));
    auto gate = (*session)->report(*held, c.name);
    EXPECT_TRUE(gate);
    auto model = prepare(**session, *held, std::move(*gate),
                         std::make_shared<std::pair<decltype(bytes), decltype(held)>>(bytes, held));
    EXPECT_TRUE(model) << model.error().message();
    if (!model || model->plan == nullptr) {
      ADD_FAILURE() << c.name << " does not run";
      return out;
    }
    const auto results = execute(*model, random_inputs(model->plan->plan(), 7));
    EXPECT_TRUE(results);
    const auto& data = results.value().at(0).data;
    out.values.resize(data.size() / sizeof(float));
    std::memcpy(out.values.data(), data.data(), data.size());
    return out;
  }
};

TEST_P(Preparation, KeepsTheResult) {
  const Case& c = GetParam();
  const Outcome before = run(c, false), after = run(c, true);
  EXPECT_EQ(after.changes.size(), c.changes) << testing::PrintToString(after.changes);
  EXPECT_NE(std::count(before.ops.begin(), before.ops.end(), c.gone), 0);
  EXPECT_EQ(std::count(after.ops.begin(), after.ops.end(), c.gone), 0);
  ASSERT_EQ(before.values.size(), after.values.size());
  ASSERT_FALSE(before.values.empty());
  double largest = 0;
  for (const float f : before.values) largest = std::max(largest, std::abs(static_cast<double>(f)));
  EXPECT_GT(largest, 0);
  for (size_t i = 0; i < before.values.size(); ++i)
    EXPECT_NEAR(before.values[i], after.values[i], 1e-5 * largest) << "element " << i;
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Passes, Preparation, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace snapgauge
