// `run` and `bench`: a model's outputs on the host, and how long they take.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "api/runner.h"
#include "base/guard.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/commands.h"
#include "report/formats.h"
#include "report/json_parts.h"

namespace snapgauge::cli {
namespace {

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

/// A name as a file's: nothing leads out of the folder.
std::string file_name(std::string name) {
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == '/' || c == '\\' || c == ':') c = '_';
  if (name.empty() || name[0] == '.') name.insert(0, "_");
  return name + ".npy";
}

/// Says in each tensor where it went.
Status write_outputs(std::vector<NamedTensor>& outputs, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{ErrorCode::kIo, folder, "cannot make the folder: " + error.message()};
  std::set<std::string> used;
  for (NamedTensor& t : outputs) {
    std::string name = file_name(t.name);
    while (!used.insert(name).second) name.insert(0, "_");
    t.file = (std::filesystem::path(folder) / name).native();
    if (auto written = write_file(t.file, npy_text(t.dtype, t.dims, t.bytes())); !written) return written.error();
  }
  return Done{};
}

std::string comparison_text(const std::vector<OutputComparison>& all) {
  std::string out = fmt::format("{:<24} {:>10} {:>10} {:>12} {:>10}  {}\n", "output", "elements", "differing",
                                "largest", "rms steps", "bound");
  for (const OutputComparison& c : all)
    out += fmt::format("{:<24} {:>10} {:>10} {:>12.6g} {:>10.4g}  {}: {}\n", printable(c.name), c.elements, c.differing,
                       c.largest, c.rms_steps, c.bound, c.within ? "within" : "NOT WITHIN");
  return out;
}

std::string run_json(const std::string& path, Json outputs) {
  return dumped(Json{{"schema", "snapgauge-run/1"}, {"path", path}, {"outputs", std::move(outputs)}}) + "\n";
}

Json comparison_json(const std::vector<OutputComparison>& all) {
  Json out = Json::array();
  for (const OutputComparison& c : all)
    out.push_back({{"name", c.name},
                   {"elements", c.elements},
                   {"differing", c.differing},
                   {"largest_difference", c.largest},
                   {"step", c.step},
                   {"rms_steps", c.rms_steps},
                   {"largest_expected", c.largest_expected},
                   {"bound", c.bound},
                   {"within", c.within}});
  return out;
}

std::string outputs_text(const std::vector<NamedTensor>& outputs) {
  std::string out;
  for (const NamedTensor& t : outputs)
    out += fmt::format("{} {}{}\n", printable(t.name), tensor_text(t.dtype, t.dims),
                       t.file.empty() ? "" : " -> " + printable(t.file));
  return out;
}

Json outputs_json(const std::vector<NamedTensor>& outputs) {
  Json out = Json::array();
  for (const NamedTensor& t : outputs) {
    const std::string type = tensor_text(t.dtype, {});
    out.push_back({{"name", t.name}, {"dtype", type.substr(0, type.find(' '))}, {"shape", t.dims}});
    if (!t.file.empty()) out.back()["file"] = t.file;
  }
  return out;
}

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

/// Time between the ends of two steps counts for the later one.
class Profile {
 public:
  explicit Profile(const Plan& plan) : plan_(plan), last_(Clock::now()) {}

  void after(size_t step) {
    const Clock::time_point now = Clock::now();
    const double took = milliseconds(now - std::exchange(last_, now));
    const Step& s = plan_.steps[step];
    kinds_[std::string(step_name(s.kind))] += took;
    nodes_[s.node] += took;
    all_ += took;
  }

  std::string text() const { return table("kind", kinds_) + "\n" + table("node", nodes_); }

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

  const Plan& plan_;
  Clock::time_point last_;
  std::map<std::string, double> kinds_, nodes_;
  double all_ = 0;
};

int run_model(const RunArguments& arguments, const RunnableModel& model) {
  const Plan& plan = model.plan->plan();
  const bool json = arguments.format == "json";
  if (arguments.show_plan) return deliver(to_text(plan), "");
  if (!arguments.golden.empty()) {
    const auto compared = compare(model, arguments.golden);
    if (!compared) return fail(compared.error());
    const bool within =
        std::all_of(compared.value().begin(), compared.value().end(), [](const auto& c) { return c.within; });
    const int code =
        deliver(json ? run_json(model.path, comparison_json(compared.value())) : comparison_text(compared.value()), "");
    return code != 0 ? code : within ? 0 : 1;
  }
  auto inputs = arguments.seed ? Result<std::vector<NamedTensor>>(random_inputs(plan, *arguments.seed))
                               : read_inputs(plan, arguments.inputs);
  if (!inputs) return fail(inputs.error());
  Profile profile(plan);
  auto outputs = arguments.profile ? execute(model, inputs.value(), [&](size_t step) { profile.after(step); })
                                   : execute(model, inputs.value());
  if (!outputs) return fail(outputs.error());
  if (!arguments.output_dir.empty())
    if (auto written = write_outputs(outputs.value(), arguments.output_dir); !written) return fail(written.error());
  if (json) return deliver(run_json(model.path, outputs_json(outputs.value())), "");
  const std::string text = outputs_text(outputs.value());
  return deliver(arguments.profile ? text + "\n" + profile.text() : text, "");
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
  auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return fail(session.error());
  auto model =
      guarded(arguments.model, [&] { return load_runnable(**session, arguments.model, arguments.allowed_folders); });
  if (!model) return fail(model.error());
  if (model->plan == nullptr) return refuse(std::move(*model), terminal);
  return run_model(arguments, *model);
}

int run_bench(const RunArguments& arguments, const Terminal& terminal) {
  const Clock::time_point start = Clock::now();
  auto session = Session::open(arguments.tables, arguments.target);
  if (!session) return fail(session.error());
  auto model =
      guarded(arguments.model, [&] { return load_runnable(**session, arguments.model, arguments.allowed_folders); });
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
  return deliver(json ? timing_json(timing, arguments.model) : timing_text(timing, arguments.model), "");
}

}  // namespace snapgauge::cli
