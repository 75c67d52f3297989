#include "api/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "api/lowering.h"
#include "backend/translate.h"
#include "base/text.h"
#include "formats/json/document.h"
#include "lower/lower.h"
#include "reference/reference.h"
#include "runtime/device.h"

namespace snapgauge {
namespace {

bool has_specs(const Graph& graph) { return !graph.specs.empty(); }

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

Result<NamedTensor> read_tensor(const std::string& path, std::string name) {
  auto file = MappedFile::open(path);
  if (!file) return file.error();
  const auto tensor = read_npy(file->text(), path);
  if (!tensor) return tensor.error();
  const NpyTensor& t = tensor.value();
  return NamedTensor{std::move(name), path, t.dtype, t.dims, {t.data.begin(), t.data.end()}};
}

Status fits(const Buffer& wanted, const NamedTensor& given) {
  if (given.dtype == wanted.dtype && given.dims == wanted.dims) return Done{};
  return Error{ErrorCode::kUsage, given.file,
               fmt::format("is {}, the input '{}' is {}", tensor_text(given.dtype, given.dims), printable(wanted.name),
                           tensor_text(wanted.dtype, wanted.dims))};
}

std::string input_names(const Plan& plan) {
  std::string out;
  for (const BufferId id : plan.inputs) out += (out.empty() ? "" : ", ") + printable(plan.buffer(id).name);
  return out;
}

/// In the plan's order.
Result<std::vector<NamedTensor>> ordered(const Plan& plan, std::vector<NamedTensor> given) {
  std::vector<NamedTensor> out;
  for (const BufferId id : plan.inputs) {
    const Buffer& wanted = plan.buffer(id);
    const auto is_it = [&](const NamedTensor& t) { return t.name == wanted.name; };
    const auto it = std::find_if(given.begin(), given.end(), is_it);
    if (it == given.end())
      return Error{ErrorCode::kUsage, "--input", fmt::format("nothing is given for '{}'", printable(wanted.name))};
    if (std::find_if(it + 1, given.end(), is_it) != given.end())
      return Error{ErrorCode::kUsage, it->file, fmt::format("is a second file for '{}'", printable(wanted.name))};
    if (auto fit = fits(wanted, *it); !fit) return fit.error();
    out.push_back(std::move(*it));
    given.erase(it);
  }
  if (!given.empty())
    return Error{ErrorCode::kUsage, given[0].file,
                 fmt::format("the model has no input '{}'; it has {}", printable(given[0].name), input_names(plan))};
  return out;
}

/// The buffer of integers that an output is made of in the last steps, as a rule; else the output itself.
const Buffer& integers_of(const Plan& plan, BufferId output) {
  const BufferId owner = plan.owner(output);
  for (const Step& step : plan.steps)
    if (plan.owner(step.output) == owner && (step.kind == StepKind::kDequantize || step.kind == StepKind::kTranspose))
      return integers_of(plan, step.inputs[0]);
  return plan.buffer(output);
}

Reals numbers_of(const NamedTensor& t) {
  Buffer b;
  b.dtype = t.dtype;
  return reals_of(b, t.bytes());
}

/// The root mean square distance of the exact result from the expected one, in steps.
double exact_distance(const Reals& exact, const NamedTensor& expected, double step) {
  const Reals wanted = numbers_of(expected);
  double squares = 0;
  for (size_t i = 0; i < exact.size(); ++i) squares += std::pow((exact[i] - wanted[i]) / step, 2);
  return exact.empty() ? 0 : std::sqrt(squares / static_cast<double>(exact.size()));
}

OutputComparison compared(const NamedTensor& got, const NamedTensor& expected, const Buffer& integers,
                          const std::function<double(double)>& exact) {
  OutputComparison out;
  out.name = got.name;
  const double step = integers.quant.per_tensor() ? static_cast<double>(integers.quant.scales[0]) : 0;
  out.step = step;
  double squares = 0;
  const Reals ours = numbers_of(got), theirs = numbers_of(expected);
  const size_t elements = out.elements = ours.size();
  for (size_t i = 0; i < elements; ++i) {
    const double a = ours[i], b = theirs[i];
    const double difference = std::isnan(a) && std::isnan(b) ? 0 : std::abs(a - b);
    out.differing += difference == 0 ? 0 : 1;  // also when it is not a number
    out.largest = difference <= out.largest ? out.largest : difference;
    out.largest_expected = std::max(out.largest_expected, std::abs(b));
    squares += difference * difference;
  }
  const double unit = step > 0 ? step : std::max(out.largest_expected, 1e-30);
  out.rms_steps = elements == 0 ? 0 : std::sqrt(squares / static_cast<double>(elements)) / unit;
  constexpr double kWideSteps = 1, kExactShare = 1.5;
  if (step > 0 && bit_width(integers.dtype) <= 8) {
    out.bound = "equal";
    out.within = out.differing == 0;
  } else if (step > 0) {
    const double most = out.rms_steps <= kWideSteps ? kWideSteps : std::max(kWideSteps, kExactShare * exact(step));
    out.bound = fmt::format("{:.3g} steps rms", most);
    out.within = out.rms_steps <= most;
  } else {
    out.bound = "1e-4 of the largest";
    out.within = out.largest <= kFloatShare * out.largest_expected;
  }
  return out;
}

struct Golden {
  std::vector<NamedTensor> inputs, outputs;
};

Result<std::vector<NamedTensor>> golden_tensors(const JsonValue& list, const std::string& path, const char* what) {
  std::vector<NamedTensor> out;
  for (const JsonValue entry : list.elements()) {
    const auto name = entry["name"].string(), file = entry["file"].string();
    if (!name || !file || file->find('/') != std::string_view::npos)
      return Error{ErrorCode::kParse, path, fmt::format("an entry of \"{}\" without \"name\" and \"file\"", what)};
    auto tensor = read_tensor(folder_of(path) + std::string(*file), std::string(*name));
    if (!tensor) return tensor.error();
    out.push_back(std::move(*tensor));
  }
  return out;
}

std::vector<Reals> reals_of_inputs(const Plan& plan, const std::vector<NamedTensor>& inputs) {
  std::vector<Reals> out;
  for (size_t i = 0; i < inputs.size(); ++i) out.push_back(reals_of(plan.buffer(plan.inputs[i]), inputs[i].bytes()));
  return out;
}

Result<Golden> read_golden(const std::string& path) {
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  const auto document = JsonDocument::parse(file.value().text(), path);
  if (!document) return document.error();
  Golden out;
  auto inputs = golden_tensors(document.value().root()["inputs"], path, "inputs");
  if (!inputs) return inputs.error();
  auto outputs = golden_tensors(document.value().root()["outputs"], path, "outputs");
  if (!outputs) return outputs.error();
  if (outputs->empty()) return Error{ErrorCode::kParse, path, "names no outputs"};
  return Golden{std::move(*inputs), std::move(*outputs)};
}

}  // namespace

Result<RunnableModel> prepare(Session& session, const Graph& graph, FileReport gate,
                              std::shared_ptr<const void> holder) {
  RunnableModel out;
  const std::string& path = out.path = gate.path;
  out.gate = std::move(gate);
  out.in_float = !has_specs(graph);
  if (out.gate.verdict != FileVerdict::kAccepted && !out.in_float) return out;
  auto backend = session.backend_graph(graph);
  if (!backend) return backend.error();
  auto plan = lower(backend->ops);
  if (!plan) return Error{plan.error().code, path, plan.error().text};
  if (auto folded = fold_constants(*plan); !folded)
    return Error{folded.error().code, path, folded.error().subject + ": " + folded.error().text};
  plan->keep_alive.push_back(std::move(holder));
  auto ready = LoadedPlan::load(std::move(*plan));
  if (!ready) return Error{ready.error().code, path, ready.error().subject + ": " + ready.error().text};
  out.plan = std::move(*ready);
  return out;
}

Result<RunnableModel> load_from_artifact(ReadArtifact read, const std::string& path, const ArtifactRun& how) {
  const auto of_file = [&](const Error& e) {
    return Error{e.code, path, e.subject.empty() ? e.text : e.subject + ": " + e.text};
  };
  const auto compiled = options_of(read.artifact);
  if (!compiled) return of_file(compiled.error());
  std::vector<ArtifactGraph>& graphs = read.artifact.graphs;
  std::string names;
  for (const ArtifactGraph& g : graphs) names += (names.empty() ? "" : ", ") + printable(g.name);
  if (how.graph.empty() && graphs.size() > 1)
    return Error{ErrorCode::kUsage, path, "has several graphs, --graph names one: " + names};
  const std::string name = how.graph.empty() ? graphs.front().name : how.graph;
  std::vector<ContextGraph> all;
  all.reserve(graphs.size());
  for (ArtifactGraph& g : graphs) all.push_back({g.name, std::move(g.plan)});
  const auto device = Device::open(host_library(), {compiled.value().backend(), read.artifact.soc});
  const auto context = Context::create(device, std::move(all), compiled.value());
  if (!context) return of_file(context.error());
  const auto graph = context.value()->graph(name);
  if (!graph) return of_file(graph.error());
  if (auto set = graph.value()->set(how.options); !set) return of_file(set.error());
  auto finalized = graph.value()->finalize(how.throughput);
  if (!finalized) return of_file(finalized.error());
  RunnableModel out;
  out.path = path;
  out.plan = graph.value()->loaded();
  out.warnings = std::move(finalized->warnings);
  out.schedule = schedule_text(graph.value()->options());
  return out;
}

Result<RunnableModel> load_runnable(Session& session, const std::string& path,
                                    const std::vector<std::string>& allowed_folders) {
  auto loaded = load_graph(path, allowed_folders);
  if (!loaded) return loaded.error();
  const auto held = std::make_shared<const LoadedGraph>(std::move(*loaded));
  auto gate = session.report(held->graph, path);
  if (!gate) return gate.error();
  return prepare(session, held->graph, std::move(*gate), held);
}

Result<std::vector<NamedTensor>> read_inputs(const Plan& plan, const std::vector<std::string>& given) {
  std::vector<NamedTensor> tensors;
  for (const std::string& one : given) {
    const size_t equals = one.find('=');
    if (equals == std::string::npos && plan.inputs.size() != 1)
      return Error{
          ErrorCode::kUsage, "--input",
          fmt::format("NAME=FILE is needed, the model has {} inputs: {}", plan.inputs.size(), input_names(plan))};
    std::string name = equals == std::string::npos ? plan.buffer(plan.inputs[0]).name : one.substr(0, equals);
    auto tensor = read_tensor(equals == std::string::npos ? one : one.substr(equals + 1), std::move(name));
    if (!tensor) return tensor.error();
    tensors.push_back(std::move(*tensor));
  }
  return ordered(plan, std::move(tensors));
}

Result<std::vector<std::vector<std::string>>> read_input_list(const std::string& path) {
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::vector<std::string>> out;
  std::string_view rest = file.value().text();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::vector<std::string> entries;
    for (size_t at = line.find_first_not_of(kBlanks); at < line.size() && line[at] != '#';
         at = line.find_first_not_of(kBlanks)) {
      line.remove_prefix(at);
      std::string entry(line.substr(0, line.find_first_of(kBlanks)));
      line.remove_prefix(entry.size());
      if (const size_t wide = entry.find(":="); wide != std::string::npos) entry.erase(wide, 1);
      const size_t from = entry.find('=') + 1;  // 0 where there is none
      if (entry[from] != '/') entry.insert(from, folder_of(path));
      entries.push_back(std::move(entry));
    }
    if (!entries.empty()) out.push_back(std::move(entries));
  }
  if (out.empty()) return Error{ErrorCode::kUsage, path, "names no inputs"};
  return out;
}

