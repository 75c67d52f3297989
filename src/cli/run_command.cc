// `run` and `bench`: a model's outputs on the host, and how long they take.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "api/lowering.h"
#include "api/runner.h"
#include "base/guard.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/check_run.h"
#include "cli/progress.h"
#include "cli/run_output.h"
#include "report/formats.h"

namespace snapgauge::cli {
namespace {

/// A target that is asked for is the artifact's; a SoC with or without its letters, in any case.
Status fits_artifact(const Artifact& artifact, const CheckArguments& asked) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  const auto refused = [](const std::string& own, const std::string& given) {
    return Error{ErrorCode::kUsage, "",
                 fmt::format("was lowered for {}, not for {}", printable(own), printable(given))};
  };
  const std::string soc = lower(artifact.soc), backend = lower(artifact.backend);
  const std::string number = soc.substr(std::min(soc.find_first_of("0123456789"), soc.size()));
  const std::string given = lower(asked.target.soc);
  if (asked.given.contains("backend") && lower(asked.target.backend) != backend)
    return refused(artifact.backend, asked.target.backend);
  if (asked.given.contains("soc") && given != soc && given != number) return refused(artifact.soc, asked.target.soc);
  return Done{};
}

/// Passed the gate when it was lowered; for whom, it says itself.
Result<RunnableModel> from_artifact(const RunArguments& arguments) {
  const std::string& path = arguments.check.files.front();
  auto read = open_artifact(path, arguments.key);
  if (!read) return read.error();
  if (Status fits = fits_artifact(read.value().artifact, arguments.check); !fits)
    return Error{fits.error().code, path, fits.error().text};
  auto model = load_from_artifact(std::move(*read), path, {arguments.graph, arguments.options, arguments.throughput});
  if (model)
    for (const std::string& warning : model->warnings)
      fmt::print(stderr, "snapgauge: warning: {}\n", printable(warning));
  return model;
}

/// As `check` judges it, with the same configuration; what it suppresses does not stand in the way.
Result<RunnableModel> gated(const RunArguments& arguments) {
  const std::string& path = arguments.check.files.front();
  return guarded(path, [&]() -> Result<RunnableModel> {
    if (is_artifact(path)) return from_artifact(arguments);
    for (const auto& [option, value] :
         {std::pair("--graph", &arguments.graph), std::pair("--require-signature", &arguments.key)})
      if (!value->empty()) return Error{ErrorCode::kUsage, option, fmt::format("'{}' is no artifact", printable(path))};
    if (!arguments.options.empty())
      return Error{ErrorCode::kUsage, arguments.options.front().key,
                   fmt::format("is an option of an artifact, and '{}' is none", printable(path))};
    CheckRun gate(arguments.check);
    if (auto opened = gate.open(); !opened) return opened.error();
    auto loaded = load_graph(path, arguments.check.allowed_folders);
    if (!loaded) return loaded.error();
    if (arguments.drawn) (void)draw_constants(loaded->graph, *arguments.drawn);
    const auto held = std::make_shared<const LoadedGraph>(std::move(*loaded));
    auto report = gate.judge(0, held->graph);
    if (!report) return report.error();
    return prepare(gate.session(), held->graph, std::move(*report), held);
  });
}

/// What the gate says, as `check` would.
int refuse(RunnableModel model, const Terminal& terminal) {
  Report report;
  report.files.push_back(std::move(model.gate));
  TextOptions options;
  options.colour = terminal.colour;
  options.width = terminal.width;
  const int code = deliver(render_text(report, options), "");
  return code != 0 ? code : 1;
}

std::string run_json(const std::string& path, const Json& members) {
  Json out{{"schema", "snapgauge-run/1"}, {"path", path}};
  out.update(members);
  return dumped(out) + "\n";
}

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

/// Time between the ends of two steps counts for the later one.
class Profile {
 public:
  explicit Profile(const Plan& plan) : plan_(plan), start_(Clock::now()), last_(start_) {}

  void after(size_t step) {
    const Clock::time_point now = Clock::now(), begin = std::exchange(last_, now);
    const double took = milliseconds(now - begin);
    const Step& s = plan_.steps[step];
    spans_.push_back({step, milliseconds(begin - start_), took});
    kinds_[std::string(step_name(s.kind))] += took;
    nodes_[s.node] += took;
    all_ += took;
  }

  std::string text() const { return table("kind", kinds_) + "\n" + table("node", nodes_); }

  /// In the format of trace viewers, complete events in microseconds.
  std::string trace() const {
    constexpr double kMicroseconds = 1000;  // in one of our milliseconds
    Json events = Json::array();
    for (const Span& span : spans_) {
      const Step& s = plan_.steps[span.step];
      events.push_back({{"name", printable(s.node)},
                        {"cat", step_name(s.kind)},
                        {"ph", "X"},
                        {"ts", span.begin * kMicroseconds},
                        {"dur", span.took * kMicroseconds},
                        {"pid", 1},
                        {"tid", 1},
                        {"args", {{"step", span.step}, {"kind", step_name(s.kind)}}}});
    }
    return dumped(Json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}) + "\n";
  }

