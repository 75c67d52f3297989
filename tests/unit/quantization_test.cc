// From a float model to its integers: what calibration sees, which places get which numbers, and that what is written
// reads back as what was judged.
#include "api/quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "api/accuracy.h"
#include "api/session.h"
#include "api/widths.h"
#include "formats/npy/npy.h"
#include "snapgauge/quantize.h"
#include "unit/onnx_writer.h"

namespace snapgauge {
namespace {

using testing::HasSubstr;

const std::string kRuns = SNAPGAUGE_SOURCE_DIR "/tests/data/runs/";
const std::string kModel = kRuns + "kws_dscnn.float.onnx";

std::unique_ptr<Session> session() {
  auto out = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""}, {"htp", "SM8750", "latest", ""});
  EXPECT_TRUE(out.ok()) << out.error().message();
  return std::move(*out);
}

/// A quantized model and what it views.
struct Made {
  std::unique_ptr<Session> gate = session();
  LoadedGraph source;
  QuantizedModel model;
  std::string error;
};

Made quantized(const std::string& path, QuantizeOptions options) {
  Made out;
  auto loaded = load_graph(path);
  EXPECT_TRUE(loaded.ok());
  out.source = std::move(*loaded);
  if (options.samples.empty()) options.samples = {"random:4"};
  auto model =
      quantize(*out.gate, out.source.graph, options, [&](const Graph& graph) { return out.gate->report(graph, path); });
  if (model)
    out.model = std::move(*model);
  else
    out.error = model.error().message();
  return out;
}

QuantizeOptions with_config(const std::string& config) {
  QuantizeOptions out;
  out.recipe.defaults.configs = {config};
  return out;
}

TEST(Quantization, WhatIsWrittenIsAcceptedAndReadsBackTheSame) {
  for (const std::string model : {"kws_dscnn", "espcn", "gated_mlp"})
    for (const char* config : {"8a8w", "8a4w", "16a8w", "16a4w", "16a4w_block", "16a16w"}) {
      const Made made = quantized(kRuns + model + ".float.onnx", with_config(config));
      ASSERT_EQ(made.error, "") << model << config;
      ASSERT_TRUE(made.model.calibrated);
      EXPECT_EQ(made.model.gate.verdict, FileVerdict::kAccepted) << model << config;
      const Graph& before = made.source.graph;
      const Graph& after = *made.model.integers;
      const Sharing ours(before), theirs(after);
      size_t compared = 0;
      for (uint32_t v = 0; v < before.values.size(); ++v) {
        const Spec* a = ours.spec(ours.place(ValueId{v}));
        if (before.node(before.values[v].producer).kind != NodeKind::kCall || a == nullptr) continue;
        for (uint32_t w = 0; w < after.values.size(); ++w) {
          if (after.text(after.values[w].name) != before.text(before.values[v].name)) continue;
          const Spec* b = theirs.spec(theirs.place(ValueId{w}));
          if (b == nullptr) continue;  // a graph output, in front of which its pair stands
          EXPECT_EQ(a->scales, b->scales);
          EXPECT_EQ(zero_point_of(*a, 0), zero_point_of(*b, 0));
          EXPECT_EQ(backend_dtype(*a), backend_dtype(*b));
          ++compared;
        }
      }
      EXPECT_GT(compared, 5U);
    }
}

TEST(Quantization, BiasesHaveTheScaleOfOperandTimesWeight) {
  const Made made = quantized(kModel, with_config("8a8w"));
  const Graph& graph = *made.model.integers;
  const Sharing sharing(graph);
  size_t checked = 0;
  for (const Node& node : graph.nodes) {
    if (graph.text(node.op) != "Conv" || node.uses.count != 3) continue;
    const auto spec = [&](uint32_t i) { return sharing.spec(sharing.place(UseId{node.uses.first + i})); };
    const Spec *x = spec(0), *w = spec(1), *b = spec(2);
    ASSERT_EQ(b->scales.size(), w->scales.size());
    for (size_t c = 0; c < b->scales.size(); ++c)
      EXPECT_EQ(static_cast<float>(b->scales[c]), static_cast<float>(x->scales[0]) * static_cast<float>(w->scales[c]));
    ++checked;
  }
  EXPECT_GT(checked, 3U);
}

