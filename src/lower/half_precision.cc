#include "lower/half_precision.h"

#include <unordered_map>

namespace snapgauge {
namespace {

bool is_real(const Buffer& b) { return b.dtype == DType::kFloat32 && b.quant.empty(); }

class HalfRounding {
 public:
  explicit HalfRounding(Plan& plan) : plan_(plan), rounded_(plan.buffers.size(), false) {}

  void run() {
    std::vector<Step> before;
    before.swap(plan_.steps);
    for (Step& step : before) {
      if (step.executor == Executor::kBackend)
        add(std::move(step));
      else
        keep(std::move(step));
    }
  }

 private:
  uint32_t owner(BufferId id) const { return plan_.owner(id).index; }

  /// A transposition of what is rounded is.
  void keep(Step step) {
    const bool moves = step.kind == StepKind::kTranspose && rounded_[owner(step.inputs[0])];
    rounded_[owner(step.output)] = moves && step.executor == Executor::kBetween;
    plan_.steps.push_back(std::move(step));
  }

  void add(Step step) {
    for (BufferId& id : step.inputs)
      if (id.valid() && is_real(plan_.buffer(id)) && !rounded_[owner(id)]) id = half_of(id, step);
    const BufferId out = step.output;
    if (!is_real(plan_.buffer(out))) return plan_.steps.push_back(std::move(step));
    step.output = fresh(out);
    const BufferId exact = step.output;
    const std::string node = step.node;
    plan_.steps.push_back(std::move(step));
    round(exact, out, node);
    rounded_[owner(out)] = true;
  }

  BufferId half_of(BufferId id, const Step& reader) {
    const auto [it, is_new] = halves_.try_emplace(id.index);
    if (is_new) {
      it->second = fresh(id);
      round(id, it->second, reader.node);
      rounded_[it->second.index] = true;
    }
    return it->second;
  }

  BufferId fresh(BufferId like) {
    Buffer b;
    b.name = plan_.buffer(like).name;
    b.dims = plan_.buffer(like).dims;
    rounded_.push_back(false);
    return plan_.add(std::move(b));
  }

  void round(BufferId from, BufferId to, const std::string& node) {
    plan_.steps.push_back({StepKind::kUnary, node, {from}, to, Elementwise{Function::kHalf, 0, 0}, Executor::kBackend});
  }

  Plan& plan_;
  std::vector<bool> rounded_;                      // by owner
  std::unordered_map<uint32_t, BufferId> halves_;  // of what comes from outside
};

}  // namespace

void round_to_half(Plan& plan) { HalfRounding(plan).run(); }

}  // namespace snapgauge
