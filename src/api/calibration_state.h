// What a calibration that was stopped leaves, to go on from: JSON.
#pragma once

#include <string>
#include <string_view>

#include "api/calibrator.h"

namespace snapgauge {

std::string calibration_state(const Calibration& calibration, uint64_t identity);

/// Into a calibration of the same groups. Errors, about `path`: the state of another one, or broken bytes.
Status read_calibration_state(std::string_view text, const std::string& path, uint64_t identity, size_t samples,
                              Calibration& out);

}  // namespace snapgauge
