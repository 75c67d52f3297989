#include "api/calibrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <map>
#include <thread>
#include <unordered_map>

#include "api/calibration_state.h"
#include "api/session.h"
#include "backend/translate.h"
#include "base/text.h"
#include "base/write.h"

namespace snapgauge {
namespace {

constexpr unsigned kMostThreads = 256;  // each has an arena of its own

/// A step whose result holds nothing that its first operand does not hold.
bool only_moves(StepKind kind) {
  return kind == StepKind::kTranspose || kind == StepKind::kSlice || kind == StepKind::kDepthToSpace ||
         kind == StepKind::kSpaceToDepth || kind == StepKind::kCopy || kind == StepKind::kGather ||
         kind == StepKind::kMaxPool;
}

/// Which buffers are looked at for which groups, and when.
class Watch {
 public:
  Watch(const PlacedPlan& model, const Graph& graph, const std::vector<QuantGroup>& groups)
      : plan_(model.plan->plan()), graph_(graph), groups_(groups) {
    for (const Step& step : plan_.steps)
      if (step.kind == StepKind::kSoftmax) softmax_.emplace(plan_.owner(step.inputs[0]).index, &step);
    std::unordered_map<uint32_t, BufferId> place_of;
    for (const TensorPlace& p : model.places) place_of.emplace(p.value.index, plan_.owner(p.buffer));
    for (size_t g = 0; g < groups.size(); ++g)
      for (const ValueId v : groups[g].tensors)
        if (const auto place = place_of.find(v.index); place != place_of.end() && !graph_.value(v).constant.valid())
          watched_[place->second.index].try_emplace(g, v);
    drop_implied();
    std::unordered_map<uint32_t, size_t> made_by;
    for (size_t s = 0; s < plan_.steps.size(); ++s) made_by.emplace(plan_.owner(plan_.steps[s].output).index, s);
    for (const auto& [buffer, wanted] : watched_)
      for (const auto& [group, value] : wanted) {
        const Seen seen{BufferId{buffer}, group, value};
        const auto made = made_by.find(buffer);
        if (made != made_by.end() && plan_.buffers[buffer].role != BufferRole::kConstant)
          after_[made->second].push_back(seen);
        else
          before_.push_back(seen);
      }
  }

  /// One sample. The first tensor that holds what is no number, or nothing.
  std::string run(PlanRun& run, ObserverKind kind, std::vector<SampleSummary>& out) const {
    std::string wrong;
    const auto look = [&](const std::vector<Seen>& all) {
      for (const Seen& s : all) see(run, s, kind, out, wrong);
    };
    look(before_);
    run.run([&](size_t step) {
      if (const auto here = after_.find(step); here != after_.end()) look(here->second);
    });
    return wrong;
  }

 private:
  struct Seen {
    BufferId buffer;
    size_t group;
    ValueId value;
  };

  /// What a concatenation reads is in its result; what is only moved was there before.
  void drop_implied() {
    std::vector<std::pair<uint32_t, size_t>> dropped;  // buffer and group
    const auto imply = [&](BufferId buffer, BufferId by) {
      const auto known = watched_.find(plan_.owner(buffer).index), other = watched_.find(plan_.owner(by).index);
      if (known == watched_.end() || other == watched_.end() || known == other) return;
      for (const auto& [group, value] : known->second)
        if (other->second.contains(group)) dropped.emplace_back(known->first, group);
    };
    for (const Step& step : plan_.steps) {
      if (step.kind == StepKind::kConcat)
        for (const BufferId in : step.inputs) imply(in, step.output);
      else if (only_moves(step.kind))
        imply(step.output, step.inputs[0]);
    }
    for (const auto& [buffer, group] : dropped) watched_[buffer].erase(group);
  }

  void see(PlanRun& run, const Seen& s, ObserverKind kind, std::vector<SampleSummary>& out, std::string& wrong) const {
    const Buffer& buffer = plan_.buffer(s.buffer);
    const std::span<const std::byte> bytes = run.bytes(s.buffer);
    if (buffer.dtype != DType::kFloat32) return;
    out[s.group].add(FloatView(bytes.data(), bytes.size() / sizeof(float)), kind);
    if (const auto reader = softmax_.find(s.buffer.index);
        groups_[s.group].before_softmax && reader != softmax_.end()) {
      const Buffer& read = plan_.buffer(reader->second->inputs[0]);
      const auto* over = std::get_if<OverAxes>(&reader->second->params);
      size_t inner = 1;
      const auto axis = static_cast<size_t>(over->axes[0]);
      for (size_t d = axis + 1; d < read.dims.size(); ++d) inner *= static_cast<size_t>(read.dims[d]);
      out[s.group].see_rows(FloatView(bytes.data(), bytes.size() / sizeof(float)), static_cast<size_t>(read.dims[axis]),
                            inner);
    }
    if (out[s.group].seen.has_nan && wrong.empty())
      wrong = fmt::format("'{}' holds numbers that are none (NaN)", printable(graph_.text(graph_.value(s.value).name)));
  }

