// The quantizer's second half: specs get their numbers. Activations from what calibration saw, weights from their data,
// biases from the two in front of them; numbers of masks become ones that the range can hold.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "graph/edit.h"
#include "observers/activation.h"
#include "observers/weights.h"
#include "quantize/groups.h"

namespace snapgauge {

struct ConvertOptions {
  ObserverOptions activations;
  WeightObserver weights = WeightObserver::kMinMax;
};

/// What was seen of a group's computed tensors.
struct GroupObservation {
  bool seen = false;
  ActivationObserver observer;
};

/// Writes scales and zero points in place of the specs without them. `observed`: parallel to `groups`, which
/// groups_to_observe() gave for the graph as it is. Constants of float32 are read where they lie, once. Errors: a
/// constant whose data is not there, one with numbers that are none.
Status write_numbers(GraphEdit& edit, const Sharing& sharing, const std::vector<QuantGroup>& groups,
                     const std::vector<GroupObservation>& observed, const ConvertOptions& options);

}  // namespace snapgauge
