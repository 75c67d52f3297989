#include "check/free_sizes.h"

#include <algorithm>

namespace snapgauge {
namespace {

bool is_open(const Graph& graph, const Value& value) {
  const auto shape = graph.shape(value);
  return std::find(shape.begin(), shape.end(), kDynamicDim) != shape.end();
}

}  // namespace

std::vector<NodeId> open_size_causes(const Graph& graph) {
  std::vector<NodeId> causes(graph.values.size());
  for (uint32_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    NodeId inherited;
    for (const Use& use : graph.uses_of(node))
      if (use.value.valid() && causes[use.value.index].valid()) {
        inherited = causes[use.value.index];
        break;
      }
    for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v)
      if (is_open(graph, graph.values[v])) causes[v] = inherited.valid() ? inherited : NodeId{n};
  }
  return causes;
}

NodeId open_size_cause(const OpGraph& ops, const Op& op, const std::vector<NodeId>& causes) {
  for (const EdgeSource& tensor : ops.tensors_of(op))
    if (tensor.value.valid() && causes[tensor.value.index].valid()) return causes[tensor.value.index];
  return {};
}

std::string open_dims(const Graph& graph, NodeId node) {
  std::string out;
  for (const Value& value : graph.outputs_of(graph.node(node))) {
    const auto shape = graph.shape(value);
    for (size_t d = 0; d < shape.size(); ++d)
      if (shape[d] == kDynamicDim) out += (out.empty() ? "" : ", ") + std::to_string(d);
    if (!out.empty()) break;
  }
  return "dims " + out;
}

}  // namespace snapgauge
