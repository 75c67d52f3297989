// QuantizeLinear and DequantizeLinear nodes as specs of the values and edges around them.
#pragma once

#include <map>
#include <tuple>

#include "formats/onnx/data.h"
#include "formats/onnx/model.h"
#include "graph/builder.h"

namespace snapgauge::onnx {

/// What a node reads when it reads a tensor: the value in front of all folded nodes, and the
/// parameters of the last one.
struct Edge {
  uint32_t slot = 0;
  SpecRef spec;
  bool annotated = false;
  bool repeats = false;
};

class Folding {
 public:
  /// Types must have been inferred.
  Folding(const Model& model, TensorData& data, GraphBuilder& builder);

  bool folded(uint32_t node) const {
    return roles_[node] == Role::kDequantize || (roles_[node] == Role::kQuantize && !kept_[node]);
  }
  Edge edge(uint32_t slot);
  /// Parameters of a folded node.
  SpecRef node_spec(uint32_t node) { return spec_of(node, false); }
  /// Annotation of a value: of the first Quantize that reads it, or of the Dequantize that reads an
  /// integer tensor.
  SpecRef value_spec(uint32_t slot);

 private:
  enum class Role : uint8_t {
    kOther,
    kQuantize,    // folded unless kept_: something other than a Dequantize reads its integers
    kDequantize,  // folded
    kStray,       // a Dequantize of a float tensor; stays a node, its consumers have its parameters
  };
  struct Resolved {
    enum class State : uint8_t { kOpen, kVisiting, kDone } state = State::kOpen;
    bool several = false;  // more than one pair on the way
    uint32_t slot = 0;
    SpecRef spec;
  };
  using Key = std::tuple<uint32_t, uint32_t, int64_t, int64_t, DType, bool>;

  Role role_of(uint32_t node) const;
  Role producer_role(uint32_t slot) const;
  bool dequantizes_float(uint32_t node) const;
  void find_readers();
  uint32_t step(uint32_t slot) const;  // the next slot towards the producer; kNone at the end
  Resolved resolve(uint32_t slot);

  SpecRef spec_of(uint32_t node, bool again);
  Spec make_spec(const NodeView& node, DType storage);
  DType storage_of(uint32_t node) const;
  static void set_axis(Spec& spec, int64_t axis, size_t rank);
  uint32_t constant_behind(uint32_t slot) const;
  void read_scales(const NodeView& node, Spec& spec, Shape& shape);
  bool read_two_level(uint32_t slot, Spec& spec, Shape& shape);
  bool read_zero_points(const NodeView& node, Spec& spec);

  const Model& model_;
  TensorData& data_;
  GraphBuilder& builder_;
  std::vector<Role> roles_;          // by node
  std::vector<bool> kept_;           // by node
  std::vector<uint32_t> annotator_;  // by slot: the node whose parameters are the value's
  std::vector<Resolved> resolved_;   // by slot
  std::map<Key, SpecRef> specs_;
};

}  // namespace snapgauge::onnx
