// The backend's view of a node: its op, its ports in the vendor's order and layout, their datatypes,
// encodings and parameters, as the pipeline's lowering will hand them over.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/sharing.h"
#include "targets/opmap.h"
#include "targets/target.h"

namespace snapgauge {

struct PortView {
  bool present = false;
  PlaceId place;                    // whose spec and sharing group count
  ValueId value;                    // the tensor; identities removed by the pipeline are looked through
  const Spec* spec = nullptr;       // null: not quantized
  bool stated = false;              // annotated here, not inherited from the producer
  bool derived = false;             // parameters computed from other places (bias)
  DTypeSet dtypes = 0;              // datatypes the backend may see here; 0: unknown
  DType dtype = DType::kUndefined;  // the one to show
  Encoding encoding = Encoding::kNone;
  Staticness staticness = Staticness::kDynamic;

  const PortCast* cast = nullptr;  // the pipeline converts the tensor before the backend sees it

  int rank = -1;                  // in the backend's layout; -1: unknown
  const int64_t* dims = nullptr;  // `rank` of them
  const int8_t* from = nullptr;   // frontend dimension of each; null: the same; -1: none
  int frontend_rank = -1;

  int64_t dim(int i) const { return dims[i]; }  // i in [0, rank); kDynamicDim when unknown
  bool has_no_elements() const;                 // a dimension is zero
  /// The quantization axis in the backend's layout; nothing for per-tensor specs.
  std::optional<int> axis() const;
};

/// Reused from node to node so that judging a node allocates nothing.
struct OpView {
  const Graph* graph = nullptr;
  NodeId node;
  const OpMapping* mapping = nullptr;
  std::vector<PortView> in, out;
  struct Shape {
    std::array<int64_t, 8> dims;
    std::array<int8_t, 8> from;
  };
  std::vector<Shape> shapes;  // storage of ports whose layout differs from the frontend's

  std::string_view op() const { return mapping->backend_op; }
  const PortView* port(PortRef::Side side, size_t index) const {
    const auto& ports = side == PortRef::Side::kIn ? in : out;
    return index < ports.size() && ports[index].present ? &ports[index] : nullptr;
  }
  ParamValue param(std::string_view name) const;
  /// Number behind an argument position or attribute, for conditions of op maps.
  ParamValue argument(int position) const;
  ParamValue attribute(std::string_view name) const;
};

/// A parameter that cannot be handed to the backend.
struct ParamProblem {
  enum class Kind : uint8_t { kRunTime, kQuantized, kUnmapped } kind;
  std::string param;  // or "operand 1" when the backend has no parameter for it
  std::string expected, actual;
  ValueId value;  // the operand's tensor; invalid for attributes
};
std::vector<ParamProblem> param_problems(const OpView& view, const Sharing& sharing,
                                         const std::vector<Staticness>& staticness);

/// Value of a source of an op map; `source` need not belong to the view's own mapping.
ParamValue param_value(const OpView& view, const ParamSource& source);

enum class Mapped : uint8_t { kOp, kIdentity, kConstant, kEmits, kRefused, kUnknown };

class ViewBuilder {
 public:
  ViewBuilder(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness, OpMaps& maps,
              const Target& target);

  /// Fills `view` for a kCall node. kOp: ready to judge; kEmits: ports are filled for the first of
  /// view.mapping->emits; kUnknown: no mapping. Errors are broken op-map tables.
  Result<Mapped> build(NodeId node, OpView& view);

  /// The value behind identities that the pipeline removes.
  ValueId behind_identities(ValueId value) const;

 private:
  Result<const OpMapping*> mapping_of(const Node& node);
  void add_inputs(OpView& view, const Node& node);
  void add_outputs(OpView& view, const Node& node);
  void add_input(OpView& view, const Arg* arg);
  void add_variadic(OpView& view, const Arg& arg);
  void fill_port(PortView& port, PlaceId place, ValueId value) const;
  void layout_ports(OpView& view) const;
  void apply_layout(OpView& view, PortView& port, const PortLayout* layout) const;
  void apply_casts(OpView& view) const;
  bool holds(const Condition& condition, const OpView& view) const;

  const Graph& graph_;
  const Sharing& sharing_;
  const std::vector<Staticness>& staticness_;
  OpMaps& maps_;
  const Target& target_;
  std::vector<const OpMapping*> by_symbol_;  // rows already looked up, by operator symbol
  std::vector<bool> looked_up_;
  struct SpecView {
    DType dtype;
    Encoding encoding;
  };
  std::vector<SpecView> spec_views_;              // by SpecId
  std::vector<DTypeSet> plain_, plain_constant_;  // plain_dtypes of every storage type
};

}  // namespace snapgauge
