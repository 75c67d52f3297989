// Ops that the pipeline puts between those of the graph: transposes where two neighbours keep a tensor in
// different orders, converts where an edge has other parameters than its tensor, casts that a pipeline row
// asks for, Quantize and Dequantize at the border of the graph. They follow from the OpGraph; the lowering may
// cancel, move or fuse them and inserts none a second time. They are not judged: what stays is the lowering's.
#pragma once

#include <string>
#include <vector>

#include "backend/op_graph.h"

namespace snapgauge {

struct Insertion {
  enum class Kind : uint8_t { kTranspose, kConvert, kCast, kQuantize, kDequantize };
  Kind kind;
  ValueId value;             // the tensor in front of it
  OpId op;                   // the op that reads the result, or, for kDequantize, that made the value
  PortRef port;              // of that op
  std::vector<int8_t> perm;  // of kTranspose: dimension i of the result is dimension perm[i] in front
  DType from = DType::kUndefined, to = DType::kUndefined;  // of the others
};

/// In the order of the ops that read the results; those at graph outputs last.
std::vector<Insertion> insertions(const OpGraph& ops, const Target& target);
std::string to_text(const OpGraph& ops, const std::vector<Insertion>& inserted);

}  // namespace snapgauge
