// Changes to what a graph's annotations say: the only way to write them once a graph is built.
//
// Changes are made in place and can be taken back. Equal specs are kept once. Not thread safe; the graph must
// outlive the edit and be changed by nobody else meanwhile.
#pragma once

#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace snapgauge {

class GraphEdit {
 public:
  explicit GraphEdit(Graph& graph);

  const Graph& graph() const { return graph_; }

  SpecId add(const Spec& spec);
  static SpecRef concrete(SpecId spec) { return {SpecRef::Kind::kConcrete, spec.index}; }
  /// The parameters of a result.
  static SpecRef shared(ValueId value) { return {SpecRef::Kind::kSharedNode, value.index}; }
  /// Those of the edge on which `consumer` reads `value`.
  SpecRef shared(ValueId value, NodeId consumer);
  /// Parameters that follow from those of `sources`, which are shared ones.
  SpecRef derived(std::span<const SpecRef> sources, SpecId spec);

  /// A spec of kind kNone says that the edge is in float.
  void annotate(UseId use, SpecRef spec);
  void annotate(ValueId value, SpecRef spec);
  /// The tensor is quantized again on this edge, whose parameters differ from its own.
  void convert(UseId use);

  /// Takes every change back.
  void undo();

 private:
  Graph& graph_;
  std::unordered_multimap<size_t, SpecId> known_;
  std::unordered_map<uint64_t, SpecRef> edges_;  // by value and consumer
  std::vector<std::pair<UseId, Use>> old_uses_;
  std::vector<std::pair<ValueId, SpecRef>> old_values_;
  std::vector<NodeId> newly_annotated_;
  size_t specs_, edge_count_, derived_, sources_;

  void mark(NodeId node);
  void index_specs();
};

}  // namespace snapgauge
