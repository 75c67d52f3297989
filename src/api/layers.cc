#include "api/layers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/reference.h"

namespace snapgauge {
namespace {

/// Equal also where neither is a number, or both are the same infinity.
double difference_of(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double d = std::abs(a - b);
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

Layer layer_of(const Buffer& buffer, const Reals& got, const Reals& exact) {
  Layer out;
  out.tensor = buffer.name;
  out.elements = got.size();
  out.in_steps = buffer.quant.per_tensor();
  out.bound = out.in_steps ? kLayerSteps : kLayerShare;
  double signal = 0, noise = 0, largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double d = difference_of(got[i], exact[i]);
    noise += d * d;
    if (!std::isfinite(exact[i])) continue;
    signal += exact[i] * exact[i];
    largest = std::max(largest, std::abs(exact[i]));
  }
  out.sqnr_db = noise == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(signal / noise);
  // A hair wider than the bound: values of a scale are products in single precision.
  constexpr double kRounding = 1e-3;
  const double unit = out.in_steps ? static_cast<double>(buffer.quant.scales[0]) : std::max(largest, 1e-30);
  for (size_t i = 0; i < got.size(); ++i) {
    const double units = difference_of(got[i], exact[i]) / unit;
    out.largest = std::max(out.largest, units);
    if (units <= out.bound * (1 + kRounding)) continue;
    if (out.beyond++ > 0) continue;
    out.first = i;
    out.got = got[i];
    out.exact = exact[i];
  }
  return out;
}

}  // namespace

Result<std::vector<Layer>> layers_of(
    const RunnableModel& model, const std::vector<NamedTensor>& inputs,
    const std::function<Status(size_t step, const Buffer& result, std::span<const std::byte> bytes)>& see) {
  auto run = begin(model, inputs);
  if (!run) return run.error();
  const Plan& plan = model.plan->plan();
  std::vector<Reals> reals;
  for (size_t i = 0; i < inputs.size(); ++i) reals.push_back(reals_of(plan.buffer(plan.inputs[i]), inputs[i].bytes()));
  const std::vector<Reals> exact = interpret(plan, reals);
  std::vector<Layer> out;
  Status seen = Done{};
  run->run([&](size_t s) {
    if (!seen) return;
    const Step& step = plan.steps[s];
    const Buffer& buffer = plan.buffer(step.output);
    const std::span<const std::byte> bytes = run->bytes(step.output);
    out.push_back(layer_of(buffer, reals_of(buffer, bytes), exact[step.output.index]));
    out.back().step = s;
    out.back().node = step.node;
    out.back().kind = step_name(step.kind);
    if (see) seen = see(s, buffer, bytes);
  });
  if (!seen) return seen.error();
  return out;
}

}  // namespace snapgauge
