// Which nodes go to the backend together, and which fall back to the CPU in between.
//
// Levels as in plan's split(): even ones are the CPU's, odd ones the backend's, and a node's level counts how often the
// way to it changed between the two. So the nodes of an odd level are one partition, and no division has fewer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/op_graph.h"

namespace snapgauge {

/// A tensor that crosses from one level to another. Several readers there share it.
struct CutEdge {
  ValueId value;
  NodeId from, to;  // the node that makes it, the first that reads it
  uint32_t from_level = 0, to_level = 0;
  DType dtype = DType::kUndefined;  // as it crosses
  uint64_t bytes = 0;               // 0: its size is not known
  bool dequantizes = false, quantizes = false;
};

struct Partition {
  static constexpr uint32_t kNone = UINT32_MAX;

  std::vector<uint32_t> level;  // by NodeId; kNone: no op of the backend graph
  std::vector<uint32_t> parts;  // odd levels that have nodes, rising
  std::vector<CutEdge> cuts;    // in the order of their readers

  bool is_whole() const;  // one partition and nothing beside it
};

/// `falls_back`: by NodeId. `converts_border`: whether the backend quantizes its own inputs and outputs, so that what
/// crosses is float. Linear in the graph.
Partition partition(const OpGraph& ops, const std::vector<bool>& falls_back, bool converts_border);

/// The first constant that a node computes with (no shape, no axis, no single number); invalid: it has none.
ValueId weight_of(const OpGraph& ops, NodeId node);

}  // namespace snapgauge
