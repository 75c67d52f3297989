// Baselines: a value or one error, and what was read and written is read again as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/grow.h"
#include "report/baseline.h"

namespace {

constexpr std::string_view kWords[] = {
    "{\"schema\":\"snapgauge-baseline/1\",\"files\":[]}",
    "{\"path\":\"m\",\"findings\":[]}",
    "{\"code\":\"SG502\",\"node\":\"n\",\"op\":\"o\",\"port\":\"p\",\"value\":\"v\",\"count\":1}",
    "\"count\":",
    "4294967296",
    "\"x\":[[{}]]",
    "\\ud800",
    ","};
constexpr snapgauge::fuzz::Bracket kBrackets[] = {{"[", "]"}, {"{\"a\":", "}"}, {"\"", "\""}};

}  // namespace

SNAPGAUGE_GROWS(kWords, kBrackets)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto baseline = snapgauge::Baseline::parse(text, "fuzz.json")) {
    const auto again = snapgauge::Baseline::parse(baseline.value().text(), "again.json");
    if (!again || again.value().text() != baseline.value().text()) __builtin_trap();
  }
  return 0;
}
