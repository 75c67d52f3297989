// What conditions and predicates may ask about an operation: its ports as the backend sees them and its
// parameters. Translation asks while it chooses a row, rules ask afterwards: one language for both.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/sharing.h"
#include "opinfo/predicate.h"
#include "targets/target.h"

namespace snapgauge {

/// A parameter's value as the backend gets it.
struct ParamValue {
  enum class State : uint8_t { kUnset, kUnknown, kKnown };
  State state = State::kUnset;
  std::vector<double> numbers;  // flat; one element for scalars
  std::string name;             // enumerator, when it is one
  bool is_list = false;

  static ParamValue unknown() { return {State::kUnknown, {}, {}, false}; }
  static ParamValue known(std::vector<double> numbers, bool is_list) {
    return {State::kKnown, std::move(numbers), {}, is_list};
  }
  bool operator==(const ParamValue&) const = default;
};

/// One tensor at a port of a backend op. Pointers are into the graph, the target or the object that
/// made the port, all of which outlive it.
struct Port {
  PlaceId place;                    // whose spec and sharing group count
  ValueId value;                    // the tensor; identities removed by the pipeline are looked through
  const Spec* spec = nullptr;       // null: not quantized
  const int64_t* dims = nullptr;    // `rank` of them, in the backend's layout
  const int8_t* from = nullptr;     // frontend dimension of each; null: the same; -1: none
  const PortCast* cast = nullptr;   // the pipeline converts the tensor before the backend sees it
  DTypeSet dtypes = 0;              // datatypes the backend may see here; 0: unknown
  DType dtype = DType::kUndefined;  // the one to show
  Encoding encoding = Encoding::kNone;
  Staticness staticness = Staticness::kDynamic;
  int8_t rank = -1;  // in the backend's layout; -1: unknown
  int8_t frontend_rank = -1;
  bool present = false;
  bool stated = false;   // annotated here, not inherited from the producer
  bool derived = false;  // parameters computed from other places (bias)
  bool missing = false;  // not present, although the operator needs it
  bool assumed = false;  // `dtypes` rests on a cast that no public source states
  bool made = false;     // not present, but the lowering makes a tensor for it (a lifted number)

  int64_t dim(int i) const { return dims[i]; }  // i in [0, rank); kDynamicDim when unknown
  bool has_no_elements() const;                 // a dimension is zero
  bool has_dynamic_dim() const;
  /// The quantization axis in the backend's layout; nothing for per-tensor specs.
  std::optional<int> axis() const;
};

/// Ports of one operation and a way to its parameters. `argument` and `attribute` are the frontend's own
/// and speak only while the operation is translated; afterwards they are unset.
struct Operation {
  virtual ~Operation() = default;

  const Graph* graph = nullptr;
  NodeId node;
  std::span<const Port> in, out;

  const Port* port(PortRef::Side side, size_t index) const {
    const auto ports = side == PortRef::Side::kIn ? in : out;
    return index < ports.size() && ports[index].present ? &ports[index] : nullptr;
  }
  virtual ParamValue param(std::string_view name) const = 0;
  virtual ParamValue argument(int position) const = 0;
  virtual ParamValue attribute(std::string_view name) const = 0;
  /// Of the frontend's node: inputs given, tensors in list argument `position`, whether a result is read.
  virtual int operand_count() const { return 0; }
  virtual int given_in_list(int /*position*/) const { return 0; }
  virtual bool result_used(int /*index*/) const { return true; }
};

/// "[1, 3, 8, 8]" in the backend's layout, "unknown" without a shape.
std::string shape_text(const Port& port);

}  // namespace snapgauge