TEST(Quantization, WhatAReluCutsOffCostsNothing) {
  const Made made = quantized(kModel, with_config("8a8w"));
  const Graph& graph = *made.model.integers;
  const Sharing sharing(graph);
  size_t checked = 0;
  for (const Node& node : graph.nodes) {
    if (graph.text(node.op) != "Relu") continue;
    const Spec* in = sharing.spec(sharing.place(UseId{node.uses.first}));
    const Spec* out = sharing.spec(sharing.place(ValueId{node.outputs.first}));
    EXPECT_EQ(in->scales, out->scales);
    EXPECT_EQ(zero_point_of(*in, 0), 0);
    ++checked;
  }
  EXPECT_GT(checked, 3U);
}

/// The same bytes whatever the number of threads, and after an interruption.
TEST(Quantization, ThreadsAndInterruptionsChangeNothing) {
  for (const ObserverKind kind :
       {ObserverKind::kMinMax, ObserverKind::kMovingAverage, ObserverKind::kPercentile, ObserverKind::kMse}) {
    QuantizeOptions options = with_config("8a8w");
    options.samples = {"random:7"};
    options.convert.activations.kind = kind;
    const Made once = quantized(kModel, options);
    options.calibration.threads = 3;
    EXPECT_EQ(*quantized(kModel, options).model.model, *once.model.model);
    options.calibration.threads = 2;
    options.calibration.state = testing::TempDir() + "calibration.state";
    std::filesystem::remove(options.calibration.state);
    options.calibration.progress = [](size_t done, size_t) { return done < 3; };
    const Made stopped = quantized(kModel, options);
    EXPECT_EQ(stopped.error, "");
    EXPECT_FALSE(stopped.model.calibrated);
    EXPECT_EQ(stopped.model.model, nullptr);
    ASSERT_TRUE(std::filesystem::exists(options.calibration.state));
    size_t first = 0;
    options.calibration.progress = [&](size_t done, size_t) {
      if (first == 0) first = done;
      return true;
    };
    EXPECT_EQ(*quantized(kModel, options).model.model, *once.model.model);
    EXPECT_GT(first, 3U);
    options.calibration.identity = 1;
    EXPECT_THAT(quantized(kModel, options).error, HasSubstr("another calibration"));
    std::ofstream(options.calibration.state) << "no state";
    EXPECT_THAT(quantized(kModel, options).error, HasSubstr("broken"));
    std::filesystem::remove(options.calibration.state);
  }
}

TEST(Quantization, IsThereForPrograms) {
  const TableSource tables{SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""};
  QuantizeFileOptions options;
  options.samples = {"random:3"};
  size_t asked = 0;
  options.progress = [&](size_t, size_t total) { return ++asked, total == 3; };
  std::string error;
  const auto made = quantize_file(kModel, {}, tables, options, &error);
  ASSERT_NE(made, nullptr) << error;
  EXPECT_TRUE(made->calibrated);
  EXPECT_EQ(asked, 3U);
  EXPECT_EQ(made->gate.verdict, CheckVerdict::kAccepted);
  EXPECT_TRUE(read_graph(made->model, "model").ok());
  EXPECT_TRUE(read_graph(made->sgraph, "sgraph").ok());
  EXPECT_THAT(made->encodings, HasSubstr("\"version\""));
  EXPECT_THAT(made->overrides, HasSubstr("activation_encodings"));
  options.progress = [](size_t, size_t) { return false; };
  const auto stopped = quantize_file(kModel, {}, tables, options, &error);
  ASSERT_NE(stopped, nullptr) << error;
  EXPECT_FALSE(stopped->calibrated);
  EXPECT_TRUE(stopped->model.empty());
  options.observer = "best";
  EXPECT_EQ(quantize_file(kModel, {}, tables, options, &error), nullptr);
  EXPECT_THAT(error, HasSubstr("best"));
}

