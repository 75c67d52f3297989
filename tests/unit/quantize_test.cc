// Recipes, granularity and what is written down of choices; the styles themselves are held to recorded graphs in
// differential/annotate_test.cc.
#include "snapgauge/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/recipe.h"
#include "formats/registry.h"
#include "quantize/config.h"
#include "quantize/rows.h"

namespace snapgauge {
namespace {

using testing::HasSubstr;

const std::string kRuns = SNAPGAUGE_SOURCE_DIR "/tests/data/runs/";
const std::string kModel = kRuns + "kws_dscnn.float.onnx";
const TableSource kTables{SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""};

std::unique_ptr<const AnnotatedModel> annotated(const std::string& recipe, AnnotateOptions options = {},
                                                const CheckTarget& target = {}) {
  options.recipe = recipe;
  std::string error;
  auto out = annotate_file(kModel, target, kTables, options, &error);
  EXPECT_NE(out, nullptr) << error;
  return out;
}

std::string error_of(const std::string& recipe, const CheckTarget& target = {}, const std::string& model = kModel) {
  std::string error;
  EXPECT_EQ(annotate_file(model, target, kTables, {recipe, "", {}, {}}, &error), nullptr);
  return error;
}

const AnnotatedNode& node(const AnnotatedModel& model, std::string_view op, size_t nth = 0) {
  for (const AnnotatedNode& n : model.nodes)
    if (n.op == op && nth-- == 0) return n;
  ADD_FAILURE() << "no " << op;
  return model.nodes.front();
}

TEST(Recipe, TheFirstOfEqualPriorityDecides) {
  const auto model = annotated(
      "config = \"8a8w\"\n"
      "[[rules]]\nop = \"Conv\"\nconfig = \"16a8w\"\n"
      "[[rules]]\nop = \"Conv\"\nconfig = \"16a4w\"\n"
      "[[rules]]\nop = \"Gemm\"\nconfig = \"16a8w\"\n"
      "[[rules]]\nop = [\"Gemm\", \"Add\"]\nconfig = \"16a4w\"\npriority = 1\n");
  EXPECT_EQ(node(*model, "Conv").config, "16a8w");
  EXPECT_EQ(node(*model, "Conv").decided_by, "recipe:2");
  EXPECT_EQ(node(*model, "Gemm").config, "16a4w");
  EXPECT_EQ(node(*model, "Gemm").decided_by, "recipe:11");
  EXPECT_EQ(node(*model, "Relu").config, "8a8w");
  EXPECT_EQ(node(*model, "Relu").decided_by, "default");
}

TEST(Recipe, NamesAreMatchedWhole) {
  const auto model = annotated(
      "[[rules]]\nname = \"/stem.*Conv\"\nconfig = \"16a8w\"\n[[rules]]\nname = \"Gem\"\nconfig = \"16a4w\"\n");
  EXPECT_EQ(node(*model, "Conv").config, "16a8w");
  EXPECT_EQ(node(*model, "Conv", 1).config, "8a8w");
  EXPECT_EQ(node(*model, "Gemm").config, "8a8w");
}

TEST(Recipe, GranularityAndBlocks) {
  const auto model = annotated(
      "config = \"16a4w_block\"\n"
      "[[rules]]\nop = \"Gemm\"\nblock = 16\n"
      "[[rules]]\nname = \"/stem.*\"\ngranularity = \"per-tensor\"\n");
  EXPECT_EQ(node(*model, "Conv").granularity, "per-tensor");
  EXPECT_EQ(node(*model, "Gemm").granularity, "per-block");
  EXPECT_EQ(node(*model, "Gemm").block, (std::vector<int64_t>{1, 16}));
  // A depthwise weight has one input channel.
  EXPECT_EQ(node(*model, "Conv", 1).granularity, "per-channel");
  EXPECT_THAT(node(*model, "Conv", 1).note, HasSubstr("do not divide"));
  EXPECT_EQ(node(*model, "Conv", 2).granularity, "per-block");
  EXPECT_EQ(node(*model, "Conv", 2).block, (std::vector<int64_t>{1, 32, 1, 1}));
  EXPECT_EQ(node(*model, "Relu").granularity, "per-tensor");
}

TEST(Recipe, TheNextConfigIsTakenWhereTheTargetRefusesTheFirst) {
  // Low Power AI multiplies 16-bit activations by 8-bit weights only.
  const CheckTarget lpai{"lpai", "SM8850", "latest", ""};
  const auto refused = annotated("config = \"16a16w\"", {}, lpai);
  EXPECT_EQ(refused->gate.verdict, CheckVerdict::kRejected);
  EXPECT_EQ(node(*refused, "Conv").config, "16a16w");
  const auto model = annotated("config = [\"16a16w\", \"16a8w\"]", {}, lpai);
  EXPECT_EQ(model->gate.verdict, CheckVerdict::kAccepted);
  EXPECT_EQ(node(*model, "Conv").config, "16a8w");
  EXPECT_EQ(node(*model, "Conv").granularity, "per-channel");
  EXPECT_NE(node(*model, "Conv").note, "");
  EXPECT_EQ(node(*model, "Relu").config, "16a16w");
}

TEST(Recipe, WhatIsDiscardedStaysInFloat) {
  const auto model = annotated("[[rules]]\nop = \"Softmax\"\ndiscard = true\n");
  EXPECT_EQ(node(*model, "Softmax").choice, "discarded");
  EXPECT_EQ(node(*model, "Softmax").config, "");
  EXPECT_EQ(model->gate.verdict, CheckVerdict::kAccepted);
}

TEST(Recipe, MistakesAreToldWithTheirPlace) {
  EXPECT_EQ(
      error_of("config = \"9a9w\""),
      "recipe:1: \"9a9w\" is no quant config; known are 8a8w, 8a4w, 16a8w, 16a4w, 16a4w_block, 16a16w, 16a2w, fp16a8w");
  EXPECT_THAT(error_of("\nconfg = \"8a8w\""),
              HasSubstr("recipe:2:1: unknown key \"confg\" in a recipe; did you mean config?"));
  EXPECT_THAT(error_of("[[rules]]\nconfig = \"8a8w\""), HasSubstr("a rule needs \"name\" or \"op\""));
  EXPECT_THAT(error_of("[[rules]]\nname = \"(\""), HasSubstr("recipe:2:"));
  EXPECT_THAT(error_of("granularity = \"per-row\""), HasSubstr("no granularity"));
  EXPECT_THAT(error_of("block = 0"), HasSubstr("must be an integer from 1"));
  EXPECT_THAT(error_of("block = []"), HasSubstr("block"));
  EXPECT_THAT(error_of("symmetric = 1"), HasSubstr("must be true or false"));
  EXPECT_THAT(error_of("[[rules]]\nop = []\n"), HasSubstr("\"op\" is empty"));
  EXPECT_THAT(error_of("rules = 3"), HasSubstr("must be a list of tables"));
}

TEST(Annotate, WhatMakesNoSenseIsRefused) {
  EXPECT_THAT(error_of("", {"gpu", "SM8750", "latest", ""}), HasSubstr("takes graphs in float"));
  EXPECT_THAT(error_of("", {"dsp", "SM8750", "latest", ""}), HasSubstr("it has no rows, as htp and lpai have"));
  EXPECT_THAT(error_of("", {}, kRuns + "kws_dscnn.u8s8_pc.onnx"), HasSubstr("models are annotated in float"));
  EXPECT_THAT(error_of("", {}, kRuns + "no.onnx"), HasSubstr("no.onnx"));
}

TEST(Annotate, AProgramChoosesByNode) {
  AnnotateOptions options;
  options.choose = [](std::string_view, std::string_view op) -> std::optional<QuantRequest> {
    if (op == "Gemm") return QuantRequest{"16a8w", "per-tensor", {}, false};
    if (op == "Softmax") return QuantRequest{"", "", {}, true};
    return std::nullopt;
  };
  const auto model = annotated("", options);
  EXPECT_EQ(node(*model, "Gemm").config, "16a8w");
  EXPECT_EQ(node(*model, "Gemm").granularity, "per-tensor");
  EXPECT_EQ(node(*model, "Gemm").decided_by, "choose");
  EXPECT_EQ(node(*model, "Softmax").choice, "discarded");
  EXPECT_EQ(node(*model, "Conv").config, "8a8w");
  std::string error;
  options.choose = [](std::string_view, std::string_view) { return std::optional(QuantRequest{"no", "", {}, false}); };
  EXPECT_EQ(annotate_file(kModel, {}, kTables, options, &error), nullptr);
  EXPECT_THAT(error, HasSubstr("\"no\" is no quant config"));
}

TEST(Annotate, WhatIsWrittenReadsBackAsTheSame) {
  for (const char* config : {"8a8w", "16a4w_block", "16a16w", "fp16a8w"}) {
    const auto model = annotated(std::string("config = \"") + config + "\"");
    auto graph = read_graph(model->text, "again.sgraph.json");
    ASSERT_TRUE(graph) << graph.error().message();
    EXPECT_EQ(write_graph(*graph), model->text) << config;
    std::string error;
    const auto checker = Checker::create({}, kTables, &error);
    const CheckedFile again = checker->check_bytes(model->text, "again.sgraph.json");
    EXPECT_EQ(again.verdict, CheckVerdict::kAccepted) << config;
    EXPECT_EQ(again.nodes.size(), model->gate.nodes.size());
  }
}

TEST(Annotate, ATargetThatTakesNoBlocksGetsChannels) {
  const auto model = annotated("config = \"16a4w_block\"", {}, {"htp", "SM8350", "latest", "executorch"});
  for (const AnnotatedNode& n : model->nodes) EXPECT_FALSE(n.op == "Conv" && n.granularity == "per-block") << n.name;
  EXPECT_EQ(node(*model, "Conv", 2).granularity, "per-channel");
  EXPECT_THAT(node(*model, "Conv", 2).note, HasSubstr("V69"));
}

TEST(Rows, OnlyTheBackendThatIsAskedForIsRead) {
  auto database = Database::open(kTables.database);
  ASSERT_TRUE(database);
  ASSERT_TRUE(AnnotationRows::load(*database, "lpai", Frontend::kOnnx));
  EXPECT_EQ(database->documents_read(), std::vector<std::string>{"annotate-lpai"});
  EXPECT_FALSE(AnnotationRows::load(*database, "gpu", Frontend::kOnnx));
  EXPECT_EQ(database->documents_read().size(), 1U);
}

TEST(QuantConfigs, ExactRanges) {
  auto database = Database::open(kTables.database);
  ASSERT_TRUE(database);
  const auto configs = QuantConfigs::load(*database);
  ASSERT_TRUE(configs) << configs.error().message();
  struct Row {
    const char* name;
    DType activation, weight;
    std::optional<int64_t> low, high;
  };
  for (const Row& row :
       {Row{"8a8w", DType::kUfixed8, DType::kSfixed8, -127, 127}, Row{"8a4w", DType::kUfixed8, DType::kSfixed8, -7, 7},
        Row{"16a8w", DType::kUfixed16, DType::kSfixed8, -127, 127},
        Row{"16a16w", DType::kUfixed16, DType::kSfixed16, -32767, 32767},
        Row{"16a2w", DType::kUfixed16, DType::kSfixed8, -2, 1}}) {
    const QuantConfig* config = configs.value().find(row.name);
    ASSERT_NE(config, nullptr) << row.name;
    const Spec activation = activation_spec(*config, Granularity::kPerTensor, false);
    EXPECT_EQ(backend_dtype(activation), row.activation) << row.name;
    const Spec weight = weight_spec(*config, Granularity::kPerChannel, 1, {});
    EXPECT_EQ(backend_dtype(weight), row.weight) << row.name;
    EXPECT_EQ(weight.qmin, row.low) << row.name;
    EXPECT_EQ(weight.qmax, row.high) << row.name;
    EXPECT_EQ(weight.axis, 1);
    // Symmetric activations have their zero in the middle, also of 16 bits.
    const Spec symmetric = activation_spec(*config, Granularity::kPerTensor, true);
    EXPECT_EQ(symmetric_zero_point(symmetric), row.activation == DType::kUfixed8 ? 128 : 32768) << row.name;
  }
  EXPECT_TRUE(configs.value().find("fp16a8w")->in_float());
  EXPECT_EQ(configs.value().find("use_8a8w"), nullptr);
}

}  // namespace
}  // namespace snapgauge
