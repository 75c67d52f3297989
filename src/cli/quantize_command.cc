// quantize: a float model and samples of its inputs become a model of integers that the target takes.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/widths.h"
#include "base/content_hash.h"
#include "base/guard.h"
#include "base/mouths.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/accuracy_output.h"
#include "cli/annotate_output.h"
#include "cli/check_run.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "report/common.h"
#include "report/formats.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

constexpr std::string_view kEnding = ".quantized.onnx";

struct Outcome {
  std::string path;
  MeasuredModel measured;
  std::vector<LayerSensitivity> ranked;
  Report report;  // of the specs when that is where it ended, else of the result
  std::vector<std::string> written;
  bool interrupted = false;

  const QuantizedModel& model() const { return measured.model; }
  bool passed() const { return report.files.front().verdict == FileVerdict::kAccepted; }
};

Result<QuantizeOptions> options_for(const QuantizeArguments& arguments, const CheckRun& gate,
                                    const TimedProgress& bar) {
  auto recipe = recipe_for(arguments.annotate, gate);
  if (!recipe) return recipe.error();
  QuantizeOptions out;
  out.recipe = std::move(*recipe);
  out.samples = arguments.samples;
  out.convert.activations.kind = *observer_named(arguments.observer);
  out.convert.activations.percentile = arguments.percentile;
  out.convert.weights = *weight_observer_named(arguments.weight_observer);
  out.calibration.threads = static_cast<unsigned>(arguments.threads);
  out.calibration.state = arguments.state;
  out.calibration.progress = [&bar](size_t done, size_t total) {
    bar.step(done, total);
    return !Interruptible::interrupted();
  };
  return out;
}

/// Of the model and the samples; the rest is known to who calibrates.
uint64_t identity_of(const QuantizeArguments& arguments, std::string_view model) {
  std::string all(kVersion);
  for (const std::string& s : arguments.samples) all += '\n' + s;
  return content_hash(model) ^ content_hash(all);
}

bool wants_accuracy(const QuantizeArguments& arguments) {
  return arguments.accuracy || arguments.sensitivity || !arguments.plot.empty() || arguments.target_db > 0;
}

/// Quantized, and measured where that is asked for.
Result<MeasuredModel> made(const QuantizeArguments& arguments, Session& session, const QuantizeOptions& options,
                           const Judge& judge, const WidthSearch& search) {
  if (arguments.target_db > 0) return quantize_to_target(session, options, judge, search);
  if (wants_accuracy(arguments)) return quantize_measured(session, options, judge, search);
  auto loaded = search.load();
  if (!loaded) return loaded.error();
  const auto source = std::make_shared<LoadedGraph>(std::move(*loaded));
  auto model = quantize(session, source->graph, options, judge);
  if (!model) return model.error();
  MeasuredModel out;
  out.source = source;
  out.model = std::move(*model);
  return out;
}

/// Each file has a name of its own, and none is what is read.
Status outputs_are_free(const QuantizeArguments& arguments) {
  CheckArguments read = arguments.annotate.check;
  read.files.insert(read.files.end(), arguments.samples.begin(), arguments.samples.end());
  if (!arguments.annotate.recipe.empty()) read.files.push_back(arguments.annotate.recipe);
  std::set<std::string> names;
  for (const std::string* file : {&arguments.annotate.output, &arguments.sgraph, &arguments.aimet, &arguments.overrides,
                                  &arguments.plot, &arguments.state})
    if (!file->empty()) {
      if (!names.insert(*file).second) return Error{ErrorCode::kUsage, *file, "is the name of two outputs"};
      read.output = *file;
      if (auto free = output_is_free(read); !free) return free;
    }
  return Done{};
}

/// Everything that was asked for, the model last: where it is, the rest is.
Status write_all(const QuantizeArguments& arguments, Outcome& out) {
  const auto write = [&](const std::string& file, const std::string& content) -> Status {
    if (file.empty()) return Done{};
    if (auto done = write_file(file, content, out.path); !done) return done;
    out.written.push_back(file);
    return Done{};
  };
  const QuantizedModel& model = out.model();
  const std::pair<const std::string*, const std::string*> texts[]{{&arguments.sgraph, &model.text},
                                                                  {&arguments.aimet, &model.aimet.text},
                                                                  {&arguments.overrides, &model.overrides.text}};
  for (const auto& [file, content] : texts)
    if (Status s = write(*file, *content); !s) return s;
  if (!arguments.plot.empty())
    if (Status s = write(arguments.plot, accuracy_svg(out.measured.accuracy, out.path)); !s) return s;
  auto written = write_beside(arguments.annotate, out.path, kEnding, *model.model);
  if (!written) return written.error();
  out.written.push_back(std::move(*written));
  return Done{};
}

