#include "formats/onnx/quant.h"

#include <algorithm>

#include "formats/onnx/shapes.h"

namespace snapgauge::onnx {
namespace {

constexpr int kMaxIdentities = 8;
// Zero points of block-quantized weights are one per block; many that are all zero are not worth storing.
constexpr size_t kManyZeroPoints = 65536;

bool is_op(const NodeView& n, std::string_view op) {
  return n.op == op && (is_default_domain(n.domain) || n.domain == "com.microsoft");
}

bool is_real(DType dtype) { return is_float(dtype) && dtype != DType::kFloat8; }

}  // namespace

Folding::Folding(const Model& model, TensorData& data, GraphBuilder& builder)
    : model_(model),
      data_(data),
      builder_(builder),
      roles_(model.nodes.size()),
      kept_(model.nodes.size()),
      annotator_(model.slots.size(), kNone),
      resolved_(model.slots.size()) {
  for (uint32_t n = 0; n < model.nodes.size(); ++n) roles_[n] = role_of(n);
  for (uint32_t n = 0; n < model.nodes.size(); ++n)
    if (roles_[n] == Role::kDequantize && dequantizes_float(n)) roles_[n] = Role::kStray;
  find_readers();
}

Folding::Role Folding::role_of(uint32_t index) const {
  const NodeView& n = model_.nodes[index];
  const bool quantizes = is_op(n, "QuantizeLinear");
  if (!quantizes && !is_op(n, "DequantizeLinear")) return Role::kOther;
  // Without its parameters, or when its result is defined elsewhere too, it cannot be folded.
  const uint32_t x = model_.input(n, 0), scale = model_.input(n, 1), zero = model_.input(n, 2);
  const uint32_t y = model_.output(n, 0);
  if (x == 0 || scale == 0 || y == 0 || model_.slots[y].producer != index) return Role::kOther;
  if (!model_.slots[x].defined() || !model_.slots[scale].defined()) return Role::kOther;
  if (zero != 0 && !model_.slots[zero].defined()) return Role::kOther;
  return quantizes ? Role::kQuantize : Role::kDequantize;
}

Folding::Role Folding::producer_role(uint32_t slot) const {
  const uint32_t p = model_.slots[slot].producer;
  return p == kNone ? Role::kOther : roles_[p];
}

bool Folding::dequantizes_float(uint32_t node) const {
  const uint32_t x = model_.input(model_.nodes[node], 0);
  return producer_role(x) != Role::kQuantize && is_real(model_.slots[x].type.dtype);
}

void Folding::find_readers() {
  for (uint32_t n = 0; n < model_.nodes.size(); ++n) {
    const NodeView& node = model_.nodes[n];
    for (uint32_t i = 0; i < node.inputs.count; ++i) {
      const uint32_t slot = model_.input(node, i);
      if (producer_role(slot) == Role::kQuantize && !(i == 0 && roles_[n] == Role::kDequantize))
        kept_[model_.slots[slot].producer] = true;
    }
    const uint32_t x = model_.input(node, 0);
    if (annotator_[x] != kNone) continue;
    if (roles_[n] == Role::kQuantize && producer_role(x) != Role::kDequantize) annotator_[x] = n;
    // A stored integer weight has its parameters on the edge only.
    if (roles_[n] == Role::kDequantize && producer_role(x) != Role::kQuantize && model_.slots[x].tensor == kNone)
      annotator_[x] = n;
  }
  for (uint32_t n = 0; n < model_.nodes.size(); ++n)
    if (kept_[n]) annotator_[model_.output(model_.nodes[n], 0)] = n;
}

uint32_t Folding::step(uint32_t slot) const {
  const uint32_t p = model_.slots[slot].producer;
  if (p == kNone || !folded(p)) return kNone;
  const uint32_t x = model_.input(model_.nodes[p], 0);
  // Also through a Quantize that stays a node: the parameters are the same for all readers.
  if (roles_[p] == Role::kDequantize && producer_role(x) == Role::kQuantize)
    return model_.input(model_.nodes[model_.slots[x].producer], 0);
  return x;
}

// Files may list nodes in any order and in circles, and chains may be long: no recursion.
Folding::Resolved Folding::resolve(uint32_t slot) {
  using State = Resolved::State;
  std::vector<uint32_t> path;
  uint32_t at = slot;
  Resolved result;
  while (true) {
    Resolved& r = resolved_[at];
    if (r.state == State::kDone) {
      result = r;
      break;
    }
    const uint32_t next = r.state == State::kVisiting ? kNone : step(at);
    if (next == kNone) {
      result.slot = at;
      if (r.state == State::kVisiting) break;
      if (producer_role(at) == Role::kStray) result.spec = spec_of(model_.slots[at].producer, false);
      result.state = State::kDone;
      r = result;
      break;
    }
    r.state = State::kVisiting;
    path.push_back(at);
    at = next;
  }
  for (size_t i = path.size(); i-- > 0;) {
    result.several = result.spec.kind != SpecRef::Kind::kNone;
    result.spec = spec_of(model_.slots[path[i]].producer, result.several);
    result.state = State::kDone;
    resolved_[path[i]] = result;
  }
  return result;
}

Edge Folding::edge(uint32_t slot) {
  const Resolved r = resolve(slot);
  Edge edge{r.slot, r.spec, r.spec.kind != SpecRef::Kind::kNone, r.several};
  // A reader beside the Quantize reads floats: the annotation of the value is not for it.
  const uint32_t annotator = annotator_[slot];
  if (!edge.annotated && annotator != kNone && roles_[annotator] == Role::kQuantize &&
      model_.output(model_.nodes[annotator], 0) != slot)
    edge.annotated = true;
  return edge;
}

SpecRef Folding::value_spec(uint32_t slot) {
  return annotator_[slot] == kNone ? SpecRef{} : spec_of(annotator_[slot], false);
}

SpecRef Folding::spec_of(uint32_t index, bool again) {
  const NodeView& n = model_.nodes[index];
  const DType storage = storage_of(index);
  const Key key{model_.input(n, 1),
                model_.input(n, 2),
                model_.integer(n, "axis", 1),
                model_.integer(n, "block_size", 0),
                storage,
                again};
  if (const auto it = specs_.find(key); it != specs_.end()) return it->second;
  Spec spec = make_spec(n, storage);
  spec.double_quantized = again;
  return specs_[key] = builder_.add_spec(std::move(spec));
}

DType Folding::storage_of(uint32_t index) const {
  const NodeView& n = model_.nodes[index];
  const uint32_t x = model_.input(n, 0), zero = model_.input(n, 2);
  const DType zero_type = model_.slots[zero].type.dtype;
  if (roles_[index] == Role::kQuantize) {
    if (zero != 0 && zero_type != DType::kUndefined) return zero_type;
    const int64_t stated = model_.integer(n, "output_dtype", 0);
    return stated != 0 ? dtype_of(stated) : DType::kUint8;
  }
  if (producer_role(x) == Role::kQuantize) return storage_of(model_.slots[x].producer);
  const DType type = model_.slots[x].type.dtype;
  return type != DType::kUndefined && !is_real(type) ? type : zero_type;
}

Spec Folding::make_spec(const NodeView& n, DType storage) {
  Spec spec;
  spec.storage = storage;
  Shape shape;
  read_scales(n, spec, shape);
  const int64_t count = shape ? product(*shape) : -1;
  const int64_t block = model_.integer(n, "block_size", 0);
  const bool per_tensor = shape && (shape->empty() || (count == 1 && (shape->size() == 1 || block <= 0)));
  const int64_t axis = model_.integer(n, "axis", 1);
  if (!per_tensor && shape && block > 0) spec.block = {block};
  if (!per_tensor && shape) set_axis(spec, axis, shape->size());
  const bool zero = read_zero_points(n, spec) && is_signed(storage);
  if (per_tensor)
    spec.scheme = zero ? Scheme::kPerTensorSymmetric : Scheme::kPerTensorAffine;
  else if (shape)
    spec.scheme = zero ? Scheme::kPerChannelSymmetric : Scheme::kPerChannelAffine;
  return spec;
}

// The axis of a two-level spec is that of its channels, which the scales of the scales have already; blocks lie along
// the other one.
void Folding::set_axis(Spec& spec, int64_t axis, size_t rank) {
  const auto along = axis_in(axis, rank);
  if (!spec.two_level || spec.block.empty() || !spec.axis || !along || *spec.axis == static_cast<int64_t>(*along)) {
    spec.axis = axis;
    return;
  }
  std::vector<int64_t> block(rank, 1);
  block[*along] = spec.block[0];
  spec.block = std::move(block);
}

uint32_t Folding::constant_behind(uint32_t slot) const {
  for (int i = 0; i < kMaxIdentities; ++i) {
    const Slot& s = model_.slots[slot];
    if (s.tensor != kNone || s.producer == kNone || !is_op(model_.nodes[s.producer], "Identity")) return s.tensor;
    slot = model_.input(model_.nodes[s.producer], 0);
  }
  return kNone;
}

void Folding::read_scales(const NodeView& n, Spec& spec, Shape& shape) {
  const uint32_t slot = model_.input(n, 1);
  const uint32_t tensor = constant_behind(slot);
  if (tensor != kNone) {
    spec.scales = data_.reals(tensor, true).value_or(std::vector<double>());
    shape = model_.tensors[tensor].dims;
    return;
  }
  if (read_two_level(slot, spec, shape)) return;
  spec.computed_scale = true;
  const uint32_t producer = model_.slots[slot].producer;
  spec.dynamic = producer != kNone && is_op(model_.nodes[producer], "DynamicQuantizeLinear");
  shape = model_.slots[slot].type.shape;
}

// Block scales that are integers times a scale per channel (LPBQ): a Dequantize of constants.
bool Folding::read_two_level(uint32_t slot, Spec& spec, Shape& shape) {
  const uint32_t producer = model_.slots[slot].producer;
  if (producer == kNone || roles_[producer] != Role::kDequantize) return false;
  const NodeView& inner = model_.nodes[producer];
  const uint32_t x = constant_behind(model_.input(inner, 0)), s = constant_behind(model_.input(inner, 1));
  const uint32_t z = constant_behind(model_.input(inner, 2));
  if (x == kNone || s == kNone || (z == kNone && model_.input(inner, 2) != 0)) return false;
  const auto steps = data_.integers(x, true);
  const auto scales = data_.reals(s, true);
  const auto zeros = z == kNone ? std::vector<int64_t>() : data_.integers(z, true).value_or(std::vector<int64_t>());
  if (!steps || !scales || scales->empty() || zeros.size() > scales->size()) return false;
  const std::vector<int64_t>& dims = model_.tensors[x].dims;
  size_t stride = steps->size();
  if (scales->size() > 1) {
    const auto axis = axis_in(model_.integer(inner, "axis", 1), dims.size());
    if (!axis || dims[*axis] != static_cast<int64_t>(scales->size())) return false;
    stride = static_cast<size_t>(std::max<int64_t>(1, product(std::span(dims).subspan(*axis + 1))));
    spec.axis = static_cast<int64_t>(*axis);
  }
  for (size_t i = 0; i < steps->size(); ++i) {
    const size_t channel = i / stride % scales->size();
    const int64_t zero = channel < zeros.size() ? zeros[channel] : 0;
    spec.scales.push_back((static_cast<double>((*steps)[i]) - static_cast<double>(zero)) * (*scales)[channel]);
  }
  spec.two_level = true;
  shape = dims;
  return true;
}

// True when all zero points are known to be 0.
bool Folding::read_zero_points(const NodeView& n, Spec& spec) {
  const uint32_t slot = model_.input(n, 2);
  if (slot == 0) {
    if (spec.scales.size() <= kManyZeroPoints) spec.zero_points.assign(spec.scales.size(), 0);
    return true;
  }
  const uint32_t tensor = constant_behind(slot);
  if (tensor == kNone) {
    spec.computed_scale = true;
    return false;
  }
  auto values = data_.integers(tensor, true);
  if (!values) return spec.storage == DType::kFloat8;
  const bool zero = std::all_of(values->begin(), values->end(), [](int64_t v) { return v == 0; });
  if (!zero || values->size() != spec.scales.size() || values->size() <= kManyZeroPoints)
    spec.zero_points = std::move(*values);
  return zero;
}

}  // namespace snapgauge::onnx
