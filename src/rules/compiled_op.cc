#include "rules/compiled_op.h"

#include <tuple>

#include "base/codec.h"
#include "evaluate/master_fields.h"

namespace snapgauge {
namespace {

/// Columns to slots, so that judging a node looks each port up by its index.
void spread_columns(CompiledOp& op) {
  constexpr size_t kMostSlots = 1024;  // a table may name any index
  for (const PortRef& c : op.columns) {
    if (c.side == PortRef::Side::kParam) continue;
    size_t& slots = c.side == PortRef::Side::kIn ? op.in_slots : op.out_slots;
    const size_t named = (c.last == PortRef::kToEnd ? c.first : c.last) + size_t{2};
    slots = std::max(slots, std::min(named, kMostSlots));
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

/// Some type that is fixed point, or some that is float.
bool has(DTypeSet set, bool fixed) {
  for (int t = 0; t < kDTypeCount; ++t)
    if (contains(set, static_cast<DType>(t)) &&
        (fixed ? is_fixed_point(static_cast<DType>(t)) : is_float(static_cast<DType>(t))))
      return true;
  return false;
}

bool all_convert(const CompiledOp& op) {
  return !op.variants.empty() && std::all_of(op.variants.begin(), op.variants.end(), [&op](const CompiledVariant& v) {
    const DTypeSet in = v.accepts[op.slot(PortRef::Side::kIn, 0)];
    const DTypeSet out = v.accepts[op.slot(PortRef::Side::kOut, 0)];
    return has(in, true) != has(out, true) && has(in, false) != has(out, false);
  });
}

/// Bounds of a rank row without condition whose test is made of numbers; empty for any other row.
std::pair<int16_t, int16_t> plain_rank(const Predicate& p) {
  constexpr std::pair<int16_t, int16_t> kNone{0, -1};
  if (p.kind != PredicateKind::kRank || !p.when->always || p.unreadable) return kNone;
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
    const Condition& when = *p.when;
    PredicateGate gate;
    gate.configs = row.configs;
    gate.row = &row;
    gate.side = p.port.side;
    gate.first = p.port.first;
    gate.last = p.port.last;
    std::tie(gate.rank_min, gate.rank_max) = plain_rank(p);
    // A condition that can never be decided must reach the evaluation, which says so.
    if (!when.own.unknown && p.kind != PredicateKind::kAppliesOnly) {
      gate.bits = when.own.bits;
      gate.dtypes = when.own.dtypes;
      gate.encodings = when.own.encodings;
    }
    gate.decides = when.always || (is_plain(when) && p.kind != PredicateKind::kAppliesOnly);
    gates.push_back(gate);
  }
  return gates;
}

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

}  // namespace

auto fields(CompiledVariant& v) {
  auto& [config, columns, accepts, source, strength] = v;
  return std::tie(config, columns, source, strength);
}

auto fields(CompiledPredicate& p) {
  auto& [predicate, configs, code] = p;
  return std::tie(predicate, configs, code);
}

auto fields(CompiledOp& op) {
  auto& [name, joint, columns, configs, variants, predicates, master, master_dtypes, facts, converts, in_slots,
         out_slots, gates, master_gates, fact_gates, shape_gates] = op;
  return std::tie(name, joint, columns, configs, variants, predicates, master, master_dtypes, facts);
}

bool CompiledOp::column_covers(size_t column, PortRef::Side side, size_t index) const {
  const PortRef& c = columns[column];
  if (c.covers(side, index)) return true;
  if (c.side != side || c.first != 0 || c.last != 0) return false;
  return std::any_of(columns.begin(), columns.end(), [&](const PortRef& other) {
    return other.side == side && other.first == 0 && other.last == PortRef::kToEnd;
  });
}

void CompiledOp::settle() {
  spread_columns(*this);
  converts = all_convert(*this);
  gates = gates_of(predicates);
  master_gates = gates_of(master_dtypes);
  for (const PredicateGate& gate : gates_of(facts))
    (relates_shapes(gate.row->predicate) ? shape_gates : fact_gates).push_back(gate);
}

std::string encoded_op(const CompiledOp& op) { return encoded(op); }

std::unique_ptr<const CompiledOp> decoded_op(std::span<const std::byte> bytes) {
  auto op = std::make_unique<CompiledOp>();
  Decoder in(bytes);
  codec::get(in, *op);
  const bool sound = in.finished() && std::all_of(op->variants.begin(), op->variants.end(), [&op](const auto& v) {
                       return v.columns.size() == op->columns.size();
                     });
  if (!sound) return nullptr;
  op->settle();
  return op;
}

}  // namespace snapgauge
