// The backend's view of a whole graph: every op that the pipeline will hand over, with its ports in the
// vendor's order and layout, their datatypes and encodings, its parameters, and the node it comes from.
//
// Made once by translate(), read-only afterwards. Rules judge it, the matrix and the decoder read it, the
// lowering starts from it. Ops that the backend cannot tell apart share a class, which holds their ports; an
// op itself holds only which tensors are at them. What an op becomes when the backend has no single op for it
// is a graph of its own (Expansion), translated like any other.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/opmap.h"
#include "backend/signatures.h"
#include "evaluate/operation.h"

namespace snapgauge {

struct OpTag;
using OpId = Id<OpTag>;

enum class Mapped : uint8_t {
  kOp,          // one backend op
  kExpansion,   // several ops, in the class's expansion
  kRefused,     // the pipeline never hands it over, see OpMapping::refused
  kUnmapped,    // no row for the operator
  kIncomplete,  // it lacks an operand that its parts need, see Op::reason
  kUndecided,   // it cannot be told what the op becomes, see Op::reason
};

struct Op {
  NodeId node;  // of several nodes that become one op the last
  OpClassId cls;
  uint32_t first_tensor = 0;  // inputs, then outputs
};

struct Expansion;

struct OpClass {
  const OpMapping* mapping = nullptr;  // null for kUnmapped
  std::unique_ptr<Expansion> parts;
  uint32_t first_port = 0;  // inputs, then outputs
  uint32_t inputs = 0, outputs = 0;
  uint32_t reason = 0;  // in OpGraph::reasons; 0: none
  Mapped mapped = Mapped::kOp;

  uint32_t port_count() const { return inputs + outputs; }
  /// Ports of an equal node lie in the same places of that node.
  bool is_shareable() const { return mapping == nullptr || mapping->takes.empty(); }
};

struct OpGraph {
  const Graph* graph = nullptr;
  const Sharing* sharing = nullptr;
  const std::vector<Staticness>* staticness = nullptr;

  std::vector<Op> ops;              // in file order
  std::vector<OpId> op_of;          // by NodeId; invalid: removed, folded, or no call
  std::vector<EdgeSource> tensors;  // at the ports of the ops
  std::vector<std::pair<ValueId, ValueId>>
      identities;  // results and operands of nodes that the pipeline removes; sorted
  std::vector<OpClass> classes;
  std::vector<Port> ports;       // of the classes, each with the tensors of the op that the class was made for
  std::vector<int32_t> origins;  // of each of these: its use or output, counted in the node; -1: none
  std::vector<std::string> reasons{std::string()};
  struct Shape {
    std::array<int64_t, 8> dims;
    std::array<int8_t, 8> from;
  };
  std::deque<Shape> shapes;  // of ports whose layout differs from the frontend's

  OpGraph();
  // Moving a deque takes memory, so it may fail.
  OpGraph(OpGraph&&);             // NOLINT(performance-noexcept-move-constructor)
  OpGraph& operator=(OpGraph&&);  // NOLINT(performance-noexcept-move-constructor)
  ~OpGraph();

  const Op& op(OpId id) const { return ops[id.index]; }
  const OpClass& class_of(const Op& op) const { return classes[op.cls.index]; }
  std::span<const EdgeSource> tensors_of(const Op& op) const {
    return std::span(tensors).subspan(op.first_tensor, class_of(op).port_count());
  }
  /// Valid where the port is present.
  std::span<const Port> class_ports(const OpClass& cls) const {
    return std::span(ports).subspan(cls.first_port, cls.port_count());
  }
  /// What a removed node passes on; invalid: the value is no result of one.
  ValueId passed_on(ValueId result) const;
  /// Memory of the object, its arenas and expansions.
  size_t bytes() const;
};

/// What one node becomes: operands of the node are this graph's inputs and constants, its results outputs.
struct Expansion {
  Graph graph;
  std::optional<Sharing> sharing;
  std::vector<Staticness> staticness;
  OpGraph ops;
};

/// One op of an OpGraph as rules see it: the ports of its class with its own tensors. Parameters are computed
/// when they are asked for. May be moved from op to op; spans into it are valid until then.
class OpView final : public FrontendOperation {
 public:
  OpView() = default;
  OpView(const OpGraph& ops, const Op& op) { assign(ops, op); }
  /// The same op with other ports, which outlive it.
  OpView(const OpView& other, std::span<const Port> inputs, std::span<const Port> outputs);
  OpView(const OpView&) = delete;
  OpView& operator=(const OpView&) = delete;

  void assign(const OpGraph& ops, const Op& op);
  OpClassId cls() const { return cls_; }
  std::string_view op() const { return mapping->backend_op; }

 private:
  OpClassId cls_;
  std::vector<Port> ports_;
};

/// "conv1: Conv2d(in[0]: UFIXED_POINT_8 [1, 8, 8, 3], ...)", one line an op, parts indented below.
std::string to_text(const OpGraph& ops);

}  // namespace snapgauge
