// Builds a Graph. Readers describe nodes in file order and may refer to values before they are
// defined; finish() resolves the names and turns what cannot be resolved into findings.
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"

namespace snapgauge {

class GraphBuilder {
 public:
  explicit GraphBuilder(std::string file, Frontend frontend);

  Graph& graph() { return graph_; }

  /// Opens a node; arguments, uses and outputs added next belong to it, until the next begin_node.
  NodeId begin_node(NodeKind kind, std::string_view name, std::string_view op, Location at = {});

  // Arguments. Those of a list are built first with make_* and then handed over in one piece.
  void add_arg(Arg arg);
  /// False, and nothing is added, when the node has an argument of that name.
  bool add_named(std::string_view name, Arg arg);
  /// An appearance of the value called `name`; `annotated` and `spec` describe the input edge.
  Arg make_use(std::string_view name, SpecRef spec = {}, bool annotated = false);
  /// What make_use() was told.
  std::string_view name_of(UseId use) const { return graph_.text(use_names_[use.index]); }
  UseId last_use() const { return UseId{static_cast<uint32_t>(graph_.uses.size() - 1)}; }
  Arg make_list(std::span<const Arg> elements);
  Arg make_string(std::string_view text);
  static Arg make_int(int64_t v);
  static Arg make_real(double v);
  static Arg make_bool(bool v);

  /// A result of the open node. An unknown shape is nullopt; kDynamicDim marks a symbolic size.
  ValueId add_output(std::string_view name, DType dtype, std::optional<std::span<const int64_t>> shape) {
    return add_output(graph_.names.add(name), dtype, shape);
  }
  ValueId add_output(Symbol name, DType dtype, std::optional<std::span<const int64_t>> shape);
  /// Of the type and shape of another value.
  ValueId add_output(Symbol name, ValueId like);
  void set_constant(ValueId value, ConstantId data) { graph_.values[value.index].constant = data; }
  void set_output_spec(ValueId value, SpecRef spec) { graph_.values[value.index].spec = spec; }

  /// Equal specs become one, but for rare collisions.
  SpecRef add_spec(Spec spec);
  /// The same of a spec that was added before.
  SpecRef add_spec(SpecId again);
  SpecRef add_derived(std::span<const SpecRef> from, Spec spec) {
    return add_derived(from, SpecId{add_spec(std::move(spec)).index});
  }
  SpecRef add_derived(std::span<const SpecRef> from, SpecId spec);
  /// References by name to the output of `node`, or to the edge `producer` -> `consumer`; resolved by
  /// finish().
  SpecRef shared_node(std::string_view node);
  SpecRef shared_edge(std::string_view producer, std::string_view consumer);

  ConstantId add_constant(DType dtype, uint64_t count, const std::byte* data);  // data outlives the graph
  ConstantId add_constant(DType dtype, uint64_t count, std::unique_ptr<std::byte[]> data);

  /// Resolves names. Duplicate node names, uses of undefined values and edges that do not exist
  /// become findings (SG002, SG003, SG005); the builder must not be used afterwards.
  Graph finish();

 private:
  void close_node();
  ValueId add_value(Symbol name, Value value);
  void report(Finding finding, const Node& node, std::string value, std::string expected, std::string actual);
  void index_names();
  ValueId value_named(uint32_t symbol) const;
  void resolve_uses();
  std::vector<Symbol> resolve_edges();
  void resolve_ref(SpecRef& ref, const std::vector<Symbol>& missing_of_edges) const;
  void resolve_selects();
  void shrink();
  uint32_t intern_shape(std::span<const int64_t> shape);
  Range intern_args(std::span<const Arg> list);
  ArgumentsId intern_arguments();

  Graph graph_;
  std::vector<Symbol> use_names_;  // parallel to graph_.uses
  std::vector<Arg> pending_args_;
  std::vector<NamedArg> pending_named_;
  std::vector<uint32_t> named_in_;      // by symbol: the nodes so far, up to the last one with an argument of that name
  std::vector<NodeId> node_by_name_;    // by symbol, from index_names() on
  std::vector<ValueId> value_by_name_;  // likewise
  // What was last kept of each hash. Only that one is compared: the rare collision costs room, not time.
  std::unordered_map<size_t, SpecId> spec_by_hash_;
  std::unordered_map<size_t, Range> shape_by_hash_, args_by_hash_, named_by_hash_;
  std::unordered_map<size_t, ArgumentsId> arguments_by_hash_;
  std::vector<size_t> spec_hashes_;  // by SpecId
  bool open_ = false;
};

}  // namespace snapgauge
