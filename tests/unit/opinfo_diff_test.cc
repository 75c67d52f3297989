// What differs between two versions of a table: by content, never by order.
#include <gmock/gmock.h>

#include "opinfo/diff.h"
#include "opinfo_fixture.h"

namespace snapgauge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const DTypeSet kU8 = dtype_bit(DType::kUfixed8), kU16 = dtype_bit(DType::kUfixed16), kF16 = dtype_bit(DType::kFloat16);

VariantRow variant(const char* config, std::vector<DTypeSet> columns, Strength strength = Strength::kBinding) {
  return {config, std::move(columns), {"page", "2.25.0"}, strength};
}

ConstraintRow constraint(std::vector<std::string> configs, const char* port, const char* kind, const char* body,
                         Strength strength = Strength::kBinding) {
  return {std::move(configs), port, kind, body, {"page", "2.25.0"}, "", strength};
}

/// Two labels, two columns, three predicates.
OpRow table() {
  OpRow op;
  op.name = "Op";
  op.joint = true;
  op.columns = {"in[0]", "out[0]"};
  op.variants = {variant("INT8", {kU8, kU8}), variant("INT16", {kU16, kU16})};
  op.constraints = {constraint({}, "in[0]", "rank", R"({"max":4})"),
                    constraint({"INT16"}, "in[0]", "symmetric", R"({"when":{"bits":[16]}})"),
                    constraint({}, "in[0]", "dtype_allowed", R"({"dtypes":["UFIXED_POINT_8","UFIXED_POINT_16"]})")};
  return op;
}

OpDiff compare(const OpRow& before, const OpRow& after) { return compare_op("Op", &before, &after); }

/// "-rank{..}", "+rank{..}" or "rank{..} INT8 > rank{..}"; a question mark: doubtful.
std::vector<std::string> text(const std::vector<RowDiff<ConstraintRow>>& diffs) {
  const auto words = [](const ConstraintRow& row) {
    std::string out = row.kind + row.body + (row.strength == Strength::kDoubtful ? "?" : "");
    for (const std::string& label : row.configs) out += " " + label;
    return out;
  };
  std::vector<std::string> out;
  for (const auto& d : diffs)
    out.push_back(!d.before  ? "+" + words(*d.after)
                  : !d.after ? "-" + words(*d.before)
                             : words(*d.before) + " > " + words(*d.after));
  return out;
}

TEST(OpinfoDiff, OrderAndSourceAreNoDifference) {
  OpRow other = table();
  other.columns = {"out[0]", "in[0]"};
  std::reverse(other.variants.begin(), other.variants.end());
  std::reverse(other.constraints.begin(), other.constraints.end());
  other.constraints[0].body = R"({"dtypes":["UFIXED_POINT_16","UFIXED_POINT_8"]})";
  other.constraints[1].source = {"overlay", "2.40.0"};
  EXPECT_FALSE(compare(table(), other).differs());
}

TEST(OpinfoDiff, OneRowForAllLabelsIsOneForEach) {
  OpRow other = table();
  other.constraints[0].configs = {"INT8"};
  other.constraints.push_back(constraint({"INT16"}, "in[0]", "rank", R"({"max":4})"));
  EXPECT_FALSE(compare(table(), other).differs());
  EXPECT_FALSE(compare(other, table()).differs());
}

TEST(OpinfoDiff, ANewLabelLeavesTheOthersAlone) {
  OpRow before = table(), after = table();
  before.constraints[0].configs = after.constraints[0].configs = {"INT16", "INT8"};
  after.variants.push_back(variant("FP16", {kF16, kF16}));
  const OpDiff diff = compare(before, after);
  EXPECT_THAT(text(diff.constraints), IsEmpty());
  ASSERT_EQ(diff.variants.size(), 1U);
  EXPECT_FALSE(diff.variants[0].before);
  EXPECT_EQ(diff.variants[0].after->config, "FP16");
}

TEST(OpinfoDiff, ChangedPredicatesShowBothSides) {
  OpRow other = table();
  other.constraints[0].body = R"({"max":5})";
  other.constraints[1].strength = Strength::kDoubtful;
  EXPECT_THAT(text(compare(table(), other).constraints),
              ElementsAre(R"(rank{"max":4} > rank{"max":5})",
                          R"(symmetric{"when":{"bits":[16]}} INT16 > symmetric{"when":{"bits":[16]}}? INT16)"));
}

