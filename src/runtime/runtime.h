// Executes plans on the host. Knows no rules, no tables and no graphs.
//
// A LoadedPlan is made once and read-only afterwards: any number of threads may run it, each with a PlanRun of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace snapgauge {

class Kernel;

/// A plan that was verified and laid out, with what its kernels prepared of the constants.
class LoadedPlan {
 public:
  /// Errors name the first step that no kernel takes, or what is wrong with the plan.
  static Result<std::shared_ptr<const LoadedPlan>> load(Plan plan);
  ~LoadedPlan();

  const Plan& plan() const { return plan_; }
  uint64_t scratch_bytes() const { return scratch_; }

 private:
  friend class PlanRun;
  LoadedPlan() = default;
  Plan plan_;
  std::vector<std::unique_ptr<Kernel>> kernels_;  // by step
  uint64_t scratch_ = 0;
};

/// One run after the other, in an arena of its own. Not thread safe.
class PlanRun {
 public:
  static Result<PlanRun> make(std::shared_ptr<const LoadedPlan> plan);

  /// The bytes of an input or output of the plan, valid until the next run.
  std::span<std::byte> bytes(BufferId id);
  /// Inputs were written before. `after` is called behind each step, while its result is still there.
  void run(const std::function<void(size_t)>& after = {});

 private:
  struct Freed {
    void operator()(std::byte* p) const;
  };
  PlanRun() = default;
  std::shared_ptr<const LoadedPlan> plan_;
  std::unique_ptr<std::byte[], Freed> arena_, scratch_;
};

/// Executes the steps whose operands are all constant, once, before the plan is laid out; their results are constants
/// then. Errors name a step that no kernel takes, or what is wrong with the plan: a graph may say anything about
/// shapes.
Status fold_constants(Plan& plan);

}  // namespace snapgauge