/// One sample with these numbers, as a file.
std::string sample(const std::string& name, const std::vector<int64_t>& dims, const std::vector<float>& values) {
  std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << npy_text(DType::kFloat32, dims, std::as_bytes(std::span(values)));
  return path;
}

TEST(Calibration, DataThatMakesNoSenseIsOneError) {
  const std::vector<int64_t> dims{1, 1, 49, 10};
  std::vector<float> values(490, 0.5F);
  QuantizeOptions options = with_config("8a8w");
  const auto error_of = [&](const std::string& source) {
    options.samples = {source};
    return quantized(kModel, options).error;
  };
  values[7] = std::nanf("");
  const std::string with_nan = sample("nan.npy", dims, values);
  EXPECT_THAT(error_of(with_nan), HasSubstr("NaN"));
  EXPECT_THAT(error_of(with_nan), HasSubstr(with_nan));
  values[7] = 0;
  EXPECT_THAT(error_of(sample("shape.npy", {1, 1, 10, 49}, values)), HasSubstr("the input 'mfcc' is"));
  EXPECT_THAT(error_of(sample("empty.npy", {0, 1, 49, 10}, {})), HasSubstr("the input 'mfcc' is"));
  EXPECT_THAT(error_of(testing::TempDir() + "nowhere.npy"), HasSubstr("nowhere.npy"));
  EXPECT_THAT(error_of("random:0"), HasSubstr("random:N"));
  EXPECT_THAT(error_of("random:x"), HasSubstr("random:N"));
  const std::string raw = testing::TempDir() + "short.raw";
  std::ofstream(raw) << "abc";
  EXPECT_THAT(error_of(raw), HasSubstr("3 bytes"));
  EXPECT_EQ(error_of(sample("constant.npy", dims, std::vector<float>(490, 0.0F))), "");
  EXPECT_EQ(error_of(sample("many.npy", {5, 1, 49, 10}, std::vector<float>(2450, 1.0F))), "");
}

TEST(Calibration, InfinitiesOfASampleAreMaskedAndNotARange) {
  std::vector<float> values(490, 0.5F);
  values[3] = -std::numeric_limits<float>::infinity();
  QuantizeOptions options = with_config("8a8w");
  options.samples = {sample("inf.npy", {1, 1, 49, 10}, values)};
  // What a convolution makes of them is no number.
  EXPECT_THAT(quantized(kModel, options).error, HasSubstr("holds numbers that are none"));
}

/// Scores, a mask that lets through what lies on and below the diagonal, and a softmax.
std::string masked_model(float nothing) {
  std::vector<float> mask(16);
  for (size_t row = 0; row < 4; ++row)
    for (size_t column = row + 1; column < 4; ++column) mask[row * 4 + column] = nothing;
  onnx_test::Model model;
  model.input("x", onnx_test::kFloat, {1, 4, 4}).floats("mask", {4, 4}, mask);
  model.node(onnx_test::Node("Add", {"x", "mask"}, {"scores"}, "add"));
  model.node(onnx_test::Node("Softmax", {"scores"}, {"y"}, "softmax").integer("axis", -1));
  model.output("y", onnx_test::kFloat, {1, 4, 4});
  std::string path = testing::TempDir() + "masked.onnx";
  std::ofstream(path, std::ios::binary) << model.bytes();
  return path;
}

