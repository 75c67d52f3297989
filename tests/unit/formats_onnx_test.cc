#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/write.h"
#include "formats/onnx/reader.h"
#include "formats/registry.h"
#include "unit/onnx_writer.h"

namespace snapgauge {
namespace {

using namespace onnx_test;  // NOLINT: the writer's vocabulary
using onnx_test::Node;

std::span<const std::byte> as_bytes(const std::string& s) { return std::as_bytes(std::span(s.data(), s.size())); }

struct Read {
  std::string bytes;  // the graph points into it
  Graph graph;

  explicit Read(const onnx_test::Model& m) : bytes(m.bytes()) {
    auto r = read_onnx_bytes(as_bytes(bytes), "m.onnx");
    EXPECT_TRUE(r.ok()) << (r.ok() ? "" : r.error().message());
    if (r) graph = std::move(*r);
    EXPECT_EQ(verify(graph), "");
  }
  const snapgauge::Node& node(std::string_view name) const {
    for (const auto& n : graph.nodes)
      if (graph.text(n.name) == name) return n;
    ADD_FAILURE() << "no node " << name;
    return graph.nodes.at(0);
  }
  const Value& value(std::string_view name) const {
    for (const Value& v : graph.values)
      if (graph.text(v.name) == name) return v;
    ADD_FAILURE() << "no value " << name;
    return graph.values.at(0);
  }
  const Use& use(std::string_view node_name, size_t i) const { return graph.uses_of(node(node_name))[i]; }
  std::string_view reads(std::string_view node_name, size_t i) const {
    return graph.text(graph.value(use(node_name, i).value).name);
  }
  const Spec* spec(SpecRef r) const { return r.kind == SpecRef::Kind::kConcrete ? &graph.specs[r.index] : nullptr; }
  const Spec* edge(std::string_view node_name, size_t i) const { return spec(use(node_name, i).spec); }
  const Spec* output(std::string_view name) const { return spec(value(name).spec); }
  std::vector<int64_t> shape(std::string_view name) const {
    const auto s = graph.shape(value(name));
    return value(name).rank < 0 ? std::vector<int64_t>{-99} : std::vector<int64_t>(s.begin(), s.end());
  }
};

std::string zero(std::string_view name, int32_t type, std::vector<uint8_t> data, Dims dims = {}) {
  return tensor(name, type, dims, raw(data));
}

/// x -> Q -> DQ -> Relu -> y, with one scale and zero point for both.
onnx_test::Model pair_model(const std::string& zero_point, const std::string& domain = "") {
  onnx_test::Model m;
  m.input("x", kFloat, {1, 4}).floats("s", {}, {0.5F}).initializer(zero_point);
  m.node(Node("QuantizeLinear", {"x", "s", "z"}, {"xq"}, "q", domain));
  m.node(Node("DequantizeLinear", {"xq", "s", "z"}, {"xd"}, "dq", domain));
  m.node(Node("Relu", {"xd"}, {"y"}, "relu")).output("y", kFloat, {1, 4});
  return m;
}

TEST(OnnxReader, FoldsAPairIntoValueAndEdge) {
  const Read r(pair_model(zero("z", kU8, {3})));
  EXPECT_EQ(r.graph.frontend, Frontend::kOnnx);
  EXPECT_EQ(r.graph.opset, 21);
  EXPECT_EQ(r.graph.model, "g");
  EXPECT_EQ(r.node("q").kind, NodeKind::kFolded);
  EXPECT_EQ(r.node("dq").kind, NodeKind::kFolded);
  EXPECT_EQ(r.reads("relu", 0), "x");
  EXPECT_TRUE(r.use("relu", 0).annotated);
  EXPECT_FALSE(r.use("relu", 0).repeats);
  EXPECT_TRUE(r.node("relu").annotated);
  const Spec* s = r.output("x");
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s, r.edge("relu", 0));
  EXPECT_EQ(s->storage, DType::kUint8);
  EXPECT_EQ(s->scheme, Scheme::kPerTensorAffine);
  EXPECT_EQ(s->scales, std::vector<double>{0.5});
  EXPECT_EQ(s->zero_points, std::vector<int64_t>{3});
  EXPECT_FALSE(s->qmin || s->qmax || s->axis);
  // The folded node leads to its value and its own parameters.
  EXPECT_EQ(r.reads("dq", 0), "x");
  EXPECT_EQ(r.use("dq", 0).spec, r.use("relu", 0).spec);
  EXPECT_TRUE(r.graph.findings.empty());
}

TEST(OnnxReader, ReadsEveryStorageType) {
  struct Case {
    int32_t type;
    std::vector<uint8_t> zero;
    DType storage;
    Scheme scheme;
    int64_t value;
  };
  const Case cases[] = {
      {kU8, {0}, DType::kUint8, Scheme::kPerTensorAffine, 0},
      {kI8, {0}, DType::kInt8, Scheme::kPerTensorSymmetric, 0},
      {kI8, {0xFF}, DType::kInt8, Scheme::kPerTensorAffine, -1},
      {kU16, {0, 0x80}, DType::kUint16, Scheme::kPerTensorAffine, 32768},
      {kI16, {0, 0}, DType::kInt16, Scheme::kPerTensorSymmetric, 0},
      {kU4, {7}, DType::kUint4, Scheme::kPerTensorAffine, 7},
      {kI4, {0}, DType::kInt4, Scheme::kPerTensorSymmetric, 0},
  };
  for (const Case& c : cases) {
    for (const std::string domain : {"", "ai.onnx", "com.microsoft"}) {
      const Read r(pair_model(zero("z", c.type, c.zero), domain));
      const Spec* s = r.output("x");
      ASSERT_NE(s, nullptr);
      EXPECT_EQ(s->storage, c.storage);
      EXPECT_EQ(s->scheme, c.scheme);
      EXPECT_EQ(s->zero_points, std::vector<int64_t>{c.value});
      EXPECT_EQ(r.reads("relu", 0), "x");
    }
  }
  const Read f8(pair_model(zero("z", kF8, {0})));
  EXPECT_EQ(f8.output("x")->storage, DType::kFloat8);
}

TEST(OnnxReader, WithoutAZeroPointTheTypeIsStatedOrUint8) {
  for (const int64_t type : {0, static_cast<int>(kI16)}) {
    onnx_test::Model m;
    m.input("x", kFloat, {4}).floats("s", {}, {0.5F});
    Node q("QuantizeLinear", {"x", "s"}, {"xq"}, "q");
    if (type != 0) q.integer("output_dtype", type);
    m.node(q).node(Node("DequantizeLinear", {"xq", "s", ""}, {"y"}, "dq")).output("y", kFloat, {4});
    const Read r(m);
    EXPECT_EQ(r.output("x")->storage, type == 0 ? DType::kUint8 : DType::kInt16);
    EXPECT_EQ(r.output("x")->zero_points, std::vector<int64_t>{0});
    EXPECT_EQ(r.edge("y", 0), r.output("x"));  // the graph output reads the value itself
    EXPECT_EQ(r.reads("y", 0), "x");
  }
}

onnx_test::Model weight_model(Node dq, const std::string& weight, const std::string& scale) {
  onnx_test::Model m;
  m.input("x", kFloat, {1, 4}).initializer(weight).initializer(scale);
  m.node(dq).node(Node("MatMul", {"x", "wd"}, {"y"}, "mm")).output("y", kFloat, {1, 2});
  return m;
}

TEST(OnnxReader, StoredWeightsHaveTheirSpecOnTheEdge) {
  const Read r(weight_model(Node("DequantizeLinear", {"w", "s"}, {"wd"}, "dq").integer("axis", -1),
                            tensor("w", kI8, {4, 2}, "abcdefgh"), tensor("s", kFloat, {2}, raw<float>({1, 2}))));
  EXPECT_EQ(r.value("w").dtype, DType::kInt8);
  EXPECT_EQ(r.node("w").kind, NodeKind::kConstant);
  EXPECT_EQ(r.output("w"), nullptr);
  EXPECT_EQ(constant_integers(r.graph, r.value("w").constant)->at(0), 'a');
  const Spec* s = r.edge("mm", 1);
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->scheme, Scheme::kPerChannelSymmetric);
  EXPECT_EQ(s->axis, -1);
  EXPECT_EQ(s->scales, (std::vector<double>{1, 2}));
  EXPECT_EQ(s->zero_points, (std::vector<int64_t>{0, 0}));
  EXPECT_TRUE(s->block.empty());
}

