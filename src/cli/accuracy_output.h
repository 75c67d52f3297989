// How accurate a quantized model is, as text, JSON and a plot.
#pragma once

#include <string>
#include <vector>

#include "api/accuracy.h"
#include "report/json_parts.h"

namespace snapgauge::cli {

/// Outputs, then layers, the worst first; `most` rows.
std::string accuracy_text(const Accuracy& accuracy, size_t most);
Json accuracy_json(const Accuracy& accuracy);
/// Layers by what their own error does to the outputs, the worst first.
std::string sensitivity_text(const Accuracy& accuracy, const std::vector<LayerSensitivity>& ranked, size_t most);
Json sensitivity_json(const Accuracy& accuracy, const std::vector<LayerSensitivity>& ranked);
/// Signal to noise ratio over depth: a picture that needs no other file.
std::string accuracy_svg(const Accuracy& accuracy, const std::string& title);

}  // namespace snapgauge::cli
