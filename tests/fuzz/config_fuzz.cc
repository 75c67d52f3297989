// Configurations and baselines: whatever the bytes, a value or one error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/config.h"
#include "report/baseline.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto config = snapgauge::parse_config(text, "fuzz.toml"))
    if (snapgauge::show_config(config.value(), {}).empty()) __builtin_trap();
  // What was read and written is read again as the same.
  if (const auto baseline = snapgauge::Baseline::parse(text, "fuzz.json")) {
    const auto again = snapgauge::Baseline::parse(baseline.value().text(), "again.json");
    if (!again || again.value().text() != baseline.value().text()) __builtin_trap();
  }
  return 0;
}
