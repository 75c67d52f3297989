#include "api/quantization.h"

#include <fmt/format.h>

#include "api/saturation.h"
#include "api/session.h"
#include "base/content_hash.h"
#include "formats/onnx/writer.h"

namespace snapgauge {
namespace {

bool accepted(const FileReport& report) { return report.verdict == FileVerdict::kAccepted; }

/// Of everything that decides what calibration sees, beside the samples.
uint64_t identity_of(const Graph& graph, const std::vector<QuantGroup>& groups, const ConvertOptions& options) {
  std::string all = fmt::format("{} {} {}", observer_name(options.activations.kind), options.activations.percentile,
                                options.activations.averaging);
  for (const QuantGroup& group : groups) {
    all += fmt::format("\n{} {}", spec_text(graph.specs[group.spec.index]), group.observed_as);
    for (const ValueId v : group.tensors) all += fmt::format(" {}", v.index);
  }
  return content_hash(all);
}

}  // namespace

bool wants_numbers(const Graph& graph) { return !groups_to_observe(graph, Sharing(graph)).empty(); }

Result<GivenNumbers> give_numbers(Graph& graph, const PlacedPlan& in_float, const QuantizeOptions& options) {
  GivenNumbers out;
  const auto samples = Samples::open(in_float.plan->plan(), options.samples);
  if (!samples) return samples.error();
  out.of_samples = samples.value().size();
  const Sharing sharing(graph);
  std::vector<QuantGroup> groups = groups_to_observe(graph, sharing);
  let_saturation_decide(in_float, graph, groups);
  note_softmax(in_float, graph, groups);
  CalibrationOptions calibration = options.calibration;
  calibration.observer = options.convert.activations;
  calibration.identity ^= identity_of(graph, groups, options.convert);
  auto seen = calibrate(in_float, graph, groups, samples.value(), calibration);
  if (!seen) return seen.error();
  out.samples = seen->samples;
  if (seen->stopped) return out;
  out.calibrated = true;

  GraphEdit edit(graph);
  if (Status s = write_numbers(edit, sharing, groups, seen->groups, options.convert); !s)
    return in_file(graph, s.error());
  return out;
}

Result<QuantizedModel> quantize(Session& session, Graph& graph, const QuantizeOptions& options, const Judge& judge) {
  QuantizedModel out;
  auto annotated = annotate(session, graph, options.recipe, judge, [&](const Graph& prepared) -> Status {
    auto model = placed_plan(session, prepared);
    if (!model) return model.error();
    out.in_float = std::move(*model);
    return Done{};
  });
  if (!annotated) return annotated.error();
  out.annotated = std::move(*annotated);
  if (options.strict && !accepted(out.annotated.gate)) return out;

  const auto given = give_numbers(graph, out.in_float, options);
  if (!given) return given.error();
  out.calibrated = given.value().calibrated;
  out.samples = given.value().samples;
  out.of_samples = given.value().of_samples;
  if (!out.calibrated) return out;
  auto model = onnx_model(graph);
  if (!model) return in_file(graph, model.error());
  out.model = std::make_shared<const std::string>(std::move(*model));
  out.text = write_graph(graph);
  out.aimet = aimet_encodings(graph);
  out.overrides = qairt_overrides(graph);
  auto again = read_graph(*out.model, graph.file);
  if (!again) return again.error();
  again->keep_alive.push_back(out.model);
  out.integers = std::make_shared<const Graph>(std::move(*again));
  auto gate = judge(*out.integers);
  if (!gate) return gate.error();
  out.gate = std::move(*gate);
  return out;
}

}  // namespace snapgauge
