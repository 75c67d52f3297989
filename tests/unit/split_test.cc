// split() beside a search over all orders of small plans: no order has fewer partitions, and nothing is lost, moved or
// left out at the borders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "plan/plan.h"

namespace snapgauge {
namespace {

/// Steps called by their number, of tensors of two floats.
class Draft {
 public:
  BufferId add(BufferRole role, BufferId same_bytes = {}) {
    Buffer b;
    b.name = std::to_string(plan.buffers.size());
    b.dims = {2};
    b.role = role;
    b.same_bytes = same_bytes;
    if (role == BufferRole::kConstant) b.data = same_bytes.valid() ? plan.buffer(same_bytes).data : blob();
    const BufferId id = plan.add(std::move(b));
    if (role == BufferRole::kInput && !same_bytes.valid()) plan.inputs.push_back(id);
    return id;
  }
  BufferId step(Executor executor, std::vector<BufferId> inputs, StepKind kind = StepKind::kForeign) {
    const BufferId out = add(BufferRole::kTemporary);
    StepParams params;
    if (kind == StepKind::kForeign) params = Foreign{"f", 0};
    if (kind == StepKind::kTranspose) params = Permutation{{0}};
    plan.steps.push_back({kind, std::to_string(plan.steps.size()), std::move(inputs), out, params, executor});
    return out;
  }
  void output(BufferId id) {
    plan.outputs.push_back(id);
    plan.output_names.push_back(plan.buffer(id).name);
  }

  Plan plan;

 private:
  std::span<const std::byte> blob() { return plan.add_blob(2 * sizeof(float)); }
};

class Random {
 public:
  explicit Random(uint32_t seed) : random_(seed) {}
  size_t below(size_t n) { return random_() % n; }

  /// Operands are inputs, constants, earlier results and views of them; some are not there.
  Plan plan(const std::vector<Executor>& executors, const std::vector<StepKind>& kinds) {
    Draft draft;
    std::vector<BufferId> made{draft.add(BufferRole::kInput), draft.add(BufferRole::kConstant)};
    if (below(2) == 0) made.push_back(draft.add(BufferRole::kInput));
    const size_t steps = 1 + below(7);
    for (size_t s = 0; s < steps; ++s) {
      const StepKind kind = kinds[below(kinds.size())];
      std::vector<BufferId> inputs;
      for (size_t i = 0; i < (kind == StepKind::kForeign ? 1 + below(3) : 1); ++i) {
        // Late ones often, so that there are chains.
        BufferId id = below(2) == 0 ? made.back() : made[below(made.size())];
        if (below(4) == 0) id = draft.add(draft.plan.buffer(id).role, draft.plan.owner(id));
        inputs.push_back(id);
      }
      if (kind == StepKind::kForeign && below(5) == 0) inputs.insert(inputs.begin(), BufferId{});
      made.push_back(draft.step(executors[below(executors.size())], inputs, kind));
    }
    draft.output(made.back());
    for (const BufferId id : made)
      if (below(6) == 0) draft.output(id);
    return std::move(draft.plan);
  }

 private:
  std::mt19937 random_;
};

const std::vector<Executor> kDecided{Executor::kBackend, Executor::kCpu};

/// The fewest parts and the fewest partitions of all orders; `on_cpu_first`: of those that begin on the CPU.
struct Fewest {
  size_t parts = SIZE_MAX, partitions = SIZE_MAX, on_cpu_first = SIZE_MAX;
};

class AllOrders {
 public:
  explicit AllOrders(const Plan& plan) : plan_(plan), done_(plan.steps.size()) {
    std::vector<size_t> maker(plan.buffers.size(), SIZE_MAX);
    for (size_t s = 0; s < plan.steps.size(); ++s) {
      auto& needs = needs_.emplace_back();
      for (const BufferId id : plan.steps[s].inputs)
        if (id.valid() && maker[plan.owner(id).index] != SIZE_MAX) needs.push_back(maker[plan.owner(id).index]);
      maker[plan.steps[s].output.index] = s;
    }
  }
  Fewest search() {
    go_on(0, 0, 0);
    return found_;
  }

