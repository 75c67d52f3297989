// From the backend graph that was judged to a plan: ops become steps, Q/DQ pairs the encodings of buffers, layouts
// transpositions where two neighbours differ in them, constants are converted once.
#pragma once

#include <vector>

#include "backend/op_graph.h"
#include "base/result.h"
#include "plan/plan.h"

namespace snapgauge {

/// Dimension `order[i]` of the tensor, as the frontend counts, is dimension i of what is stored; empty: the same.
using Order = std::vector<int8_t>;

/// Where a tensor of the graph is in the plan.
struct TensorPlace {
  ValueId value;
  BufferId buffer;
  Order order;
};

struct LowerOptions {
  /// By node: computed on the CPU, in float between Dequantize and Quantize. One for which the host has no kernel
  /// becomes foreign steps. Empty: none.
  std::vector<bool> on_cpu;
};

/// Translated with TranslateOptions::share off, so that what a node becomes is written in its own names. The plan views
/// the graph's constants, so what holds them must outlive it or be in Plan::keep_alive. Errors are ops that cannot be
/// executed on the host; every one is named, not the first alone. `places`: gets those that are there, by value.
Result<Plan> lower(const OpGraph& ops, const LowerOptions& options = {}, std::vector<TensorPlace>* places = nullptr);

}  // namespace snapgauge
