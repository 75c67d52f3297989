// Float arithmetic in 16 bits, as backends do it that keep floats so.
#pragma once

#include "plan/plan.h"

namespace snapgauge {

/// What the backend's float steps read from outside (inputs, constants, results of the CPU) and what they make is
/// rounded to the nearest 16-bit float; sums inside of a step are 32 bits wide. Conversions, integers and what the CPU
/// does stay as they are. Before constants are folded.
void round_to_half(Plan& plan);

}  // namespace snapgauge
