// Fixes that can meet at a node, and those that cannot: each group is settled by itself.
//
// A change of parameters is seen at the nodes at which their sharing group has places. Two fixes whose nodes
// do not touch have no finding in common.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "diag/finding.h"
#include "graph/graph.h"
#include "graph/sharing.h"

namespace snapgauge {

class FixGroups {
 public:
  /// Every one of `candidates` has a change of `graph`.
  FixGroups(const Graph& graph, const Sharing& sharing, const std::vector<Finding>& candidates);

  size_t count() const { return candidates_.size(); }
  /// Indices, ascending; groups come in the order of their first one.
  const std::vector<size_t>& candidates(size_t group) const { return candidates_[group]; }
  size_t of_candidate(size_t index) const { return group_of_[index]; }
  /// The group that a finding of the changed graph belongs to; nothing when it is at none of their nodes.
  std::optional<size_t> of_finding(const Finding& finding) const;
  /// All in one.
  void merge();

 private:
  std::vector<std::vector<size_t>> candidates_;
  std::vector<size_t> group_of_;
  std::unordered_map<std::string, size_t> by_node_;  // names as findings have them
};

}  // namespace snapgauge
