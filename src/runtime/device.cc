#include "runtime/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "plan/estimate.h"

namespace snapgauge {
namespace {

Error usage(const std::string& subject, std::string why) {
  return {ErrorCode::kUsage, printable(subject), std::move(why)};
}

constexpr double kRatioUnit = 10;  // ftrt_ratio 10 is the base clock

class HostLibrary final : public DeviceLibrary {
 public:
  std::string_view name() const override { return "host"; }
  Result<std::shared_ptr<const LoadedPlan>> prepare(const Plan& plan, const OptionSet&) override {
    return LoadedPlan::load(plan);
  }
};

std::string cores_text(const OptionSet& options) {
  const int all = option_backend_row(options.backend()).cores;
  const int64_t mask = options.integer(OptionId::kLpaiCoreSelection),
                any = (int64_t{1} << static_cast<unsigned>(all)) - 1;
  if (mask == 0 || mask == any) return "any core";
  std::string cores;
  for (int c = 0; c < all; ++c)
    if ((mask >> static_cast<unsigned>(c) & 1) != 0) cores += fmt::format("{}{}", cores.empty() ? "" : ", ", c);
  const bool hard =
      option_text(option_row(OptionId::kLpaiAffinity), options.integer(OptionId::kLpaiAffinity)) == "hard";
  return hard ? fmt::format("core {} alone", cores) : fmt::format("core {} where it is free, else any", cores);
}

bool is_real_time(const OptionSet& options) {
  const OptionRow& row = option_row(OptionId::kLpaiClientPerfType);
  return option_text(row, options.integer(row.id)) == "real_time";
}

double budget_of(const OptionSet& options) { return 1 / static_cast<double>(options.integer(OptionId::kLpaiFps)); }
double clock_of(const OptionSet& options) {
  return static_cast<double>(options.integer(OptionId::kLpaiFtrtRatio)) / kRatioUnit;
}

}  // namespace

Status check_cores(const OptionSet& options) {
  const int cores = option_backend_row(options.backend()).cores;
  return cores > 0 ? options.check_cores(cores) : Status(Done{});
}

DeviceLibrary& host_library() {
  static HostLibrary library;
  return library;
}

std::shared_ptr<Device> Device::open(DeviceLibrary& library, DeviceSpec spec) {
  return std::shared_ptr<Device>(new Device(library, std::move(spec)));
}

bool Device::is_open() const {
  const std::scoped_lock hold(lock_);
  return open_;
}

Status Device::close() {
  const std::scoped_lock hold(lock_);
  if (!open_) return usage("device", "is closed already");
  if (contexts_ > 0) return usage("device", fmt::format("{} of its contexts are open", contexts_));
  open_ = false;
  return Done{};
}

Result<std::shared_ptr<Context>> Context::create(const std::shared_ptr<Device>& device,
                                                 std::vector<ContextGraph> graphs, const OptionSet& options) {
  if (!device->is_open()) return usage("device", "is closed");
  const OptionBackendRow& row = option_backend_row(device->spec().backend);
  const std::string_view backend = option_backend_name(row.backend);
  if (options.backend() != row.backend)
    return usage("options", fmt::format("are those of {}, the device is one of {}",
                                        option_backend_name(options.backend()), backend));
  if (graphs.empty()) return usage("context", "has no graph");
  if (row.graphs_per_context > 0 && graphs.size() > row.graphs_per_context)
    return usage("context",
                 fmt::format("has {} graphs; {} takes {} at a time", graphs.size(), backend, row.graphs_per_context));
  std::set<std::string_view> names;
  for (const ContextGraph& graph : graphs)
    if (!names.insert(graph.name).second)
      return usage("context", fmt::format("has two graphs '{}'", printable(graph.name)));
  std::shared_ptr<Context> out(new Context(device, options));
  out->retrieved_.assign(graphs.size(), false);
  const std::scoped_lock hold(device->lock_);
  if (!device->open_) return usage("device", "is closed");  // meanwhile
  out->graphs_ = std::move(graphs);
  ++device->contexts_;
  return out;
}

Context::~Context() {
  if (graphs_.empty()) return;  // never opened
  const std::scoped_lock hold(device_->lock_);
  --device_->contexts_;
}

Result<std::shared_ptr<DeviceGraph>> Context::graph(const std::string& name) {
  const std::scoped_lock hold(lock_);
  std::string names;
  for (size_t i = 0; i < graphs_.size(); ++i) {
    names += (i == 0 ? "" : ", ") + printable(graphs_[i].name);
    if (graphs_[i].name != name) continue;
    if (retrieved_[i]) return usage(name, "was retrieved already");
    auto out = std::make_shared<DeviceGraph>(shared_from_this(), name, graphs_[i].plan, options_);
    retrieved_[i] = true;
    return out;
  }
  return usage(name, "is no graph of the context; it has " + names);
}

DeviceGraph::DeviceGraph(std::shared_ptr<Context> context, std::string name, Plan plan, OptionSet options)
    : context_(std::move(context)), name_(std::move(name)), plan_(std::move(plan)), options_(std::move(options)) {}

DeviceGraph::State DeviceGraph::state() const {
  const std::scoped_lock hold(lock_);
  return state_;
}

OptionSet DeviceGraph::options() const {
  const std::scoped_lock hold(lock_);
  return options_;
}

std::shared_ptr<const LoadedPlan> DeviceGraph::loaded() const {
  const std::scoped_lock hold(lock_);
  return loaded_;
}

/// Options that did not change leave the graph as it was.
Status DeviceGraph::changed(Status done) {
  if (!done) return done;
  state_ = State::kRetrieved;
  run_.reset();
  loaded_.reset();
  failure_.clear();
  return done;
}

Status DeviceGraph::set(std::span<const OptionText> options) {
  const std::unique_lock hold(lock_, std::try_to_lock);
  if (!hold) return usage(name_, "is being executed by another thread");
  return changed(options_.set_texts(OptionPhase::kRun, options));
}

Status DeviceGraph::unset(std::span<const std::string> keys) {
  const std::unique_lock hold(lock_, std::try_to_lock);
  if (!hold) return usage(name_, "is being executed by another thread");
  return changed(options_.unset(OptionPhase::kRun, keys));
}

Status DeviceGraph::check_budget(std::optional<double> throughput, std::vector<std::string>& warnings) const {
  if (options_.backend() != OptionBackend::kLpai || !is_real_time(options_)) return Done{};
  const double budget = budget_of(options_);
  if (!throughput) {
    warnings.push_back(
        fmt::format("whether a frame takes less than its {:.3g} ms cannot be told without a throughput", budget * 1e3));
    return Done{};
  }
  if (!(*throughput > 0))
    return usage(name_, fmt::format("{} multiplications a second are no throughput", *throughput));
  uint64_t macs = 0;
  for (const Step& step : plan_.steps)
    if (step.executor == Executor::kBackend) macs += cost_of(plan_, step).macs;
  const double needed = static_cast<double>(macs) / (*throughput * clock_of(options_));
  if (needed <= budget) return Done{};
  return usage(name_,
               fmt::format("a frame needs {:.3g} ms of {:.3g} ms: {} MACs at {:.3g} a second and {:.1f} times the "
                           "base clock; lower lpai_fps, raise lpai_ftrt_ratio, or be no real-time client",
                           needed * 1e3, budget * 1e3, macs, *throughput, clock_of(options_)));
}

Result<DeviceGraph::Finalized> DeviceGraph::finalize(std::optional<double> throughput) {
  const std::unique_lock hold(lock_, std::try_to_lock);
  if (!hold) return usage(name_, "is being executed by another thread");
  if (state_ == State::kReady) return usage(name_, "is finalized already");
  auto done = finalize_locked(throughput);
  state_ = done.ok() ? State::kReady : State::kFailed;
  if (!done) failure_ = done.error().text;
  return done;
}

Result<DeviceGraph::Finalized> DeviceGraph::finalize_locked(std::optional<double> throughput) {
  Finalized out;
  out.warnings = options_.warnings();
  if (auto fits = check_cores(options_); !fits) return fits.error();
  if (auto kept = check_budget(throughput, out.warnings); !kept) return kept.error();
  auto loaded = context_->device_->library_.prepare(plan_, options_);
  if (!loaded) return loaded.error();
  auto run = PlanRun::make(*loaded);
  if (!run) return run.error();
  loaded_ = std::move(*loaded);
  run_.emplace(std::move(*run));
  return out;
}

Status DeviceGraph::execute(std::span<const std::span<const std::byte>> inputs,
                            std::span<const std::span<std::byte>> outputs) {
  const std::unique_lock hold(lock_, std::try_to_lock);
  if (!hold) return usage(name_, "is being executed by another thread");
  if (state_ == State::kFailed) return usage(name_, "was not finalized: " + failure_);
  if (state_ != State::kReady) return usage(name_, "is not finalized");
  const auto fit = [&](const std::vector<BufferId>& ids, auto given, const char* what) -> Status {
    if (given.size() != ids.size())
      return usage(name_, fmt::format("has {} {}s, {} are given", ids.size(), what, given.size()));
    for (size_t i = 0; i < ids.size(); ++i)
      if (const uint64_t bytes = plan_.buffer(ids[i]).bytes(); given[i].size() != bytes)
        return usage(name_, fmt::format("{} {} has {} bytes, {} are given", what, i, bytes, given[i].size()));
    return Done{};
  };
  if (auto right = fit(plan_.inputs, inputs, "input"); !right) return right;
  if (auto right = fit(plan_.outputs, outputs, "output"); !right) return right;
  for (size_t i = 0; i < inputs.size(); ++i)
    std::copy(inputs[i].begin(), inputs[i].end(), run_->bytes(plan_.inputs[i]).begin());
  run_->run();
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto from = run_->bytes(plan_.outputs[i]);
    std::copy(from.begin(), from.end(), outputs[i].begin());
  }
  return Done{};
}

std::string schedule_text(const OptionSet& options) {
  if (options.backend() != OptionBackend::kLpai) return "";
  return fmt::format("{} frames a second, {:.3g} ms each\n{:.1f} times the base clock\n{}\n{}\n",
                     options.integer(OptionId::kLpaiFps), budget_of(options) * 1e3, clock_of(options),
                     is_real_time(options) ? "real time: a budget that cannot be kept is refused"
                                           : "not in real time: as fast as it goes",
                     cores_text(options));
}

}  // namespace snapgauge
