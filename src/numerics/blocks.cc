#include "numerics/blocks.h"

#include <algorithm>

namespace snapgauge {

int64_t axis_of(const Spec& spec, size_t rank) {
  const auto size = static_cast<int64_t>(rank);
  const int64_t axis = spec.axis.value_or(-1 - size);
  const int64_t from_front = axis < 0 ? axis + size : axis;
  return from_front >= 0 && from_front < size ? from_front : -1;
}

std::vector<int64_t> elements_per_scale(const Spec& spec, std::span<const int64_t> dims) {
  if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d <= 0; })) return {};
  std::vector<int64_t> out(dims.begin(), dims.end());
  if (spec.block.empty() && !is_per_channel(spec.scheme)) return out;
  const int64_t axis = axis_of(spec, dims.size());
  if (spec.block.empty()) {
    if (axis < 0) return {};
    out[static_cast<size_t>(axis)] = 1;
    return out;
  }
  // One number counts along the axis, where each element of the other dimensions is by itself (ONNX).
  if (spec.block.size() == 1 && axis >= 0) {
    std::fill(out.begin(), out.end(), 1);
    out[static_cast<size_t>(axis)] = spec.block[0];
  } else if (spec.block.size() == dims.size()) {
    out = spec.block;
  } else {
    return {};
  }
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i] <= 0) return {};
  for (size_t i = 0; i < out.size(); ++i) out[i] = std::min(out[i], dims[i]);
  return out;
}

}  // namespace snapgauge
