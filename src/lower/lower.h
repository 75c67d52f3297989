// From the backend graph that was judged to a plan: ops become steps, Q/DQ pairs the encodings of buffers, layouts
// transpositions where two neighbours differ in them, constants are converted once.
#pragma once

#include "backend/op_graph.h"
#include "base/result.h"
#include "plan/plan.h"

namespace snapgauge {

/// Translated with TranslateOptions::share off, so that what a node becomes is written in its own names. The plan views
/// the graph's constants, so what holds them must outlive it or be in Plan::keep_alive. Errors are ops that cannot be
/// executed on the host; every one is named, not the first alone.
Result<Plan> lower(const OpGraph& ops);

}  // namespace snapgauge
