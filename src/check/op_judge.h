// Judges the ops of one OpGraph in order: each alone, or, where an op is made of parts, the parts as the
// graph that they are.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/op_graph.h"
#include "base/result.h"
#include "rules/advice.h"
#include "rules/judge.h"
#include "rules/op_table.h"

namespace snapgauge {

/// Where findings and verdicts of one op go.
struct OpOutcome {
  Judgement judgement;
  std::string_view backend_op;
};

class OpJudge {
 public:
  /// `advisor` may be null: parts of an op hear no advice.
  OpJudge(const OpGraph& ops, const Target& target, OpTable& table, OpMaps& maps, Advisor* advisor)
      : ops_(ops), target_(target), table_(table), maps_(maps), advisor_(advisor), judge_(ops, target) {}

  /// `broken`: ports (inputs first) found faulty before; those that this finds are added.
  Status judge(const Op& op, std::vector<bool>& broken, OpOutcome& out, std::vector<Finding>& findings);
  /// The table's op; null when the backend has none or the op has no single one.
  Result<const CompiledOp*> table_op(const Op& op);
  /// The op as rules see it, until the next one is asked for.
  const OpView& view_of(const Op& op);
  NodeJudge& rules() { return judge_; }

 private:
  struct Parts;
  Status judge_parts(const Op& op, OpOutcome& out, std::vector<Finding>& findings);

  const OpGraph& ops_;
  const Target& target_;
  OpTable& table_;
  OpMaps& maps_;
  Advisor* advisor_;
  NodeJudge judge_;
  OpView view_;
  std::unordered_map<const OpMapping*, const CompiledOp*> known_;  // spares hashing the op's name
  std::unordered_map<const Expansion*, std::unique_ptr<OpJudge>> parts_;
};

}  // namespace snapgauge
