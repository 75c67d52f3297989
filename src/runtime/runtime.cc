// Loading and running.
#include "runtime/runtime.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "runtime/kernel.h"

namespace snapgauge {
namespace {

MadeKernel make_kernel(const Plan& plan, const Step& step) {
  switch (step.kind) {
    case StepKind::kConvolution:
    case StepKind::kTransposedConvolution:
    case StepKind::kMatMul: return make_product(plan, step);
    case StepKind::kUnary:
    case StepKind::kBinary:
    case StepKind::kSelect: return make_elementwise(plan, step);
    case StepKind::kQuantize:
    case StepKind::kDequantize:
    case StepKind::kRequantize:
    case StepKind::kCast: return make_conversion(plan, step);
    case StepKind::kSoftmax:
    case StepKind::kLayerNorm:
    case StepKind::kRmsNorm:
    case StepKind::kReduce:
    case StepKind::kArgMax: return make_reduction(plan, step);
    case StepKind::kMaxPool:
    case StepKind::kAveragePool:
    case StepKind::kResize: return make_window(plan, step);
    case StepKind::kTopK:
    case StepKind::kGatherElements:
    case StepKind::kGatherNd:
    case StepKind::kScatterElements:
    case StepKind::kScatterNd:
    case StepKind::kCumulate: return make_indexed(plan, step);
    case StepKind::kTranspose:
    case StepKind::kConcat:
    case StepKind::kSlice:
    case StepKind::kPad:
    case StepKind::kGather:
    case StepKind::kDepthToSpace:
    case StepKind::kSpaceToDepth:
    case StepKind::kCopy: return make_movement(plan, step);
    case StepKind::kForeign: return nullptr;
  }
  return nullptr;
}

Error no_kernel(const Plan& plan, const Step& step) {
  if (const auto* foreign = std::get_if<Foreign>(&step.params))
    return {ErrorCode::kUnsupported, printable(step.node),
            fmt::format("falls back to the CPU, and the host has no {}", printable(foreign->op))};
  return {ErrorCode::kUnsupported, printable(step.node),
          fmt::format("no kernel for {} of {}", step_name(step.kind), dtype_name(plan.buffer(step.inputs[0]).dtype))};
}

constexpr uint64_t kMostArena = uint64_t{1} << 36U;

std::byte* allocate(uint64_t bytes) {
  return static_cast<std::byte*>(std::aligned_alloc(kPlanAlignment, aligned(std::max<uint64_t>(bytes, 1))));
}

}  // namespace

LoadedPlan::~LoadedPlan() = default;

Result<std::shared_ptr<const LoadedPlan>> LoadedPlan::load(Plan plan) {
  std::shared_ptr<LoadedPlan> out(new LoadedPlan);
  out->plan_ = std::move(plan);
  lay_out(out->plan_);
  if (out->plan_.arena_bytes > kMostArena)
    return Error{ErrorCode::kLimit, "plan", fmt::format("needs {} bytes of activations", out->plan_.arena_bytes)};
  if (const std::string wrong = verify(out->plan_); !wrong.empty()) return Error{ErrorCode::kInternal, "plan", wrong};
  for (const Step& step : out->plan_.steps) {
    out->kernels_.push_back(make_kernel(out->plan_, step));
    if (out->kernels_.back() == nullptr) return no_kernel(out->plan_, step);
    out->scratch_ = std::max(out->scratch_, out->kernels_.back()->scratch());
  }
  return std::shared_ptr<const LoadedPlan>(std::move(out));
}

void PlanRun::Freed::operator()(std::byte* p) const { std::free(p); }

Result<PlanRun> PlanRun::make(std::shared_ptr<const LoadedPlan> plan) {
  PlanRun out;
  out.arena_.reset(allocate(plan->plan().arena_bytes));
  out.scratch_.reset(allocate(plan->scratch_bytes()));
  if (!out.arena_ || !out.scratch_)
    return Error{ErrorCode::kLimit, "plan",
                 fmt::format("no memory for {} bytes", plan->plan().arena_bytes + plan->scratch_bytes())};
  out.plan_ = std::move(plan);
  return out;
}

std::span<std::byte> PlanRun::bytes(BufferId id) {
  const Buffer& b = plan_->plan().buffer(id);
  if (b.role == BufferRole::kConstant) return {const_cast<std::byte*>(b.data.data()), b.data.size()};
  return {arena_.get() + b.offset, b.bytes()};
}

void PlanRun::run(const std::function<void(size_t)>& after) {
  const Memory memory(plan_->plan(), arena_.get(), scratch_.get());
  for (size_t s = 0; s < plan_->kernels_.size(); ++s) {
    plan_->kernels_[s]->run(memory);
    if (after) after(s);
  }
}

Status fold_constants(Plan& plan) {
  if (const std::string wrong = verify(plan); !wrong.empty()) return Error{ErrorCode::kUnsupported, "plan", wrong};
  // Other shapes of a buffer that has become constant are constant as well.
  const auto is_constant = [&](BufferId id) {
    if (!id.valid()) return true;
    const Buffer& owner = plan.buffer(plan.owner(id));
    if (owner.role != BufferRole::kConstant) return false;
    plan.buffer(id).role = BufferRole::kConstant;
    plan.buffer(id).data = owner.data;
    return true;
  };
  std::vector<Step> kept;
  for (Step& step : plan.steps) {
    bool constant = true;
    for (const BufferId id : step.inputs) constant &= is_constant(id);
    if (!constant) {
      kept.push_back(std::move(step));
      continue;
    }
    const auto kernel = make_kernel(plan, step);
    if (kernel == nullptr) return no_kernel(plan, step);
    Buffer& out = plan.buffer(step.output);
    const std::span<std::byte> blob = plan.add_blob(out.bytes());
    const std::unique_ptr<std::byte, decltype(&std::free)> scratch(allocate(kernel->scratch()), &std::free);
    if (scratch == nullptr)
      return Error{ErrorCode::kLimit, printable(step.node), fmt::format("no memory for {} bytes", kernel->scratch())};
    kernel->run(Memory(plan, blob.data(), scratch.get()));
    out.role = BufferRole::kConstant;
    out.data = blob;
  }
  for (const BufferId id : plan.outputs) (void)is_constant(id);
  plan.steps = std::move(kept);
  return Done{};
}

}  // namespace snapgauge
