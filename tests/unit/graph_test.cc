// The graph keeps what repeats once, and resolves names when it is finished.
#include "graph/graph.h"

#include <gtest/gtest.h>

#include "graph/builder.h"
#include "graph/sharing.h"

namespace snapgauge {
namespace {

const std::vector<int64_t> kImage{1, 8, 4, 4};

Spec activation(double scale) {
  Spec spec;
  spec.storage = DType::kUint8;
  spec.scheme = Scheme::kPerTensorAffine;
  spec.scales = {scale};
  spec.zero_points = {128};
  return spec;
}

/// A chain of named nodes; each reads the one before with an annotated edge.
class Chain {
 public:
  Chain() : builder_("chain", Frontend::kTorch) { add(NodeKind::kInput, "x", {}); }

  Chain& call(const std::string& name, SpecRef edge = {}, SpecRef output = {}) {
    return add(NodeKind::kCall, name, edge, output);
  }
  GraphBuilder& builder() { return builder_; }
  Graph finish() { return builder_.finish(); }

 private:
  Chain& add(NodeKind kind, const std::string& name, SpecRef edge, SpecRef output = {}) {
    builder_.begin_node(kind, name, kind == NodeKind::kInput ? "input" : "aten.relu.default");
    if (kind == NodeKind::kCall) {
      builder_.add_arg(builder_.make_use(last_, edge, edge.kind != SpecRef::Kind::kNone));
      const Arg sizes[] = {GraphBuilder::make_int(2), GraphBuilder::make_int(2)};
      builder_.add_arg(builder_.make_list(sizes));
      builder_.add_named("alpha", GraphBuilder::make_real(0.5));
    }
    builder_.set_output_spec(builder_.add_output(name, DType::kFloat32, kImage), output);
    last_ = name;
    return *this;
  }