 private:
  std::string table(std::string_view what, const std::map<std::string, double>& times) const {
    constexpr size_t kMostRows = 15;
    std::vector<std::pair<double, std::string>> rows;
    rows.reserve(times.size());
    for (const auto& [name, took] : times) rows.emplace_back(took, name);
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string out = fmt::format("{:>10} {:>7}  {}\n", "ms", "share", what);
    for (size_t i = 0; i < std::min(rows.size(), kMostRows); ++i)
      out += fmt::format("{:>10.3f} {:>6.1f}%  {}\n", rows[i].first, all_ > 0 ? 100 * rows[i].first / all_ : 0,
                         printable(rows[i].second));
    if (rows.size() > kMostRows) out += fmt::format("{:>19} and {} more\n", "", rows.size() - kMostRows);
    return out;
  }

  struct Span {
    size_t step;
    double begin, took;  // milliseconds, from the start
  };

  const Plan& plan_;
  Clock::time_point start_, last_;
  std::vector<Span> spans_;
  std::map<std::string, double> kinds_, nodes_;
  double all_ = 0;
};

int run_compared(const RunArguments& arguments, const RunnableModel& model) {
  const auto compared = compare(model, arguments.golden);
  if (!compared) return fail(compared.error());
  const bool within =
      std::all_of(compared.value().begin(), compared.value().end(), [](const auto& c) { return c.within; });
  const int code =
      deliver(arguments.format == "json" ? run_json(model.path, {{"outputs", comparison_json(compared.value())}})
                                         : comparison_text(compared.value()),
              "");
  return code != 0 ? code : within ? 0 : 1;
}

/// Every value beside the exact one, and as a file.
int run_by_layers(const RunArguments& arguments, const RunnableModel& model, const std::vector<NamedTensor>& inputs) {
  auto files = LayerFiles::in(arguments.layer_dir);
  if (!files) return fail(files.error());
  const auto layers =
      layers_of(model, inputs, [&](size_t step, const Buffer& result, std::span<const std::byte> bytes) {
        return files->write(step, result, bytes);
      });
  if (!layers) return fail(layers.error());
  if (auto finished = files->finish(layers.value()); !finished) return fail(finished.error());
  return deliver(arguments.format == "json" ? run_json(model.path, {{"layers", layers_json(layers.value())}})
                                            : layers_text(layers.value(), model.plan->plan()),
                 "");
}

Result<std::vector<NamedTensor>> given_inputs(const RunArguments& arguments, const RunnableModel& model) {
  if (!arguments.golden.empty()) return golden_inputs(model, arguments.golden);
  const Plan& plan = model.plan->plan();
  if (arguments.seed) return random_inputs(plan, *arguments.seed);
  return read_inputs(plan, arguments.inputs);
}

int run_once(const RunArguments& arguments, const RunnableModel& model) {
  const auto inputs = given_inputs(arguments, model);
  if (!inputs) return fail(inputs.error());
  if (!arguments.layer_dir.empty()) return run_by_layers(arguments, model, inputs.value());
  Profile profile(model.plan->plan());
  CheckArguments named = arguments.check;
  named.output = arguments.trace;
  if (auto free = output_is_free(named); !free) return fail(free.error());
  const bool timed = arguments.profile || !arguments.trace.empty();
  auto outputs = timed ? execute(model, inputs.value(), [&](size_t step) { profile.after(step); })
                       : execute(model, inputs.value());
  if (!outputs) return fail(outputs.error());
  if (!arguments.trace.empty())
    if (auto written = write_file(arguments.trace, profile.trace(), model.path); !written) return fail(written.error());
  if (!arguments.output_dir.empty())
    if (auto written = write_outputs(outputs.value(), arguments.output_dir); !written) return fail(written.error());
  if (arguments.format == "json")
    return deliver(run_json(model.path, {{"outputs", outputs_json(outputs.value())}}), "");
  const std::string text = outputs_text(outputs.value());
  return deliver(arguments.profile ? text + "\n" + model.schedule + profile.text() : text, "");
}

/// One set of inputs of a list, in a folder of its number.
Result<std::vector<NamedTensor>> run_one_of(const RunArguments& arguments, const RunnableModel& model,
                                            const std::vector<std::string>& entries, size_t number) {
  auto inputs = read_inputs(model.plan->plan(), entries);
  if (!inputs) return inputs.error();
  auto outputs = execute(model, inputs.value());
  if (!outputs || arguments.output_dir.empty()) return outputs;
  if (auto written = write_outputs(*outputs, fmt::format("{}/{}", arguments.output_dir, number)); !written)
    return written.error();
  return outputs;
}

