// The tables of the source tree, as a user of the program meets them.
#include "opinfo_fixture.h"

namespace snapgauge {
namespace {

const SdkVersion kPages = {2, 25, 0};

class OpinfoShipped : public OpinfoTest {
 protected:
  static void SetUpTestSuite() {
    file_ = testing::TempDir() + "opinfo_shipped_" + std::to_string(::getpid()) + ".db";
    auto opened = shipped(file_);
    ASSERT_TRUE(opened) << opened.error().message();
    db_.emplace(std::move(opened).value());
  }
  static void TearDownTestSuite() {
    db_.reset();
    std::filesystem::remove(file_);
  }
  static inline std::string file_;
  static inline std::optional<Database> db_;
};

TEST_F(OpinfoShipped, TwoBuildsGiveTheSameBytes) {
  ASSERT_TRUE(shipped(path("again.db")));
  const std::string first = read(file_);
  EXPECT_GT(first.size(), 500000U);
  EXPECT_EQ(first, read(path("again.db")));
}

TEST_F(OpinfoShipped, ListsBackendsAndOps) {
  EXPECT_EQ(db_->backends().value(), (std::vector<std::string>{"cpu", "dsp", "gpu", "hta", "htp", "lpai"}));
  EXPECT_EQ(db_->ops("htp", kPages).value().size(), 121U);
  EXPECT_EQ(db_->ops("lpai", kPages).value().size(), 46U);
  EXPECT_EQ(db_->ops("htp", sdk("2.13.0")).value().size(), 112U);
  EXPECT_EQ(db_->ops("lpai", kLatestSdk).value().size(), 52U);
  EXPECT_TRUE(db_->ops("lpai", sdk("2.13.0")).value().empty());
  EXPECT_TRUE(db_->ops("htp", sdk("2.10.0")).value().empty());
  EXPECT_TRUE(db_->ops("npu", kLatestSdk).value().empty());
}

TEST_F(OpinfoShipped, JointRowsHaveOneDatatypePerColumn) {
  const OpRow conv = op_of(*db_, "htp", kPages, "Conv2d");
  EXPECT_TRUE(conv.joint);
  EXPECT_EQ(conv.columns, (std::vector<std::string>{"in[0]", "in[1]", "in[2]", "out[0]"}));
  ASSERT_EQ(conv.variants.size(), 19U);
  EXPECT_EQ(conv.variants[1].config, "FP16");
  EXPECT_EQ(conv.variants[1].columns[1], dtype_bit(DType::kSfixed8));
  EXPECT_EQ(conv.variants[1].source.document, "HTP op definition, Conv2d, datatypes FP16");
  EXPECT_EQ(conv.variants[1].source.sdk, "2.25.0");
}

TEST_F(OpinfoShipped, SplitPagesBecomeOneBackend) {
  const OpRow conv = op_of(*db_, "htp", sdk("2.13.0"), "Conv2d");
  EXPECT_FALSE(conv.joint);
  ASSERT_EQ(conv.variants.size(), 2U);
  EXPECT_EQ(conv.variants[0].config, "FIXED");
  EXPECT_EQ(conv.variants[1].config, "FP16");
  for (const ConstraintRow& c : conv.constraints) EXPECT_EQ(c.configs.size(), 1U) << c.body;
  const OpRow concat = op_of(*db_, "htp", sdk("2.20"), "Concat");
  EXPECT_EQ(concat.columns, (std::vector<std::string>{"in[0..m]", "out[0]"}));
  EXPECT_EQ(concat.variadic, std::vector<std::string>{"in[0..m]"});
  EXPECT_EQ(rows_of(concat, "in[0..m]", "rank").size(), 2U);
}

TEST_F(OpinfoShipped, ReadAsReplacesTheRepeatedColumn) {
  const OpRow concat = op_of(*db_, "cpu", kPages, "Concat");
  EXPECT_EQ(concat.columns, (std::vector<std::string>{"in[0..m]", "out[0]"}));
  EXPECT_EQ(concat.variants[0].columns[0],
            dtype_bit(DType::kFloat32) | dtype_bit(DType::kInt32) | dtype_bit(DType::kUint32));
  EXPECT_EQ(concat.variants[1].columns[0], dtype_bit(DType::kUfixed8));
}

TEST_F(OpinfoShipped, BlockwiseArchFollowsTheVersion) {
  const auto arch = [](const char* op, const char* version) {
    std::string out;
    for (const ConstraintRow& c : rows_of(op_of(*db_, "htp", sdk(version), op), "in[1]", "min_arch"))
      if (c.body.find("BLOCKWISE") != std::string::npos)
        out += c.body.substr(9, 3) + (c.strength == Strength::kDoubtful ? "?" : "");
    return out;
  };
  EXPECT_EQ(arch("Conv2d", "2.25.0"), "V79");
  EXPECT_EQ(arch("Conv2d", "2.30.0"), "V69");
  EXPECT_EQ(arch("Conv2d", "latest"), "V69");
  EXPECT_EQ(arch("MatMul", "latest"), "V69");
  EXPECT_EQ(arch("Conv3d", "2.25.0"), "");
  EXPECT_EQ(arch("Conv3d", "latest"), "V69");
  EXPECT_EQ(arch("FullyConnected", "2.47"), "V69");
  EXPECT_EQ(arch("FullyConnected", "latest"), "V69?");
}

TEST_F(OpinfoShipped, DoubtfulArchRowsSupersedeThePage) {
  for (const char* op : {"FullyConnected", "LayerNorm", "MatMul"}) {
    int binding = 0, doubtful = 0;
    for (const ConstraintRow& c : rows_of(op_of(*db_, "htp", kLatestSdk, op), "in[1]", "min_arch"))
      if (c.body.find("V73") != std::string::npos) ++(c.strength == Strength::kBinding ? binding : doubtful);
    const bool matmul = std::string_view(op) == "MatMul";
    EXPECT_EQ(binding, matmul ? 1 : 0) << op;
    EXPECT_EQ(doubtful, matmul ? 0 : 1) << op;
  }
}

TEST_F(OpinfoShipped, BlockwiseIsForbiddenWhereThePageIsSilent) {
  for (const char* op : {"TransposeConv2d", "TransposeConv3d", "DepthWiseConv2d"})
    EXPECT_EQ(rows_of(op_of(*db_, "htp", kLatestSdk, op), "in[1]", "encoding_forbidden").size(), 1U) << op;
  EXPECT_TRUE(rows_of(op_of(*db_, "htp", kLatestSdk, "Conv3d"), "in[1]", "encoding_forbidden").empty());
}

TEST_F(OpinfoShipped, PageReadingsHoldFromThePagesVersion) {
  for (const char* version : {"2.13.0", "2.25.0", "latest"}) {
    const auto tanh = rows_of(op_of(*db_, "htp", sdk(version), "Tanh"), "out[0]", "fixed_scale_offset");
    ASSERT_EQ(tanh.size(), 2U) << version;
    for (const ConstraintRow& c : tanh) EXPECT_EQ(c.body.find("\"offset\":32768"), std::string::npos) << version;
    EXPECT_NE(tanh[1].body.find("\"offset\":-32768"), std::string::npos) << version;
    for (const char* op : {"Conv2d", "DepthWiseConv2d", "TransposeConv2d"})
      EXPECT_TRUE(rows_of(op_of(*db_, "htp", sdk(version), op), "in[2]", "fixed_scale_offset").empty()) << version;
  }
}

TEST_F(OpinfoShipped, PipelineRowsBindOnlyTheirPipeline) {
  const auto fixed = [](const char* pipeline, SdkVersion version) {
    return rows_of(op_of(*db_, "htp", version, "Sigmoid", pipeline), "out[0]", "fixed_scale_offset").size();
  };
  EXPECT_EQ(fixed("", kLatestSdk), 2U);
  EXPECT_EQ(fixed("ort-qnn", kLatestSdk), 2U);
  EXPECT_EQ(fixed("executorch", kLatestSdk), 3U);
  EXPECT_EQ(fixed("executorch", kPages), 2U);
  for (const char* op : {"Reshape", "Transpose", "Tile", "DepthToSpace", "SpaceToDepth", "ChannelShuffle"}) {
    const auto equal = [&](const char* pipeline) {
      return rows_of(op_of(*db_, "htp", kLatestSdk, op, pipeline), "out[0]", "equal_quantization").size();
    };
    EXPECT_EQ(equal("executorch"), 1U) << op;
    EXPECT_EQ(equal("ort-qnn"), 0U) << op;
  }
  const auto neuron =
      rows_of(op_of(*db_, "htp", kLatestSdk, "ElementWiseNeuron", "executorch"), "out[0]", "fixed_scale_offset");
  ASSERT_EQ(neuron.size(), 2U);
  EXPECT_EQ(neuron[0].pipeline, "executorch");
  EXPECT_NE(neuron[0].body.find("HARD_SIGMOID"), std::string::npos);
  EXPECT_EQ(rows_of(op_of(*db_, "htp", kLatestSdk, "Gather"), "out[0]", "equal_quantization").size(), 2U);
}

TEST_F(OpinfoShipped, AConstraintAloneDoesNotMakeAnOp) {
  EXPECT_FALSE(has_op(*db_, "lpai", kLatestSdk, "SpaceToDepth"));
}

TEST_F(OpinfoShipped, UpstreamsOpsComeWithLaterVersions) {
  for (const char* op : {"HadamardTransform", "RandomUniformLike", "RandomNormalLike", "IsInf", "IsNan"}) {
    EXPECT_FALSE(has_op(*db_, "htp", kPages, op)) << op;
    EXPECT_TRUE(has_op(*db_, "htp", kLatestSdk, op)) << op;
    EXPECT_TRUE(op_of(*db_, "htp", kLatestSdk, op).joint) << op;
  }
  EXPECT_EQ(op_of(*db_, "htp", kLatestSdk, "Cast").variants.size(),
            op_of(*db_, "htp", kPages, "Cast").variants.size() + 2);
  const OpRow asin = op_of(*db_, "htp", kLatestSdk, "ElementWiseAsin");
  ASSERT_EQ(asin.variants.size(), 5U);
  EXPECT_EQ(asin.variants[2].strength, Strength::kBinding);
  EXPECT_EQ(asin.variants[4].strength, Strength::kDoubtful);
}

TEST_F(OpinfoShipped, ANewerRankNarrowsOnlyItsLabels) {
  const auto ranks = rows_of(op_of(*db_, "htp", kLatestSdk, "Sigmoid"), "out[0]", "rank");
  ASSERT_EQ(ranks.size(), 2U);
  EXPECT_EQ(ranks[0].configs, (std::vector<std::string>{"INT16", "INT8"}));
  EXPECT_EQ(ranks[1].configs, std::vector<std::string>{"FP16"});
  EXPECT_EQ(ranks[1].body, "{\"max\":5}");
  const auto pack = rows_of(op_of(*db_, "htp", kLatestSdk, "Pack"), "out[0]", "rank");
  ASSERT_EQ(pack.size(), 1U);
  EXPECT_EQ(pack[0].body, "{\"max\":5}");
}

TEST_F(OpinfoShipped, LpaiGrowsWith239) {
  const auto bias = [](const char* version) {
    const OpRow op = op_of(*db_, "lpai", sdk(version), "Conv2d");
    return op.variants.size() == 1 && contains(op.variants[0].columns[2], DType::kSfixed32);
  };
  EXPECT_FALSE(bias("2.38.0"));
  EXPECT_TRUE(bias("2.39.0"));
  EXPECT_TRUE(has_op(*db_, "lpai", kLatestSdk, "LayerNorm"));
  EXPECT_FALSE(has_op(*db_, "lpai", kPages, "LayerNorm"));
  EXPECT_FALSE(op_of(*db_, "lpai", kLatestSdk, "LayerNorm").joint);
}

TEST_F(OpinfoShipped, UnresolvedShowsEveryRow) {
  const OpRow tanh = op_of(*db_, "htp", kPages, "Tanh", "", false);
  const auto rows = rows_of(tanh, "out[0]", "fixed_scale_offset");
  EXPECT_EQ(rows.size(), 7U);  // two of each page, a reading of each, one of the pipeline
  const auto bias = rows_of(op_of(*db_, "htp", kPages, "Conv2d", "", false), "in[2]", "fixed_scale_offset");
  ASSERT_EQ(bias.size(), 4U);
  EXPECT_EQ(bias[3].body.rfind("{\"removes\":true,", 0), 0U);
}

TEST_F(OpinfoShipped, MasterHasPortsAndConstraints) {
  const auto conv = db_->master(kLatestSdk, "Conv2d");
  ASSERT_TRUE(conv && conv.value());
  EXPECT_EQ(conv.value()->inputs.size(), 3U);
  EXPECT_TRUE(conv.value()->inputs[0].mandatory);
  EXPECT_FALSE(conv.value()->inputs[2].mandatory);
  EXPECT_EQ(conv.value()->params[0].name, "stride");
  EXPECT_EQ(conv.value()->constraints.size(), 2U);
  EXPECT_EQ(conv.value()->constraints[0].source.document, "Master op definition, Conv2d, stride");
  EXPECT_TRUE(db_->master(kLatestSdk, "Concat").value()->inputs[0].variadic);
  EXPECT_FALSE(db_->master(sdk("2.10.0"), "Conv2d").value());
  EXPECT_FALSE(db_->master(kLatestSdk, "Conv9d").value());
}

}  // namespace
}  // namespace snapgauge
