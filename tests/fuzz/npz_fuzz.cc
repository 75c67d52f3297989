// Archives of NumPy arrays of any bytes: an error, or tensors of the sizes that their types and shapes need.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "formats/npz/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Members may lie over each other; many times what deflate makes of the input would only cost time.
  constexpr uint64_t kMostBytes = uint64_t{64} << 20;
  const auto file = snapgauge::NpzFile::of_bytes({reinterpret_cast<const char*>(data), size}, "input");
  if (!file) return 0;
  uint64_t total = 0;
  for (size_t i = 0; i < file.value().names().size(); ++i) {
    if (file.value().size(i) > kMostBytes - total) return 0;
    total += file.value().size(i);
    const auto read = file.value().read(i);
    if (!read) continue;
    const snapgauge::NpyTensor& t = read.value().tensor;
    const std::string text = snapgauge::npy_text(t.dtype, t.dims, t.data);
    const auto again = snapgauge::read_npy(text, "again");
    if (!again || again.value().dtype != t.dtype || again.value().dims != t.dims ||
        again.value().data.size() != t.data.size())
      std::abort();
  }
  return 0;
}
