#include "backend/patterns.h"

#include <algorithm>
#include <cmath>

namespace snapgauge {

struct PatternFinder::State {
  std::vector<std::pair<std::string, ValueId>> bound;
  std::vector<std::pair<std::string, PlacedArg>> args;
  std::vector<NodeId> members;

  ValueId find(const std::string& name) const {
    for (const auto& [known, value] : bound)
      if (known == name) return value;
    return {};
  }
};

bool PatternFinder::serves(const OpMapping& row) const {
  const auto names = [](const std::vector<std::string>& list, const std::string& name) {
    return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
  };
  return names(row.pattern.pipelines, target_.pipeline.name) && names(row.pattern.backends, target_.backend.name);
}

bool PatternFinder::is_constant(const PatternValue& wanted, const EdgeSource& source) const {
  const ValueId value = source.value;
  if (staticness_[value.index] == Staticness::kDynamic) return false;
  if (!wanted.number) return true;
  const Value& v = graph_.value(value);
  if (!v.constant.valid() || graph_.constants[v.constant.index].count != 1) return false;
  auto number = constant_number(graph_, v.constant, 0);
  if (!number) return false;
  // Stored integers stand for real numbers.
  const Spec* spec = sharing_.spec(source.place);
  double step = 0;
  if (spec != nullptr && spec->scales.size() == 1) step = spec->scales[0];
  if (step > 0 && is_plain_integer(v.dtype)) number = (*number - static_cast<double>(zero_point_of(*spec, 0))) * step;
  return std::abs(*number - *wanted.number) <= std::max(wanted.tolerance * std::abs(*wanted.number), step);
}

bool PatternFinder::match_value(const OpMapping& row, const std::string& name, const PlacedArg& at,
                                State& state) const {
  if (at.arg.kind != Arg::Kind::kUse) return false;
  const EdgeSource& source = sources_[graph_.use_of(graph_.node(at.node), at.arg).index];
  const ValueId value = source.value;
  if (!value.valid()) return false;
  if (const ValueId known = state.find(name); known.valid()) return known == value;
  const auto& values = row.pattern.values;
  const auto constant =
      std::find_if(values.begin(), values.end(), [&](const PatternValue& v) { return v.name == name; });
  if (constant != values.end() && !is_constant(*constant, source)) return false;
  state.bound.emplace_back(name, value);
  state.args.emplace_back(name, at);
  for (size_t m = 0; m < row.pattern.nodes.size(); ++m)
    if (row.pattern.nodes[m].out == name) {
      // What another node reads as well stays.
      if (readers_[value.index] != row.pattern.nodes[m].readers) return false;
      return match_node(row, m, graph_.value(value).producer, state);
    }
  return true;
}

bool PatternFinder::match_inputs(const OpMapping& row, size_t member, NodeId node, bool swapped, State& state) const {
  const PatternNode& wanted = row.pattern.nodes[member];
  const auto args = graph_.args_of(graph_.node(node));
  if (args.size() < wanted.in.size()) return false;
  for (size_t i = 0; i < wanted.in.size(); ++i) {
    const size_t at = swapped && i < 2 ? 1 - i : i;
    if (!wanted.in[i].empty() && !match_value(row, wanted.in[i], {node, args[at]}, state)) return false;
  }
  return true;
}

/// ONNX had the axes as an attribute up to opset 17.
bool PatternFinder::is_over_last(const Node& n) const {
  const auto args = graph_.args_of(n);
  const auto value_of = [&](size_t i) {
    return i < args.size() && args[i].kind == Arg::Kind::kUse ? sources_[graph_.use_of(n, args[i]).index].value
                                                              : ValueId{};
  };
  const ValueId operand = value_of(0);
  if (!operand.valid() || graph_.value(operand).rank < 1) return false;
  std::optional<double> axis;
  if (const NamedArg* attribute = graph_.find_named(n, "axes"); attribute != nullptr) {
    if (attribute->arg.kind != Arg::Kind::kList) return false;
    const auto axes = graph_.elements_of(attribute->arg);
    if (axes.size() == 1 && axes[0].kind == Arg::Kind::kInt) axis = static_cast<double>(axes[0].integer);
  } else if (const ValueId value = value_of(1); value.valid()) {
    const ConstantId constant = graph_.value(value).constant;
    if (constant.valid() && graph_.constants[constant.index].count == 1) axis = constant_number(graph_, constant, 0);
  }
  return axis && (*axis == -1 || *axis == static_cast<double>(graph_.value(operand).rank - 1));
}

/// What the node is by itself; its operands are matched afterwards.
bool PatternFinder::fits(const PatternNode& wanted, const Node& n) const {
  if (n.kind != NodeKind::kCall || graph_.text(n.op) != wanted.op) return false;
  if (wanted.rank >= 0 && (n.outputs.count == 0 || graph_.values[n.outputs.first].rank != wanted.rank)) return false;
  if (wanted.in_float && (n.outputs.count == 0 || sharing_.spec(sharing_.place(ValueId{n.outputs.first})) != nullptr))
    return false;
  if (wanted.over_last && !is_over_last(n)) return false;
  const auto has = [&](const std::string& name, double number, bool or_absent) {
    const NamedArg* attribute = graph_.find_named(n, name);
    if (attribute == nullptr) return or_absent;
    const double given =
        attribute->arg.kind == Arg::Kind::kFloat ? attribute->arg.real : static_cast<double>(attribute->arg.integer);
    return std::abs(given - number) <= 1e-4 * std::max(1.0, std::abs(number));
  };
  for (const auto& [name, number] : wanted.attrs)
    if (!has(name, number, false)) return false;
  for (const auto& [name, number] : wanted.attrs_or_default)
    if (!has(name, number, true)) return false;
  return true;
}

bool PatternFinder::match_node(const OpMapping& row, size_t member, NodeId node, State& state) const {
  const PatternNode& wanted = row.pattern.nodes[member];
  const Node& n = graph_.node(node);
  if (!fits(wanted, n)) return false;
  for (const bool swapped : {false, true}) {
    if (swapped && !wanted.commutes) break;
    State attempt = state;
    attempt.members.push_back(node);
    if (!match_inputs(row, member, node, swapped, attempt)) continue;
    state = std::move(attempt);
    return true;
  }
  return false;
}

std::vector<PatternMatch> PatternFinder::find(const std::vector<const OpMapping*>& rows) {
  std::vector<PatternMatch> out;
  std::vector<const OpMapping*> serving;
  for (const OpMapping* row : rows)
    if (serves(*row)) serving.push_back(row);
  if (serving.empty()) return out;
  readers_.assign(graph_.values.size(), 0);
  for (uint32_t u = 0; u < sources_.size(); ++u)
    if (sources_[u].value.valid() && graph_.node(graph_.uses[u].node).kind != NodeKind::kFolded)
      ++readers_[sources_[u].value.index];
  std::vector<bool> taken(graph_.nodes.size(), false);
  for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
    if (graph_.nodes[n].kind != NodeKind::kCall) continue;
    for (const OpMapping* row : serving) {
      if (graph_.text(graph_.nodes[n].op) != row->pattern.nodes.back().op) continue;
      State state;
      if (!match_node(*row, row->pattern.nodes.size() - 1, NodeId{n}, state)) continue;
      if (std::any_of(state.members.begin(), state.members.end(), [&](NodeId m) { return taken[m.index]; })) continue;
      PatternMatch match{row, NodeId{n}, state.members, {}, state.bound};
      for (const std::string& name : row->pattern.operands)
        for (const auto& [known, arg] : state.args)
          if (known == name) match.operands.push_back(arg);
      if (match.operands.size() != row->pattern.operands.size()) continue;
      for (NodeId m : match.members) taken[m.index] = true;
      std::sort(match.members.begin(), match.members.end(), [](NodeId a, NodeId b) { return a.index < b.index; });
      out.push_back(std::move(match));
      break;
    }
  }
  return out;
}

}  // namespace snapgauge
