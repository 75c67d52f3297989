// The ONNX wire format as views: one pass over the protobuf, names and data stay where they are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "numerics/dtype.h"

namespace snapgauge::onnx {

inline constexpr uint32_t kNone = UINT32_MAX;
inline constexpr int kMaxRank = 64;

/// Thrown inside the reader only; read_onnx turns it into a Result.
struct Failure {
  Error error;
};
[[noreturn]] void fail(ErrorCode code, std::string text);

using Shape = std::optional<std::vector<int64_t>>;

struct TensorType {
  DType dtype = DType::kUndefined;
  Shape shape;
};

/// A TensorProto, or the value of a Constant node that is written as an attribute.
struct Tensor {
  enum class Source : uint8_t { kTensorProto, kAttribute };
  std::string_view name;
  std::string_view message;   // the whole message, for typed fields
  std::string_view raw;       // raw_data
  std::string_view location;  // external file
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  std::vector<int64_t> dims;
  uint64_t count = 0;
  DType dtype = DType::kUndefined;
  Source source = Source::kTensorProto;
  bool external = false;
};

enum class AttributeType : uint8_t {
  kUndefined,
  kFloat,
  kInt,
  kString,
  kTensor,
  kGraph,
  kFloats,
  kInts,
  kStrings,
  kTensors,
  kGraphs,
  kOther
};

struct Attribute {
  std::string_view name;
  std::string_view message;  // lists are read from here
  std::string_view text;     // kString
  AttributeType type = AttributeType::kUndefined;
  float real = 0;
  int64_t integer = 0;
  Range tensors;  // in Model::tensors
};

struct NodeView {
  std::string_view name, op, domain;
  Range inputs, outputs;  // in Model::edges
  Range attributes;
};

/// One tensor name. Slot 0 is the empty name of an omitted input or output.
struct Slot {
  std::string_view name;
  uint32_t producer = kNone;  // node that defines it first
  uint32_t tensor = kNone;    // its data, when it is an initializer or the result of a Constant node
  bool input = false;
  TensorType type;  // as declared; inference fills in what is missing

  bool defined() const { return producer != kNone || tensor != kNone || input; }
};

struct Model {
  int64_t ir_version = 0;
  int opset = 0;
  std::string_view graph_name;
  std::vector<NodeView> nodes;
  std::vector<uint32_t> edges;  // slots
  std::vector<Attribute> attributes;
  std::vector<Tensor> tensors;
  std::vector<uint32_t> initializers;     // indices into tensors, in file order
  std::vector<uint32_t> inputs, outputs;  // slots
  std::vector<DType> output_types;        // declared, parallel to outputs
  std::vector<Slot> slots;
  std::unordered_map<std::string_view, uint32_t> slot_by_name;
  /// Tensors defined twice: the slot, and the node of the later definition (kNone for an initializer).
  std::vector<std::pair<uint32_t, uint32_t>> redefined;

  std::span<const uint32_t> inputs_of(const NodeView& n) const { return span(edges, n.inputs); }
  std::span<const uint32_t> outputs_of(const NodeView& n) const { return span(edges, n.outputs); }
  std::span<const Attribute> attributes_of(const NodeView& n) const { return span(attributes, n.attributes); }
  uint32_t input(const NodeView& n, uint32_t i) const { return i < n.inputs.count ? edges[n.inputs.first + i] : 0; }
  uint32_t output(const NodeView& n, uint32_t i) const { return i < n.outputs.count ? edges[n.outputs.first + i] : 0; }
  const Attribute* attribute(const NodeView& n, std::string_view name) const;
  int64_t integer(const NodeView& n, std::string_view name, int64_t otherwise) const;
  float real(const NodeView& n, std::string_view name, float otherwise) const;
  std::string_view text(const NodeView& n, std::string_view name) const;
  std::optional<std::vector<int64_t>> integers(const NodeView& n, std::string_view name) const;

 private:
  template <class T>
  static std::span<const T> span(const std::vector<T>& arena, Range r) {
    return std::span(arena).subspan(r.first, r.count);
  }
};

bool is_default_domain(std::string_view domain);
DType dtype_of(int64_t onnx_type);

/// Elements of a list attribute.
std::vector<int64_t> attribute_integers(const Attribute& a);
std::vector<float> attribute_reals(const Attribute& a);
std::vector<std::string_view> attribute_texts(const Attribute& a);

/// Throws Failure, whose text names the place.
Model parse_model(std::string_view bytes);

}  // namespace snapgauge::onnx
