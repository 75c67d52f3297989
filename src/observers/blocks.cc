#include "observers/blocks.h"

namespace snapgauge {

BlockRows::BlockRows(std::span<const int64_t> dims, std::span<const int64_t> block) {
  for (size_t i = 0; i < dims.size(); ++i) {
    const BlockedDim d{static_cast<uint64_t>(dims[i]), static_cast<uint64_t>(block[i])};
    if (d.size == 1) continue;
    const bool whole = !dims_.empty() && d.block == d.size && dims_.back().block == dims_.back().size;
    const bool apart = !dims_.empty() && d.block == 1 && dims_.back().block == 1;
    if (whole) dims_.back().block *= d.size;
    if (whole || apart)
      dims_.back().size *= d.size;
    else
      dims_.push_back(d);
  }
  if (dims_.empty()) dims_.emplace_back();
}

uint64_t BlockRows::blocks() const {
  uint64_t out = 1;
  for (const BlockedDim& d : dims_) out *= d.size / d.block;
  return out;
}

}  // namespace snapgauge
