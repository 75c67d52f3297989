// Nodes that the backend cannot tell apart. Networks repeat the same few nodes; what was found out about
// one holds for all with the same signature: its translation here, its verdict in check.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "graph/sharing.h"

namespace snapgauge {

struct OpClassTag;
using OpClassId = Id<OpClassTag>;

/// An input edge as the backend gets it: without a spec of its own it reaches through operators that the
/// pipeline removes.
struct EdgeSource {
  PlaceId place;
  ValueId value;
};

/// Of one run over one graph. The key holds everything that translating and judging read of a node:
/// operator, arguments and attributes, and of every port the datatype, shape, constness, spec and which
/// ports share their parameters.
class Signatures {
 public:
  Signatures(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness,
             const std::vector<EdgeSource>& sources, const std::vector<bool>& used)
      : graph_(graph), sharing_(sharing), staticness_(staticness), sources_(sources), used_(used) {}

  /// The class of an equal node; invalid when there is none or the node depends on more than the key holds.
  OpClassId find(NodeId node);
  /// Remembers the node last asked for.
  void add(OpClassId id);

 private:
  // False: the key cannot hold it.
  bool describe(const Node& node);
  void describe(ValueId id, PlaceId place);

  struct Hash {
    size_t operator()(const std::vector<uint64_t>& key) const;
  };

  const Graph& graph_;
  const Sharing& sharing_;
  const std::vector<Staticness>& staticness_;
  const std::vector<EdgeSource>& sources_;  // by UseId
  const std::vector<bool>& used_;           // by ValueId
  std::vector<uint64_t> key_;
  std::vector<uint32_t> groups_;  // of the node's places, in order of appearance
  bool usable_ = false;
  std::unordered_map<std::vector<uint64_t>, OpClassId, Hash> known_;
};

}  // namespace snapgauge