TEST(OnnxReader, BlocksAndScaleForms) {
  const auto w = tensor("w", kI4, {4, 2}, "abcd");
  const Node plain("DequantizeLinear", {"w", "s"}, {"wd"}, "dq");
  const Read blocks(weight_model(Node(plain).integer("axis", 0).integer("block_size", 2), w,
                                 tensor("s", kFloat, {2, 2}, raw<float>({1, 2, 3, 4}))));
  const Spec* s = blocks.edge("mm", 1);
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->block, std::vector<int64_t>{2});
  EXPECT_EQ(s->axis, 0);
  EXPECT_EQ(s->storage, DType::kInt4);
  EXPECT_EQ(s->scheme, Scheme::kPerChannelSymmetric);
  EXPECT_EQ(s->scales.size(), 4U);
  // One scale in a list is one scale; the default axis is 1; any number of scales is kept.
  const Read one(weight_model(plain, w, tensor("s", kFloat, {1}, raw<float>({1}))));
  EXPECT_EQ(one.edge("mm", 1)->scheme, Scheme::kPerTensorSymmetric);
  const Read three(weight_model(plain, w, tensor("s", kFloat, {3}, raw<float>({NAN, 0, -1}))));
  EXPECT_EQ(three.edge("mm", 1)->axis, 1);
  ASSERT_EQ(three.edge("mm", 1)->scales.size(), 3U);
  EXPECT_TRUE(std::isnan(three.edge("mm", 1)->scales[0]));
}

