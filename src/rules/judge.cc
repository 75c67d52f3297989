#include "rules/judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/translate.h"
#include "base/text.h"
#include "diag/rule.h"

namespace snapgauge {

Finding NodeJudge::at(NodeId node, RuleCode code,
                      std::initializer_list<std::pair<std::string_view, std::string>> holes) const {
  Finding f = make_finding(code, holes);
  f.node = printable(graph_.name(node));
  f.location = graph_.node(node).location;
  return f;
}

bool NodeJudge::first_time(RuleCode code, std::string_view op, std::string_view what) {
  return noted_.insert(fmt::format("{}/{}/{}", code, op, what)).second;
}

void NodeJudge::report_unmapped(NodeId node, const std::vector<std::string>& similar, Judgement& judgement,
                                std::vector<Finding>& findings) {
  const std::string op = printable(graph_.text(graph_.node(node).op));
  Finding f = at(node, 701, {{"op", op}});
  f.expected = similar.empty() ? "an operator with an op-map row"
                               : "an operator with an op-map row, such as " + join_or(similar);
  f.actual = op;
  judgement.doubt(fmt::format("operator '{}' has no op-map row", op));
  findings.push_back(std::move(f));
}

Proposal NodeJudge::propose_axis(const OpView& view, const CompiledOp& op, PlaceId place) const {
  const EvalContext context{view, target_, &op.master};
  for (const auto* gates : {&op.master_gates, &op.gates})
    for (const PredicateGate& gate : *gates) {
      const Predicate& row = gate.row->predicate;
      if (row.kind != PredicateKind::kEncodingAxis || gate.side == PortRef::Side::kParam) continue;
      const auto& ports = gate.side == PortRef::Side::kIn ? view.in : view.out;
      for (size_t i = gate.first; i < ports.size() && i <= gate.last; ++i) {
        const Subject self{gate.side, i, {}};
        if (!ports[i].present || sharing_.root(ports[i].place) != place ||
            evaluate(*row.when, context, &self, nullptr) != Truth::kTrue)
          continue;
        Outcome outcome;
        check_shape({row, self, &ports[i], context, sharing_}, outcome);
        if (outcome.fix.change != nullptr) return outcome.fix;
      }
    }
  return {};
}

void NodeJudge::report_refused(const OpView& view, Judgement& judgement, std::vector<Finding>& findings) {
  const std::string op = printable(graph_.text(graph_.node(view.node).op));
  Finding f = at(view.node, 106, {{"op", op}, {"pipeline", target_.pipeline.name}, {"reason", view.mapping->refused}});
  f.expected = "an operator that the pipeline hands over";
  f.actual = op;
  judgement.reject(f.message);
  findings.push_back(std::move(f));
}

void NodeJudge::report_undecided(NodeId node, const std::string& why, Judgement& judgement,
                                 std::vector<Finding>& findings) {
  const std::string op = printable(graph_.text(graph_.node(node).op));
  Finding f = at(node, 709, {{"op", op}, {"why", why}});
  f.expected = "what it becomes, to judge it";
  f.actual = why;
  judgement.doubt(f.message);
  findings.push_back(std::move(f));
}

void NodeJudge::report_unsupported_op(const OpView& view, std::string_view op, Judgement& judgement,
                                      std::vector<Finding>& findings) {
  Finding f = at(view.node, 101, {{"op", std::string(op)}, {"backend", target_.backend.title}});
  f.expected = fmt::format("an operator of the {} table", target_.backend.title);
  f.actual = fmt::format("{} ({})", printable(graph_.text(graph_.node(view.node).op)), op);
  f.source = {fmt::format("{} supported operations", target_.backend.title), target_.sdk.text()};
  judgement.reject(f.message);
  findings.push_back(std::move(f));
}

void NodeJudge::collect_ports(const OpView& view) {
  ports_.clear();
  places_.clear();
  inputs_ = view.in.size();
  for (size_t i = 0; i < view.in.size(); ++i) {
    if (!view.in[i].present) continue;
    ports_.push_back(&view.in[i]);
    places_.emplace_back(PortRef::Side::kIn, i);
  }
  for (size_t i = 0; i < view.out.size(); ++i) {
    if (!view.out[i].present) continue;
    ports_.push_back(&view.out[i]);
    places_.emplace_back(PortRef::Side::kOut, i);
  }
}

DTypeSet NodeJudge::accepted(const CompiledVariant& variant, size_t port) const {
  return variant.accepts[slots_[port]];
}

NodeJudge::Match NodeJudge::match_variants(const CompiledOp& op) {
  // Only ports that are not broken take part; the first input leads: a row for its datatype is nearer
  // than one for another's.
  wanted_.clear();
  slots_.clear();
  for (size_t p = 0; p < ports_.size(); ++p) {
    const auto [side, index] = places_[p];
    slots_.push_back(static_cast<uint32_t>(op.slot(side, index)));
    const bool broken = (*broken_)[index + (side == PortRef::Side::kOut ? inputs_ : 0)];
    if (!broken) wanted_.push_back({slots_[p], ports_[p]->dtypes, p == 0 ? 2U : 1U});
  }
  // Graphs have few distinct combinations of datatypes per op: the answer for the last ones is kept.
  size_t key = reinterpret_cast<uintptr_t>(&op) >> 6U;
  for (const Wanted& w : wanted_) key = key * 31 + w.dtypes + w.slot;
  RecentMatch& recent = recent_[key % recent_.size()];
  if (recent.op == &op && recent.wanted == wanted_) return recent.match;
  Match match;
  match.mismatches = SIZE_MAX;
  bool firm = false;
  for (const CompiledVariant& variant : op.variants) {
    size_t wrong = 0;
    const DTypeSet* const accepts = variant.accepts.data();
    for (const Wanted& w : wanted_) {
      const DTypeSet set = accepts[w.slot];
      if (set != 0 && (set & w.dtypes) == 0) wrong += w.weight;
      if (wrong > match.mismatches) break;
    }
    if (wrong < match.mismatches)
      match = {variant.config, &variant, wrong, false};
    else if (wrong == match.mismatches && wrong == 0)
      match.configs |= variant.config;
    firm = firm || (wrong == 0 && variant.strength == Strength::kBinding);
  }
  if (op.variants.empty()) match = {~ConfigSet{0}, nullptr, 0, false};
  match.doubtful = match.mismatches == 0 && !firm && !op.variants.empty();
  recent = {&op, wanted_, match};
  return match;
}

/// "in[0] UFIXED_POINT_8, in[1] FLOAT_32, ..": every finding of a node repeats it, so it stays short.
std::string NodeJudge::combination() const {
  constexpr size_t kShown = 16;
  std::string out;
  for (size_t p = 0; p < std::min(ports_.size(), kShown); ++p)
    out += fmt::format("{}{} {}", p > 0 ? ", " : "", port_text(places_[p].first, places_[p].second),
                       dtype_name(ports_[p]->dtype));
  if (ports_.size() > kShown) out += fmt::format(" and {} more", ports_.size() - kShown);
  return out;
}

/// The rows that differ from the nearest one only where that one does not fit: what they accept there
/// would do.
std::vector<const CompiledVariant*> NodeJudge::alternatives(const CompiledOp& op, const CompiledVariant& nearest) {
  const auto fits = [&](const CompiledVariant& v, size_t p) {
    const DTypeSet set = accepted(v, p);
    return set == 0 || (set & ports_[p]->dtypes) != 0;
  };
  std::vector<size_t> fitting;
  for (size_t p = 0; p < ports_.size(); ++p)
    if ((accepted(nearest, p) & ports_[p]->dtypes) != 0) fitting.push_back(p);
  std::vector<const CompiledVariant*> rows;
  for (const CompiledVariant& v : op.variants)
    if (std::all_of(fitting.begin(), fitting.end(), [&](size_t p) { return fits(v, p); })) rows.push_back(&v);
  return rows;
}

void NodeJudge::report_dtypes(const CompiledOp& op, const Match& match, Judgement& judgement,
                              std::vector<Finding>& findings) {
  const bool quantized = std::any_of(ports_.begin(), ports_.end(), [](const Port* p) { return p->spec != nullptr; });
  const std::string together = combination();
  const auto rows = alternatives(op, *match.nearest);
  for (size_t p = 0; p < ports_.size(); ++p) {
    const auto [side, index] = places_[p];
    const size_t slot = index + (side == PortRef::Side::kOut ? inputs_ : 0);
    if ((*broken_)[slot]) continue;
    DTypeSet wanted = accepted(*match.nearest, p);
    if (wanted == 0 || (wanted & ports_[p]->dtypes) != 0) continue;
    for (const CompiledVariant* v : rows) wanted |= accepted(*v, p);
    const std::string port = port_text(side, index);
    const std::string actual(dtype_name(ports_[p]->dtype));
    const bool mixed = quantized && is_float(ports_[p]->dtype);
    Finding f = mixed ? at(node_, 103, {{"port", port}, {"op", op.name}, {"actual", actual}, {"others", "quantized"}})
                      : at(node_, 102, {{"port", port}, {"op", op.name}});
    f.port = port;
    f.value = printable(graph_.text(graph_.value(ports_[p]->value).name));
    f.expected = dtype_set_text(wanted);
    f.actual = fmt::format("{} in the combination {}", actual, together);
    f.source = match.nearest->source;
    if (ports_[p]->assumed) {
      // Nobody states what the pipeline makes of this type: that cannot refuse a node.
      f.level = Level::kWarning;
      judgement.doubt(fmt::format("{}: {}, which rests on an assumed cast", port, f.message));
    } else {
      judgement.reject(fmt::format("{}: {}", port, f.message));
    }
    findings.push_back(std::move(f));
    (*broken_)[slot] = true;
  }
}

void NodeJudge::check_params(const OpView& view, std::string_view op, Judgement& judgement,
                             std::vector<Finding>& findings) {
  for (ParamProblem& problem : param_problems(ops_, ops_.op(ops_.op_of[view.node.index]))) {
    const RuleCode code = problem.kind == ParamProblem::Kind::kRunTime     ? 107
                          : problem.kind == ParamProblem::Kind::kQuantized ? 108
                                                                           : 604;
    Finding f = at(view.node, code, {{"port", problem.param}, {"op", std::string(op)}});
    f.port = problem.param;
    if (problem.value.valid()) f.value = printable(graph_.text(graph_.value(problem.value).name));
    f.expected = std::move(problem.expected);
    f.actual = std::move(problem.actual);
    judgement.reject(fmt::format("{}: {}", problem.param, f.message));
    findings.push_back(std::move(f));
  }
}

void NodeJudge::note_open_combination(const CompiledOp& op, const OpView& view, std::vector<Finding>& findings) {
  DTypeSet all = 0;
  size_t open = 0;
  for (size_t p = 0; p < ports_.size(); ++p) {
    all |= ports_[p]->dtypes;
    if (__builtin_popcount(accepted(op.variants[0], p)) > 1) ++open;
  }
  if (__builtin_popcount(all) < 2 || open < 2) return;
  const std::string together = combination();
  if (!first_time(703, op.name, together)) return;
  Finding f = at(view.node, 703, {{"op", op.name}, {"combination", together}});
  f.expected = "joint rows";
  f.actual = "one list per port";
  f.source = op.variants[0].source;
  findings.push_back(std::move(f));
}

void NodeJudge::report_empty(size_t port, Judgement& judgement, std::vector<Finding>& findings) {
  const auto [side, index] = places_[port];
  const Port& empty = *ports_[port];
  const std::string value = printable(graph_.text(graph_.value(empty.value).name));
  const std::string shape =
      fmt::format("[{}]", fmt::join(std::span(empty.dims, static_cast<size_t>(empty.rank)), ", "));
  Finding f = at(node_, 607, {{"value", value}, {"shape", shape}});
  f.port = port_text(side, index);
  f.value = value;
  f.expected = "at least one element in every dimension";
  f.actual = shape;
  judgement.reject(fmt::format("{}: {}", f.port, f.message));
  findings.push_back(std::move(f));
  (*broken_)[index + (side == PortRef::Side::kOut ? inputs_ : 0)] = true;
}

bool NodeJudge::report(const CompiledPredicate& row, const CompiledOp& op, const Subject& self, const Port* port,
                       Outcome& outcome, Judgement& judgement, std::vector<Finding>& findings) {
  const Predicate& p = row.predicate;
  const std::string name = self.param.empty() ? port_text(self.side, self.index) : std::string(self.param);
  if (outcome.truth == Truth::kUnknown) {
    if (outcome.missing.empty()) outcome.missing = kNotStated;
    if (outcome.run_time) {
      if (!first_time(704, op.name, name)) return false;
      Finding f = at(node_, 704, {{"port", name}, {"op", op.name}});
      f.port = name;
      f.expected = fmt::format("{} {}", predicate_kind_name(p.kind), p.test.text());
      f.actual = outcome.missing;
      f.source = p.source;
      findings.push_back(std::move(f));
      return false;
    }
    if (p.strength == Strength::kDoubtful) return false;
    Finding f = at(node_, 702, {{"port", name}, {"op", op.name}, {"missing", outcome.missing}});
    f.port = name;
    f.expected = fmt::format("{} to be known", predicate_kind_name(p.kind));
    f.actual = outcome.missing;
    f.source = p.source;
    judgement.doubt(fmt::format("{}: {} ({})", name, outcome.missing, predicate_kind_name(p.kind)));
    findings.push_back(std::move(f));
    return false;
  }
  const std::string other = p.with ? port_text(*p.with) : std::string();
  Finding f = at(node_, row.code,
                 {{"port", name},
                  {"op", op.name},
                  {"other", other},
                  {"backend", target_.backend.title},
                  {"arch", fmt::format("V{}", p.arch)},
                  {"soc", target_.soc.name},
                  {"soc_arch", target_.arch_text()}});
  f.port = name;
  if (port != nullptr) f.value = printable(graph_.text(graph_.value(port->value).name));
  f.expected = std::move(outcome.expected);
  f.actual = std::move(outcome.actual);
  f.source = p.source;
  outcome.fix.attach_to(f);
  if (p.with) f.related.push_back({f.node, other, "the other side"});
  const bool mended = mend(f, op.name, self.side, self.index, port);
  if (!mended && p.strength == Strength::kDoubtful)
    f.level = Level::kWarning;
  else if (!mended)
    judgement.reject(fmt::format("{}: {}", name, f.message));
  findings.push_back(std::move(f));
  return !mended;
}

void NodeJudge::check_predicate(const CompiledPredicate& row, const CompiledOp& op, const EvalContext& context,
                                const Subject& self, const Port* port, size_t slot, bool applies_surely,
                                Judgement& judgement, std::vector<Finding>& findings) {
  const bool is_port = self.param.empty();
  if (is_port && (*broken_)[slot]) return;
  // A rule about when a port applies reads its condition itself.
  const Truth applies = applies_surely || row.predicate.kind == PredicateKind::kAppliesOnly
                            ? Truth::kTrue
                            : evaluate(*row.predicate.when, context, &self, nullptr);
  if (applies == Truth::kFalse) return;
  // A parameter that the lowering does not set has the vendor's own default, which keeps the vendor's relations.
  const PredicateKind kind = row.predicate.kind;
  if (!is_port && kind == PredicateKind::kRelation && context.view.param(self.param).state == ParamValue::State::kUnset)
    return;
  Outcome outcome;
  check_shape({row.predicate, self, port, context, sharing_}, outcome);
  if (outcome.truth == Truth::kTrue) return;
  if (applies == Truth::kUnknown) {
    outcome = {};
    outcome.truth = evaluate(*row.predicate.when, context, &self, &outcome.missing);
  }
  if (report(row, op, self, port, outcome, judgement, findings) && is_port) (*broken_)[slot] = true;
}

void NodeJudge::check_predicates(const std::vector<PredicateGate>& gates, const CompiledOp& op, const OpView& view,
                                 ConfigSet configs, Judgement& judgement, std::vector<Finding>& findings) {
  const EvalContext context{view, target_, &op.master};
  const auto settled = [](const PredicateGate& gate, const Port& port) {
    if (gate.encodings != 0 && (gate.encodings & encoding_bit(port.encoding)) == 0) return true;
    if (port.rank >= gate.rank_min && port.rank <= gate.rank_max) return true;
    if (port.dtypes == 0) return false;
    if (gate.dtypes != 0 && (gate.dtypes & port.dtypes) == 0) return true;
    return gate.bits != 0 && (gate.bits >> (static_cast<unsigned>(bit_width(port.dtype)) & 63U) & 1U) == 0;
  };
  for (const PredicateGate& gate : gates) {
    if ((gate.configs & configs) == 0) continue;
    if (gate.side == PortRef::Side::kParam) {
      const Subject self{gate.side, 0, gate.row->predicate.port.param};
      check_predicate(*gate.row, op, context, self, nullptr, 0, false, judgement, findings);
      continue;
    }
    const auto& ports = gate.side == PortRef::Side::kIn ? view.in : view.out;
    const size_t base = gate.side == PortRef::Side::kOut ? inputs_ : 0;
    for (size_t i = gate.first; i < ports.size() && i <= gate.last; ++i)
      if (ports[i].present && !settled(gate, ports[i]))
        check_predicate(*gate.row, op, context, Subject{gate.side, i, {}}, &ports[i], base + i,
                        gate.decides && ports[i].dtypes != 0, judgement, findings);
  }
}

void NodeJudge::judge(const OpView& view, const CompiledOp& op, std::vector<bool>& broken, Judgement& judgement,
                      std::vector<Finding>& findings) {
  node_ = view.node;
  broken_ = &broken;
  collect_ports(view);
  judge_by_table(view, op, broken, judgement, findings);
  // Shapes and parameters are the same throughout a class: what holds for one op holds for all.
  if (sound_[view.cls().index]) return;
  const size_t before = findings.size();
  check_predicates(op.fact_gates, op, view, ~ConfigSet{0}, judgement, findings);
  check_definition(view, op, judgement, findings);
  const bool all_looked_at = std::find(broken.begin(), broken.end(), true) == broken.end();
  sound_[view.cls().index] = all_looked_at && findings.size() == before;
}

void NodeJudge::judge_by_table(const OpView& view, const CompiledOp& op, std::vector<bool>& broken,
                               Judgement& judgement, std::vector<Finding>& findings) {
  if (row_of(graph_.frontend).has_qdq_pairs && !op.converts) check_edges(view, op.name, broken, judgement, findings);
  note_rewrites(view, findings);
  if (view.mapping->weight && view.mapping->bias) check_bias(view, op.name, broken, judgement, findings);
  if (view.mapping->checks_params) check_params(view, op.name, judgement, findings);
  for (size_t p = 0; p < ports_.size(); ++p) {
    if (ports_[p]->has_no_elements()) report_empty(p, judgement, findings);
    if (ports_[p]->dtypes != 0) continue;
    const std::string port = port_text(places_[p].first, places_[p].second);
    const std::string missing = "its datatype is not stated in the file";
    Finding f = at(node_, 702, {{"port", port}, {"op", op.name}, {"missing", missing}});
    f.port = port;
    f.expected = "a datatype";
    f.actual = "none stated";
    judgement.doubt(fmt::format("{}: {}", port, missing));
    findings.push_back(std::move(f));
    broken[places_[p].second + (places_[p].first == PortRef::Side::kOut ? inputs_ : 0)] = true;
  }
  const Match match = match_variants(op);
  if (match.mismatches != 0 && judge_in_float(view, op, judgement, findings)) return;
  if (match.mismatches != 0) {
    report_dtypes(op, match, judgement, findings);
  } else if (match.doubtful) {
    Finding f = at(node_, 102, {{"port", "the whole row"}, {"op", op.name}});
    f.level = Level::kWarning;
    f.expected = "a row that the vendor's page confirms";
    f.actual = "a doubtful row";
    f.source = match.nearest->source;
    findings.push_back(std::move(f));
  } else if (!op.joint && !op.variants.empty()) {
    note_open_combination(op, view, findings);
  }
  if (!op.joint) check_predicates(op.master_gates, op, view, ~ConfigSet{0}, judgement, findings);
  // Rows of several configurations may match; one that raises nothing is enough.
  ConfigSet left = match.configs;
  const size_t mark = findings.size();
  const Judgement before = judgement;
  const std::vector<bool> broken_before =
      __builtin_popcountll(left) > 1 && left != ~ConfigSet{0} ? broken : std::vector<bool>();
  if (broken_before.empty()) return check_predicates(op.gates, op, view, left, judgement, findings);
  std::vector<Finding> best_findings;
  Judgement best_judgement;
  for (bool first = true; left != 0; first = false) {
    const ConfigSet bit = left & (~left + 1);
    left &= left - 1;
    judgement = before;
    broken = broken_before;
    check_predicates(op.gates, op, view, bit, judgement, findings);
    if (judgement.verdict == before.verdict) return;
    std::vector<Finding> added(std::make_move_iterator(findings.begin() + static_cast<ptrdiff_t>(mark)),
                               std::make_move_iterator(findings.end()));
    findings.resize(mark);
    // The label that comes closest is the one to report.
    if (first || added.size() < best_findings.size()) best_findings = std::move(added), best_judgement = judgement;
  }
  judgement = best_judgement;
  std::move(best_findings.begin(), best_findings.end(), std::back_inserter(findings));
}

}  // namespace snapgauge
