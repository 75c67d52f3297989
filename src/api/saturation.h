// Within api: tensors whose range another one decides.
#pragma once

#include <vector>

#include "api/calibrator.h"

namespace snapgauge {

/// By buffer: the step that reads it when no other does, and nobody outside, and the step cuts it off; SIZE_MAX.
std::vector<size_t> cut_off_by(const Plan& plan);

/// A tensor that only one step reads, which cuts it off at the ends of a range (ReLU, Clip): integers with the range of
/// the result saturate where the step would, so the result is observed for both and nothing is spent on what is cut
/// off.
void let_saturation_decide(const PlacedPlan& model, const Graph& graph, std::vector<QuantGroup>& groups);

/// In front of a softmax, which sees nothing of what is far below the largest of a row: notes the groups of which that
/// holds, and the constants that are added there.
void note_softmax(const PlacedPlan& model, const Graph& graph, std::vector<QuantGroup>& groups);

}  // namespace snapgauge
