// Tensors on their way into a run and out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "numerics/dtype.h"

namespace snapgauge {

/// A tensor that is given, or comes out.
struct NamedTensor {
  std::string name, file;  // `file`: empty, or what errors name
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  std::vector<std::byte> data;

  std::span<const std::byte> bytes() const { return data; }
};

}  // namespace snapgauge
