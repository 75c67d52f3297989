// One op of one backend as it is judged: its datatype rows, predicates and definition, compiled from the rows of the
// op-info database (rules/compile_op.h) or read from what was compiled when that was built.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "evaluate/master.h"
#include "opinfo/predicate.h"

namespace snapgauge {

using ConfigSet = uint64_t;

struct CompiledVariant {
  ConfigSet config = 0;           // one bit
  std::vector<DTypeSet> columns;  // 0: nothing said
  std::vector<DTypeSet> accepts;  // the same by CompiledOp::slot
  Source source;
  Strength strength = Strength::kBinding;
  bool operator==(const CompiledVariant&) const = default;
};

struct CompiledPredicate {
  Predicate predicate;
  ConfigSet configs = ~ConfigSet{0};
  RuleCode code = 0;  // reported rule; 0: informational
  bool operator==(const CompiledPredicate&) const = default;
};

/// The part of a predicate that most ports settle: whether it can hold here at all. Kept apart from
/// the predicate so that judging a node walks a few cache lines.
struct PredicateGate {
  ConfigSet configs = 0;
  const CompiledPredicate* row = nullptr;
  uint64_t bits = 0;          // of the row's own condition, as in PortTest; 0: any
  DTypeSet dtypes = 0;        // 0: any
  EncodingSet encodings = 0;  // 0: any
  PortRef::Side side = PortRef::Side::kIn;
  uint32_t first = 0, last = 0;
  bool decides = false;                 // passing the gate is the whole condition
  int16_t rank_min = 0, rank_max = -1;  // a plain rank row holds between them; empty: not a plain rank row
};

/// Not to be moved: gates point at rows.
struct CompiledOp {
  std::string name;
  bool joint = false;
  std::vector<PortRef> columns;
  std::vector<std::string> configs;  // bit i of a ConfigSet
  std::vector<CompiledVariant> variants;
  std::vector<CompiledPredicate> predicates;
  MasterInfo master;
  std::vector<CompiledPredicate> master_dtypes;  // same_dtype rows that decide open per-port combinations
  std::vector<CompiledPredicate> facts;          // the definition's other rows, which hold on every backend

  // What follows from these.
  bool converts = false;                    // every row turns float into fixed point or back: Quantize, Dequantize
  size_t in_slots = 1, out_slots = 1;       // the last slot of a side holds for all later ports
  std::vector<PredicateGate> gates;         // of `predicates` that restrict something
  std::vector<PredicateGate> master_gates;  // of `master_dtypes`
  std::vector<PredicateGate> fact_gates;    // of `facts` about values and ports
  std::vector<PredicateGate> shape_gates;   // of those that relate shapes

  size_t slot(PortRef::Side side, size_t index) const {
    return side == PortRef::Side::kIn ? std::min(index, in_slots - 1) : in_slots + std::min(index, out_slots - 1);
  }
  /// Whether a column speaks of a port; the vendor sometimes lists in[0] for in[0..m].
  bool column_covers(size_t column, PortRef::Side side, size_t index) const;
  /// Derives what follows from the rows.
  void settle();
};

/// As bytes; without what follows from the rest.
std::string encoded_op(const CompiledOp& op);
/// The same op, settled; null for bytes that are none.
std::unique_ptr<const CompiledOp> decoded_op(std::span<const std::byte> bytes);

}  // namespace snapgauge
