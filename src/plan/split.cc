// Which steps are one partition, and which the CPU runs in between.
//
// A step's level counts how often its way from the inputs changed executors: even levels are the CPU's, odd ones the
// backend's. Steps of one level need nothing of higher ones, so a level is a part. No order has fewer partitions; one of
// the CPU may stand in front that another order would do without.
#include <algorithm>
#include <numeric>

#include "plan/plan.h"

namespace snapgauge {
namespace {

constexpr bool is_conversion(StepKind kind) { return kind != StepKind::kTranspose; }

class Splitter {
 public:
  Splitter(Plan& plan, bool converts_border)
      : plan_(plan),
        converts_border_(converts_border),
        written_on_cpu_(plan.buffers.size(), true),
        read_on_cpu_(plan.buffers.size(), false),
        level_(plan.buffers.size(), 0) {}

  void run() {
    look_at_readers();
    decide();
    sort();
    bound();
  }

 private:
  uint32_t owner(BufferId id) const { return plan_.owner(id).index; }

  /// Whether somebody else than the backend reads a buffer, through whatever lies between.
  void look_at_readers() {
    for (const BufferId id : plan_.outputs) read_on_cpu_[owner(id)] = true;
    for (size_t s = plan_.steps.size(); s-- > 0;) {
      const Step& step = plan_.steps[s];
      const bool cpu =
          step.executor == Executor::kCpu || (step.executor == Executor::kBetween && read_on_cpu_[owner(step.output)]);
      if (!cpu) continue;
      for (const BufferId id : step.inputs)
        if (id.valid()) read_on_cpu_[owner(id)] = true;
    }
  }

  void decide() {
    for (Step& step : plan_.steps) {
      if (step.executor == Executor::kBetween) {
        bool from_cpu = false;
        for (const BufferId id : step.inputs) from_cpu |= id.valid() && is_dynamic(id) && written_on_cpu_[owner(id)];
        const bool to_cpu = read_on_cpu_[owner(step.output)];
        const bool either = !is_conversion(step.kind) || converts_border_;
        const bool on_cpu = either ? from_cpu && to_cpu : from_cpu || to_cpu;
        step.executor = on_cpu ? Executor::kCpu : Executor::kBackend;
      }
      written_on_cpu_[owner(step.output)] = step.executor == Executor::kCpu;
    }
  }

  bool is_dynamic(BufferId id) const { return plan_.buffer(plan_.owner(id)).role != BufferRole::kConstant; }

  void sort() {
    std::vector<uint32_t> of_step;
    of_step.reserve(plan_.steps.size());
    for (const Step& step : plan_.steps) {
      const uint32_t odd = step.executor == Executor::kBackend ? 1 : 0;
      uint32_t level = odd;
      for (const BufferId id : step.inputs)
        if (id.valid() && is_dynamic(id)) level = std::max(level, level_[owner(id)]);
      if (level % 2 != odd) ++level;
      level_[owner(step.output)] = level;
      of_step.push_back(level);
    }
    std::vector<uint32_t> order(plan_.steps.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return of_step[a] < of_step[b]; });
    std::vector<Step> steps;
    steps.reserve(order.size());
    plan_.parts.clear();
    uint32_t last = UINT32_MAX;
    for (const uint32_t s : order) {
      if (of_step[s] != last)
        plan_.parts.push_back({plan_.steps[s].executor, static_cast<uint32_t>(steps.size()), 0, {}, {}});
      last = of_step[s];
      ++plan_.parts.back().count;
      steps.push_back(std::move(plan_.steps[s]));
    }
    plan_.steps = std::move(steps);
  }

  /// What crosses the border of each part.
  void bound() {
    constexpr uint32_t kOutside = UINT32_MAX;
    std::vector<uint32_t> made_in(plan_.buffers.size(), kOutside);
    const auto reads = [&](uint32_t part, BufferId id) {
      if (!id.valid() || !is_dynamic(id)) return;
      const BufferId bytes = plan_.owner(id);
      const uint32_t maker = made_in[bytes.index];
      if (maker == part) return;
      if (part != kOutside) plan_.parts[part].inputs.push_back(bytes);
      if (maker != kOutside) plan_.parts[maker].outputs.push_back(bytes);
    };
    for (uint32_t p = 0; p < plan_.parts.size(); ++p)
      for (uint32_t s = plan_.parts[p].first; s < plan_.parts[p].first + plan_.parts[p].count; ++s) {
        for (const BufferId id : plan_.steps[s].inputs) reads(p, id);
        made_in[owner(plan_.steps[s].output)] = p;
      }
    for (const BufferId id : plan_.outputs) reads(kOutside, id);
    const auto once = [](std::vector<BufferId>& ids) {
      std::sort(ids.begin(), ids.end(), [](BufferId a, BufferId b) { return a.index < b.index; });
      ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    };
    for (PlanPart& part : plan_.parts) once(part.inputs), once(part.outputs);
  }

  Plan& plan_;
  const bool converts_border_;
  std::vector<bool> written_on_cpu_, read_on_cpu_;  // by owner; what no step writes comes from outside
  std::vector<uint32_t> level_;                     // likewise
};

}  // namespace

void split(Plan& plan, bool converts_border) { Splitter(plan, converts_border).run(); }

}  // namespace snapgauge
