// Tables given at run time: directories, single files, normalized constraints.
#include "opinfo_fixture.h"

namespace snapgauge {
namespace {

constexpr const char* kNormalized = R"({"note":"made up","ops":{
  "Conv2d":[
    {"inputs":[{"dtype":"QNN_DATATYPE_UFIXED_POINT_8","constraints":[{"encodings":["QNN_QUANTIZATION_ENCODING_SCALE_OFFSET"]}],"onward":false},
               {"dtype":"QNN_DATATYPE_SFIXED_POINT_8","constraints":[
                  {"encodings":["QNN_QUANTIZATION_ENCODING_SCALE_OFFSET"],"symmetric":true},
                  {"encodings":["QNN_QUANTIZATION_ENCODING_AXIS_SCALE_OFFSET"],
                   "symmetric":false,"axis":[0]}],"onward":false}],
     "outputs":[{"dtype":"QNN_DATATYPE_UFIXED_POINT_8","constraints":[],"onward":false}]},
    {"inputs":[{"dtype":"QNN_DATATYPE_UNDEFINED","constraints":[]}],"outputs":[]}],
  "Concat":[{"inputs":[{"dtype":"QNN_DATATYPE_UFIXED_POINT_8","constraints":[],"onward":true}],
             "outputs":[{"dtype":"QNN_DATATYPE_UFIXED_POINT_8","constraints":[
                {"encodings":["QNN_QUANTIZATION_ENCODING_SCALE_OFFSET"],"math_invariant":true}]}]}],
  "Sigmoid":[{"inputs":[],"outputs":[{"dtype":"QNN_DATATYPE_UFIXED_POINT_16","constraints":[
                {"encodings":["QNN_QUANTIZATION_ENCODING_SCALE_OFFSET"],"scale":1.52587890625e-05,"offset":0,"axis":[0,1]}]}]}]}})";

class OpinfoImport : public OpinfoTest {
 protected:
  void SetUp() override {
    OpinfoTest::SetUp();
    write("rules/opmap/a.json", R"({"format":"op-map/1","frontend":"aten","ops":{"relu":{}}})");
    write("rules/targets/soc-table.json", "{}");
    const Status s = build_database(std::string(SNAPGAUGE_SOURCE_DIR) + "/opinfo", path("rules"), path("base.db"));
    ASSERT_TRUE(s) << s.error().message();
    auto opened = Database::open(path("base.db"));
    ASSERT_TRUE(opened);
    base_.emplace(std::move(opened).value());
  }
  std::optional<Database> base_;
};

TEST_F(OpinfoImport, NormalizedVariantsBecomeJointRows) {
  const auto db = Database::from_directory(write("constraints.json", kNormalized), *base_);
  ASSERT_TRUE(db) << db.error().message();
  const OpRow conv = op_of(db.value(), "htp", kLatestSdk, "Conv2d");
  EXPECT_TRUE(conv.joint);
  EXPECT_EQ(conv.columns, (std::vector<std::string>{"in[0]", "in[1]", "out[0]"}));
  ASSERT_EQ(conv.variants.size(), 2U);
  EXPECT_EQ(conv.variants[0].config, "v0");
  EXPECT_EQ(conv.variants[0].columns[1], dtype_bit(DType::kSfixed8));
  EXPECT_EQ(conv.variants[1].columns, (std::vector<DTypeSet>{0, 0, 0}));
  EXPECT_EQ(conv.variants[0].source.document, "constraints.json, Conv2d, variant v0");
}

