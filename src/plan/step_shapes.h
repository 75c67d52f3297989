// Within plan: whether the shapes and parameters of one step fit each other, so that no kernel reads or writes beyond a
// buffer whatever the graph said.
#pragma once

#include <string>

#include "plan/plan.h"

namespace snapgauge {

/// Empty when they do. The step's buffers are in range and have shapes of their own that are sound.
std::string shape_fault(const Plan& plan, const Step& step);

}  // namespace snapgauge
