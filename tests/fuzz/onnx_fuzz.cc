// Any bytes: the ONNX reader returns a sound graph or one error.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "formats/onnx/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  (void)snapgauge::looks_like_onnx(bytes);
  const auto graph = snapgauge::read_onnx_bytes(bytes, "fuzz.onnx");
  if (graph.ok() && !snapgauge::verify(graph.value()).empty()) std::abort();
  return 0;
}