TEST(Calibration, MasksReachAsFarAsTheSoftmaxNeeds) {
  for (const float nothing : {-std::numeric_limits<float>::infinity(), -3.4e38F, -1000.0F})
    for (const char* config : {"8a8w", "16a8w"}) {
      const Made made = quantized(masked_model(nothing), with_config(config));
      ASSERT_EQ(made.error, "");
      ASSERT_TRUE(made.model.calibrated);
      const Graph& graph = *made.model.integers;
      const Sharing sharing(graph);
      for (uint32_t v = 0; v < graph.values.size(); ++v)
        if (graph.text(graph.values[v].name) == "scores") {
          const Spec* spec = sharing.spec(sharing.place(ValueId{v}));
          const int64_t steps = effective_range(*spec)->max;
          // Numbers from -1 to 1, and for what is masked as many below the largest of a row as make a share of 2^-17,
          // or of 2^-9.
          const double width = spec->scales[0] * static_cast<double>(steps);
          EXPECT_LT(width, 2 + softmax_reach(effective_bits(*spec)));
          EXPECT_GT(width, softmax_reach(effective_bits(*spec)));
        }
      const ObservedModel in_float{&made.source.graph, made.model.in_float};
      auto plan = placed_plan(*made.gate, graph);
      ASSERT_TRUE(plan.ok()) << plan.error().message();
      const auto samples = Samples::open(in_float.model.plan->plan(), {"random:4"});
      const auto accuracy =
          measure_accuracy(in_float, {made.model.integers.get(), std::move(*plan)}, samples.value(), {});
      ASSERT_TRUE(accuracy.ok());
      EXPECT_GT(accuracy.value().worst_output_db(), 30) << config;
    }
}

TEST(Accuracy, LayersAddUpToTheOutputs) {
  const auto gate = session();
  QuantizeOptions options = with_config("8a8w");
  options.samples = {"random:3"};
  WidthSearch search;
  search.load = [] { return load_graph(kModel); };
  const Judge judge = [&](const Graph& graph) { return gate->report(graph, kModel); };
  const auto narrow = quantize_measured(*gate, options, judge, search);
  ASSERT_TRUE(narrow.ok()) << narrow.error().message();
  const Accuracy& accuracy = narrow.value().accuracy;
  EXPECT_EQ(accuracy.samples, 3U);
  ASSERT_EQ(accuracy.outputs.size(), 1U);
  EXPECT_GT(accuracy.outputs[0].sqnr_db, 15);
  EXPECT_DOUBLE_EQ(accuracy.layers.back().sqnr_db, accuracy.outputs[0].sqnr_db);
  for (const LayerAccuracy& layer : accuracy.layers) {
    EXPECT_GE(layer.unquantized_db, layer.sqnr_db - 1) << layer.node;
    EXPECT_EQ(layer.dtype, "uint8");
    EXPECT_LT(layer.clipped, 0.01);
  }
  const auto ranked = ranked_layers(*gate, narrow.value(), options.samples, {});
  ASSERT_TRUE(ranked.ok());
  EXPECT_EQ(ranked.value().size(), accuracy.layers.size());
  EXPECT_TRUE(std::is_sorted(ranked.value().begin(), ranked.value().end(),
                             [](const auto& a, const auto& b) { return a.output_db < b.output_db; }));
  // One layer alone does no more harm than all.
  EXPECT_GT(ranked.value().front().output_db, accuracy.worst_output_db() - 3);
}

TEST(Accuracy, AsFewLayersAsItTakesAreWidened) {
  const auto gate = session();
  QuantizeOptions options = with_config("8a8w");
  options.samples = {"random:3"};
  WidthSearch search;
  search.load = [] { return load_graph(kRuns + "espcn.float.onnx"); };
  const Judge judge = [&](const Graph& graph) { return gate->report(graph, "espcn"); };
  const auto narrow = quantize_measured(*gate, options, judge, search);
  ASSERT_TRUE(narrow.ok()) << narrow.error().message();
  search.target_db = narrow.value().accuracy.worst_output_db() + 4;
  const auto wider = quantize_to_target(*gate, options, judge, search);
  ASSERT_TRUE(wider.ok()) << wider.error().message();
  EXPECT_TRUE(wider.value().reached);
  EXPECT_GE(wider.value().accuracy.worst_output_db(), search.target_db);
  EXPECT_GT(wider.value().wide.size(), 0U);
  EXPECT_LT(wider.value().wide.size(), narrow.value().accuracy.layers.size());
  EXPECT_EQ(wider.value().model.gate.verdict, FileVerdict::kAccepted);
}

}  // namespace
}  // namespace snapgauge
