// NumPy files of any bytes: an error, or a tensor that is the same when it is written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "formats/npy/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = snapgauge::read_npy({reinterpret_cast<const char*>(data), size}, "input");
  if (!read) return 0;
  const snapgauge::NpyTensor& t = read.value();
  const std::string text = snapgauge::npy_text(t.dtype, t.dims, t.data);
  const auto again = snapgauge::read_npy(text, "again");
  if (!again || again.value().dtype != t.dtype || again.value().dims != t.dims ||
      std::string_view(reinterpret_cast<const char*>(again.value().data.data()), again.value().data.size()) !=
          std::string_view(reinterpret_cast<const char*>(t.data.data()), t.data.size()))
    std::abort();
  return 0;
}