/// Sets of inputs are taken by whichever thread is free, and told in their order; after one that fails no other begins.
int run_list(const RunArguments& arguments, const RunnableModel& model) {
  const auto list = read_input_list(arguments.input_list);
  if (!list) return fail(list.error());
  const std::vector<std::vector<std::string>>& sets = list.value();
  std::vector<std::optional<Result<std::vector<NamedTensor>>>> results(sets.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> stopped = false;
  std::mutex progress_lock;
  const Progress progress("ran", "sets of inputs", sets.size());
  const auto work = [&] {
    for (size_t i = next++; i < sets.size() && !stopped; i = next++) {
      results[i] = guarded(model.path, [&] { return run_one_of(arguments, model, sets[i], i); });
      if (!*results[i])
        stopped = true;
      else
        for (NamedTensor& t : **results[i]) t.data = {};
      const std::scoped_lock lock(progress_lock);
      progress.step(i + 1);
    }
  };
  std::vector<std::jthread> threads;
  for (uint64_t t = 1; t < std::min<uint64_t>(arguments.threads, sets.size()); ++t) threads.emplace_back(work);
  work();
  threads.clear();
  Json all = Json::array();
  std::string text;
  for (size_t i = 0; i < sets.size(); ++i) {
    if (!results[i]) continue;
    if (!*results[i]) return fail(results[i]->error());
    all.push_back({{"outputs", outputs_json(results[i]->value())}});
    text += fmt::format("set {}\n{}", i, outputs_text(results[i]->value()));
  }
  return deliver(arguments.format == "json" ? run_json(model.path, {{"sets", std::move(all)}}) : text, "");
}

int run_model(const RunArguments& arguments, const RunnableModel& model) {
  if (arguments.show_plan) return deliver(to_text(model.plan->plan()), "");
  if (!arguments.golden.empty() && arguments.layer_dir.empty()) return run_compared(arguments, model);
  return arguments.input_list.empty() ? run_once(arguments, model) : run_list(arguments, model);
}

struct Timing {
  double load = 0;  // everything in front of the first run
  std::vector<double> runs;
  uint64_t arena = 0, scratch = 0, constants = 0;

  double share(double of) const {
    std::vector<double> sorted = runs;
    std::sort(sorted.begin(), sorted.end());
    return sorted[std::min(sorted.size() - 1, static_cast<size_t>(of * static_cast<double>(sorted.size())))];
  }
};

std::string timing_text(const Timing& t, const std::string& path) {
  return fmt::format(
      "{}\n  load    {:.3f} ms\n  run     median {:.3f} ms, 90% below {:.3f} ms, best {:.3f} ms of {} runs\n"
      "  memory  {} bytes of activations, {} of scratch, {} of constants\n",
      printable(path), t.load, t.share(0.5), t.share(0.9), t.share(0), t.runs.size(), t.arena, t.scratch, t.constants);
}

std::string timing_json(const Timing& t, const std::string& path) {
  return dumped(Json{{"schema", "snapgauge-bench/1"},
                     {"path", path},
                     {"load_ms", t.load},
                     {"runs", t.runs.size()},
                     {"median_ms", t.share(0.5)},
                     {"p90_ms", t.share(0.9)},
                     {"best_ms", t.share(0)},
                     {"arena_bytes", t.arena},
                     {"scratch_bytes", t.scratch},
                     {"constant_bytes", t.constants}}) +
         "\n";
}

/// The first run warms up.
Status measure(const RunnableModel& model, const RunArguments& arguments, Timing& timing) {
  auto run = PlanRun::make(model.plan);
  if (!run) return Error{run.error().code, model.path, run.error().text};
  const Plan& plan = model.plan->plan();
  const std::vector<NamedTensor> inputs = random_inputs(plan, arguments.seed.value_or(1));
  for (uint64_t i = 0; i <= arguments.runs; ++i) {
    for (size_t k = 0; k < inputs.size(); ++k)
      std::copy(inputs[k].data.begin(), inputs[k].data.end(), run->bytes(plan.inputs[k]).begin());
    const Clock::time_point begin = Clock::now();
    run->run();
    if (i > 0) timing.runs.push_back(milliseconds(Clock::now() - begin));
  }
  return Done{};
}

}  // namespace

int run_run(const RunArguments& arguments, const Terminal& terminal) {
  auto model = gated(arguments);
  if (!model) return fail(model.error());
  if (model->plan == nullptr) return refuse(std::move(*model), terminal);
  return run_model(arguments, *model);
}

int run_bench(const RunArguments& arguments, const Terminal& terminal) {
  const Clock::time_point start = Clock::now();
  auto model = gated(arguments);
  if (!model) return fail(model.error());
  if (model->plan == nullptr) return refuse(std::move(*model), terminal);
  Timing timing;
  timing.load = milliseconds(Clock::now() - start);
  timing.arena = model->plan->plan().arena_bytes;
  timing.scratch = model->plan->scratch_bytes();
  for (const Buffer& b : model->plan->plan().buffers)
    if (b.role == BufferRole::kConstant && !b.same_bytes.valid()) timing.constants += b.data.size();
  if (auto measured = measure(*model, arguments, timing); !measured) return fail(measured.error());
  const bool json = arguments.format == "json";
  return deliver(json ? timing_json(timing, model->path) : timing_text(timing, model->path), "");
}

}  // namespace snapgauge::cli
