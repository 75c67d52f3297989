#include "rules/op_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "diag/rule.h"

namespace snapgauge {
namespace {

/// "kind" and "kind/key" -> code, from the rule rows.
const std::map<std::string, RuleCode, std::less<>>& rules_by_predicate() {
  static const auto* const table = [] {
    auto* out = new std::map<std::string, RuleCode, std::less<>>();
    for (const Rule& r : all_rules()) {
      std::string_view rest = r.predicates;
      while (!rest.empty()) {
        const size_t comma = rest.find(',');
        out->emplace(std::string(rest.substr(0, comma)), r.code);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      }
    }
    return out;
  }();
  return *table;
}

ConfigSet bit_of(const std::string& config, std::vector<std::string>& known) {
  auto it = std::find(known.begin(), known.end(), config);
  if (it == known.end()) it = known.insert(known.end(), config);
  const auto index = static_cast<size_t>(it - known.begin());
  return ConfigSet{1} << std::min<size_t>(index, 63);
}

ConfigSet config_set(const std::vector<std::string>& configs, std::vector<std::string>& known) {
  ConfigSet set = 0;
  for (const std::string& c : configs) {
    if (c == "All") return ~ConfigSet{0};
    set |= bit_of(c, known);
  }
  return configs.empty() ? ~ConfigSet{0} : set;
}

/// Columns to slots, so that judging a node looks each port up by its index.
void spread_columns(CompiledOp& op) {
  for (const PortRef& c : op.columns) {
    if (c.side == PortRef::Side::kParam) continue;
    size_t& slots = c.side == PortRef::Side::kIn ? op.in_slots : op.out_slots;
    slots = std::max<size_t>(slots, (c.last == PortRef::kToEnd ? c.first : c.last) + size_t{2});
  }
  for (CompiledVariant& v : op.variants) {
    v.accepts.assign(op.in_slots + op.out_slots, 0);
    for (size_t s = 0; s < v.accepts.size(); ++s) {
      const bool input = s < op.in_slots;
      for (size_t c = 0; c < op.columns.size(); ++c)
        if (op.column_covers(c, input ? PortRef::Side::kIn : PortRef::Side::kOut, input ? s : s - op.in_slots))
          v.accepts[s] |= v.columns[c];
    }
  }
}

/// Bounds of a rank row without condition whose test is made of numbers; empty for any other row.
std::pair<int16_t, int16_t> plain_rank(const Predicate& p) {
  constexpr std::pair<int16_t, int16_t> kNone{0, -1};
  if (p.kind != PredicateKind::kRank || !p.when.always || p.unreadable) return kNone;
  int16_t low = 0;
  int16_t high = INT16_MAX;
  for (const Test::Clause& clause : p.test.clauses) {
    if (clause.operand.kind != Operand::Kind::kNumber) return kNone;
    const auto n = static_cast<int16_t>(std::clamp<double>(clause.operand.number, 0, INT16_MAX));
    if (clause.op == Test::Op::kEq || clause.op == Test::Op::kMin) low = std::max(low, n);
    if (clause.op == Test::Op::kEq || clause.op == Test::Op::kMax) high = std::min(high, n);
    if (clause.op != Test::Op::kEq && clause.op != Test::Op::kMin && clause.op != Test::Op::kMax) return kNone;
  }
  return {low, high};
}

/// The condition says nothing but what the gate tests.
bool is_plain(const Condition& c) {
  const PortTest& own = c.own;
  return !own.unknown && own.dtypes_not == 0 && own.rank.empty() && own.any_dim.empty() && own.dims.empty() &&
         !own.is_dynamic && !own.is_static && !own.is_quantized && c.value.empty() && c.size.empty() &&
         c.last_index.empty() && c.opset.empty() && !c.set && c.ports.empty() && c.params.empty() && c.args.empty() &&
         c.attrs.empty() && c.pipelines.empty() && c.backends.empty() && c.given.empty() && c.used.empty() &&
         !c.absent && c.operands.empty() && c.relations.empty();
}

std::vector<PredicateGate> gates_of(const std::vector<CompiledPredicate>& rows) {
  std::vector<PredicateGate> gates;
  for (const CompiledPredicate& row : rows) {
    if (row.code == 0) continue;
    const Predicate& p = row.predicate;
    PredicateGate gate;
    gate.configs = row.configs;
    gate.row = &row;
    gate.side = p.port.side;
    gate.first = p.port.first;
    gate.last = p.port.last;
    std::tie(gate.rank_min, gate.rank_max) = plain_rank(p);
    // A condition that can never be decided must reach the evaluation, which says so.
    if (!p.when.own.unknown && p.kind != PredicateKind::kAppliesOnly) {
      gate.bits = p.when.own.bits;
      gate.dtypes = p.when.own.dtypes;
      gate.encodings = p.when.own.encodings;
    }
    gate.decides = p.when.always || (is_plain(p.when) && p.kind != PredicateKind::kAppliesOnly);
    gates.push_back(gate);
  }
  return gates;
}

}  // namespace

RuleCode rule_of(const Predicate& predicate) {
  if (is_informational(predicate.kind)) return 0;
  const auto& rules = rules_by_predicate();
  const std::string kind(predicate_kind_name(predicate.kind));
  if (predicate.when.own.encodings != 0)
    if (auto it = rules.find(kind + "/encoding"); it != rules.end()) return it->second;
  if (predicate.when.own.bits != 0)
    if (auto it = rules.find(kind + "/bits"); it != rules.end()) return it->second;
  const auto it = rules.find(kind);
  return it == rules.end() ? RuleCode{0} : it->second;
}

bool CompiledOp::column_covers(size_t column, PortRef::Side side, size_t index) const {
  const PortRef& c = columns[column];
  if (c.covers(side, index)) return true;
  if (c.side != side || c.first != 0 || c.last != 0) return false;
  return std::any_of(columns.begin(), columns.end(), [&](const PortRef& other) {
    return other.side == side && other.first == 0 && other.last == PortRef::kToEnd;
  });
}

Result<const CompiledOp*> OpTable::find(std::string_view op) {
  const std::string name(op);
  if (auto it = ops_.find(name); it != ops_.end()) return it->second.get();
  auto row = database_.op(target_.backend.name, target_.sdk, target_.pipeline.name, name);
  if (!row) return row.error();
  std::unique_ptr<CompiledOp> compiled;
  if (row->has_value()) {
    auto result = compile(std::move(**row));
    if (!result) return result.error();
    compiled = std::move(*result);
  }
  return ops_.emplace(name, std::move(compiled)).first->second.get();
}

Status OpTable::load_definitions() {
  if (defined_) return Done{};
  auto rows = definition_rows(database_);
  if (!rows) return rows.error();
  definitions_ = std::move(*rows);
  defined_ = true;
  return Done{};
}

namespace {

constexpr RuleCode kContradictoryShapes = 608;  // of rows that hold everywhere, not in the vendor's terms alone

/// Kinds that relate the shapes of ports.
bool relates_shapes(const Predicate& p) {
  const bool of_port = p.port.side != PortRef::Side::kParam;
  switch (p.kind) {
    case PredicateKind::kSameShape:
    case PredicateKind::kSameRank:
    case PredicateKind::kSameDimsAcross:
    case PredicateKind::kBatchDims:
    case PredicateKind::kBroadcast: return true;
    case PredicateKind::kRelation: return of_port;
    default: return false;
  }
}

/// Datatypes are the table's, sparse tensors and open sizes are judged elsewhere; a parameter without effect does
/// no harm, and pipelines set some always; backends state ranks themselves and take a Concat of one tensor.
bool is_left_out(PredicateKind kind) {
  using K = PredicateKind;
  constexpr K kLeftOut[] = {K::kSameDtype, K::kDynamicDims, K::kDataFormat, K::kSameDataFormat,
                            K::kIgnored,   K::kAppliesOnly, K::kRank,       K::kLastIndex};
  return std::find(std::begin(kLeftOut), std::end(kLeftOut), kind) != std::end(kLeftOut);
}

}  // namespace

Status OpTable::add_facts(CompiledOp& op) {
  if (Status s = load_definitions(); !s) return s;
  for (const Predicate& p : op.master.constraints)
    if (!is_left_out(p.kind)) op.facts.push_back({p, ~ConfigSet{0}, rule_of(p)});
  if (const auto rows = definitions_.find(op.name); rows != definitions_.end())
    for (const ConstraintRow& row : rows->second) {
      auto predicate = compile_predicate(row);
      if (!predicate) return predicate.error();
      op.facts.push_back({std::move(*predicate), ~ConfigSet{0}, kContradictoryShapes});
    }
  for (PredicateGate& gate : gates_of(op.facts))
    (relates_shapes(gate.row->predicate) ? op.shape_gates : op.fact_gates).push_back(gate);
  return Done{};
}

Result<std::unique_ptr<CompiledOp>> OpTable::compile(OpRow row) {
  auto op = std::make_unique<CompiledOp>();
  op->row = std::move(row);
  op->name = op->row.name;
  op->joint = op->row.joint;
  for (const std::string& column : op->row.columns) op->columns.push_back(parse_port(column));
  for (const VariantRow& v : op->row.variants)
    op->variants.push_back({.config = v.config == "All" ? ~ConfigSet{0} : bit_of(v.config, op->configs),
                            .columns = v.columns,
                            .accepts = {},
                            .source = &v.source,
                            .strength = v.strength});
  spread_columns(*op);
  op->converts =
      !op->variants.empty() && std::all_of(op->variants.begin(), op->variants.end(), [&](const CompiledVariant& v) {
        DTypeSet in = 0;
        DTypeSet out = 0;
        for (size_t c = 0; c < op->columns.size(); ++c) {
          if (op->column_covers(c, PortRef::Side::kIn, 0)) in |= v.columns[c];
          if (op->column_covers(c, PortRef::Side::kOut, 0)) out |= v.columns[c];
        }
        const auto has = [](DTypeSet set, bool fixed) {
          for (int t = 0; t < kDTypeCount; ++t)
            if (contains(set, static_cast<DType>(t)) &&
                (fixed ? is_fixed_point(static_cast<DType>(t)) : is_float(static_cast<DType>(t))))
              return true;
          return false;
        };
        return has(in, true) != has(out, true) && has(in, false) != has(out, false);
      });
  for (const ConstraintRow& c : op->row.constraints) {
    auto predicate = compile_predicate(c);
    if (!predicate) return predicate.error();
    CompiledPredicate compiled{std::move(*predicate), 0, 0};
    compiled.configs = config_set(c.configs, op->configs);
    compiled.code = rule_of(compiled.predicate);
    op->predicates.push_back(std::move(compiled));
  }
  auto master = database_.master(target_.sdk, op->name);
  if (!master) return master.error();
  if (master->has_value()) {
    auto info = compile_master(**master);
    if (!info) return info.error();
    op->master = std::move(*info);
    for (const Predicate& p : op->master.constraints)
      if (p.kind == PredicateKind::kSameDtype) op->master_dtypes.push_back({p, ~ConfigSet{0}, rule_of(p)});
  }
  if (Status s = add_facts(*op); !s) return s.error();
  op->gates = gates_of(op->predicates);
  op->master_gates = gates_of(op->master_dtypes);
  return op;
}

}  // namespace snapgauge
