#include "api/saturation.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

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

namespace {

/// Its logarithm tells far numbers apart.
bool is_softmax(const Step& step) {
  const auto* over = std::get_if<OverAxes>(&step.params);
  return step.kind == StepKind::kSoftmax && over != nullptr && over->function != Function::kLog;
}

bool is_sum(const Step& step) {
  const auto* binary = std::get_if<Elementwise>(&step.params);
  return step.kind == StepKind::kBinary && binary != nullptr && binary->function == Function::kAdd;
}

class SoftmaxNotes {
 public:
  SoftmaxNotes(const PlacedPlan& model, const Graph& graph, std::vector<QuantGroup>& groups)
      : plan_(model.plan->plan()), graph_(graph), groups_(groups), kinds_(plan_.buffers.size()) {
    for (const TensorPlace& p : model.places) buffer_of_.emplace(p.value.index, plan_.owner(p.buffer).index);
    for (const Step& step : plan_.steps)
      for (const BufferId in : step.inputs)
        if (in.valid()) (is_softmax(step) ? kinds_[owner(in)].softmax : kinds_[owner(in)].other) = true;
    for (const BufferId out : plan_.outputs) kinds_[owner(out)].other = true;
    for (size_t g = 0; g < groups_.size(); ++g)
      for (const ValueId v : groups_[g].tensors)
        if (const auto b = buffer_of_.find(v.index); b != buffer_of_.end()) group_of_.emplace(b->second, g);
  }

  void run() {
    for (QuantGroup& group : groups_)
      group.before_softmax = !group.tensors.empty() && std::ranges::all_of(group.tensors, [&](ValueId v) {
        const auto b = buffer_of_.find(v.index);
        return b != buffer_of_.end() && !is_constant(v) && kinds_[b->second].softmax && !kinds_[b->second].other;
      });
    for (const Step& step : plan_.steps)
      for (const BufferId in : step.inputs)
        if (in.valid() && plan_.buffer(plan_.owner(in)).role == BufferRole::kConstant) note_operand(step, owner(in));
    for (size_t g = 0; g < groups_.size(); ++g)
      if (refused_.contains(g)) groups_[g].mask_of.clear();
  }

 private:
  struct Readers {
    bool softmax = false, other = false;
  };
  uint32_t owner(BufferId id) const { return plan_.owner(id).index; }
  bool is_constant(ValueId v) const { return graph_.value(v).constant.valid(); }

  /// A constant that something else reads, too, stays as it is.
  void note_operand(const Step& step, uint32_t buffer) {
    const auto mask = group_of_.find(buffer);
    if (mask == group_of_.end()) return;
    QuantGroup& group = groups_[mask->second];
    const auto sum = group_of_.find(owner(step.output));
    const bool alone = std::ranges::all_of(group.tensors, [&](ValueId v) { return is_constant(v); });
    if (alone && is_sum(step) && sum != group_of_.end() && groups_[sum->second].before_softmax)
      group.mask_of.push_back(sum->second);
    else
      refused_.insert(mask->second);
  }

  const Plan& plan_;
  const Graph& graph_;
  std::vector<QuantGroup>& groups_;
  std::vector<Readers> kinds_;                        // by buffer
  std::unordered_map<uint32_t, uint32_t> buffer_of_;  // by value
  std::unordered_map<uint32_t, size_t> group_of_;     // by buffer
  std::unordered_set<size_t> refused_;                // groups of constants with other readers
};

}  // namespace

void note_softmax(const PlacedPlan& model, const Graph& graph, std::vector<QuantGroup>& groups) {
  SoftmaxNotes(model, graph, groups).run();
}

}  // namespace snapgauge