std::vector<NamedTensor> random_inputs(const Plan& plan, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<NamedTensor> out;
  for (const BufferId id : plan.inputs) {
    const Buffer& b = plan.buffer(id);
    NamedTensor t{b.name, "", b.dtype, b.dims, std::vector<std::byte>(b.bytes())};
    const uint64_t width = static_cast<uint64_t>(bit_width(b.dtype)) / 8;
    for (uint64_t i = 0; i < b.elements(); ++i) {
      const uint64_t bits = random();
      const auto real = static_cast<float>(static_cast<double>(bits >> 11U) / 4503599627370496.0 - 1);  // [-1, 1)
      const double wide = real;
      // 0 to 15 are indices of most tables, and halves next to 0.
      const uint64_t small = b.dtype == DType::kBool8 ? bits >> 63U : bits >> 60U;
      const void* from = b.dtype == DType::kFloat32   ? static_cast<const void*>(&real)
                         : b.dtype == DType::kFloat64 ? static_cast<const void*>(&wide)
                                                      : static_cast<const void*>(&small);
      std::memcpy(t.data.data() + i * width, from, width);
    }
    out.push_back(std::move(t));
  }
  return out;
}

Result<PlanRun> begin(const RunnableModel& model, const std::vector<NamedTensor>& inputs) {
  auto run = PlanRun::make(model.plan);
  if (!run) return Error{run.error().code, model.path, run.error().text};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto to = run->bytes(model.plan->plan().inputs[i]);
    std::copy(inputs[i].data.begin(), inputs[i].data.end(), to.begin());
  }
  return run;
}

