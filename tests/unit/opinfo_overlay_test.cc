// Precedence, on tables made for it.
#include "opinfo_fixture.h"

namespace snapgauge {
namespace {

class OpinfoOverlay : public OpinfoTest {
 protected:
  /// A page with one op of three labels and the given constraints, and the overlay rows.
  Result<Database> make(const std::string& constraints, const std::string& rows) {
    write("src/2.25.0/htp.json",
          R"({"format":1,"backend":"HTP","sdk_version":"2.25.0","dtype_rows":"joint","ops":{"Op":{"columns":["in[0]"],
             "variants":[{"config":"A","dtypes":{"in[0]":"UFIXED_POINT_8"}},{"config":"B","dtypes":{"in[0]":"INT_32"}},
                         {"config":"C","dtypes":{"in[0]":"FLOAT_32"}}],"constraints":[)" +
              constraints + "]}}}");
    write("src/overlays/o.json",
          R"({"format":"opinfo-overlay/1","defaults":{"backends":["htp"],"ops":["Op"],"since":"2.30.0",
             "source":{"document":"overlay","sdk":"2.30.0"},"dtype_rows":"joint","columns":["in[0]"]},
             "rows":[)" +
              rows + "]}");
    return build("src");
  }
  static std::string text(const Database& db, SdkVersion version = kLatestSdk, const char* pipeline = "") {
    std::string out;
    for (const ConstraintRow& c : op_of(db, "htp", version, "Op", pipeline).constraints) {
      out += c.kind + c.body + (c.strength == Strength::kDoubtful ? "?" : "");
      for (const std::string& label : c.configs) out += " " + label;
      out += ";";
    }
    return out;
  }
};

TEST_F(OpinfoOverlay, TheNewestRowWins) {
  const auto db = make(R"({"config":["All"],"port":"in[0]","kind":"rank","max":4})",
                       R"({"constraints":[{"port":"in[0]","kind":"rank","max":5}]},
                          {"since":"2.40.0","until":"2.45.0","constraints":[{"port":"in[0]","kind":"rank","max":6}]})");
  ASSERT_TRUE(db) << db.error().message();
  EXPECT_EQ(text(db.value(), sdk("2.25.0")), "rank{\"max\":4};");
  EXPECT_EQ(text(db.value(), sdk("2.30.0")), "rank{\"max\":5};");
  EXPECT_EQ(text(db.value(), sdk("2.40.0")), "rank{\"max\":6};");
  EXPECT_EQ(text(db.value(), sdk("2.45.0")), "rank{\"max\":5};");
}

TEST_F(OpinfoOverlay, LabelsAreTakenOneByOne) {
  const auto db = make(R"({"config":["All"],"port":"in[0]","kind":"rank","max":4},
                          {"config":["A","B"],"port":"in[0]","kind":"static"})",
                       R"({"constraints":[{"config":["A"],"port":"in[0]","kind":"rank","max":5},
                                          {"config":["A","B"],"port":"in[0]","kind":"static",
                                           "or_static_chain":true}]})");
  ASSERT_TRUE(db) << db.error().message();
  EXPECT_EQ(text(db.value()), "rank{\"max\":4} B C;rank{\"max\":5} A;static{\"or_static_chain\":true} A B;");
}

TEST_F(OpinfoOverlay, OtherConditionsAndSelectorsAreOtherThings) {
  const auto db = make(
      R"({"config":["All"],"port":"in[0]","kind":"rank","max":4,"when":{"bits":[8]}},
         {"config":["All"],"port":"in[0]","kind":"fixed_scale_offset","dtype":"UFIXED_POINT_8","scale":"1/256",
          "offset":0})",
      R"({"constraints":[{"port":"in[0]","kind":"rank","max":5},
          {"port":"in[0]","kind":"fixed_scale_offset","dtype":"UFIXED_POINT_16","scale":"1/65536","offset":0}]})");
  ASSERT_TRUE(db);
  EXPECT_EQ(op_of(db.value(), "htp", kLatestSdk, "Op").constraints.size(), 4U);
}

TEST_F(OpinfoOverlay, DoubtNeedsToSaySoToSupersede) {
  const std::string page = R"({"config":["All"],"port":"in[0]","kind":"rank","max":4})";
  const auto beside = make(page, R"({"strength":"doubtful","constraints":[{"port":"in[0]","kind":"rank","max":5}]})");
  ASSERT_TRUE(beside);
  EXPECT_EQ(text(beside.value()), "rank{\"max\":4};rank{\"max\":5}?;");
  const auto instead = make(
      page, R"({"strength":"doubtful","effect":"supersedes","constraints":[{"port":"in[0]","kind":"rank","max":5}]})");
  ASSERT_TRUE(instead);
  EXPECT_EQ(text(instead.value()), "rank{\"max\":5}?;");
}

TEST_F(OpinfoOverlay, RemovalTakesRowsAway) {
  const auto db = make(R"({"config":["All"],"port":"in[0]","kind":"rank","max":4},
                          {"config":["A","B"],"port":"in[0]","kind":"static"})",
                       R"({"effect":"removes","constraints":[{"port":"in[0]","kind":"rank"},
                                                             {"config":["B"],"port":"in[0]","kind":"static"}]})");
  ASSERT_TRUE(db);
  EXPECT_EQ(text(db.value()), "static{} A;");
}

TEST_F(OpinfoOverlay, PipelineRowsStayWithTheirPipeline) {
  const auto db = make(R"({"config":["All"],"port":"in[0]","kind":"rank","max":4})",
                       R"({"pipeline":"p","constraints":[{"port":"in[0]","kind":"rank","max":3}]})");
  ASSERT_TRUE(db);
  EXPECT_EQ(text(db.value()), "rank{\"max\":4};");
  EXPECT_EQ(text(db.value(), kLatestSdk, "q"), "rank{\"max\":4};");
  EXPECT_EQ(text(db.value(), kLatestSdk, "p"), "rank{\"max\":3};");
}

TEST_F(OpinfoOverlay, JointRowsAddUp) {
  const auto db = make("", R"({"variants":[{"config":"A","dtypes":{"in[0]":"UFIXED_POINT_16"}},
                                           {"config":"B","dtypes":{"in[0]":"INT_32"}}]},
                              {"effect":"removes","variants":[{"config":"C","dtypes":{"in[0]":"FLOAT_32"}}]})");
  ASSERT_TRUE(db) << db.error().message();
  const OpRow op = op_of(db.value(), "htp", kLatestSdk, "Op");
  ASSERT_EQ(op.variants.size(), 3U);
  EXPECT_EQ(op.variants[0].source.sdk, "2.25.0");
  EXPECT_EQ(op.variants[1].columns[0], dtype_bit(DType::kUfixed16));
  EXPECT_EQ(op.variants[2].columns[0], dtype_bit(DType::kInt32));
  EXPECT_EQ(op.variants[2].source.sdk, "2.30.0");
  EXPECT_EQ(op_of(db.value(), "htp", sdk("2.25"), "Op").variants.size(), 3U);
}

}  // namespace
}  // namespace snapgauge
