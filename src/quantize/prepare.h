// What happens to a float graph before it is annotated, so that every tensor between ops has a node to carry its specs:
// batch norms go into the products in front of them, operators that the backend has no op for are written out by their
// op-map row, and numbers become constants that observers can see.
#pragma once

#include <string>
#include <vector>

#include "backend/opmap.h"
#include "base/result.h"
#include "graph/graph.h"
#include "quantize/rows.h"
#include "targets/target.h"

namespace snapgauge {

struct Prepared {
  Graph graph;
  std::vector<std::string> changes;  // "conv1: took in bn1", in file order within each pass
};

/// Passes are run in this order until none changes anything. A graph about which its reader has findings, and nodes
/// that are annotated, stay as they are. Errors are broken tables.
Result<Prepared> prepare_for_annotation(Graph graph, const AnnotationRows& rows, OpMaps& maps, const Target& target);

}  // namespace snapgauge
