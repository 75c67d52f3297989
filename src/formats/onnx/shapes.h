// Light inference of types and shapes. What cannot be told stays unknown; nothing is guessed.
#pragma once

#include <unordered_map>

#include "formats/onnx/data.h"
#include "formats/onnx/model.h"

namespace snapgauge::onnx {

using Dims = std::vector<int64_t>;
/// Elements of small integer tensors that the graph computes from constants and known sizes, by slot.
using KnownIntegers = std::unordered_map<uint32_t, Dims>;

/// Fills in what the file does not declare, node by node in file order. What shape arithmetic comes to is
/// returned: pipelines fold it before they hand anything over.
KnownIntegers infer_types(Model& model, TensorData& data);

/// An element of a known integer tensor that is itself unknown (a symbolic size).
inline constexpr int64_t kUnknownElement = INT64_MIN;
/// Integer tensors of more elements are not followed through the graph.
inline constexpr size_t kMaxFollowed = 64;

/// What shape functions see of one node.
class Call {
 public:
  Call(Model& m, TensorData& d, std::unordered_map<uint32_t, Dims>& known, uint32_t index)
      : model(m), node(m.nodes[index]), data_(d), known_(known), index_(index) {}

  bool has(uint32_t input) const { return model.input(node, input) != 0; }
  DType dtype(uint32_t input) const { return model.slots[model.input(node, input)].type.dtype; }
  const Shape& shape(uint32_t input) const { return model.slots[model.input(node, input)].type.shape; }
  int64_t dim(uint32_t input, size_t axis) const;  // -1 when unknown
  /// Elements of an integer input as far as they are known.
  std::optional<Dims> integers(uint32_t input) const;
  std::optional<std::vector<double>> reals(uint32_t input) const;
  /// A parameter that older opsets write as an attribute and newer ones as an input. False when it is
  /// given but unknown; `out` stays empty when it is not given.
  bool parameter(std::string_view attribute, uint32_t input, std::optional<Dims>& out) const;
  int64_t attribute(std::string_view name, int64_t otherwise) const { return model.integer(node, name, otherwise); }

  void set(uint32_t output, DType dtype, Shape shape = std::nullopt);
  void set_integers(Dims values);

  Model& model;
  const NodeView& node;

 private:
  TensorData& data_;
  std::unordered_map<uint32_t, Dims>& known_;
  uint32_t index_;
};

using ShapeFunction = void (*)(Call&);
/// Null for an operator that is not known.
ShapeFunction shape_function(std::string_view op);
/// Carries small integer tensors through shape arithmetic.
void follow_integers(Call& call);

// Sizes: -1 is unknown, and so is everything computed from it or too large to be true.
int64_t multiply(int64_t a, int64_t b);
int64_t add(int64_t a, int64_t b);
int64_t product(std::span<const int64_t> dims);
std::optional<size_t> axis_in(int64_t axis, size_t rank);
Shape broadcast(const Shape& a, const Shape& b);

// Functions of operators with windows (convolutions and pools), in onnx_windows.cc.
void conv(Call& call);
void conv_integer(Call& call);
void qlinear_conv(Call& call);
void conv_transpose(Call& call);
void pool(Call& call);
void global_pool(Call& call);

// Functions that move or cut data, in onnx_movement.cc.
void reshape(Call& call);
void flatten(Call& call);
void transpose(Call& call);
void concat(Call& call);
void slice(Call& call);
void split(Call& call);
void squeeze(Call& call);
void unsqueeze(Call& call);
void pad(Call& call);
void gather(Call& call);
void gather_elements(Call& call);
void gather_nd(Call& call);
void expand(Call& call);
void tile(Call& call);
void resize(Call& call);
void depth_to_space(Call& call);
void space_to_depth(Call& call);

}  // namespace snapgauge::onnx