TEST_F(OpinfoImport, NormalizedPortsBecomePredicates) {
  const auto db = Database::from_directory(write("constraints.json", kNormalized), *base_);
  ASSERT_TRUE(db) << db.error().message();
  const OpRow conv = op_of(db.value(), "lpai", sdk("1.0"), "Conv2d");
  const auto body = [&conv](const char* port, const char* kind) {
    std::string out;
    for (const ConstraintRow& c : rows_of(conv, port, kind)) {
      EXPECT_EQ(c.configs, std::vector<std::string>{"v0"});
      out += c.body;
    }
    return out;
  };
  EXPECT_EQ(body("in[0]", "encoding_allowed"), R"({"encoding":["SCALE_OFFSET"]})");
  EXPECT_EQ(body("in[1]", "encoding_allowed"), R"({"encoding":["SCALE_OFFSET","AXIS_SCALE_OFFSET"]})");
  EXPECT_EQ(body("in[1]", "symmetric"), R"({"when":{"encoding":["SCALE_OFFSET"]}})");
  EXPECT_EQ(body("in[1]", "encoding_axis"), R"({"axis_index":0,"when":{"encoding":["AXIS_SCALE_OFFSET"]}})");
  EXPECT_EQ(body("out[0]", "encoding_allowed"), "");
  const OpRow concat = op_of(db.value(), "gpu", kLatestSdk, "Concat");
  EXPECT_EQ(concat.variadic, std::vector<std::string>{"in[0..m]"});
  EXPECT_EQ(rows_of(concat, "out[0]", "equal_quantization").at(0).body,
            R"({"when":{"encoding":["SCALE_OFFSET"]},"with":"in[0]"})");
  const OpRow sigmoid = op_of(db.value(), "htp", kLatestSdk, "Sigmoid");
  EXPECT_EQ(rows_of(sigmoid, "out[0]", "fixed_scale_offset").at(0).body,
            R"({"dtype":"UFIXED_POINT_16","offset":0,"scale":"1/65536","when":{"encoding":["SCALE_OFFSET"]}})");
  EXPECT_EQ(rows_of(sigmoid, "out[0]", "encoding_axis").at(0).body,
            R"({"in":[0,1],"when":{"encoding":["SCALE_OFFSET"]}})");
}

TEST_F(OpinfoImport, TheRestComesFromTheBase) {
  const auto db = Database::from_directory(write("constraints.json", kNormalized), *base_);
  ASSERT_TRUE(db);
  EXPECT_EQ(db.value().backends().value(), base_->backends().value());
  EXPECT_EQ(db.value().ops("htp", kLatestSdk).value().size(), 3U);
  EXPECT_FALSE(has_op(db.value(), "htp", kLatestSdk, "Relu"));
  EXPECT_TRUE(db.value().op_map("aten", "relu").value());
  EXPECT_EQ(db.value().document("soc-table").value(), "{}");
  EXPECT_TRUE(db.value().master(kLatestSdk, "Conv2d").value());
  EXPECT_TRUE(has_op(*base_, "htp", kLatestSdk, "Relu"));
}

TEST_F(OpinfoImport, ReadsDirectories) {
  const std::string source = std::string(SNAPGAUGE_SOURCE_DIR) + "/opinfo";
  const auto whole = Database::from_directory(source, *base_);
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole.value().ops("htp", kLatestSdk).value().size(), base_->ops("htp", kLatestSdk).value().size());
  const auto one = Database::from_directory(source + "/2.25.0", *base_);
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_EQ(one.value().backends().value().size(), 6U);
  EXPECT_FALSE(has_op(one.value(), "htp", kLatestSdk, "HadamardTransform"));
  const auto file = Database::from_directory(source + "/2.25.0/hta.json", *base_);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file.value().backends().value(), std::vector<std::string>{"hta"});
  EXPECT_TRUE(file.value().master(kLatestSdk, "Conv2d").value());
}

TEST_F(OpinfoImport, RefusesWhatIsNoTable) {
  std::filesystem::create_directories(path("empty"));
  EXPECT_FALSE(Database::from_directory(path("empty"), *base_));
  EXPECT_FALSE(Database::from_directory(path("missing"), *base_));
  const auto error = [this](const std::string& text) {
    return Database::from_directory(write("t.json", text), *base_).error().text;
  };
  EXPECT_EQ(error("{\"ops\":{\"Relu\":{}}}"), "ops.Relu: a list of variants is expected");
  EXPECT_EQ(error("{\"ops\":{\"Relu\":[{}]}}"), "ops.Relu[0]: key 'inputs' not found");
  EXPECT_EQ(error("{\"ops\":{\"Relu\":[{\"inputs\":[{\"dtype\":\"x\"}],\"outputs\":[]}]}}"),
            "ops.Relu[0]: unknown datatype 'x'");
  EXPECT_EQ(error("{\"ops\":[]}"), "no op-info table: an object 'ops' or a list 'rows' is expected");
}

}  // namespace
}  // namespace snapgauge