Result<std::vector<NamedTensor>> execute(const RunnableModel& model, const std::vector<NamedTensor>& inputs,
                                         const std::function<void(size_t)>& after) {
  auto run = begin(model, inputs);
  if (!run) return run.error();
  const Plan& plan = model.plan->plan();
  run->run(after);
  std::vector<NamedTensor> out;
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const Buffer& b = plan.buffer(plan.outputs[i]);
    const auto bytes = run->bytes(plan.outputs[i]);
    out.push_back({plan.output_names[i], "", b.dtype, b.dims, {bytes.begin(), bytes.end()}});
  }
  return out;
}

Result<std::vector<NamedTensor>> golden_inputs(const RunnableModel& model, const std::string& golden) {
  auto expected = read_golden(golden);
  if (!expected) return expected.error();
  return ordered(model.plan->plan(), std::move(expected->inputs));
}

Result<std::vector<OutputComparison>> compare(const RunnableModel& model, const std::string& golden) {
  auto expected = read_golden(golden);
  if (!expected) return expected.error();
  const Plan& plan = model.plan->plan();
  auto inputs = ordered(plan, std::move(expected->inputs));
  if (!inputs) return inputs.error();
  const auto got = execute(model, *inputs);
  if (!got) return got.error();
  std::vector<Reals> exact;
  std::vector<OutputComparison> out;
  for (const NamedTensor& want : expected->outputs) {
    const auto it =
        std::find_if(got.value().begin(), got.value().end(), [&](const auto& t) { return t.name == want.name; });
    if (it == got.value().end())
      return Error{ErrorCode::kUsage, golden, fmt::format("the model has no output '{}'", printable(want.name))};
    if (it->dims != want.dims)
      return Error{ErrorCode::kUsage, want.file,
                   fmt::format("is {}, the output '{}' is {}", tensor_text(want.dtype, want.dims), printable(want.name),
                               tensor_text(it->dtype, it->dims))};
    for (const DType type : {it->dtype, want.dtype})
      if (type == DType::kFloat16) return Error{ErrorCode::kUnsupported, want.file, "half precision is not compared"};
    const BufferId id = plan.outputs[static_cast<size_t>(it - got.value().begin())];
    const auto distance = [&](double step) {
      if (exact.empty()) exact = interpret(plan, reals_of_inputs(plan, *inputs));
      return exact_distance(exact[id.index], want, step);
    };
    out.push_back(compared(*it, want, integers_of(plan, id), distance));
  }
  return out;
}

}  // namespace snapgauge
