// Sizes that are open when the graph is compiled, and where they come from.
#pragma once

#include <string>
#include <vector>

#include "backend/op_graph.h"

namespace snapgauge {

/// By ValueId: the node that brings the first open size of the value (a graph input, or an operator whose
/// result nobody can size); invalid where all sizes are known.
std::vector<NodeId> open_size_causes(const Graph& graph);
/// The cause of the first open size among the ports of an op; invalid when there is none.
NodeId open_size_cause(const OpGraph& ops, const Op& op, const std::vector<NodeId>& causes);
/// "dims 0, 2, 3" of a node's results.
std::string open_dims(const Graph& graph, NodeId node);

}  // namespace snapgauge
