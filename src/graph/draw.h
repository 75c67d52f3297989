// Data for constants that a file leaves out. Dumps of annotated graphs hold the shapes of their weights and not the
// weights; with drawn ones they can be lowered and run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/graph.h"

namespace snapgauge {

/// Every constant of known shape and of a float or integer type that has no data gets some, the same for the same seed
/// and name on every machine: of several dimensions numbers around 0 whose products sum up to about 1, of one dimension
/// numbers from 0.5 to 1.5 (a variance must be positive), integers 0, truth values either. How many.
size_t draw_constants(Graph& graph, uint64_t seed);

}  // namespace snapgauge