Result<Outcome> quantize_file(const QuantizeArguments& arguments) {
  const AnnotateArguments& how = arguments.annotate;
  const std::string& path = how.check.files.front();
  if (Status s = outputs_are_free(arguments); !s) return s.error();
  CheckRun gate(how.check);
  if (auto opened = gate.open(); !opened) return opened.error();
  const TimedProgress bar("calibrated", "samples");
  auto options = options_for(arguments, gate, bar);
  if (!options) return options.error();
  WidthSearch search;
  search.target_db = arguments.target_db;
  search.load = [&]() -> Result<LoadedGraph> {
    auto loaded = load_graph(path, how.check.allowed_folders);
    if (loaded) options->calibration.identity = identity_of(arguments, loaded->file->text());
    return loaded;
  };
  search.accuracy.progress = [](size_t, size_t) { return !Interruptible::interrupted(); };
  const Interruptible during;
  const Judge judge = [&](const Graph& graph) { return gate.judge(0, graph); };
  auto measured = made(arguments, gate.session(), *options, judge, search);
  if (!measured) return measured.error();
  Outcome out;
  out.path = path;
  out.measured = std::move(*measured);
  out.interrupted = Interruptible::interrupted();
  QuantizedModel& model = out.measured.model;
  auto report = gate.report_of(std::move(model.calibrated ? model.gate : model.annotated.gate));
  if (!report) return report.error();
  out.report = std::move(*report);
  if (out.interrupted || !model.calibrated || (!out.passed() && out.report.strict)) return out;
  if (arguments.sensitivity) {
    auto ranked = ranked_layers(gate.session(), out.measured, options->samples, search.accuracy);
    if (!ranked) return ranked.error();
    out.ranked = std::move(*ranked);
  }
  if (Status s = write_all(arguments, out); !s) return s.error();
  if (!arguments.state.empty()) std::remove(arguments.state.c_str());
  return out;
}

std::string state_of(const Outcome& outcome) {
  if (outcome.interrupted)
    return fmt::format("interrupted after {} of {} samples, nothing written", outcome.model().samples,
                       outcome.model().of_samples);
  if (!outcome.model().calibrated) return "not calibrated, as the specs are not accepted; nothing written";
  return fmt::format(
      "calibrated with {}{}", plural(outcome.model().samples, "sample"),
      outcome.written.empty() ? "; nothing written" : fmt::format(", written to {}", fmt::join(outcome.written, ", ")));
}

std::string measured_text(const Outcome& outcome, const QuantizeArguments& arguments) {
  constexpr size_t kMostRows = 20;
  const Accuracy& accuracy = outcome.measured.accuracy;
  std::string out;
  if (accuracy.samples > 0) out += accuracy_text(accuracy, arguments.annotate.explain ? SIZE_MAX : kMostRows);
  if (!outcome.ranked.empty())
    out += sensitivity_text(accuracy, outcome.ranked, arguments.annotate.explain ? SIZE_MAX : kMostRows);
  if (arguments.target_db > 0 && accuracy.samples > 0)
    out +=
        fmt::format("{} dB {} with {} in a wider config{}{}\n", arguments.target_db,
                    outcome.measured.reached ? "reached" : "not reached", plural(outcome.measured.wide.size(), "node"),
                    outcome.measured.wide.empty() ? "" : ": ", fmt::join(outcome.measured.wide, ", "));
  for (const auto& [file, text] : {std::pair(&arguments.aimet, &outcome.model().aimet),
                                   std::pair(&arguments.overrides, &outcome.model().overrides)})
    if (!file->empty() && !text->left_out.empty())
      out += fmt::format("not expressed in {}: {}\n", *file, fmt::join(text->left_out, ", "));
  return for_log(out);
}

std::string text_of(const Outcome& outcome, const QuantizeArguments& arguments, const Terminal& terminal) {
  const auto& nodes = outcome.model().annotated.nodes;
  const auto annotated = static_cast<size_t>(std::count_if(
      nodes.begin(), nodes.end(), [](const NodeChoice& n) { return n.kind == QuantChoice::Kind::kAnnotated; }));
  std::string out = fmt::format("{}: {} of {} quantized, {}\n", printable(outcome.path), annotated,
                                plural(nodes.size(), "node"), for_log(state_of(outcome)));
  out += for_log(arguments.annotate.explain ? explained(nodes) : surprises(nodes));
  TextOptions options;
  options.colour = terminal.colour;
  options.width = terminal.width;
  return out + measured_text(outcome, arguments) + render_text(outcome.report, options);
}

std::string json_of(const Outcome& outcome) {
  Json out{{"schema", "snapgauge-quantize/1"}, {"tool", {{"name", "snapgauge"}, {"version", kVersion}}}};
  out["path"] = outcome.path;
  out["written"] = outcome.written;
  out["samples"] = outcome.model().samples;
  if (!outcome.model().annotated.changes.empty()) out["changes"] = outcome.model().annotated.changes;
  out["nodes"] = choices_json(outcome.model().annotated.nodes);
  const Accuracy& accuracy = outcome.measured.accuracy;
  if (accuracy.samples > 0) out["accuracy"] = accuracy_json(accuracy);
  if (!outcome.ranked.empty()) out["sensitivity"] = sensitivity_json(accuracy, outcome.ranked);
  if (accuracy.samples > 0 && !outcome.measured.wide.empty()) out["wider"] = outcome.measured.wide;
  out["gate"] = Json::parse(render_json(outcome.report));
  return dumped(out) + "\n";
}

}  // namespace

int run_quantize(const QuantizeArguments& arguments, const Terminal& terminal) {
  const auto outcome =
      guarded(arguments.annotate.check.files.front(), [&]() -> Result<Outcome> { return quantize_file(arguments); });
  if (!outcome) return fail(outcome.error());
  const Outcome& done = outcome.value();
  const int code =
      deliver(arguments.annotate.format == "json" ? json_of(done) : text_of(done, arguments, terminal), "");
  if (code != 0) return code;
  if (done.interrupted) return kInterruptedExit;
  if (arguments.target_db > 0 && !done.measured.reached) return 1;
  return done.passed() || !done.report.strict ? 0 : 1;
}

}  // namespace snapgauge::cli
