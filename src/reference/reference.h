// A slow, obvious interpreter of plans in double precision: what the numbers would be if nothing but the stated
// rounding of each result happened. It shares no code with the runtime, which is held against it.
//
// Every operand is the real number that its encoding says; every quantized result is the nearest number that its
// encoding has (ties to even, within the type's range).
#pragma once

#include <vector>

#include "plan/plan.h"

namespace snapgauge {

/// Real numbers of a buffer, the last dimension fastest.
using Reals = std::vector<double>;

/// Of every buffer of the plan, empty where it is never written; `inputs` as Plan::inputs. The plan verifies. Shapes
/// and parameters that no step of its kind has end in empty results.
std::vector<Reals> interpret(const Plan& plan, const std::vector<Reals>& inputs);

/// The numbers that stored bytes stand for.
Reals reals_of(const Buffer& buffer, std::span<const std::byte> bytes);

}  // namespace snapgauge
