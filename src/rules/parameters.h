// Rules about the numbers of quantization specs, wrong on every target: they need no table.
#pragma once

#include <vector>

#include "diag/finding.h"
#include "graph/graph.h"
#include "graph/sharing.h"

namespace snapgauge {

struct PlacedFinding {
  PlaceId place;  // what is broken; later stages do not judge it again
  NodeId node;    // where it is reported
  Finding finding;
  bool breaks = true;  // advice does not
};

/// One finding per faulty spec, in node order: unusable scales, zero points out of range, counts that
/// do not fit the shape, inverted ranges, axes out of range, dangling and circular references, derived
/// specs without sources. The same fault on the two sides of an edge is reported once.
std::vector<PlacedFinding> check_parameters(const Graph& graph, const Sharing& sharing);

}  // namespace snapgauge
