// accuracy: two models side by side over samples.
#include <fmt/format.h>

#include "api/accuracy.h"
#include "base/guard.h"
#include "base/mouths.h"
#include "base/write.h"
#include "cli/accuracy_output.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

struct Measured {
  Accuracy accuracy;
  std::vector<LayerSensitivity> ranked;
};

Result<Measured> measure(const AccuracyArguments& arguments) {
  auto session = Session::open(arguments.check.tables, arguments.check.target);
  if (!session) return session.error();
  std::vector<LoadedGraph> loaded;
  std::vector<ObservedModel> models;
  for (const std::string& path : arguments.check.files) {
    auto one = load_graph(path, arguments.check.allowed_folders);
    if (!one) return one.error();
    loaded.push_back(std::move(*one));
  }
  for (const LoadedGraph& one : loaded) {
    auto plan = placed_plan(**session, one.graph);
    if (!plan) return plan.error();
    models.push_back({&one.graph, std::move(*plan)});
  }
  const auto samples = Samples::open(models[0].model.plan->plan(), arguments.samples);
  if (!samples) return samples.error();
  if (Status s = same_inputs(models[0].model.plan->plan(), models[1].model.plan->plan(), arguments.check.files[1]); !s)
    return s.error();
  const TimedProgress bar("compared", "samples");
  AccuracyOptions options;
  options.progress = [&](size_t done, size_t total) {
    bar.step(done, total);
    return true;
  };
  Measured out;
  auto accuracy = measure_accuracy(models[0], models[1], samples.value(), options);
  if (!accuracy) return accuracy.error();
  out.accuracy = std::move(*accuracy);
  if (!arguments.sensitivity) return out;
  auto ranked = rank_layers(models[0], models[1], samples.value(), options);
  if (!ranked) return ranked.error();
  out.ranked = std::move(*ranked);
  return out;
}

std::string json_of(const AccuracyArguments& arguments, const Measured& measured) {
  Json out{{"schema", "snapgauge-accuracy/1"}, {"tool", {{"name", "snapgauge"}, {"version", kVersion}}}};
  out["float"] = arguments.check.files[0];
  out["quantized"] = arguments.check.files[1];
  out["accuracy"] = accuracy_json(measured.accuracy);
  if (arguments.sensitivity) out["sensitivity"] = sensitivity_json(measured.accuracy, measured.ranked);
  return dumped(out) + "\n";
}

}  // namespace

int run_accuracy(const AccuracyArguments& arguments, const Terminal& /*terminal*/) {
  const auto measured =
      guarded(arguments.check.files.front(), [&]() -> Result<Measured> { return measure(arguments); });
  if (!measured) return fail(measured.error());
  const Measured& done = measured.value();
  if (!arguments.plot.empty()) {
    CheckArguments named = arguments.check;
    named.files.insert(named.files.end(), arguments.samples.begin(), arguments.samples.end());
    named.output = arguments.plot;
    if (auto free = output_is_free(named); !free) return fail(free.error());
    if (auto s = write_file(arguments.plot, accuracy_svg(done.accuracy, arguments.check.files[1])); !s)
      return fail(s.error());
  }
  if (arguments.format == "json") return deliver(json_of(arguments, done), "");
  constexpr size_t kMostRows = 20;
  const size_t most = arguments.all ? SIZE_MAX : kMostRows;
  std::string out = accuracy_text(done.accuracy, most);
  if (arguments.sensitivity) out += sensitivity_text(done.accuracy, done.ranked, most);
  return deliver(for_log(out), "");
}

}  // namespace snapgauge::cli
