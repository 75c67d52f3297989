// How many scales a weight has.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace snapgauge {

enum class Granularity : uint8_t { kPerTensor, kPerChannel, kPerBlock };  // from coarse to fine
std::string_view granularity_name(Granularity granularity);               // "per-channel"
std::optional<Granularity> granularity_named(std::string_view name);

}  // namespace snapgauge
