// Any bytes as the state of a calibration: refused, or a state that writes as it reads.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/calibration_state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace snapgauge;
  constexpr size_t kGroups = 2, kSamples = 10;
  Calibration read;
  read.groups.resize(kGroups);
  if (!read_calibration_state({reinterpret_cast<const char*>(data), size}, "state", 0, kSamples, read)) return 0;
  const std::string text = calibration_state(read, 0);
  Calibration again;
  again.groups.resize(kGroups);
  if (!read_calibration_state(text, "again", 0, kSamples, again)) std::abort();
  if (calibration_state(again, 0) != text) std::abort();
  return 0;
}
