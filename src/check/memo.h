// Judgements remembered by what they depend on: networks repeat the same few nodes, and two nodes that
// the backend cannot tell apart get the same verdict. Only accepted nodes without findings are kept.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "graph/sharing.h"

namespace snapgauge {

/// Of one run over one graph. The key holds everything that judging reads of a node: operator,
/// arguments and attributes, and of every port the datatype, shape, constness, spec and which ports
/// share their parameters.
class JudgementMemo {
 public:
  JudgementMemo(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness)
      : graph_(graph), sharing_(sharing), staticness_(staticness) {}

  /// The backend op of an equal node that was accepted; null when there is none or the node's
  /// judgement depends on more than the key holds.
  const std::string_view* find(NodeId node);
  /// Remembers the node last asked for.
  void accept(std::string_view backend_op);

 private:
  // False: the key cannot hold it.
  bool describe(const Node& node);
  bool describe(const Arg& arg, int depth);
  bool describe(const Value& value, PlaceId place);
  void describe_number(uint64_t kind, int64_t number);

  struct Hash {
    size_t operator()(const std::vector<uint64_t>& key) const;
  };

  const Graph& graph_;
  const Sharing& sharing_;
  const std::vector<Staticness>& staticness_;
  std::vector<uint64_t> key_;
  std::vector<uint32_t> groups_;  // of the node's places, in order of appearance
  bool usable_ = false;
  std::unordered_map<std::vector<uint64_t>, std::string_view, Hash> accepted_;
};

}  // namespace snapgauge
