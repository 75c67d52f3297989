// Shared by the evaluation of conditions (evaluate.cc) and of expressions (evaluate_expression.cc).
#pragma once

#include <optional>
#include <string>

namespace snapgauge::evaluation {

/// Keeps the first thing that was missing.
void note(std::string* missing, std::string text);
/// A dimension in the backend's layout, negative indices from the end; nothing when it is not known.
std::optional<double> dim_of(const Port& port, int64_t index);

}  // namespace snapgauge::evaluation
