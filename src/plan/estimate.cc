#include "plan/estimate.h"

#include <algorithm>

namespace snapgauge {
namespace {

/// Of one element of the result; of a transposed convolution one of the operand.
uint64_t macs_each(const Plan& plan, const Step& step) {
  const auto dims = [&](size_t i) -> const std::vector<int64_t>& { return plan.buffer(step.inputs[i]).dims; };
  const auto size = [](int64_t n) { return static_cast<uint64_t>(n); };
  if (step.kind == StepKind::kMatMul) return size(dims(0).back());
  const auto* window = std::get_if<Window>(&step.params);
  if (window == nullptr || step.inputs.size() < 2 || window->groups < 1) return 0;
  const uint64_t taps = size(window->kernel[0]) * size(window->kernel[1]);
  if (step.kind == StepKind::kConvolution) return taps * size(dims(0)[3] / window->groups);
  if (step.kind == StepKind::kTransposedConvolution)
    return taps * size(plan.buffer(step.output).dims[3] / window->groups);
  return 0;
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  macs += other.macs;
  activation_bytes += other.activation_bytes;
  constant_bytes += other.constant_bytes;
  working_set = std::max(working_set, other.working_set);
  return *this;
}

Cost cost_of(const Plan& plan, const Step& step) {
  Cost out;
  for (const BufferId id : step.inputs) {
    if (!id.valid()) continue;
    const Buffer& b = plan.buffer(id);
    (b.role == BufferRole::kConstant ? out.constant_bytes : out.activation_bytes) += b.bytes();
  }
  const Buffer& result = plan.buffer(step.output);
  out.activation_bytes += result.bytes();
  out.working_set = out.activation_bytes + out.constant_bytes;
  const bool spreads = step.kind == StepKind::kTransposedConvolution;
  out.macs = macs_each(plan, step) * (spreads ? plan.buffer(step.inputs[0]).elements() : result.elements());
  return out;
}

Cost cost_of(const Plan& plan, const PlanPart& part) {
  Cost out;
  for (uint32_t s = part.first; s < part.first + part.count; ++s) out += cost_of(plan, plan.steps[s]);
  return out;
}

}  // namespace snapgauge
