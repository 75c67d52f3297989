// Which plans a fuzz target executes.
#pragma once

#include "plan/plan.h"

namespace snapgauge {

/// Large work says nothing that small work does not.
inline bool is_small(const Plan& plan) {
  constexpr uint64_t kMostBytes = 1 << 20, kMostWork = 1 << 24;
  uint64_t work = 0;
  for (const Step& step : plan.steps) {
    uint64_t each = 1;
    if (const auto* w = std::get_if<Window>(&step.params))
      each = static_cast<uint64_t>(w->kernel[0]) * static_cast<uint64_t>(w->kernel[1]);
    for (const BufferId id : step.inputs)
      if (id.valid()) work += plan.buffer(id).elements() * each;
    work += plan.buffer(step.output).elements() * each *
            (step.kind <= StepKind::kMatMul ? static_cast<uint64_t>(plan.buffer(step.inputs[0]).dims.back()) : 1);
    if (work > kMostWork) return false;
  }
  return plan.arena_bytes <= kMostBytes;
}

}  // namespace snapgauge
