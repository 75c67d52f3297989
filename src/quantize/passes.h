// Within quantize: the passes before annotation, each a rewrite of the whole graph. True when something changed; what
// did is added to `changes`.
#pragma once

#include <string>
#include <vector>

#include "backend/opmap.h"
#include "graph/graph.h"
#include "quantize/rows.h"
#include "targets/target.h"

namespace snapgauge {

using PassChanges = std::vector<std::string>;

/// A norm by channel goes into the product in front of it, when nothing else reads the product.
bool fold_batch_norms(Graph& graph, const AnnotationRows& rows, PassChanges& changes);
/// Operators of the backend's list become what their op-map row says.
Result<bool> write_out_operators(Graph& graph, const AnnotationRows& rows, OpMaps& maps, const Target& target,
                                 PassChanges& changes);
/// Numbers among the operands become constants.
bool lift_numbers(Graph& graph, const AnnotationRows& rows, PassChanges& changes);

/// How often each value is read.
std::vector<uint32_t> reader_counts(const Graph& graph);
/// An operator in place whose operand is read elsewhere, too: what reads it later gets the changed values.
bool changes_a_tensor(const Graph& graph, const Node& node, const std::vector<uint32_t>& readers);
/// Of a node with one.
ValueId result_of(const Node& node);

}  // namespace snapgauge