TEST(OnnxReader, TwoLevelBlockScales) {
  onnx_test::Model m;
  m.input("x", kFloat, {1, 4}).initializer(tensor("w", kI4, {4, 2}, "abcd"));
  m.initializer(tensor("steps", kU8, {2, 2}, raw<uint8_t>({1, 2, 3, 4}))).floats("per", {2}, {0.5F, 10});
  m.node(Node("DequantizeLinear", {"steps", "per"}, {"s"}, "inner").integer("axis", 1));
  m.node(Node("DequantizeLinear", {"w", "s"}, {"wd"}, "dq").integer("axis", 0).integer("block_size", 2));
  m.node(Node("MatMul", {"x", "wd"}, {"y"}, "mm")).output("y", kFloat, {1, 2});
  const Read r(m);
  const Spec* s = r.edge("mm", 1);
  ASSERT_NE(s, nullptr);
  EXPECT_TRUE(s->two_level);
  EXPECT_FALSE(s->computed_scale);
  EXPECT_EQ(s->scales, (std::vector<double>{0.5, 20, 1.5, 40}));
}

TEST(OnnxReader, ComputedScales) {
  onnx_test::Model m;
  m.input("x", kFloat, {4});
  m.node(Node("DynamicQuantizeLinear", {"x"}, {"xq", "s", "z"}, "dyn"));
  m.node(Node("DequantizeLinear", {"xq", "s", "z"}, {"xd"}, "dq"));
  m.node(Node("Relu", {"xd"}, {"y"}, "relu")).output("y", kFloat, {4});
  const Read r(m);
  EXPECT_EQ(r.node("dyn").kind, NodeKind::kCall);
  EXPECT_EQ(r.reads("relu", 0), "xq");
  const Spec* s = r.edge("relu", 0);
  ASSERT_NE(s, nullptr);
  EXPECT_TRUE(s->computed_scale && s->dynamic && s->scales.empty());
  EXPECT_EQ(s->scheme, Scheme::kPerTensorAffine);
}

