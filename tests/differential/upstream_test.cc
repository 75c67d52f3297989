// Our verdicts against those that upstream's validator recorded on the same graphs and the same table.
// Every difference must have a known reason; docs/upstream-verdicts.md counts them.
#include "differential/upstream.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/write.h"
#include "differential/attribution.h"
#include "differential/document.h"

namespace snapgauge::differential {
namespace {

class UpstreamVerdicts : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / fmt::format("upstream_test_{}", ::getpid())).string();
    table_ = std::make_unique<SyntheticTable>(committed_data().verdicts + "/constraints.json", folder_);
    ASSERT_TRUE(table_->ready());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static void expect_explained(const Comparisons& all) {
    size_t shown = 0;
    for (const Comparison& row : all.rows)
      if (row.outcome == kUnexplained && ++shown <= 20)
        ADD_FAILURE() << fmt::format("{} {}: {}: {}", row.file, row.edit.empty() ? "as annotated" : row.edit, row.node,
                                     row.detail);
    EXPECT_EQ(shown, 0U);
  }

  /// What explains our verdict on `node` of a committed dump after one edit, given upstream's.
  int outcome(const std::string& file, const Json& edit, const Json& upstream) {
    const auto graph = read_dump(edited(read_json(committed_data().dumps + "/" + file), edit), file);
    Gauge* gauge = table_->gauge("htp", "SM8750");
    if (!graph || gauge == nullptr) return kSame;
    auto result = gauge->check(*graph);
    EXPECT_TRUE(result);
    return Attribution(*graph, *result, table_->ops()).explain(edit["node"].get<std::string>(), upstream).outcome;
  }

  std::string folder_;
  std::unique_ptr<SyntheticTable> table_;
};

Json spec(const char* dtype, int qmin, int qmax, const char* scheme, Json axis) {
  return {{"kind", "spec"},      {"dtype", dtype},
          {"quant_min", qmin},   {"quant_max", qmax},
          {"qscheme", scheme},   {"ch_axis", std::move(axis)},
          {"is_dynamic", false}, {"observer", {{"class", "Observer"}, {"kwargs", Json::object()}}}};
}

Json verdict(const char* op, bool valid, Json variant, Json messages = Json::array()) {
  return {{"qnn_op", op},         {"in", Json::array()},
          {"out", Json::array()}, {"variant", std::move(variant)},
          {"valid", valid},       {"messages", std::move(messages)}};
}

TEST_F(UpstreamVerdicts, CommittedDifferencesAreExplained) {
  const Comparisons all = compare(committed_data(), *table_);
  EXPECT_GE(all.rows.size(), 10000U);
  EXPECT_TRUE(all.without_dump.empty());
  expect_explained(all);
}

TEST_F(UpstreamVerdicts, AllDifferencesAreExplained) {
  const auto data = whole_data();
  if (!data) GTEST_SKIP() << "SNAPGAUGE_SHARED does not name the folder of the whole set";
  const Comparisons all = compare(*data, *table_);
  EXPECT_GE(all.rows.size(), 20000U);
  expect_explained(all);
  fmt::print("{}", counts_document(all));
}

TEST_F(UpstreamVerdicts, CountsInDocsAreCurrent) {
  const std::string path = SNAPGAUGE_SOURCE_DIR "/docs/upstream-verdicts.md";
  const std::string text = verdicts_document(compare(committed_data(), *table_));
  if (std::getenv("SNAPGAUGE_REGENERATE") != nullptr) {
    const Status written = write_file(path, text);
    ASSERT_TRUE(written) << written.error().message();
  }
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->text(), text) << "run this test with SNAPGAUGE_REGENERATE=1";
}

const char* const kFile = "kws_dscnn.htp.8a8w.json";

TEST_F(UpstreamVerdicts, WrongAxisIsWeakness11) {
  const Json edit = {
      {"node", "conv2d"}, {"edge", "stem_0_weight"}, {"spec", spec("int8", -127, 127, "per_channel_symmetric", 1)}};
  EXPECT_EQ(outcome(kFile, edit, verdict("Conv2d", true, 0)), 11);
}

TEST_F(UpstreamVerdicts, UnlistedEncodingIsWeakness10) {
  const Json edit = {{"node", "relu"}, {"edge", "output"}, {"spec", spec("uint8", 0, 255, "per_channel_affine", 1)}};
  EXPECT_EQ(outcome(kFile, edit, verdict("Relu", true, 0)), 10);
}

TEST_F(UpstreamVerdicts, AffineSchemeWithCentredZeroPointIsWeakness21) {
  Json centred = spec("int8", -128, 127, "per_tensor_affine", nullptr);
  centred["scale"] = 0.5;
  centred["zero_point"] = 0;
  const Json edit = {{"node", "conv2d"}, {"edge", "stem_0_weight"}, {"spec", centred}};
  const Json messages = {"Input node (stem_0_weight) of node (conv2d) failed to meet symmetric constraint"};
  EXPECT_EQ(outcome(kFile, edit, verdict("Conv2d", false, 0, messages)), 21);
}

TEST_F(UpstreamVerdicts, ADifferenceWithoutReasonStaysUnexplained) {
  const Json same = {
      {"node", "relu"}, {"edge", "output"}, {"spec", spec("uint8", 0, 255, "per_tensor_affine", nullptr)}};
  const Json messages = {"Node (relu) failed to meet symmetric constraint"};
  EXPECT_EQ(outcome(kFile, same, verdict("Relu", false, 0, messages)), kUnexplained);
  // A row for the datatypes exists, says upstream, and its port types are not ours.
  const Json signed_output = {
      {"node", "relu"}, {"edge", "output"}, {"spec", spec("int8", -128, 127, "per_tensor_affine", nullptr)}};
  EXPECT_EQ(outcome(kFile, signed_output, verdict("Relu", true, 0)), kUnexplained);
}

}  // namespace
}  // namespace snapgauge::differential
