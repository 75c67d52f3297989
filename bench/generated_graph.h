// Graphs of any size for the benchmarks: the node mix, datatypes and sharing of graphs that
// ExecuTorch's quantizer annotated for HTP in 8 bits. The same options give the same graph.
#pragma once

#include <cstdint>
#include <string>

#include "graph/graph.h"

namespace snapgauge::bench {

struct GraphOptions {
  uint32_t nodes = 1000;           // annotated nodes that are judged
  uint32_t faults_per_mille = 50;  // share of them with one fault: a datatype, an unsigned weight, a free sigmoid
  uint64_t seed = 1;
};
Graph generated_graph(const GraphOptions& options);

/// `nodes` reshapes, each with the spec of its predecessor: one chain of shared specs.
Graph shared_chain(uint32_t nodes);

/// The graph as an annotation file (*.sgraph.json).
std::string sgraph_text(const Graph& graph);

}  // namespace snapgauge::bench