TEST(OnnxReader, ChainsAndSeveralQuantizes) {
  onnx_test::Model m;
  m.input("x", kFloat, {4}).floats("s1", {}, {1}).floats("s2", {}, {2}).initializer(zero("z", kU8, {0}));
  m.initializer(zero("z16", kU16, {0, 0}));
  m.node(Node("QuantizeLinear", {"x", "s1", "z"}, {"a"}, "q1"));
  m.node(Node("DequantizeLinear", {"a", "s1", "z"}, {"b"}, "d1"));
  m.node(Node("QuantizeLinear", {"b", "s2", "z16"}, {"c"}, "q2"));
  m.node(Node("DequantizeLinear", {"c", "s2", "z16"}, {"d"}, "d2"));
  m.node(Node("QuantizeLinear", {"x", "s2", "z"}, {"e"}, "q3"));
  m.node(Node("DequantizeLinear", {"e", "s2", "z"}, {"f"}, "d3"));
  m.node(Node("Add", {"b", "d"}, {"g"}, "add")).node(Node("Add", {"f", "x"}, {"y"}, "add2")).output("y", kFloat, {4});
  const Read r(m);
  EXPECT_EQ(r.output("x")->scales[0], 1);  // the first Quantize
  EXPECT_EQ(r.edge("add", 0)->scales[0], 1);
  EXPECT_FALSE(r.use("add", 0).repeats);
  EXPECT_EQ(r.reads("add", 1), "x");
  EXPECT_TRUE(r.use("add", 1).repeats);
  EXPECT_TRUE(r.edge("add", 1)->double_quantized);
  EXPECT_EQ(r.edge("add", 1)->storage, DType::kUint16);
  EXPECT_EQ(r.edge("add2", 0)->scales[0], 2);
  EXPECT_FALSE(r.edge("add2", 0)->double_quantized);
  // A reader beside the Quantize reads floats, and says so.
  EXPECT_TRUE(r.use("add2", 1).annotated);
  EXPECT_EQ(r.edge("add2", 1), nullptr);
}

TEST(OnnxReader, DequantizeOfAFloatTensorStaysANode) {
  onnx_test::Model m;
  m.input("x", kFloat, {4}).floats("s", {}, {1}).initializer(zero("z", kU8, {0}));
  m.node(Node("Relu", {"x"}, {"r"}, "r")).node(Node("DequantizeLinear", {"r", "s", "z"}, {"d"}, "dq"));
  m.node(Node("Relu", {"d"}, {"y"}, "relu")).output("y", kFloat, {4});
  const Read r(m);
  EXPECT_EQ(r.node("dq").kind, NodeKind::kCall);
  EXPECT_EQ(r.reads("relu", 0), "d");
  ASSERT_NE(r.edge("relu", 0), nullptr);
  EXPECT_EQ(r.output("r"), nullptr);
}

TEST(OnnxReader, QuantizeReadByAnOpStaysANode) {
  onnx_test::Model m = pair_model(zero("z", kU8, {0}));
  m.node(Node("Neg", {"xq"}, {"n"}, "neg")).output("n", kU8, {1, 4});
  const Read r(m);
  EXPECT_EQ(r.node("q").kind, NodeKind::kCall);
  EXPECT_EQ(r.reads("neg", 0), "xq");
  ASSERT_NE(r.output("xq"), nullptr);
  EXPECT_EQ(r.value("xq").dtype, DType::kUint8);
  EXPECT_EQ(r.reads("relu", 0), "x");  // the pair beside it is folded all the same
  EXPECT_NE(r.edge("relu", 0), nullptr);
}