  GraphBuilder builder_;
  std::string last_;
};

TEST(Graph, EqualShapesAndArgumentListsAreKeptOnce) {
  const Graph graph = Chain().call("a").call("b").call("c").finish();
  EXPECT_EQ(graph.dims.size(), kImage.size());
  EXPECT_EQ(graph.arguments.size(), 2U) << "that of the input, which has none, and that of the calls";
  EXPECT_EQ(graph.node(NodeId{1}).arguments, graph.node(NodeId{3}).arguments);
  EXPECT_EQ(verify(graph), "");
}

TEST(Graph, AnArgumentNamesItsNodesOwnEdge) {
  const Graph graph = Chain().call("a").call("b").finish();
  for (const uint32_t n : {1U, 2U}) {
    const Node& node = graph.node(NodeId{n});
    const auto args = graph.args_of(node);
    ASSERT_EQ(args.size(), 2U);
    const Use& use = graph.use(graph.use_of(node, args[0]));
    EXPECT_EQ(use.node, NodeId{n});
    EXPECT_EQ(graph.text(graph.value(use.value).name), n == 1 ? "x" : "a");
    EXPECT_EQ(graph.elements_of(args[1]).size(), 2U);
    ASSERT_NE(graph.find_named(node, "alpha"), nullptr);
    EXPECT_EQ(graph.find_named(node, "beta"), nullptr);
  }
}

TEST(Graph, ListsThatDifferInOneNumberAreTwo) {
  GraphBuilder builder("lists", Frontend::kTorch);
  for (const double alpha : {0.5, 0.25, 0.5, -0.0, 0.0}) {
    builder.begin_node(NodeKind::kCall, "n" + std::to_string(builder.graph().nodes.size()), "aten.elu.default");
    builder.add_arg(GraphBuilder::make_real(alpha));
    builder.add_output("v" + std::to_string(builder.graph().nodes.size()), DType::kFloat32, kImage);
  }
  const Graph graph = builder.finish();
  EXPECT_EQ(graph.arguments.size(), 4U);
  EXPECT_EQ(graph.args_of(graph.node(NodeId{2}))[0].real, 0.5);
}

TEST(Graph, EdgesOfSharedSpecsAreResolvedByName) {
  Chain chain;
  GraphBuilder& builder = chain.builder();
  const SpecRef own = builder.add_spec(activation(0.5));
  chain.call("a", own, builder.shared_edge("x", "a")).call("b", {}, builder.shared_edge("x", "nobody"));
  chain.call("c", {}, builder.shared_edge("nothing", "a"));
  const Graph graph = chain.finish();
  const Sharing sharing(graph);
  const PlaceId a = sharing.place(ValueId{graph.node(NodeId{1}).outputs.first});
  EXPECT_EQ(sharing.root(a), sharing.place(UseId{graph.node(NodeId{1}).uses.first}));
  EXPECT_EQ(sharing.spec_id(a).index, own.index);
  for (const auto& [node, missing] : {std::pair(2U, "nobody"), std::pair(3U, "nothing")}) {
    const SpecRef ref = graph.values[graph.node(NodeId{node}).outputs.first].spec;
    EXPECT_EQ(ref.kind, SpecRef::Kind::kDangling);
    EXPECT_EQ(graph.text(Symbol{ref.index}), missing);
  }
  EXPECT_EQ(sharing.problems().size(), 2U);
}

TEST(Graph, ASelectionBelongsToOneResult) {
  GraphBuilder builder("split", Frontend::kTorch);
  builder.begin_node(NodeKind::kInput, "x", "input");
  builder.add_output("x", DType::kFloat32, kImage);
  builder.begin_node(NodeKind::kCall, "parts", "aten.split.Tensor");
  builder.add_arg(builder.make_use("x"));
  builder.add_output("parts", DType::kFloat32, kImage);
  builder.add_output("parts#1", DType::kFloat32, kImage);
  builder.begin_node(NodeKind::kSelect, "second", "getitem");
  builder.add_arg(builder.make_use("parts"));
  builder.add_arg(GraphBuilder::make_int(1));
  const ValueId picked = builder.add_output("second", DType::kFloat32, kImage);
  const Graph graph = builder.finish();
  const uint32_t first = graph.node(NodeId{1}).outputs.first;
  EXPECT_FALSE(graph.values[first].selected);
  EXPECT_FALSE(graph.selected_as(ValueId{first}).valid());
  EXPECT_TRUE(graph.values[first + 1].selected);
  EXPECT_EQ(graph.selected_as(ValueId{first + 1}), picked);
}

TEST(Graph, WhatIsWrongWithNamesIsAFindingEach) {
  GraphBuilder builder("wrong", Frontend::kTorch);
  for (const char* name : {"a", "a"}) {
    builder.begin_node(NodeKind::kCall, name, "aten.relu.default");
    builder.add_arg(builder.make_use("nowhere"));
    builder.add_output(name, DType::kFloat32, kImage);
  }
  const Graph graph = builder.finish();
  std::vector<RuleCode> codes;
  for (const Finding& f : graph.findings) codes.push_back(f.code);
  EXPECT_EQ(codes, (std::vector<RuleCode>{2, 5, 5}));
}

TEST(Sharing, EqualAttributesOfOneProducerShareAndOthersDoNot) {
  Chain chain;
  GraphBuilder& builder = chain.builder();
  const SpecRef half = builder.add_spec(activation(0.5)), third = builder.add_spec(activation(0.3));
  chain.call("a", half, half).call("b", half, third).call("c", half);
  const Graph graph = chain.finish();
  const Sharing sharing(graph);
  const auto output = [&](uint32_t n) { return sharing.place(ValueId{graph.node(NodeId{n}).outputs.first}); };
  const auto input = [&](uint32_t n) { return sharing.place(UseId{graph.node(NodeId{n}).uses.first}); };
  EXPECT_EQ(sharing.group(output(1)), sharing.group(input(2)));
  EXPECT_NE(sharing.group(output(2)), sharing.group(input(3))) << "the tensor is quantized again on this edge";
  EXPECT_EQ(sharing.spec(output(3)), nullptr);
}

TEST(Staticness, FollowsWhatIsComputedFromConstants) {
  GraphBuilder builder("static", Frontend::kTorch);
  for (const auto& [kind, name] : {std::pair(NodeKind::kInput, "x"), std::pair(NodeKind::kConstant, "w")}) {
    builder.begin_node(kind, name, name);
    builder.add_output(name, DType::kFloat32, kImage);
  }
  for (const char* from : {"x", "w"}) {
    builder.begin_node(NodeKind::kCall, std::string("of_") + from, "aten.relu.default");
    builder.add_arg(builder.make_use(from));
    builder.add_output(std::string("of_") + from, DType::kFloat32, kImage);
  }
  EXPECT_EQ(staticness(builder.finish()), (std::vector<Staticness>{Staticness::kDynamic, Staticness::kStatic,
                                                                   Staticness::kDynamic, Staticness::kChain}));
}

}  // namespace
}  // namespace snapgauge
