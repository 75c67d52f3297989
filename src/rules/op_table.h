// The compiled table of one backend for one target: per op its datatype rows and predicates, loaded
// on demand from the op-info database.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "evaluate/master.h"
#include "opinfo/database.h"
#include "opinfo/predicate.h"
#include "targets/target.h"

namespace snapgauge {

using ConfigSet = uint64_t;

struct CompiledVariant {
  ConfigSet config = 0;           // one bit
  std::vector<DTypeSet> columns;  // 0: nothing said
  std::vector<DTypeSet> accepts;  // the same by CompiledOp::slot
  const Source* source = nullptr;
  Strength strength = Strength::kBinding;
};

struct CompiledPredicate {
  Predicate predicate;
  ConfigSet configs = ~ConfigSet{0};
  RuleCode code = 0;  // reported rule; 0: informational
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

struct CompiledOp {
  std::string name;
  bool joint = false;
  bool converts = false;  // every row turns float into fixed point or back: Quantize, Dequantize
  std::vector<PortRef> columns;
  std::vector<std::string> configs;  // bit i of a ConfigSet
  std::vector<CompiledVariant> variants;
  std::vector<CompiledPredicate> predicates;
  std::vector<PredicateGate> gates;  // of `predicates` that restrict something
  MasterInfo master;
  std::vector<PredicateGate> master_gates;       // of `master_dtypes`
  std::vector<CompiledPredicate> master_dtypes;  // same_dtype rows that decide open per-port combinations
  std::vector<CompiledPredicate> facts;          // the definition's other rows, which hold on every backend
  std::vector<PredicateGate> fact_gates;         // those about values and ports
  std::vector<PredicateGate> shape_gates;        // those that relate shapes
  OpRow row;                                     // owns the sources

  size_t in_slots = 1, out_slots = 1;  // the last slot of a side holds for all later ports
  size_t slot(PortRef::Side side, size_t index) const {
    return side == PortRef::Side::kIn ? std::min(index, in_slots - 1) : in_slots + std::min(index, out_slots - 1);
  }
  /// Indices of the columns that speak of a port; the vendor sometimes lists in[0] for in[0..m].
  bool column_covers(size_t column, PortRef::Side side, size_t index) const;
};

class OpTable {
 public:
  OpTable(const Database& database, const Target& target) : database_(database), target_(target) {}

  /// Null when the backend's table has no such op.
  Result<const CompiledOp*> find(std::string_view op);
  const Target& target() const { return target_; }

 private:
  Result<std::unique_ptr<CompiledOp>> compile(OpRow row);
  Status add_facts(CompiledOp& op);
  Status load_definitions();

  const Database& database_;
  const Target& target_;
  std::unordered_map<std::string, std::unique_ptr<CompiledOp>> ops_;
  std::unordered_map<std::string, std::vector<ConstraintRow>> definitions_;  // by op; of rules/definitions
  bool defined_ = false;
};

/// The rule that reports violations of a predicate: the row of rules/*.toml whose `predicates` names
/// its kind, or its kind and a key of its condition ("min_arch/encoding"). 0 when it is informational.
RuleCode rule_of(const Predicate& predicate);

}  // namespace snapgauge