TEST(OnnxReader, IntegerGraphInputsAndOutputs) {
  onnx_test::Model m;
  m.input("x", kU8, {4}).floats("s", {}, {1});
  m.node(Node("DequantizeLinear", {"x", "s"}, {"d"}, "dq")).node(Node("Relu", {"d"}, {"r"}, "relu"));
  m.node(Node("QuantizeLinear", {"r", "s"}, {"y"}, "q")).output("y", kU8, {4});
  const Read r(m);
  EXPECT_EQ(r.value("x").dtype, DType::kUint8);
  ASSERT_NE(r.output("x"), nullptr);
  EXPECT_EQ(r.reads("relu", 0), "x");
  EXPECT_EQ(r.node("q").kind, NodeKind::kFolded);
  ASSERT_NE(r.output("r"), nullptr);
  const auto& out = r.graph.nodes.back();
  EXPECT_EQ(out.kind, NodeKind::kOutput);
  EXPECT_EQ(r.graph.text(r.graph.value(r.graph.uses_of(out)[0].value).name), "r");
  EXPECT_EQ(r.graph.text(Symbol{r.graph.find_named(out, "dtype")->arg.index}), "UINT_8");
}

TEST(OnnxReader, FloatWeightsThroughAPairAndIdentityOnScales) {
  onnx_test::Model m;
  m.input("x", kFloat, {1, 2}).floats("w", {2, 1}, {1, 2}).floats("s0", {}, {0.25F});
  m.node(Node("Identity", {"s0"}, {"s"}, "id"));
  m.node(Node("QuantizeLinear", {"w", "s"}, {"q"}, "q")).node(Node("DequantizeLinear", {"q", "s"}, {"d"}, "dq"));
  m.node(Node("MatMul", {"x", "d"}, {"y"}, "mm")).output("y", kFloat, {1, 1});
  const Read r(m);
  EXPECT_EQ(r.reads("mm", 1), "w");
  EXPECT_EQ(r.edge("mm", 1)->scales[0], 0.25);
  EXPECT_EQ(r.output("w"), r.edge("mm", 1));
}

