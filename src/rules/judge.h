// Judges one node against the compiled table: op known, datatypes of all ports, predicates.
#pragma once

#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include "backend/op_graph.h"
#include "diag/finding.h"
#include "diag/verdict.h"
#include "graph/sharing.h"
#include "rules/op_table.h"
#include "rules/shapes.h"

namespace snapgauge {

struct Judgement {
  NodeVerdict verdict = NodeVerdict::kAccepted;
  std::string reason;  // of a verdict other than accepted

  void reject(std::string why) {
    if (verdict != NodeVerdict::kRejected) reason = std::move(why);
    verdict = NodeVerdict::kRejected;
  }
  void doubt(std::string why) {
    if (verdict != NodeVerdict::kAccepted) return;
    reason = std::move(why);
    verdict = NodeVerdict::kUnknown;
  }
  /// Of something that has several parts, one of them is judged so.
  void join(Judgement part) {
    if (part.verdict == NodeVerdict::kRejected)
      reject(std::move(part.reason));
    else if (part.verdict == NodeVerdict::kUnknown)
      doubt(std::move(part.reason));
  }
};

/// Not thread safe: it remembers which notes were given already.
class NodeJudge {
 public:
  NodeJudge(const OpGraph& ops, const Target& target)
      : ops_(ops), graph_(*ops.graph), sharing_(*ops.sharing), target_(target), sound_(ops.classes.size(), false) {}

  /// Appends findings and settles the verdict. Ports whose bit is set in `broken` (inputs first) were
  /// found faulty before and are not judged again.
  void judge(const OpView& view, const CompiledOp& op, std::vector<bool>& broken, Judgement& judgement,
             std::vector<Finding>& findings);
  void report_unmapped(NodeId node, const std::vector<std::string>& similar, Judgement& judgement,
                       std::vector<Finding>& findings);
  /// For a port whose axis is none: the one that the op's rows ask for.
  Proposal propose_axis(const OpView& view, const CompiledOp& op, PlaceId place) const;
  void report_refused(const OpView& view, Judgement& judgement, std::vector<Finding>& findings);
  void report_missing(NodeId node, const std::string& operand, Judgement& judgement, std::vector<Finding>& findings);
  /// The pipeline takes the node in floating point whatever surrounds it.
  void note_in_float(const OpView& view, std::vector<Finding>& findings) const;
  /// It cannot be told what the node becomes.
  void report_undecided(NodeId node, const std::string& why, Judgement& judgement, std::vector<Finding>& findings);
  void report_unsupported_op(const OpView& view, std::string_view op, Judgement& judgement,
                             std::vector<Finding>& findings);

 private:
  struct Match {
    ConfigSet configs = 0;  // of the rows that match, or of the nearest
    const CompiledVariant* nearest = nullptr;
    size_t mismatches = 0;
    bool doubtful = false;
  };

  void judge_by_table(const OpView& view, const CompiledOp& op, std::vector<bool>& broken, Judgement& judgement,
                      std::vector<Finding>& findings);
  void collect_ports(const OpView& view);
  DTypeSet accepted(const CompiledVariant& variant, size_t port) const;
  Match match_variants(const CompiledOp& op);
  std::string combination() const;
  std::vector<const CompiledVariant*> alternatives(const CompiledOp& op, const CompiledVariant& nearest);
  void report_dtypes(const CompiledOp& op, const Match& match, Judgement& judgement, std::vector<Finding>& findings);
  void check_bias(const OpView& view, std::string_view op, std::vector<bool>& broken, Judgement& judgement,
                  std::vector<Finding>& findings);
  void check_edges(const OpView& view, std::string_view op, std::vector<bool>& broken, Judgement& judgement,
                   std::vector<Finding>& findings);
  void check_params(const OpView& view, std::string_view op, Judgement& judgement, std::vector<Finding>& findings);
  bool judge_in_float(const OpView& view, const CompiledOp& op, Judgement& judgement, std::vector<Finding>& findings);
  void note_open_combination(const CompiledOp& op, const OpView& view, std::vector<Finding>& findings);
  void check_predicates(const std::vector<PredicateGate>& gates, const CompiledOp& op, const OpView& view,
                        ConfigSet configs, Judgement& judgement, std::vector<Finding>& findings);
  void check_predicate(const CompiledPredicate& row, const CompiledOp& op, const EvalContext& context,
                       const Subject& self, const Port* port, size_t slot, bool applies_surely, Judgement& judgement,
                       std::vector<Finding>& findings);
  /// Whether the port is at fault.
  bool report(const CompiledPredicate& row, const CompiledOp& op, const Subject& self, const Port* port,
              Outcome& outcome, Judgement& judgement, std::vector<Finding>& findings);
  // What the op's definition says of every backend (definition.cc).
  void check_definition(const OpView& view, const CompiledOp& op, Judgement& judgement, std::vector<Finding>& findings);
  bool check_operands(const OpView& view, const CompiledOp& op, Judgement& judgement, std::vector<Finding>& findings);
  bool check_named_dims(const OpView& view, const CompiledOp& op, const EvalContext& context, Judgement& judgement,
                        std::vector<Finding>& findings);
  bool check_relations(const OpView& view, const CompiledOp& op, const EvalContext& context, Judgement& judgement,
                       std::vector<Finding>& findings);
  bool is_broken(PortRef::Side side, size_t index) const {
    return (*broken_)[index + (side == PortRef::Side::kOut ? inputs_ : 0)];
  }
  void contradict(const OpView& view, RuleCode code, const PortRef& port, std::string expected, std::string actual,
                  Source source, Judgement& judgement, std::vector<Finding>& findings);
  void report_empty(size_t port, Judgement& judgement, std::vector<Finding>& findings);
  void note_rewrites(const OpView& view, std::vector<Finding>& findings) const;
  void rewrite(Finding& finding, std::string_view op, std::string_view change, std::string_view cost) const;
  /// Whether the pipeline mends this fault: then the finding becomes a note about that.
  bool mend(Finding& finding, std::string_view op, PortRef::Side side, size_t index, const Port* port) const;
  Finding at(NodeId node, RuleCode code, std::initializer_list<std::pair<std::string_view, std::string>> holes) const;
  bool first_time(RuleCode code, std::string_view op, std::string_view what);

  const OpGraph& ops_;
  const Graph& graph_;
  const Sharing& sharing_;
  const Target& target_;
  NodeId node_;
  std::vector<const Port*> ports_;  // present ports, inputs first
  std::vector<std::pair<PortRef::Side, size_t>> places_;
  std::vector<uint32_t> slots_;  // of each port, in the table's rows
  struct Wanted {
    uint32_t slot;
    DTypeSet dtypes;
    uint32_t weight;
    bool operator==(const Wanted&) const = default;
  };
  std::vector<Wanted> wanted_;
  struct RecentMatch {
    const CompiledOp* op = nullptr;
    std::vector<Wanted> wanted;
    Match match;
  };
  std::array<RecentMatch, 256> recent_;
  std::vector<bool> sound_;  // by class: its definition has nothing against it
  std::vector<bool>* broken_ = nullptr;
  size_t inputs_ = 0;
  std::vector<Port> float_in_, float_out_;  // reused
  std::unordered_set<std::string> noted_;
};

}  // namespace snapgauge
