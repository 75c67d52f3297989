// Tensors in NumPy's .npy files, versions 1 to 3
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "numerics/dtype.h"

namespace snapgauge {

struct NpyTensor {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  std::span<const std::byte> data;  // into the file's bytes; the last dimension runs fastest
};

/// What a file says in front of its elements.
struct NpyHeader {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  size_t data_offset = 0;  // of the first element
  uint64_t data_size = 0;  // bytes that type and shape need
};

/// The most bytes that stand in front of the elements.
inline constexpr size_t kMostNpyHeader = 12 + 65536;

/// `bytes` are the file or its beginning, with the whole header. Errors name `file`.
Result<NpyHeader> read_npy_header(std::string_view bytes, const std::string& file);

/// `bytes` outlive the result. Errors name `file`.
Result<NpyTensor> read_npy(std::string_view bytes, const std::string& file);

/// A whole file of it.
std::string npy_text(DType dtype, std::span<const int64_t> dims, std::span<const std::byte> data);

/// "float32 [1, 3]".
std::string tensor_text(DType dtype, std::span<const int64_t> dims);

}  // namespace snapgauge