TEST(OnnxReader, ConstantsArgumentsAndNames) {
  onnx_test::Model m;
  m.input("x", kFloat, {1, 2, 4, 4});
  m.node(Node("Constant", {}, {"c"}, "c").tensor("value", tensor("", kI64, {2}, raw<int64_t>({1, -1}))));
  m.node(Node("Constant", {}, {"ci"}).integers("value_ints", {4, 8}));
  m.node(Node("Constant", {}, {"cf"}).real("value_float", 2.5F));
  m.node(Node("Clip", {"x", "", "cf"}, {"a"}, "same").real("r", 1.5F).text("t", "hi").integers("l", {1, 2}));
  m.node(Node("Clip", {"a", "", "cf"}, {"b"}, "same").graph("body", "\x0a\xff"));
  m.node(Node("Reshape", {"b", "ci"}, {"d"}));
  m.node(Node("Gelu", {"d"}, {"y"}, "", "com.microsoft").reals("f", {1, 2})).output("y", kFloat, {4, 8});
  const Read r(m);
  EXPECT_EQ(r.node("c").kind, NodeKind::kConstant);
  EXPECT_EQ(*constant_integers(r.graph, r.value("c").constant), (std::vector<int64_t>{1, -1}));
  EXPECT_EQ(*constant_integers(r.graph, r.value("ci").constant), (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(constant_reals(r.graph, r.value("cf").constant)->at(0), 2.5);
  const auto& clip = r.node("same");
  ASSERT_EQ(r.graph.args_of(clip).size(), 3U);
  EXPECT_EQ(r.graph.args_of(clip)[1].kind, Arg::Kind::kNone);
  EXPECT_EQ(clip.uses.count, 2U);
  EXPECT_EQ(r.graph.find_named(clip, "r")->arg.real, 1.5);
  EXPECT_EQ(r.graph.find_named(clip, "l")->arg.list.count, 2U);
  EXPECT_EQ(r.graph.text(Symbol{r.graph.find_named(r.node("same#2"), "body")->arg.index}), "<graph>");
  EXPECT_EQ(r.shape("d"), (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(r.graph.text(r.node("Gelu_6").op), "com.microsoft.Gelu");
}

TEST(OnnxReader, TypedFields) {
  std::string s, z;
  protozero::pbf_writer ws(s), wz(z);
  ws.add_int64(1, 2);  // not packed
  ws.add_int32(2, kFloat);
  const float scales[] = {1, 2};
  ws.add_packed_float(4, std::begin(scales), std::end(scales));
  ws.add_string(8, "s");
  wz.add_int64(1, 2);
  wz.add_int32(2, kI8);
  wz.add_int32(5, -1);
  wz.add_int32(5, 3);
  wz.add_string(8, "z");
  onnx_test::Model m;
  m.input("x", kFloat, {1, 4}).initializer(tensor("w", kI8, {4, 2}, "abcdefgh")).initializer(s).initializer(z);
  m.node(Node("DequantizeLinear", {"w", "s", "z"}, {"wd"}, "dq"));
  m.node(Node("MatMul", {"x", "wd"}, {"y"}, "mm")).output("y", kFloat, {1, 2});
  const Read r(m);
  EXPECT_EQ(r.edge("mm", 1)->zero_points, (std::vector<int64_t>{-1, 3}));
  EXPECT_EQ(r.edge("mm", 1)->scheme, Scheme::kPerChannelAffine);
}

TEST(OnnxReader, DefectsBecomeFindings) {
  onnx_test::Model m;
  m.input("x", kFloat, {4});
  m.node(Node("Relu", {"x"}, {"y"}, "a")).node(Node("Neg", {"x"}, {"y"}, "b"));
  m.node(Node("Add", {"y", "gone"}, {"z"}, "add")).output("z", kFloat, {4});
  const Read r(m);
  ASSERT_EQ(r.graph.findings.size(), 2U);
  EXPECT_EQ(r.graph.findings[0].code, 2);
  EXPECT_EQ(r.graph.findings[0].node, "b");
  EXPECT_EQ(r.graph.findings[1].code, 5);
  EXPECT_EQ(r.graph.text(r.graph.node(r.graph.value(r.use("add", 0).value).producer).name), "a");
}

TEST(OnnxReader, CirclesAndUndefinedParametersAreHarmless) {
  onnx_test::Model m;
  m.floats("s", {}, {1});
  m.node(Node("DequantizeLinear", {"q", "s"}, {"d"}, "dq")).node(Node("QuantizeLinear", {"d", "s"}, {"q"}, "q"));
  m.node(Node("Relu", {"d"}, {"y"}, "relu")).node(Node("QuantizeLinear", {"y", "gone"}, {"o"}, "q2"));
  m.output("o", kU8, {});
  const Read r(m);
  EXPECT_EQ(r.node("q2").kind, NodeKind::kCall);
  EXPECT_EQ(r.graph.findings.size(), 2U);  // the circle, and the parameter that is not defined
}

TEST(OnnxReader, FoldsAShapeToNoElements) {
  onnx_test::Model m;
  m.input("x", kFloat, {1, 4}).initializer(tensor("one", kI64, {1}, raw<int64_t>({1})));
  m.node(Node("Shape", {"x"}, {"sh"})).node(Node("Slice", {"sh", "one", "one"}, {"s"})).output("s", kI64, {0});
  const Read r(m);
  const ConstantId data = r.value("s").constant;
  ASSERT_TRUE(data.valid());
  EXPECT_EQ(r.graph.constants[data.index].count, 0U);
}

TEST(OnnxReader, InfersShapes) {
  onnx_test::Model m;
  m.input("x", kFloat, {-1, 3, 8, 8}).floats("w", {6, 3, 3, 3}, std::vector<float>(162));
  m.node(Node("Conv", {"x", "w"}, {"c"}).integers("strides", {2, 2}).integers("pads", {1, 1, 1, 1}));
  m.node(Node("MaxPool", {"c"}, {"p"}).integers("kernel_shape", {2, 2}).integers("strides", {2, 2}));
  m.node(Node("Flatten", {"p"}, {"f"})).node(Node("Shape", {"p"}, {"sh"}));
  m.initializer(tensor("i", kI64, {1}, raw<int64_t>({0}))).initializer(tensor("m1", kI64, {1}, raw<int64_t>({-1})));
  m.initializer(tensor("i1", kI64, {1}, raw<int64_t>({1})));
  m.node(Node("Gather", {"sh", "i1"}, {"g"})).node(Node("Concat", {"g", "m1"}, {"t"}).integer("axis", 0));
  m.node(Node("Reshape", {"p", "t"}, {"r"})).node(Node("Transpose", {"r"}, {"tr"}).integers("perm", {1, 0}));
  m.node(Node("ReduceMean", {"c", "m1"}, {"rm"})).node(Node("Equal", {"c", "rm"}, {"eq"}));
  m.node(Node("TopK", {"c", "i1"}, {"tv", "ti"})).node(Node("DepthToSpace", {"c"}, {"bad"}).integer("blocksize", -3));
  m.node(Node("Unknown", {"c"}, {"u"})).output("tr", kFloat, {-1, -1});
  const Read r(m);
  EXPECT_EQ(r.shape("c"), (std::vector<int64_t>{-1, 6, 4, 4}));
  EXPECT_EQ(r.shape("p"), (std::vector<int64_t>{-1, 6, 2, 2}));
  EXPECT_EQ(r.shape("f"), (std::vector<int64_t>{-1, 24}));
  EXPECT_EQ(r.shape("sh"), std::vector<int64_t>{4});
  EXPECT_EQ(r.shape("r"), (std::vector<int64_t>{6, -1}));
  EXPECT_EQ(r.shape("tr"), (std::vector<int64_t>{-1, 6}));
  EXPECT_EQ(r.shape("rm"), (std::vector<int64_t>{-1, 6, 4, 1}));
  EXPECT_EQ(r.value("eq").dtype, DType::kBool8);
  EXPECT_EQ(r.shape("ti"), (std::vector<int64_t>{-1, 6, 4, 1}));
  EXPECT_EQ(r.value("bad").rank, -1);
  EXPECT_EQ(r.value("u").rank, -1);
}

std::string error_of(const std::string& bytes) {
  const auto r = read_onnx_bytes(as_bytes(bytes), "m.onnx");
  return r.ok() ? std::string() : r.error().message();
}

TEST(OnnxReader, BadBytesAreOneError) {
  const std::string good = pair_model(zero("z", kU8, {3})).bytes();
  for (size_t n = 0; n < good.size(); ++n) {
    const std::string e = error_of(good.substr(0, n));
    EXPECT_TRUE(e.empty() || e.rfind("m.onnx: ", 0) == 0) << e;
  }
  EXPECT_NE(error_of(good.substr(0, good.size() / 2)).find("truncated"), std::string::npos);
  EXPECT_NE(error_of("").find("no graph"), std::string::npos);
  EXPECT_NE(error_of(good + good).find("two graphs"), std::string::npos);
  EXPECT_NE(error_of("{\"a\": 1}"), "");
  onnx_test::Model wrong;
  std::string node;
  protozero::pbf_writer(node).add_int64(4, 7);  // op_type as a number
  wrong.field(1, node);
  EXPECT_NE(error_of(wrong.bytes()).find("wire type"), std::string::npos);
}

TEST(OnnxReader, ContradictionsAndLimitsAreErrors) {
  EXPECT_NE(error_of(pair_model(zero("z", kU8, {1, 2})).bytes()).find("bytes of data"), std::string::npos);
  EXPECT_NE(error_of(pair_model(zero("z", kU8, {})).bytes()).find("has no data"), std::string::npos);
  EXPECT_NE(error_of(onnx_test::Model().initializer(tensor("w", kU8, Dims(65, 1), "a")).bytes()).find("rank"),
            std::string::npos);
  EXPECT_NE(error_of(onnx_test::Model().initializer(tensor("w", kU8, Dims(5, 1 << 20), "")).bytes()).find("elements"),
            std::string::npos);
  EXPECT_NE(error_of(onnx_test::Model().initializer(tensor("w", kU8, {-2}, "")).bytes()).find("negative"),
            std::string::npos);
}

class OnnxExternalData : public ::testing::Test {
 protected:
  OnnxExternalData() {
    std::string name = (std::filesystem::temp_directory_path() / "snapgauge-onnx.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~OnnxExternalData() override { std::filesystem::remove_all(folder_); }

  Result<Graph> read(const std::string& scale, const std::string& weight) {
    onnx_test::Model m = weight_model(Node("DequantizeLinear", {"w", "s"}, {"wd"}, "dq"), weight, scale);
    const std::string path = folder_ + "/m.onnx";
    EXPECT_TRUE(write_file(path, m.bytes()).ok());
    auto loaded = load_graph(path);
    if (!loaded) return loaded.error();
    return std::move(loaded).value().graph;
  }
  static std::string scale(const std::string& location, const std::string& offset = "4") {
    return external_tensor("s", kFloat, {2}, {{"location", location}, {"offset", offset}, {"length", "8"}});
  }
  const std::string weight_ = tensor("w", kI8, {4, 2}, "abcdefgh");
  std::string folder_;
};

TEST_F(OnnxExternalData, IsMappedFromTheModelsFolder) {
  ASSERT_TRUE(write_file(folder_ + "/m.data", raw<float>({9, 1, 2})).ok());
  const auto g = read(scale("m.data"), weight_);
  ASSERT_TRUE(g.ok()) << g.error().message();
  EXPECT_EQ(g.value().specs.at(0).scales, (std::vector<double>{1, 2}));
  const auto beyond = read(scale("m.data", "8"), weight_);
  ASSERT_FALSE(beyond.ok());
  EXPECT_NE(beyond.error().text.find("outside"), std::string::npos);
  EXPECT_FALSE(read(scale("m.data", "-1"), weight_).ok());
}

TEST_F(OnnxExternalData, MissingMattersOnlyForParameters) {
  const auto absent = read(scale("m.data"), weight_);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kIo);
  const auto g =
      read(tensor("s", kFloat, {2}, raw<float>({1, 2})), external_tensor("w", kI8, {4, 2}, {{"location", "m.data"}}));
  ASSERT_TRUE(g.ok()) << g.error().message();
}

TEST_F(OnnxExternalData, MustNotLeaveTheFolder) {
  for (const char* location : {"../m.data", "/etc/passwd", "a/../../b", "", "C:\\x", "..\\x"}) {
    const auto g = read(scale(location), weight_);
    ASSERT_FALSE(g.ok()) << location;
    EXPECT_NE(g.error().text.find("outside the model's folder"), std::string::npos);
  }
}

TEST(OnnxReader, IsRecognizedByContent) {
  const std::string good = pair_model(zero("z", kU8, {3})).bytes();
  EXPECT_TRUE(looks_like_onnx(as_bytes(good)));
  EXPECT_TRUE(looks_like_onnx(as_bytes(good.substr(0, good.size() / 2))));
  for (const std::string other : {"", "{\"a\":1}", "PK\x03\x04zzzz", "\x1c", "TFL3TFL3", "\x08\x0a"})
    EXPECT_FALSE(looks_like_onnx(as_bytes(other))) << other;
}

}  // namespace
}  // namespace snapgauge
