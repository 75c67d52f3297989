#include "check/op_judge.h"

#include <algorithm>

#include "base/text.h"

namespace snapgauge {

Result<const CompiledOp*> OpJudge::table_op(const Op& op) {
  if (op.mapped != Mapped::kOp) return static_cast<const CompiledOp*>(nullptr);
  const auto known = known_.find(op.cls.index);
  if (known != known_.end()) return known->second;
  auto found = table_.find(ops_.class_of(op).mapping->backend_op);
  if (found) known_.emplace(op.cls.index, *found);
  return found;
}

Status OpJudge::judge(const Op& op, std::vector<bool>& broken, OpOutcome& out, std::vector<Finding>& findings) {
  const OpView view(ops_, op);
  switch (op.mapped) {
    case Mapped::kUnmapped: {
      const std::string name(ops_.graph->text(ops_.graph->node(op.node).op));
      judge_.report_unmapped(op.node, maps_.similar(name), out.judgement, findings);
      return Done{};
    }
    case Mapped::kRefused: judge_.report_refused(view, out.judgement, findings); return Done{};
    case Mapped::kIncomplete:
      judge_.report_missing(op.node, ops_.reasons[op.reason], out.judgement, findings);
      return Done{};
    case Mapped::kUndecided:
      judge_.report_undecided(op.node, ops_.reasons[op.reason], out.judgement, findings);
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
    for (uint32_t p = 0; p < uint32_t{op.inputs} + op.outputs; ++p) {
      const Port& port = ops.ports[op.first_port + p];
      out.push_back(port.present && faulty[port.value.index]);
    }
    return out;
  }

  void add(const Op& op, const std::vector<bool>& broken) {
    for (uint32_t p = 0; p < broken.size(); ++p)
      if (const Port& port = ops.ports[op.first_port + p]; broken[p] && port.present) faulty[port.value.index] = true;
  }
};

Status OpJudge::judge_parts(const Op& op, OpOutcome& out, std::vector<Finding>& findings) {
  const OpClass& cls = ops_.class_of(op);
  const Expansion& parts = *cls.parts;
  if (cls.mapping->in_float) judge_.note_in_float(OpView(ops_, op), findings);
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
    if (one.judgement.verdict == NodeVerdict::kRejected) out.judgement.reject(std::move(one.judgement.reason));
    if (one.judgement.verdict == NodeVerdict::kUnknown) out.judgement.doubt(std::move(one.judgement.reason));
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