  const Plan& plan_;
  const Graph& graph_;
  const std::vector<QuantGroup>& groups_;
  std::unordered_map<uint32_t, const Step*> softmax_;      // by the buffer that it reads
  std::map<uint32_t, std::map<size_t, ValueId>> watched_;  // by buffer and group
  std::vector<Seen> before_;                               // inputs and constants
  std::map<size_t, std::vector<Seen>> after_;              // by step
};

/// A few samples at a time, one a thread.
class Batch {
 public:
  Batch(const PlacedPlan& model, const Watch& watch, ObserverKind kind, size_t groups)
      : model_(model), watch_(watch), kind_(kind), groups_(groups) {}

  struct One {
    std::optional<PlanRun> run;
    std::vector<SampleSummary> seen;
    std::string file, wrong;
    std::exception_ptr failure;  // memory is short
  };

  Status load(size_t slot, const std::vector<NamedTensor>& inputs) {
    if (ones_.size() <= slot) ones_.resize(slot + 1);
    One& one = ones_[slot];
    if (!one.run) {
      auto made = PlanRun::make(model_.plan);
      if (!made) return made.error();
      one.run = std::move(*made);
    }
    one.file = inputs.empty() ? std::string() : inputs.front().file;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto to = one.run->bytes(model_.plan->plan().inputs[i]);
      std::copy(inputs[i].data.begin(), inputs[i].data.end(), to.begin());
    }
    return Done{};
  }

  void run(size_t count) {
    {
      std::vector<std::jthread> threads;  // joined also when the next one cannot be started
      for (size_t i = 1; i < count; ++i) threads.emplace_back([this, i] { work(ones_[i]); });
      work(ones_[0]);
    }
    for (size_t i = 0; i < count; ++i)
      if (ones_[i].failure) std::rethrow_exception(ones_[i].failure);
  }
  const One& operator[](size_t slot) const { return ones_[slot]; }

 private:
  void work(One& one) const {
    try {
      one.seen.assign(groups_, {});
      one.wrong = watch_.run(*one.run, kind_, one.seen);
    } catch (...) {
      one.failure = std::current_exception();
    }
  }

  const PlacedPlan& model_;
  const Watch& watch_;
  ObserverKind kind_;
  size_t groups_;
  std::vector<One> ones_;
};

/// Goes on from the file; without one from the beginning.
Status resume(const CalibrationOptions& options, size_t samples, Calibration& out) {
  std::error_code unknown;
  if (options.state.empty() || !std::filesystem::exists(options.state, unknown)) return Done{};
  const auto file = MappedFile::open(options.state);
  if (!file) return file.error();
  return read_calibration_state(file.value().text(), options.state, options.identity, samples, out);
}

}  // namespace

Error in_file(const Graph& graph, const Error& error) {
  return {error.code, graph.file, error.subject.empty() ? error.text : error.subject + ": " + error.text};
}

Result<PlacedPlan> placed_plan(Session& session, const Graph& graph) {
  auto backend = session.backend_graph(graph);
  if (!backend) return backend.error();
  PlacedPlan out;
  auto plan = lower(backend->ops, {}, &out.places);
  if (!plan) return plan.error();
  if (auto folded = fold_constants(*plan); !folded) return in_file(graph, folded.error());
  auto loaded = LoadedPlan::load(std::move(*plan));
  if (!loaded) return in_file(graph, loaded.error());
  out.plan = std::move(*loaded);
  return out;
}

Result<Calibration> calibrate(const PlacedPlan& model, const Graph& graph, const std::vector<QuantGroup>& groups,
                              const Samples& samples, const CalibrationOptions& options) {
  Calibration out;
  out.groups.resize(groups.size());
  if (Status s = resume(options, samples.size(), out); !s) return s.error();
  const Watch watch(model, graph, groups);
  Batch batch(model, watch, options.observer.kind, groups.size());
  while (out.samples < samples.size() && !out.stopped) {
    const size_t count = std::min<size_t>(std::clamp(options.threads, 1U, kMostThreads), samples.size() - out.samples);
    for (size_t i = 0; i < count; ++i) {
      auto inputs = samples.read(out.samples + i);
      if (!inputs) return inputs.error();
      if (Status s = batch.load(i, *inputs); !s) return s.error();
    }
    batch.run(count);
    for (size_t i = 0; i < count; ++i) {
      if (!batch[i].wrong.empty())
        return Error{ErrorCode::kUsage, batch[i].file,
                     fmt::format("with sample {}, counted from 0, {}", out.samples, batch[i].wrong)};
      for (size_t g = 0; g < groups.size(); ++g) {
        const SampleSummary& s = batch[i].seen[g];
        if (s.seen.range.empty() && !s.seen.masked) continue;
        out.groups[g].seen = true;
        out.groups[g].observer.add(s, options.observer);
      }
      ++out.samples;
      if (options.progress && !options.progress(out.samples, samples.size())) out.stopped = true;
    }
  }
  if (out.stopped && !options.state.empty())
    if (Status s = write_file(options.state, calibration_state(out, options.identity), ""); !s) return s.error();
  return out;
}

}  // namespace snapgauge