 private:
  bool is_ready(size_t s) const {
    return !done_[s] && std::all_of(needs_[s].begin(), needs_[s].end(), [&](size_t n) { return done_[n]; });
  }
  void go_on(size_t steps, size_t parts, size_t partitions) {
    if (steps == plan_.steps.size()) {
      found_.parts = std::min(found_.parts, parts);
      found_.partitions = std::min(found_.partitions, partitions);
      if (first_ == Executor::kCpu) found_.on_cpu_first = std::min(found_.on_cpu_first, parts);
      return;
    }
    const Executor before = last_;
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      if (!is_ready(s)) continue;
      const Executor now = plan_.steps[s].executor;
      if (steps == 0) first_ = now;
      const size_t begins = steps == 0 || now != before ? 1 : 0;
      done_[s] = true;
      last_ = now;
      go_on(steps + 1, parts + begins, partitions + (now == Executor::kBackend ? begins : 0));
      last_ = before;
      done_[s] = false;
    }
  }

  const Plan& plan_;
  std::vector<std::vector<size_t>> needs_;
  std::vector<bool> done_;
  Executor first_ = Executor::kCpu, last_ = Executor::kCpu;
  Fewest found_;
};

/// One behind the other, no two neighbours of one executor, all steps in them, those of one part in their old order.
void expect_covered(const Plan& before, const Plan& after) {
  ASSERT_EQ(after.steps.size(), before.steps.size());
  std::set<int> seen;
  uint32_t next = 0;
  for (size_t p = 0; p < after.parts.size(); ++p) {
    const PlanPart& part = after.parts[p];
    EXPECT_EQ(part.first, next);
    EXPECT_GE(part.count, 1U);
    if (p > 0) {
      EXPECT_NE(part.executor, after.parts[p - 1].executor);
    }
    next += part.count;
    ASSERT_LE(next, after.steps.size());
    int last = -1;
    for (uint32_t s = part.first; s < next; ++s) {
      EXPECT_EQ(after.steps[s].executor, part.executor);
      const int number = std::stoi(after.steps[s].node);
      EXPECT_GT(number, last) << "the order within a part is kept";
      last = number;
      seen.insert(number);
      EXPECT_EQ(after.steps[s].output, before.steps[static_cast<size_t>(number)].output);
      EXPECT_EQ(after.steps[s].inputs, before.steps[static_cast<size_t>(number)].inputs);
    }
  }
  EXPECT_EQ(next, after.steps.size());
  EXPECT_EQ(seen.size(), before.steps.size());
}

/// What one part makes and another, or the outside, reads; and the other way round. Found anew for each part.
void expect_borders(const Plan& plan) {
  using Ids = std::set<uint32_t>;
  const auto ids = [](const std::vector<BufferId>& list) {
    Ids out;
    for (const BufferId id : list) out.insert(id.index);
    EXPECT_EQ(out.size(), list.size()) << "each once";
    EXPECT_TRUE(std::is_sorted(list.begin(), list.end())) << "rising";
    return out;
  };
  Ids outside;
  for (const BufferId id : plan.outputs) outside.insert(plan.owner(id).index);
  const auto reads_and_writes = [&](const PlanPart& part) {
    Ids reads, writes;
    for (uint32_t s = part.first; s < part.first + part.count; ++s) {
      for (const BufferId id : plan.steps[s].inputs)
        if (id.valid() && plan.buffer(plan.owner(id)).role != BufferRole::kConstant) reads.insert(plan.owner(id).index);
      writes.insert(plan.owner(plan.steps[s].output).index);
    }
    return std::pair(reads, writes);
  };
  for (size_t p = 0; p < plan.parts.size(); ++p) {
    const auto [reads, writes] = reads_and_writes(plan.parts[p]);
    Ids inputs, outputs, wanted = outside;
    for (size_t q = 0; q < plan.parts.size(); ++q)
      if (q != p) wanted.merge(reads_and_writes(plan.parts[q]).first);
    std::ranges::set_difference(reads, writes, std::inserter(inputs, inputs.end()));
    std::ranges::set_intersection(writes, wanted, std::inserter(outputs, outputs.end()));
    EXPECT_EQ(ids(plan.parts[p].inputs), inputs) << p;
    EXPECT_EQ(ids(plan.parts[p].outputs), outputs) << p;
  }
}

std::vector<std::string> order_of(const Plan& plan) {
  std::vector<std::string> out;
  for (const Step& step : plan.steps) out.push_back(step.node);
  return out;
}

TEST(Split, NoOrderHasFewerPartitions) {
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(seed);
    const Plan before = Random(seed).plan(kDecided, {StepKind::kForeign});
    Plan plan = before;
    split(plan, seed % 2 == 0);
    EXPECT_EQ(verify(plan), "");
    const Fewest fewest = AllOrders(before).search();
    const auto partitions =
        static_cast<size_t>(std::ranges::count(plan.parts, Executor::kBackend, &PlanPart::executor));
    EXPECT_EQ(partitions, fewest.partitions);
    // What the CPU can do first comes first, so that partitions come as late and are as few as can be.
    EXPECT_EQ(plan.parts.size(), fewest.on_cpu_first == SIZE_MAX ? fewest.parts : fewest.on_cpu_first);
    EXPECT_LE(plan.parts.size(), fewest.parts + 1);
    if (HasFailure()) return;
  }
}

