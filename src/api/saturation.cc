#include "api/saturation.h"

#include <optional>
#include <unordered_map>

namespace snapgauge {
namespace {

constexpr size_t kNobody = SIZE_MAX;

bool saturates(const Step& step) {
  const auto* unary = std::get_if<Elementwise>(&step.params);
  return step.kind == StepKind::kUnary && unary != nullptr &&
         (unary->function == Function::kRelu || unary->function == Function::kClip);
}

class Saturation {
 public:
  Saturation(const PlacedPlan& model, const Graph& graph, const std::vector<QuantGroup>& groups)
      : plan_(model.plan->plan()), graph_(graph), cut_off_(cut_off_by(plan_)) {
    for (const TensorPlace& p : model.places) buffer_of_.emplace(p.value.index, plan_.owner(p.buffer));
    for (size_t g = 0; g < groups.size(); ++g)
      for (const ValueId v : groups[g].tensors)
        if (const auto b = buffer_of_.find(v.index); b != buffer_of_.end()) group_of_.emplace(b->second.index, g);
  }

  /// The group of what becomes of the one tensor that the group has.
  size_t decider(const QuantGroup& group) const {
    std::optional<BufferId> only;
    for (const ValueId v : group.tensors) {
      const auto b = buffer_of_.find(v.index);
      if (b == buffer_of_.end() || graph_.value(v).constant.valid() || (only && *only != b->second)) return kNobody;
      only = b->second;
    }
    if (!only || cut_off_[only->index] == kNobody) return kNobody;
    const auto result = group_of_.find(plan_.owner(plan_.steps[cut_off_[only->index]].output).index);
    return result != group_of_.end() ? result->second : kNobody;
  }

 private:
  const Plan& plan_;
  const Graph& graph_;
  std::vector<size_t> cut_off_;                       // by buffer
  std::unordered_map<uint32_t, BufferId> buffer_of_;  // by value
  std::unordered_map<uint32_t, size_t> group_of_;     // by buffer
};

}  // namespace

std::vector<size_t> cut_off_by(const Plan& plan) {
  std::vector<uint32_t> readers(plan.buffers.size());
  std::vector<size_t> out(plan.buffers.size(), kNobody);
  for (size_t s = 0; s < plan.steps.size(); ++s)
    for (const BufferId in : plan.steps[s].inputs)
      if (in.valid()) {
        ++readers[plan.owner(in).index];
        out[plan.owner(in).index] = saturates(plan.steps[s]) ? s : kNobody;
      }
  // What leaves the graph is read by somebody else, too.
  for (const BufferId id : plan.outputs) readers[plan.owner(id).index] += 2;
  for (size_t b = 0; b < out.size(); ++b)
    if (readers[b] != 1) out[b] = kNobody;
  return out;
}

void let_saturation_decide(const PlacedPlan& model, const Graph& graph, std::vector<QuantGroup>& groups) {
  const Saturation saturation(model, graph, groups);
  for (size_t g = 0; g < groups.size(); ++g) {
    const size_t other = groups[g].tensors.empty() ? kNobody : saturation.decider(groups[g]);
    if (other == kNobody || other == g) continue;
    const Spec &own = graph.specs[groups[g].spec.index], &result = graph.specs[groups[other].spec.index];
    if (is_symmetric(own.scheme) || own.scheme != result.scheme || backend_dtype(own) != backend_dtype(result))
      continue;
    groups[g].observed_as = other;
  }
  // Results lie behind what they are made of, so that this ends; from the last one on each looks one step further.
  for (size_t g = groups.size(); g-- > 0;) {
    QuantGroup& group = groups[g];
    while (groups[group.observed_as].observed_as != group.observed_as)
      group.observed_as = groups[group.observed_as].observed_as;
  }
  for (size_t g = 0; g < groups.size(); ++g)
    if (groups[g].observed_as != g) groups[g].tensors.clear();
}

}  // namespace snapgauge
