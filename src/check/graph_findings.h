// Findings about a whole graph, made when its nodes are judged.
#pragma once

#include <map>
#include <vector>

#include "backend/op_graph.h"
#include "check/check.h"
#include "graph/sharing.h"

namespace snapgauge {

/// By the node that has open sizes: those that depend on them.
using OpenSizes = std::map<uint32_t, std::vector<NodeId>>;

/// Only a warning: the tables' answer holds for the backend wherever it exists.
void report_obstacle(const Target& target, CheckResult& result);
/// A backend that takes whole graphs only: the nodes that keep this one off it, in one finding.
void report_full_delegation(const Graph& graph, const Target& target, CheckResult& result);
/// A backend for floating point: the one cause behind the rejections of quantized nodes.
void report_quantized(const Graph& graph, const Sharing& sharing, const Target& target, CheckResult& result);
void report_free_sizes(const Graph& graph, const Target& target, const OpenSizes& open, CheckResult& result);
/// Once per file: what an assumption decided.
void report_assumptions(const OpGraph& ops, const Target& target, CheckResult& result);

}  // namespace snapgauge
