// Writes any graph as an annotation file (*.sgraph.json), a node a block, as docs/sgraph.md describes it.
//
// What is written reads back as the same graph, but for the names of results, which are those of their nodes, and large
// constants, which keep their shape alone: weights need no values to be judged.
#pragma once

#include <string>

#include "graph/graph.h"

namespace snapgauge {

/// Only pairs of Quantize and Dequantize that the reader turned into specs are left out. Linear; the same graph gives
/// the same bytes.
std::string annotated_text(const Graph& graph);

}  // namespace snapgauge