TEST(OpinfoDiff, TheSameOfOtherLabelsIsAChange) {
  OpRow other = table();
  other.constraints[1].configs = {"INT8"};
  EXPECT_THAT(text(compare(table(), other).constraints),
              ElementsAre(R"(symmetric{"when":{"bits":[16]}} INT16 > symmetric{"when":{"bits":[16]}} INT8)"));
}

TEST(OpinfoDiff, OnlyTheLabelsThatDifferAreShown) {
  OpRow other = table();
  other.constraints[0].configs = {"INT16"};
  other.constraints.push_back(constraint({"INT8"}, "in[0]", "rank", R"({"max":5})"));
  other.constraints.back().source = {"overlay", "2.40.0"};
  const OpDiff diff = compare(table(), other);
  EXPECT_THAT(text(diff.constraints), ElementsAre(R"(rank{"max":4} INT8 > rank{"max":5} INT8)"));
  EXPECT_EQ(diff.constraints[0].after->source.document, "overlay");
}

TEST(OpinfoDiff, APredicateOfOnePipelineIsAChange) {
  OpRow other = table();
  other.constraints[0].pipeline = "executorch";
  const OpDiff diff = compare(table(), other);
  ASSERT_EQ(diff.constraints.size(), 1U);
  EXPECT_EQ(diff.constraints[0].before->pipeline, "");
  EXPECT_EQ(diff.constraints[0].after->pipeline, "executorch");
}

TEST(OpinfoDiff, OtherConditionsAreOtherPredicates) {
  OpRow other = table();
  other.constraints[1].body = R"({"when":{"bits":[8]}})";
  EXPECT_THAT(text(compare(table(), other).constraints),
              ElementsAre(R"(-symmetric{"when":{"bits":[16]}} INT16)", R"(+symmetric{"when":{"bits":[8]}} INT16)"));
}

TEST(OpinfoDiff, WhatBecameWhichIsNotGuessed) {
  OpRow before = table(), after = table();
  before.constraints.push_back(constraint({}, "in[0]", "rank", R"({"min":1})"));
  after.constraints[0].body = R"({"max":5})";
  after.constraints.push_back(constraint({}, "in[0]", "rank", R"({"min":2})"));
  EXPECT_EQ(text(compare(before, after).constraints).size(), 4U);
}

TEST(OpinfoDiff, CombinationsAreComparedWhole) {
  OpRow other = table();
  other.variants[0].columns = {kU8, kU16};
  other.variants[1].strength = Strength::kDoubtful;
  const OpDiff diff = compare(table(), other);
  ASSERT_EQ(diff.variants.size(), 3U);
  EXPECT_TRUE(diff.variants[0].before && diff.variants[0].after);  // INT16, now doubtful
  EXPECT_TRUE(diff.variants[1].before && !diff.variants[1].after);
  EXPECT_TRUE(!diff.variants[2].before && diff.variants[2].after);
}

TEST(OpinfoDiff, RowsPerPortAreComparedByLabel) {
  OpRow before = table(), after = table();
  before.joint = after.joint = false;
  after.variants[0].columns[0] |= kF16;
  const OpDiff diff = compare(before, after);
  ASSERT_EQ(diff.variants.size(), 1U);
  EXPECT_EQ(diff.variants[0].before->columns[0], kU8);
  EXPECT_EQ(diff.variants[0].after->columns[0], kU8 | kF16);
}

TEST(OpinfoDiff, AnotherFormIsComparedByWhatItAllows) {
  OpRow per_port = table();
  per_port.joint = false;
  per_port.variants = {variant("All", {kU8 | kF16, kU8 | kU16})};
  const OpDiff diff = compare(per_port, table());  // takes INT8's combination, not INT16's
  ASSERT_EQ(diff.variants.size(), 1U);
  EXPECT_EQ(diff.variants[0].after->config, "INT16");
  ASSERT_EQ(diff.datatypes.size(), 1U);
  EXPECT_EQ(diff.datatypes[0].column, "in[0]");
  EXPECT_EQ(diff.datatypes[0].removed, kF16);
  EXPECT_TRUE(diff.unlisted);  // such as FLOAT_16 to UFIXED_POINT_16
  const OpDiff back = compare(table(), per_port);
  ASSERT_EQ(back.variants.size(), 1U);
  EXPECT_EQ(back.variants[0].before->config, "INT16");
  EXPECT_EQ(back.datatypes[0].added, kF16);
}

