// What one node becomes: its row, the form of the row that its conditions choose, its ports, casts, layouts
// and parameters.
#pragma once

#include <string>
#include <vector>

#include "backend/op_graph.h"
#include "backend/translate.h"
#include "base/result.h"
#include "evaluate/evaluate.h"

namespace snapgauge {

class NodeTranslator {
 public:
  /// `sources` (by UseId) and `used` (by ValueId) may be filled after construction.
  NodeTranslator(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness, OpMaps& maps,
                 const Target& target, const std::vector<EdgeSource>& sources, const std::vector<bool>& used,
                 int depth);

  /// Looks up the rows of all operators of the graph.
  Status load_rows();
  /// A call that the pipeline removes: its readers see what it reads.
  bool is_identity(const Node& producer) const;
  /// Appends the op of a call node, with a class of its own. False: the node has none (it is removed or
  /// becomes a constant).
  Result<bool> translate(NodeId node, OpGraph& out);
  /// The same for the last node of a pattern, which stands for all of its members.
  Status translate_match(const PatternMatch& match, OpGraph& out);

 private:
  struct Choice {
    const OpMapping* row = nullptr;
    std::string undecided;  // why no form could be chosen
  };

  Result<bool> append(OpGraph& out, Mapped mapped, std::string reason);
  Choice choose();
  bool has_run_time_parameter(const Node& node) const;
  bool is_folded(const Node& node) const;
  bool vanishes() const;
  void add_ports(const Node& node);
  void add_inputs(const Node& node);
  void add_variadic(const Arg& arg);
  void add_input(const Arg* arg) { add_input(arg, view_.node); }
  void add_input(const Arg* arg, NodeId of);
  void add_outputs(const Node& node);
  void fill_port(Port& port, PlaceId place, ValueId value) const;
  void copy_parameters();
  void apply_casts();
  void apply_layouts(OpGraph& out);
  void apply_layout(OpGraph& out, Port& port, const PortLayout* layout, int axis) const;
  Truth holds(const Condition& condition, std::string* missing) const;

  const Graph& graph_;
  const Sharing& sharing_;
  const std::vector<Staticness>& staticness_;
  OpMaps& maps_;
  const Target& target_;
  const std::vector<EdgeSource>& sources_;
  int depth_;
  std::vector<const OpMapping*> by_symbol_;  // by operator symbol
  struct SpecView {
    DType dtype;
    Encoding encoding;
  };
  std::vector<SpecView> spec_views_;              // by SpecId
  std::vector<DTypeSet> plain_, plain_constant_;  // plain_dtypes of every storage type
  // Of the node at hand.
  FrontendOperation view_;
  std::vector<Port> in_, out_;
  std::vector<int32_t> in_origins_, out_origins_;
};

}  // namespace snapgauge
