// Rewriting a graph: its nodes are copied one by one into a new one, some of them otherwise.
//
// Arenas are laid out by node, so inserting or removing nodes is building anew; it is linear, and names hold it
// together. Not thread safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/builder.h"

namespace snapgauge {

class GraphCopy {
 public:
  /// `from` outlives the copy.
  explicit GraphCopy(const Graph& from);

  GraphBuilder& builder() { return builder_; }

  /// The node as it is.
  void copy(NodeId node) { copy(from_, node); }
  /// A node of another graph. Names in `names` stand for others here; further ones are made unique.
  void splice(const Graph& other, NodeId node, std::unordered_map<std::string, std::string>& names);
  /// An argument of a node of `from`, for the node that was begun last.
  Arg argument(const Node& node, const Arg& arg) { return argument(from_, node, arg); }
  /// A result of the node that was begun last: type, shape and name of that of `from`.
  ValueId result(const Value& value) { return add_result(from_, value); }
  /// A name that neither graph has.
  std::string fresh(std::string name);
  bool has_value(std::string_view name) const { return values_.contains(std::string(name)); }
  ConstantId constant(const Graph& graph, ConstantId id);

  /// The new graph, which takes over what `from` keeps in memory; `from` must not be used for its data any more.
  static Graph finish(GraphCopy copy, Graph&& from);

 private:
  void copy(const Graph& graph, NodeId node);
  Arg argument(const Graph& graph, const Node& node, const Arg& arg);
  ValueId add_result(const Graph& graph, const Value& value);
  SpecRef spec(const Graph& graph, const SpecRef& ref);
  std::string name_of(std::string_view name) const;

  const Graph& from_;
  GraphBuilder builder_;
  std::unordered_map<std::string, std::string>* names_ = nullptr;  // while a node of another graph is copied
  std::unordered_set<std::string> taken_, values_;
  std::unordered_map<const std::byte*, ConstantId> constants_;
};

}  // namespace snapgauge
