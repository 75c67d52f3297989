// Within backend: the operands of a node that is written out, as inputs and constants of a graph of its own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "backend/translate.h"
#include "graph/builder.h"

namespace snapgauge {

class WholeOperands {
 public:
  /// All outlive it. What cannot be told goes to `none`; `in_float`: the new graph has no specs.
  WholeOperands(const FrontendOperation& whole, const NodeSurroundings& around, bool in_float, GraphBuilder& builder,
                NoExpansion& none);

  /// Makes the nodes of an operand, once per tensor and parameters; before the node that reads it is begun.
  void require(const InputSource& operand);
  /// The argument, or arguments, that stand for the operand in the new graph; required before.
  void append(const InputSource& operand, std::vector<Arg>& out);
  /// Of a tensor that was required, in the new graph; empty: none.
  std::string name_of(const InputSource& operand) const;
  /// A name that nothing in the new graph has yet.
  std::string unique(std::string name);

  // Of places and values of the whole's graph.
  SpecRef spec_of(PlaceId place);
  DType storage_of(PlaceId place, ValueId value) const;
  std::optional<std::span<const int64_t>> shape_of(ValueId value) const;

 private:
  void fail(std::string why, bool incomplete);
  std::optional<PlacedArg> argument(const InputSource& source) const;
  void require(const PlacedArg& given, int depth);
  Arg copied(const PlacedArg& given);
  UseId edge(const PlacedArg& given) const { return from_.use_of(from_.node(given.node), given.arg); }

  const Graph& from_;
  const NodeId node_;
  const Sharing& sharing_;
  const std::vector<EdgeSource>& sources_;
  const std::vector<Staticness>& staticness_;
  std::vector<PlacedArg> args_;
  const bool in_float_;
  GraphBuilder& builder_;
  NoExpansion& none_;
  std::unordered_map<uint32_t, std::string> names_of_;  // by UseId
  std::unordered_map<uint32_t, std::string> by_place_;
  std::unordered_set<std::string> names_;
};

}  // namespace snapgauge