TEST(OpinfoDiff, AnotherFormOfTheSameIsNoDifference) {
  OpRow per_port = table();
  per_port.joint = false;  // one datatype per port: each row is one combination
  EXPECT_FALSE(compare(per_port, table()).differs());
  EXPECT_FALSE(compare(table(), per_port).differs());
}

TEST(OpinfoDiff, OpsComeAndGo) {
  const OpRow op = table();
  const OpDiff added = compare_op("Op", nullptr, &op), removed = compare_op("Op", &op, nullptr);
  EXPECT_TRUE(added.differs() && added.known_after && !added.known_before);
  EXPECT_TRUE(removed.differs() && removed.known_before && !removed.known_after);
  EXPECT_EQ(added.variant_count, 2U);
  EXPECT_EQ(removed.constraint_count, 3U);
}

class OpinfoDiffTables : public OpinfoTest {
 protected:
  Result<Database> make() const {
    write("src/2.25.0/htp.json",
          R"({"format":1,"backend":"HTP","sdk_version":"2.25.0","dtype_rows":"joint","ops":{
             "Zeta":{"columns":["in[0]"],"variants":[{"config":"A","dtypes":{"in[0]":"INT_32"}}],
                     "constraints":[{"config":["All"],"port":"in[0]","kind":"rank","max":4}]},
             "Alpha":{"columns":["in[0]"],"variants":[{"config":"A","dtypes":{"in[0]":"INT_32"}}],
                      "constraints":[]}}})");
    write("src/overlays/o.json",
          R"({"format":"opinfo-overlay/1","defaults":{"backends":["htp"],
             "source":{"document":"overlay","sdk":"2.30.0"},"dtype_rows":"joint","columns":["in[0]"]},
             "rows":[{"ops":["Zeta"],"since":"2.30.0","until":"2.40.0",
                      "constraints":[{"port":"in[0]","kind":"rank","max":5}]},
                     {"ops":["Alpha"],"since":"2.30.0","pipeline":"executorch",
                      "constraints":[{"port":"in[0]","kind":"static"}]},
                     {"ops":["Mid"],"since":"2.35.0","until":"2.40.0",
                      "variants":[{"config":"A","dtypes":{"in[0]":"INT_32"}}]}]})");
    return build("src");
  }
  /// Names of the ops that differ, with the number of rows that do.
  static std::vector<std::string> ops(const Database& db, SdkVersion before, SdkVersion after,
                                      const char* pipeline = "") {
    const auto diff = compare_tables(db, "htp", pipeline, before, after);
    EXPECT_TRUE(diff);
    std::vector<std::string> out;
    if (!diff) return out;
    for (const OpDiff& op : diff.value().ops) out.push_back(op.op + std::to_string(op.constraints.size()));
    return out;
  }
};

TEST_F(OpinfoDiffTables, FollowsIntervalsAndPipelines) {
  const auto db = make();
  ASSERT_TRUE(db) << db.error().message();
  const SdkVersion page = sdk("2.25.0"), middle = sdk("2.35.0"), end = sdk("2.40.0");
  EXPECT_THAT(ops(db.value(), page, page), IsEmpty());
  EXPECT_THAT(ops(db.value(), page, sdk("2.29")), IsEmpty());
  EXPECT_THAT(ops(db.value(), page, middle), ElementsAre("Mid0", "Zeta1"));
  EXPECT_THAT(ops(db.value(), middle, end), ElementsAre("Mid0", "Zeta1"));
  EXPECT_THAT(ops(db.value(), page, end), IsEmpty());
  EXPECT_THAT(ops(db.value(), page, end, "executorch"), ElementsAre("Alpha1"));
  const auto diff = compare_tables(db.value(), "htp", "", middle, end);
  EXPECT_THAT(diff.value().before, ElementsAre("Alpha", "Mid", "Zeta"));
  EXPECT_THAT(diff.value().after, ElementsAre("Alpha", "Zeta"));
  EXPECT_THAT(text(diff.value().ops[1].constraints), ElementsAre(R"(rank{"max":5} > rank{"max":4})"));
  EXPECT_EQ(diff.value().ops[1].constraints[0].before->source.document.substr(0, 7), "overlay");
}

}  // namespace
}  // namespace snapgauge
