// Nodes that a pipeline takes together: a Gelu written with Erf, a normalization written out. Rows of the op
// maps whose name begins with "~" hold the pattern and what it becomes; members of a match are not judged
// alone. Matching starts at the last node and walks back, bounded by the pattern's size.
#pragma once

#include <vector>

#include "backend/opmap.h"
#include "backend/signatures.h"
#include "evaluate/evaluate.h"

namespace snapgauge {

/// An argument and the node that has it.
struct PlacedArg {
  NodeId node;
  Arg arg;
};

struct PatternMatch {
  const OpMapping* row = nullptr;
  NodeId anchor;                                        // the node whose result is the pattern's
  std::vector<NodeId> members;                          // the anchor too
  std::vector<PlacedArg> operands;                      // what the row's parts call 0, 1, ...
  std::vector<std::pair<std::string, ValueId>> values;  // by the pattern's names
};

class PatternFinder {
 public:
  PatternFinder(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness,
                const std::vector<EdgeSource>& sources, const Target& target)
      : graph_(graph), sharing_(sharing), staticness_(staticness), sources_(sources), target_(target) {}

  /// Matches of `rows`, in order of their anchors; no node is in two of them.
  std::vector<PatternMatch> find(const std::vector<const OpMapping*>& rows);

 private:
  struct State;
  bool fits(const PatternNode& wanted, const Node& node) const;
  bool is_over_last(const Node& node) const;
  bool match_node(const OpMapping& row, size_t member, NodeId node, State& state) const;
  bool match_inputs(const OpMapping& row, size_t member, NodeId node, bool swapped, State& state) const;
  bool match_value(const OpMapping& row, const std::string& name, const PlacedArg& at, State& state) const;
  bool is_constant(const PatternValue& wanted, const EdgeSource& source) const;
  bool serves(const OpMapping& row) const;

  const Graph& graph_;
  const Sharing& sharing_;
  const std::vector<Staticness>& staticness_;
  const std::vector<EdgeSource>& sources_;
  const Target& target_;
  std::vector<uint32_t> readers_;  // by ValueId
};

}  // namespace snapgauge
