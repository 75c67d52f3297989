// Which elements of a tensor have one scale.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "numerics/quant.h"

namespace snapgauge {

/// The axis of the spec, from the front; -1 where the tensor has no such axis or the spec none.
int64_t axis_of(const Spec& spec, size_t rank);

/// How many neighbours in each dimension have one scale; scales lie in the order of the dimensions. Empty when axis or
/// blocks do not fit a tensor of these dimensions. The last block of a dimension may be cut off.
std::vector<int64_t> elements_per_scale(const Spec& spec, std::span<const int64_t> dims);

}  // namespace snapgauge