TEST(Split, PartsCoverAllStepsAndHaveWhatCrosses) {
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(seed);
    const Plan before = Random(seed).plan(kDecided, {StepKind::kForeign});
    Plan plan = before;
    split(plan, false);
    expect_covered(before, plan);
    expect_borders(plan);
    for (const bool border : {false, true}) {
      Plan again = plan;
      split(again, border);
      EXPECT_EQ(order_of(again), order_of(plan)) << "nothing is left to do";
      EXPECT_EQ(again.parts, plan.parts);
    }
    if (HasFailure()) return;
  }
}

TEST(Split, WhatTheCpuCanDoFirstIsAPartInFront) {
  Draft d;
  const BufferId x = d.add(BufferRole::kInput);
  d.output(d.step(Executor::kCpu, {x}));
  d.output(d.step(Executor::kCpu, {d.step(Executor::kBackend, {x})}));
  split(d.plan, false);
  EXPECT_EQ(order_of(d.plan), (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(d.plan.parts.size(), 3U) << "two would do, with the partition in front; it is one either way";
}

TEST(Split, APlanOfOneExecutorIsOnePartAndOneOfNothingNone) {
  for (const Executor executor : kDecided) {
    const Plan before = Random(7).plan({executor}, {StepKind::kForeign});
    Plan plan = before;
    split(plan, false);
    EXPECT_EQ(order_of(plan), order_of(before));
    EXPECT_EQ(plan.parts.size(), 1U);
  }
  Draft d;
  d.output(d.add(BufferRole::kInput));
  split(d.plan, true);
  EXPECT_TRUE(d.plan.parts.empty());
}

// ---- Steps between two executors ----

enum class End { kOutside, kCpu, kBackend, kBoth, kConstant, kNobody };

/// What becomes of one step between `from` and `to`.
Executor decided(StepKind kind, End from, End to, bool converts_border, bool through_view) {
  Draft d;
  BufferId x = d.add(from == End::kConstant ? BufferRole::kConstant : BufferRole::kInput);
  if (from == End::kCpu || from == End::kBackend)
    x = d.step(from == End::kCpu ? Executor::kCpu : Executor::kBackend, {x});
  if (through_view) x = d.add(d.plan.buffer(x).role, x);
  BufferId y = d.step(Executor::kBetween, {x}, kind);
  const size_t between = d.plan.steps.size() - 1;
  const std::string name = d.plan.steps[between].node;
  if (through_view) y = d.add(BufferRole::kTemporary, y);
  if (to == End::kCpu || to == End::kBoth) d.output(d.step(Executor::kCpu, {y}));
  if (to == End::kBackend || to == End::kBoth) d.output(d.step(Executor::kBackend, {y}));
  if (to == End::kOutside) d.output(y);
  split(d.plan, converts_border);
  for (const Step& step : d.plan.steps)
    if (step.node == name) return step.executor;
  return Executor::kBetween;
}

TEST(Split, StepsBetweenAreDecidedByTheirNeighbours) {
  for (const StepKind kind :
       {StepKind::kTranspose, StepKind::kQuantize, StepKind::kDequantize, StepKind::kRequantize, StepKind::kCast})
    for (const End from : {End::kOutside, End::kCpu, End::kBackend, End::kConstant})
      for (const End to : {End::kOutside, End::kCpu, End::kBackend, End::kBoth, End::kNobody})
        for (const bool border : {false, true})
          for (const bool view : {false, true}) {
            const bool of_backend = from == End::kBackend || from == End::kConstant;
            const bool for_backend = to == End::kBackend || to == End::kNobody;
            const bool either = kind == StepKind::kTranspose || border;
            const bool backend = either ? of_backend || for_backend : of_backend && for_backend;
            EXPECT_EQ(decided(kind, from, to, border, view), backend ? Executor::kBackend : Executor::kCpu)
                << step_name(kind) << " from " << static_cast<int>(from) << " to " << static_cast<int>(to) << " border "
                << border << " view " << view;
          }
}

/// Whether only the backend reads what a step makes, through whatever lies between.
bool is_for_backend(const Plan& before, size_t s) {
  const auto is = [&](BufferId id) { return id.valid() && before.owner(id) == before.steps[s].output; };
  if (std::ranges::any_of(before.outputs, is)) return false;
  for (size_t r = s + 1; r < before.steps.size(); ++r) {
    if (std::ranges::none_of(before.steps[r].inputs, is)) continue;
    const Executor executor = before.steps[r].executor;
    if (executor == Executor::kCpu || (executor == Executor::kBetween && !is_for_backend(before, r))) return false;
  }
  return true;
}

/// Front to back, by the words of plan.h.
std::vector<Executor> decided_by_words(const Plan& before, bool border) {
  std::vector<Executor> out;
  const auto is_of_backend = [&](BufferId id) {
    const BufferId owner = before.owner(id);
    if (before.buffer(owner).role == BufferRole::kConstant) return true;
    for (size_t m = 0; m < out.size(); ++m)
      if (before.steps[m].output == owner) return out[m] == Executor::kBackend;
    return false;
  };
  for (size_t s = 0; s < before.steps.size(); ++s) {
    const Step& step = before.steps[s];
    Executor executor = step.executor;
    if (executor == Executor::kBetween) {
      const bool from = std::ranges::all_of(step.inputs, is_of_backend), to = is_for_backend(before, s);
      const bool backend = step.kind == StepKind::kTranspose || border ? from || to : from && to;
      executor = backend ? Executor::kBackend : Executor::kCpu;
    }
    out.push_back(executor);
  }
  return out;
}

TEST(Split, ChainsOfStepsBetweenAreDecidedFrontToBack) {
  const std::vector<Executor> executors{Executor::kBackend, Executor::kCpu, Executor::kBetween, Executor::kBetween};
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(seed);
    const Plan before = Random(seed).plan(executors, {StepKind::kTranspose, StepKind::kQuantize});
    for (const bool border : {false, true}) {
      Plan plan = before;
      split(plan, border);
      const std::vector<Executor> expected = decided_by_words(before, border);
      for (const Step& step : plan.steps)
        EXPECT_EQ(step.executor, expected[static_cast<size_t>(std::stoi(step.node))]) << step.node;
      expect_covered(before, plan);
      expect_borders(plan);
      Plan again = plan;
      split(again, !border);
      EXPECT_EQ(again.parts, plan.parts) << "what is decided stays";
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace snapgauge
