// Parameters that cannot be handed to the backend: computed at run time, quantized where they must not be,
// or with a value that the vendor has no word for.
#include <algorithm>

#include "backend/translate.h"
#include "base/text.h"

namespace snapgauge {
namespace {

class ProblemSearch {
 public:
  ProblemSearch(const OpGraph& ops, const Op& op) : ops_(ops), graph_(*ops.graph), node_(graph_.node(op.node)) {
    view_.assign(ops, op);
  }

  std::vector<ParamProblem> run() {
    for (const auto& [index, name] : view_.mapping->must_be_constant) check_operand(index, name, false);
    for (const auto& [name, source] : view_.mapping->params) {
      if (source.input >= 0) check_operand(source.input, name, true);
      if (!source.enumerators.empty()) check_value(name, source);
    }
    return std::move(out_);
  }

 private:
  /// Bounds and fill values may come quantized: the pipeline takes their real values. Sizes and axes may not.
  void check_operand(int index, const std::string& name, bool may_be_quantized) {
    const auto args = graph_.args_of(node_);
    if (index < 0 || static_cast<size_t>(index) >= args.size()) return;
    const Arg& arg = args[static_cast<size_t>(index)];
    if (arg.kind != Arg::Kind::kUse) return;
    const UseId edge = graph_.use_of(node_, arg);
    const Use& use = graph_.use(edge);
    if (!use.value.valid()) return;
    for (const ParamProblem& before : out_)
      if (before.value == use.value) return;
    if ((*ops_.staticness)[use.value.index] == Staticness::kDynamic)
      out_.push_back({ParamProblem::Kind::kRunTime, name, "a constant", "computed at run time", use.value});
    else if (const Spec* spec = may_be_quantized ? nullptr : ops_.sharing->spec(ops_.sharing->place(edge)))
      out_.push_back({ParamProblem::Kind::kQuantized, name, "a parameter as it stands", spec_text(*spec), use.value});
  }

  void check_value(const std::string& name, const ParamSource& source) {
    ParamValue raw = view_.argument(source.arg);
    if (raw.state == ParamValue::State::kUnset && !source.key.empty()) raw = view_.attribute(source.key);
    if (raw.state != ParamValue::State::kKnown || raw.name.empty()) return;
    std::string known;
    for (const auto& [key, value] : source.enumerators) {
      if (key == raw.name) return;
      known += (known.empty() ? "" : ", ") + key;
    }
    out_.push_back({ParamProblem::Kind::kUnmapped, name, "one of " + known, printable(raw.name), {}});
  }

  const OpGraph& ops_;
  const Graph& graph_;
  const Node& node_;
  OpView view_;
  std::vector<ParamProblem> out_;
};

}  // namespace

std::vector<ParamProblem> param_problems(const OpGraph& ops, const Op& op) { return ProblemSearch(ops, op).run(); }

}  // namespace snapgauge
