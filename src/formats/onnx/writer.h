// Writes a graph with numbers as an ONNX model with QuantizeLinear and DequantizeLinear nodes.
//
// Every tensor with a spec gets a pair behind it, constants are stored as integers with a DequantizeLinear, an edge
// with other parameters gets a second pair. Names of tensors stay; graph outputs keep theirs behind the pair.
#pragma once

#include <string>

#include "base/result.h"
#include "graph/graph.h"

namespace snapgauge {

/// Of a graph that was read from ONNX. Types that its opset does not know for the two operators are written in the
/// domain com.microsoft, as ONNX Runtime's own tools do. Deterministic. Errors: a node with a subgraph, a weight whose
/// data is not there, a model beyond what protobuf holds.
Result<std::string> onnx_model(const Graph& graph);

}  // namespace snapgauge
