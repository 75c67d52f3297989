// A run looked at step by step: every value beside what the same plan gives in double precision.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/runner.h"

namespace snapgauge {

/// The result of one step. Differences are in steps of its own scale where it is quantized per tensor, else in shares
/// of its largest magnitude.
struct Layer {
  size_t step = 0;  // of the plan
  std::string node, tensor, kind;
  bool in_steps = false;
  uint64_t elements = 0, beyond = 0;  // how many are further off than the bound
  double bound = 0, largest = 0;      // difference
  double sqnr_db = 0;                 // signal to noise; infinite where nothing differs
  uint64_t first = 0;                 // element beyond the bound
  double got = 0, exact = 0;          // its values

  bool within() const { return beyond == 0; }
};

/// One step of its scale, or the share that outputs have.
inline constexpr double kLayerSteps = 1, kLayerShare = kFloatShare;

/// Inputs as execute() takes them. `see` is called behind each step with its result's bytes; an error of it ends the
/// run. The exact values are those of the whole plan, so that differences add up along it. Keeps
/// every tensor of the plan as doubles.
Result<std::vector<Layer>> layers_of(
    const RunnableModel& model, const std::vector<NamedTensor>& inputs,
    const std::function<Status(size_t step, const Buffer& result, std::span<const std::byte> bytes)>& see = {});

}  // namespace snapgauge
