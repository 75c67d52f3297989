// Annotation styles: how the specs of a config are laid on the operands and results of one node.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "graph/edit.h"
#include "quantize/config.h"
#include "quantize/rows.h"

namespace snapgauge {

/// The observer of a concatenation's result, which is that of its operands, too.
inline constexpr std::string_view kConcatObserver = "ConcatObserver";

/// The specs of one config at one granularity, each made when it is first asked for.
class SpecSet {
 public:
  SpecSet(GraphEdit& edit, const QuantConfig& config, Granularity granularity, bool symmetric)
      : edit_(edit), config_(config), granularity_(granularity), symmetric_(symmetric) {}

  const QuantConfig& config() const { return config_; }
  /// These are of kind kNone where the config leaves the tensor in float.
  SpecRef activation();
  SpecRef weight(int64_t axis, std::span<const int64_t> block);
  SpecRef bias();
  /// Of the later one of two multiplied activations; also a norm's weight.
  SpecRef second_operand();
  /// Of results between 0 and 1.
  SpecRef unit_interval();
  /// Of a hyperbolic tangent's result.
  SpecRef tanh();
  SpecRef concat();
  SpecId derived_bias();

 private:
  SpecRef made(std::optional<SpecId>& slot, const Spec& spec);

  GraphEdit& edit_;
  const QuantConfig& config_;
  Granularity granularity_;
  bool symmetric_;
  std::optional<SpecId> activation_, bias_, second_, unit_, tanh_, concat_, derived_;
  std::map<std::pair<int64_t, std::vector<int64_t>>, SpecId> weights_;
};

/// Nodes that pick one of several results, by the node they pick from.
class Selections {
 public:
  explicit Selections(const Graph& graph);
  std::span<const NodeId> of(NodeId producer) const;

 private:
  std::vector<uint32_t> first_;  // by NodeId, and one more
  std::vector<NodeId> selects_;
};

/// One node to annotate.
struct Annotated {
  GraphEdit& edit;
  const Selections& selections;
  NodeId node;
  const AnnotationRow& row;
  SpecSet& specs;
  int64_t axis = 0;                // of the weight's channels
  std::span<const int64_t> block;  // elements per scale of the weight
  bool per_channel_embedding = false;
};

/// Has the styles' float types.
bool is_quantizable(const Value& value);
/// The value at a positional argument; invalid: it is no tensor.
ValueId operand(const Graph& graph, const Node& node, int position);

/// The weight's channel axis from the front; nothing when the node has no weight with one.
std::optional<int64_t> channel_axis(const Graph& graph, const Node& node, const AnnotationRow& row);

/// Writes the row's style; false when nothing of the node was annotated.
bool write_style(const Annotated& at);

}  // namespace snapgauge
