// partition(): which nodes go to the backend together, what crosses between them, and which constants weigh.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/session.h"
#include "backend/translate.h"
#include "lower/partition.h"

namespace snapgauge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// One line a node; those of `specs` are of uint8 and of int8 by channel.
class Model {
 public:
  void input(const std::string& name, const std::string& shape) { node(name, "placeholder", name, "", shape, ""); }
  void weight(const std::string& name, const std::string& shape) { node(name, "get_attr", name, "", shape, ""); }
  /// `args` are names of nodes, or literals. Quantized when `specs` has one for each named.
  void call(const std::string& name, const std::string& target, const std::vector<std::string>& args,
            const std::string& shape, const std::vector<int>& specs = {}) {
    std::string list, inputs;
    size_t named = 0;
    for (const std::string& arg : args) {
      const bool is_node = names_.contains(arg);
      list += (list.empty() ? "" : ", ") + (is_node ? fmt::format(R"({{"node": "{}"}})", arg) : arg);
      if (is_node && named < specs.size())
        inputs += fmt::format(R"({}["{}", {}])", inputs.empty() ? "" : ", ", arg, specs[named++]);
    }
    const std::string annotation =
        specs.empty() ? "" : fmt::format(R"(, "annotation": {{"inputs": [{}], "output": 0}})", inputs);
    node(name, "call_function", "aten." + target, list, shape, annotation);
  }
  std::string text(const std::string& output) const {
    return fmt::format(R"({{"format": "snapgauge-graph", "version": 1, "frontend": "aten", "specs": [
{{"dtype": "uint8", "quant_min": 0, "quant_max": 255, "qscheme": "per_tensor_affine"}},
{{"dtype": "int8", "quant_min": -127, "quant_max": 127, "qscheme": "per_channel_symmetric", "ch_axis": 0}}],
"nodes": [{},
{{"name": "output", "op": "output", "target": "output", "args": [[{{"node": "{}"}}]]}}]}})",
                       nodes_, output);
  }

 private:
  void node(const std::string& name, const std::string& op, const std::string& target, const std::string& args,
            const std::string& shape, const std::string& more) {
    names_.insert(name);
    nodes_ += fmt::format(
        R"({}{{"name": "{}", "op": "{}", "target": "{}", "args": [{}], "val": {{"shape": [{}], "dtype": "float32"}}{}}})",
        nodes_.empty() ? "" : ",\n", name, op, target, args, shape, more);
  }

  std::set<std::string> names_;
  std::string nodes_;
};

/// The graph as the backend has it, and its division by names of nodes.
class Divided {
 public:
  Divided(const Model& model, const std::string& output) : text_(model.text(output)) {
    auto session = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", {}}, {});
    EXPECT_TRUE(session) << session.error().message();
    session_ = std::move(*session);
    auto read = read_graph(text_, "model.sgraph.json");
    EXPECT_TRUE(read) << read.error().message();
    graph_ = std::make_unique<Graph>(std::move(*read));
    auto backend = session_->backend_graph(*graph_);
    EXPECT_TRUE(backend) << backend.error().message();
    backend_ = std::make_unique<BackendGraph>(std::move(*backend));
  }

  Partition cut(const std::set<std::string>& on_cpu, bool converts_border = false) const {
    std::vector<bool> falls_back(graph_->nodes.size());
    for (uint32_t n = 0; n < graph_->nodes.size(); ++n) falls_back[n] = on_cpu.contains(name(NodeId{n}));
    return partition(backend_->ops, falls_back, converts_border);
  }
  std::string name(NodeId id) const { return std::string(graph_->name(id)); }
  NodeId node(const std::string& name) const {
    for (uint32_t n = 0; n < graph_->nodes.size(); ++n)
      if (graph_->name(NodeId{n}) == name) return NodeId{n};
    ADD_FAILURE() << name;
    return {};
  }
  uint32_t level(const Partition& cut, const std::string& name) const { return cut.level[node(name).index]; }
  std::string weight(const std::string& of) const {
    const ValueId value = weight_of(backend_->ops, node(of));
    return value.valid() ? std::string(graph_->text(graph_->value(value).name)) : "";
  }
  /// "a -> b, 0 to 1, FLOAT_32, 32 bytes, quantizes".
  std::vector<std::string> cuts(const Partition& cut) const {
    std::vector<std::string> out;
    for (const CutEdge& e : cut.cuts)
      out.push_back(fmt::format("{} -> {}, {} to {}, {}, {} bytes{}{}", name(e.from), name(e.to), e.from_level,
                                e.to_level, dtype_name(e.dtype), e.bytes, e.dequantizes ? ", dequantizes" : "",
                                e.quantizes ? ", quantizes" : ""));
    return out;
  }

