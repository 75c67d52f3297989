#include "evaluate/operation.h"

#include <algorithm>

namespace snapgauge {

bool Port::has_no_elements() const {
  return std::any_of(dims, dims + std::max<int>(rank, 0), [](int64_t d) { return d == 0; });
}

bool Port::has_dynamic_dim() const {
  return std::any_of(dims, dims + std::max<int>(rank, 0), [](int64_t d) { return d == kDynamicDim; });
}

std::optional<int> Port::axis() const {
  if (spec == nullptr || !spec->axis || rank < 0) return std::nullopt;
  const int64_t a = *spec->axis < 0 ? *spec->axis + frontend_rank : *spec->axis;
  if (from == nullptr) return static_cast<int>(a);
  for (int i = 0; i < rank; ++i)
    if (from[i] == a) return i;
  return std::nullopt;
}

std::string shape_text(const Port& port) {
  if (port.rank < 0) return "unknown";
  std::string out = "[";
  for (int i = 0; i < port.rank; ++i) {
    const int64_t d = port.dim(i);
    out += (i > 0 ? ", " : "") + (d == kDynamicDim ? std::string("?") : std::to_string(d));
  }
  return out + "]";
}

}  // namespace snapgauge
