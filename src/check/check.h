// The check: every node of a graph judged for one target, all findings in one run.
//
// Stages: shared specs are resolved; what is wrong on every target is found; then each node is mapped
// to the backend's view and judged by the backend's tables. A port found broken in one stage is not
// judged again in the next.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backend/opmap.h"
#include "base/result.h"
#include "diag/finding.h"
#include "diag/verdict.h"
#include "graph/graph.h"
#include "opinfo/database.h"
#include "rules/op_table.h"
#include "targets/target.h"

namespace snapgauge {

struct BackendGraph;  // backend/translate.h

struct NodeResult {
  NodeId node;
  uint32_t backend_op = 0;  // in CheckResult::backend_ops
  uint32_t reason = 0;      // of a verdict other than accepted, in CheckResult::reasons
  NodeVerdict verdict = NodeVerdict::kAccepted;
};

struct CheckResult {
  FileVerdict verdict = FileVerdict::kAccepted;                   // never kUnreadable
  std::string reason;                                             // of a verdict that no node and no finding explains
  std::vector<NodeResult> nodes;                                  // judged nodes in file order
  std::vector<std::string_view> backend_ops{std::string_view()};  // owned by the Gauge that judged
  std::vector<std::string> reasons{std::string()};
  std::vector<Finding> findings;  // of the file first, then in node order

  std::string_view backend_op(const NodeResult& node) const { return backend_ops[node.backend_op]; }
  const std::string& reason_of(const NodeResult& node) const { return reasons[node.reason]; }
};

/// Judges graphs for one target; keeps compiled tables from graph to graph. Not thread safe. The
/// database must outlive it.
class Gauge {
 public:
  Gauge(const Database& database, Target target);

  /// An error is a failure of ours, such as a damaged table; never something about the graph.
  Result<CheckResult> check(const Graph& graph);
  /// What the backend would be handed, as text: see OpGraph.
  Result<std::string> backend_text(const Graph& graph);
  /// The same as an object, each node in its own names, for who goes on with it. The Gauge outlives it.
  Result<BackendGraph> backend_graph(const Graph& graph);
  /// Whether equal nodes of a graph are judged, and translated, once (the default). The result is the same.
  void set_reuse(bool judgements, bool translations = true) {
    reuse_ = judgements;
    share_ = translations;
  }
  /// Prefixes of codes of rules to run although they are off by default, such as "SG8".
  void set_selected(std::vector<std::string> prefixes) { selected_ = std::move(prefixes); }
  const Target& target() const { return target_; }

 private:
  OpMaps& maps_of(const Graph& graph);

  const Database& database_;
  Target target_;
  OpTable table_;
  std::vector<OpMaps> maps_;  // by frontend
  bool reuse_ = true, share_ = true;
  std::vector<std::string> selected_;
};

/// Accepted only if every node is and no finding is an error.
FileVerdict file_verdict(const std::vector<NodeResult>& nodes, const std::vector<Finding>& findings);

}  // namespace snapgauge