 private:
  std::string text_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Graph> graph_;
  std::unique_ptr<BackendGraph> backend_;
};

/// x to a to b to c, and d of a and c.
Divided chain(bool quantized) {
  const std::vector<int> one = quantized ? std::vector<int>{0} : std::vector<int>{},
                         two = quantized ? std::vector<int>{0, 0} : std::vector<int>{};
  Model m;
  m.input("x", "1, 8");
  m.call("a", "relu.default", {"x"}, "1, 8", one);
  m.call("b", "sigmoid.default", {"a"}, "1, 8", one);
  m.call("c", "tanh.default", {"b"}, "1, 8", one);
  m.call("d", "add.Tensor", {"a", "c"}, "1, 8", two);
  return {m, "d"};
}

TEST(Partition, IsWholeWhenNothingFallsBack) {
  const Divided g = chain(true);
  const Partition cut = g.cut({});
  EXPECT_TRUE(cut.is_whole());
  EXPECT_THAT(cut.parts, ElementsAre(1));
  EXPECT_THAT(cut.cuts, IsEmpty());
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(g.level(cut, name), 1U);
  for (const char* name : {"x", "output"}) EXPECT_EQ(g.level(cut, name), Partition::kNone);
}

TEST(Partition, IsNotWholeWithAnythingBesideIt) {
  const Divided g = chain(true);
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_FALSE(g.cut({name}).is_whole()) << name;
  const Partition none = g.cut({"a", "b", "c", "d"});
  EXPECT_FALSE(none.is_whole());
  EXPECT_THAT(none.parts, IsEmpty());
  EXPECT_THAT(none.cuts, IsEmpty()) << "all on the CPU";
}

TEST(Partition, LevelsCountTheChanges) {
  const Divided g = chain(true);
  const Partition middle = g.cut({"b"});
  EXPECT_THAT(middle.parts, ElementsAre(1, 3));
  EXPECT_EQ(g.level(middle, "a"), 1U);
  EXPECT_EQ(g.level(middle, "b"), 2U);
  EXPECT_EQ(g.level(middle, "c"), 3U);
  EXPECT_EQ(g.level(middle, "d"), 3U);
  const Partition first = g.cut({"a"});
  EXPECT_THAT(first.parts, ElementsAre(1));
  EXPECT_EQ(g.level(first, "a"), 0U);
  const Partition both = g.cut({"b", "d"});
  EXPECT_THAT(both.parts, ElementsAre(1, 3));
  EXPECT_EQ(g.level(both, "d"), 4U);
}

TEST(Partition, OfEverySetOfFallbacksIsOnePartForEachChange) {
  const Divided g = chain(true);
  const std::vector<std::string> names{"a", "b", "c", "d"};
  const std::vector<std::pair<size_t, size_t>> edges{{0, 1}, {1, 2}, {0, 3}, {2, 3}};
  for (unsigned set = 0; set < 16; ++set) {
    SCOPED_TRACE(set);
    std::set<std::string> on_cpu;
    for (size_t i = 0; i < 4; ++i)
      if ((set >> i & 1U) != 0) on_cpu.insert(names[i]);
    const Partition cut = g.cut(on_cpu);
    std::set<uint32_t> partitions;
    for (const std::string& name : names) {
      EXPECT_EQ(g.level(cut, name) % 2 == 0, on_cpu.contains(name)) << name;
      if (!on_cpu.contains(name)) partitions.insert(g.level(cut, name));
    }
    // Along a to b to c to d each change counts one; from the outside to the backend, too.
    uint32_t changes = on_cpu.contains("a") ? 0 : 1;
    for (size_t i = 1; i < 4; ++i) changes += on_cpu.contains(names[i]) == on_cpu.contains(names[i - 1]) ? 0 : 1;
    EXPECT_EQ(g.level(cut, "d"), changes);
    EXPECT_EQ(std::set<uint32_t>(cut.parts.begin(), cut.parts.end()), partitions);
    EXPECT_EQ(cut.parts.size(), partitions.size());
    EXPECT_EQ(cut.is_whole(), set == 0);
    std::set<std::pair<std::string, uint32_t>> crossing, cuts;
    for (const auto& [from, to] : edges)
      if (const uint32_t level = g.level(cut, names[to]); level != g.level(cut, names[from]))
        crossing.emplace(names[from], level);
    for (const CutEdge& e : cut.cuts) cuts.emplace(g.name(e.from), e.to_level);
    EXPECT_EQ(cuts, crossing);
    EXPECT_EQ(cut.cuts.size(), crossing.size());
  }
}

