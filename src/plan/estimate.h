// What a plan costs, counted from its shapes: multiplications and bytes. No time follows from it; what a device makes
// of them is the device's.
#pragma once

#include <cstdint>

#include "plan/plan.h"

namespace snapgauge {

struct Cost {
  uint64_t macs = 0;              // multiplications with addition, of convolutions and matrix products
  uint64_t activation_bytes = 0;  // read and written
  uint64_t constant_bytes = 0;    // read
  uint64_t working_set = 0;       // operands, constants and result of one step; of several steps the largest

  Cost& operator+=(const Cost& other);
};

Cost cost_of(const Plan& plan, const Step& step);
Cost cost_of(const Plan& plan, const PlanPart& part);

}  // namespace snapgauge
