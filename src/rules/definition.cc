// What the definition of an op asks on every backend: its operands are there, dimensions with one name are
// equal, and the shapes of its ports follow from each other. A node that contradicts itself is wrong
// everywhere; one finding says so, where it first shows. What is not known is not held against the node: the
// backend's own rows ask for what they need.
#include <fmt/format.h>

#include <algorithm>

#include "base/number.h"
#include "base/text.h"
#include "rules/judge.h"

namespace snapgauge {
namespace {

constexpr RuleCode kMissingOperand = 109;
constexpr RuleCode kShapeRelation = 603;

std::optional<int64_t> dim_at(const Port* port, int index) {
  if (port == nullptr || port->rank < 0) return std::nullopt;
  const int at = index < 0 ? index + port->rank : index;
  if (at < 0 || at >= port->rank || port->dim(at) == kDynamicDim) return std::nullopt;
  return port->dim(at);
}

}  // namespace

void NodeJudge::report_missing(NodeId node, const std::string& operand, Judgement& judgement,
                               std::vector<Finding>& findings) {
  Finding f = at(node, kMissingOperand, {{"port", operand}, {"op", printable(graph_.text(graph_.node(node).op))}});
  f.port = operand;
  f.expected = "an operand";
  f.actual = "none";
  judgement.reject(f.message);
  findings.push_back(std::move(f));
}

void NodeJudge::contradict(const OpView& view, RuleCode code, const PortRef& port, std::string expected,
                           std::string actual, Source source, Judgement& judgement, std::vector<Finding>& findings) {
  Finding f = at(view.node, code, {{"port", port_text(port.side, port.first)}, {"op", std::string(view.op())}});
  f.port = port_text(port.side, port.first);
  if (const Port* p = view.port(port.side, port.first)) f.value = printable(graph_.text(graph_.value(p->value).name));
  f.expected = std::move(expected);
  f.actual = std::move(actual);
  f.source = std::move(source);
  judgement.reject(fmt::format("{}: {}", f.port, f.message));
  findings.push_back(std::move(f));
  (*broken_)[port.first + (port.side == PortRef::Side::kOut ? inputs_ : 0)] = true;
}

bool NodeJudge::check_operands(const OpView& view, const CompiledOp& op, Judgement& judgement,
                               std::vector<Finding>& findings) {
  bool sound = true;
  for (const PortRef& port : op.master.mandatory) {
    if (port.side != PortRef::Side::kIn) continue;
    const bool repeated = port.last == PortRef::kToEnd;
    const bool none =
        repeated ? view.in.size() <= port.first : port.first < view.in.size() && view.in[port.first].missing;
    if (!none) continue;
    const std::string name = port_text(port.side, port.first);
    Finding f = at(view.node, kMissingOperand, {{"port", name}, {"op", op.name}});
    f.port = name;
    f.expected = "an operand";
    f.actual = "none";
    judgement.reject(fmt::format("{}: {}", name, f.message));
    findings.push_back(std::move(f));
    sound = false;
  }
  return sound;
}

bool NodeJudge::check_named_dims(const OpView& view, const CompiledOp& op, const EvalContext& context,
                                 Judgement& judgement, std::vector<Finding>& findings) {
  const Source source{fmt::format("op definition, {}, shapes of the ports", op.name), target_.sdk.text()};
  for (const auto& [port, rank] : op.master.ranks) {
    const Port* p = view.port(port.side, port.first);
    if (p == nullptr || p->rank < 0 || p->rank == rank || is_broken(port.side, port.first)) continue;
    if (row_of(graph_.frontend).takes_unbatched && port.first == 0 && p->rank == rank - 1) continue;
    contradict(view, kShapeRelation, port, fmt::format("rank {}", rank),
               fmt::format("rank {} {}", p->rank, shape_text(*p)), source, judgement, findings);
    return false;
  }
  for (const DimFact& fact : op.master.dim_facts) {
    const Port* p = view.port(fact.port.side, fact.port.first);
    const auto size = dim_at(p, fact.index);
    if (!size || is_broken(fact.port.side, fact.port.first)) continue;
    std::optional<int64_t> want;
    if (fact.same)
      want = dim_at(view.port(fact.same->first.side, fact.same->first.first), fact.same->second);
    else if (const auto computed = evaluate(fact.size, context, nullptr, nullptr))
      want = whole_number(*computed);
    if (!want || *want == *size) continue;
    const std::string from = fact.same ? fmt::format(" as in {}", port_text(fact.same->first)) : std::string();
    contradict(view, kShapeRelation, fact.port, fmt::format("{} = {}{}", fact.name, *want, from),
               fmt::format("{} in {}", *size, shape_text(*p)), source, judgement, findings);
    return false;
  }
  return true;
}

bool NodeJudge::check_relations(const OpView& view, const CompiledOp& op, const EvalContext& context,
                                Judgement& judgement, std::vector<Finding>& findings) {
  for (const PredicateGate& gate : op.shape_gates) {
    const auto ports = gate.side == PortRef::Side::kIn ? view.in : view.out;
    for (size_t i = gate.first; i < ports.size() && i <= gate.last; ++i) {
      if (!ports[i].present || is_broken(gate.side, i)) continue;
      const Subject self{gate.side, i, {}};
      const Predicate& row = gate.row->predicate;
      if (evaluate(*row.when, context, &self, nullptr) != Truth::kTrue) continue;
      Outcome outcome;
      check_shape({row, self, &ports[i], context, sharing_}, outcome);
      if (outcome.truth != Truth::kFalse) continue;
      PortRef port;
      port.side = gate.side;
      port.first = static_cast<uint32_t>(i);
      contradict(view, gate.row->code, port, std::move(outcome.expected), std::move(outcome.actual), row.source,
                 judgement, findings);
      return false;
    }
  }
  return true;
}

void NodeJudge::check_definition(const OpView& view, const CompiledOp& op, Judgement& judgement,
                                 std::vector<Finding>& findings) {
  const EvalContext context{view, target_, &op.master};
  check_operands(view, op, judgement, findings) && check_named_dims(view, op, context, judgement, findings) &&
      check_relations(view, op, context, judgement, findings);
}

}  // namespace snapgauge