TEST(Partition, WhatCrossesHasItsBytesAndTheCpusConversions) {
  const Divided g = chain(true);
  EXPECT_THAT(g.cuts(g.cut({"b"})), ElementsAre("a -> b, 1 to 2, UFIXED_POINT_8, 8 bytes, dequantizes",
                                                "b -> c, 2 to 3, UFIXED_POINT_8, 8 bytes, quantizes",
                                                "a -> d, 1 to 3, UFIXED_POINT_8, 8 bytes"));
}

TEST(Partition, WhereTheBorderConvertsFloatsCross) {
  const Divided g = chain(true);
  EXPECT_THAT(g.cuts(g.cut({"b"}, true)), ElementsAre("a -> b, 1 to 2, FLOAT_32, 32 bytes, dequantizes",
                                                      "b -> c, 2 to 3, FLOAT_32, 32 bytes, quantizes",
                                                      "a -> d, 1 to 3, FLOAT_32, 32 bytes, dequantizes, quantizes"));
}

TEST(Partition, FloatsCrossAsTheyAre) {
  const Divided g = chain(false);
  for (const bool border : {false, true})
    EXPECT_THAT(g.cuts(g.cut({"b"}, border)),
                ElementsAre("a -> b, 1 to 2, FLOAT_32, 32 bytes", "b -> c, 2 to 3, FLOAT_32, 32 bytes",
                            "a -> d, 1 to 3, FLOAT_32, 32 bytes"));
}

TEST(Partition, ReadersOfOneLevelShareWhatCrosses) {
  Model m;
  m.input("x", "2, 3");
  m.call("a", "relu.default", {"x"}, "2, 3");
  m.call("b", "sigmoid.default", {"a"}, "2, 3");
  m.call("c", "tanh.default", {"a"}, "2, 3");
  m.call("d", "add.Tensor", {"b", "c"}, "2, 3");
  const Divided g(m, "d");
  EXPECT_THAT(g.cuts(g.cut({"a"})), ElementsAre("a -> b, 0 to 1, FLOAT_32, 24 bytes")) << "the first that reads it";
  const Partition apart = g.cut({"b", "c"});
  EXPECT_EQ(g.level(apart, "b"), g.level(apart, "c"));
  EXPECT_THAT(g.cuts(apart), ElementsAre("a -> b, 1 to 2, FLOAT_32, 24 bytes", "b -> d, 2 to 3, FLOAT_32, 24 bytes",
                                         "c -> d, 2 to 3, FLOAT_32, 24 bytes"));
}

TEST(Partition, TheWeightOfANodeIsAConstantThatItComputesWith) {
  Model m;
  m.input("x", "1, 16, 4, 4");
  m.weight("w", "16, 16, 1, 1");
  m.weight("one", "1");
  m.call("conv", "conv2d.default", {"x", "w"}, "1, 16, 4, 4", {0, 1});
  m.call("relu", "relu.default", {"conv"}, "1, 16, 4, 4", {0});
  m.call("flat", "reshape.default", {"relu", "[1, 256]"}, "1, 256", {0});
  m.call("scaled", "mul.Tensor", {"flat", "one"}, "1, 256", {0, 0});
  const Divided g(m, "scaled");
  EXPECT_EQ(g.weight("conv"), "w");
  for (const char* name : {"relu", "flat", "scaled"}) EXPECT_EQ(g.weight(name), "") << name;
}

}  // namespace
}  // namespace snapgauge
