#include "check/op_judge.h"

#include <algorithm>

#include "base/text.h"

namespace snapgauge {

const OpView& OpJudge::view_of(const Op& op) {
  if (!(view_.node == op.node) || view_.graph == nullptr) view_.assign(ops_, op);
  return view_;
}

Result<const CompiledOp*> OpJudge::table_op(const Op& op) {
  if (ops_.class_of(op).mapped != Mapped::kOp) return static_cast<const CompiledOp*>(nullptr);
  const OpMapping* mapping = ops_.class_of(op).mapping;
  const auto known = known_.find(mapping);
  if (known != known_.end()) return known->second;
  auto found = table_.find(mapping->backend_op);
  if (found) known_.emplace(mapping, *found);
  return found;
}

Status OpJudge::judge(const Op& op, std::vector<bool>& broken, OpOutcome& out, std::vector<Finding>& findings) {
  const OpClass& cls = ops_.class_of(op);
  const OpView& view = view_of(op);
  switch (cls.mapped) {
    case Mapped::kUnmapped: {
      const std::string name(ops_.graph->text(ops_.graph->node(op.node).op));
      judge_.report_unmapped(op.node, maps_.similar(name), out.judgement, findings);
      return Done{};
    }
    case Mapped::kRefused: judge_.report_refused(view, out.judgement, findings); return Done{};
    case Mapped::kIncomplete:
      judge_.report_missing(op.node, ops_.reasons[cls.reason], out.judgement, findings);
      return Done{};
    case Mapped::kUndecided:
      judge_.report_undecided(op.node, ops_.reasons[cls.reason], out.judgement, findings);
      return Done{};
    case Mapped::kExpansion: return judge_parts(op, out, findings);
    case Mapped::kOp: break;
  }
  out.backend_op = view.op();
  const size_t first = findings.size();
  auto compiled = table_op(op);
  if (!compiled) return compiled.error();
  if (*compiled == nullptr)
    judge_.report_unsupported_op(view, view.op(), out.judgement, findings);
  else
    judge_.judge(view, **compiled, broken, out.judgement, findings);
  if (advisor_ != nullptr) advisor_->advise(view, *compiled, first, out.judgement, findings);
  return Done{};
}

/// A tensor found faulty at one part is not judged again at the next.
struct OpJudge::Parts {
  const OpGraph& ops;
  std::vector<bool> faulty;  // by ValueId of the expansion

  explicit Parts(const Expansion& e) : ops(e.ops), faulty(e.graph.values.size(), false) {}

  std::vector<bool> broken(const Op& op) const {
    std::vector<bool> out;
    for (const EdgeSource& tensor : ops.tensors_of(op))
      out.push_back(tensor.value.valid() && faulty[tensor.value.index]);
    return out;
  }

  void add(const Op& op, const std::vector<bool>& broken) {
    const auto tensors = ops.tensors_of(op);
    for (size_t p = 0; p < broken.size(); ++p)
      if (broken[p] && tensors[p].value.valid()) faulty[tensors[p].value.index] = true;
  }
};

Status OpJudge::judge_parts(const Op& op, OpOutcome& out, std::vector<Finding>& findings) {
  const OpClass& cls = ops_.class_of(op);
  const Expansion& parts = *cls.parts;
  if (cls.mapping->in_float) judge_.note_in_float(view_of(op), findings);
  auto& inner = parts_[&parts];
  if (inner == nullptr) inner = std::make_unique<OpJudge>(parts.ops, target_, table_, maps_, nullptr);
  const Node& node = ops_.graph->node(op.node);
  const size_t first = findings.size();
  Parts state(parts);
  for (const Op& part : parts.ops.ops) {
    OpOutcome one;
    std::vector<bool> broken = state.broken(part);
    if (Status s = inner->judge(part, broken, one, findings); !s) return s;
    state.add(part, broken);
    if (out.backend_op.empty()) out.backend_op = one.backend_op;
    out.judgement.join(std::move(one.judgement));
  }
  for (size_t f = first; f < findings.size(); ++f) {
    findings[f].node = printable(ops_.graph->text(node.name));
    findings[f].location = node.location;
    findings[f].fix.change = nullptr;  // it would change a tensor that is not in the file
    for (Related& r : findings[f].related) r.node = findings[f].node;
  }
  return Done{};
}

}  // namespace snapgauge
