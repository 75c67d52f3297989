// Walks the nodes, and follows small integer tensors: shapes that are computed in the graph.
#include <algorithm>

#include "formats/onnx/shapes.h"

namespace snapgauge::onnx {
namespace {

bool followed_domain(std::string_view domain) { return is_default_domain(domain) || domain == "com.microsoft"; }

int64_t arithmetic(std::string_view op, int64_t a, int64_t b) {
  int64_t out = 0;
  if (a == kUnknownElement || b == kUnknownElement) return kUnknownElement;
  if (op == "Add") return __builtin_add_overflow(a, b, &out) ? kUnknownElement : out;
  if (op == "Sub") return __builtin_sub_overflow(a, b, &out) ? kUnknownElement : out;
  if (op == "Mul") return __builtin_mul_overflow(a, b, &out) ? kUnknownElement : out;
  return b == 0 || b == -1 ? kUnknownElement : a / b;
}

void follow_arithmetic(Call& call) {
  const auto a = call.integers(0), b = call.integers(1);
  if (!a || !b || (a->size() != b->size() && a->size() != 1 && b->size() != 1) || a->empty() || b->empty()) return;
  Dims out;
  for (size_t i = 0; i < std::max(a->size(), b->size()); ++i)
    out.push_back(arithmetic(call.node.op, (*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]));
  call.set_integers(std::move(out));
}

void follow_concat(Call& call) {
  Dims out;
  for (uint32_t i = 0; i < call.node.inputs.count; ++i) {
    const auto part = call.integers(i);
    if (!part || out.size() + part->size() > kMaxFollowed) return;
    out.insert(out.end(), part->begin(), part->end());
  }
  call.set_integers(std::move(out));
}

void follow_gather(Call& call) {
  const auto x = call.integers(0), indices = call.integers(1);
  if (!x || !indices) return;
  Dims out;
  for (const int64_t i : *indices) {
    const auto at = axis_in(i, x->size());
    out.push_back(at ? (*x)[*at] : kUnknownElement);
  }
  call.set_integers(std::move(out));
}

void follow_slice(Call& call) {
  const auto x = call.integers(0);
  std::optional<Dims> starts, ends, steps;
  if (!x || !call.parameter("starts", 1, starts) || !call.parameter("ends", 2, ends) ||
      !call.parameter("steps", 4, steps) || !starts || !ends || starts->size() != 1 || ends->size() != 1)
    return;
  if (steps && *steps != Dims{1}) return;
  const auto size = static_cast<int64_t>(x->size());
  auto bound = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? (i < -size ? 0 : i + size) : i, 0, size); };
  if ((*starts)[0] == kUnknownElement || (*ends)[0] == kUnknownElement) return;
  const int64_t first = bound((*starts)[0]);
  call.set_integers(Dims(x->begin() + first, x->begin() + std::max(first, bound((*ends)[0]))));
}

}  // namespace

int64_t Call::dim(uint32_t input, size_t axis) const {
  const Shape& s = shape(input);
  return s && axis < s->size() ? (*s)[axis] : -1;
}

std::optional<Dims> Call::integers(uint32_t input) const {
  const uint32_t slot = model.input(node, input);
  if (const auto it = known_.find(slot); it != known_.end()) return it->second;
  const uint32_t tensor = model.slots[slot].tensor;
  if (tensor == kNone || model.tensors[tensor].count > kMaxFollowed) return std::nullopt;
  const DType type = model.tensors[tensor].dtype;
  if (type != DType::kInt64 && type != DType::kInt32) return std::nullopt;
  return data_.integers(tensor);
}

std::optional<std::vector<double>> Call::reals(uint32_t input) const {
  const uint32_t tensor = model.slots[model.input(node, input)].tensor;
  if (tensor == kNone || model.tensors[tensor].count > kMaxFollowed) return std::nullopt;
  return data_.reals(tensor);
}

bool Call::parameter(std::string_view attribute_name, uint32_t input, std::optional<Dims>& out) const {
  if (!attribute_name.empty()) {
    out = model.integers(node, attribute_name);
    if (out) return true;
  }
  if (!has(input)) return true;
  out = integers(input);
  return out.has_value();
}

void Call::set(uint32_t output, DType dtype, Shape shape) {
  const uint32_t id = model.output(node, output);
  if (id == 0) return;
  Slot& slot = model.slots[id];
  if (slot.producer != index_) return;
  if (slot.type.dtype == DType::kUndefined) slot.type.dtype = dtype;
  if (!shape) return;
  if (!slot.type.shape) {
    slot.type.shape = std::move(shape);
  } else if (slot.type.shape->size() == shape->size()) {
    for (size_t i = 0; i < shape->size(); ++i)
      if (int64_t& d = (*slot.type.shape)[i]; d < 0) d = (*shape)[i];
  }
}

void Call::set_integers(Dims values) {
  const uint32_t id = model.output(node, 0);
  if (id != 0 && values.size() <= kMaxFollowed && model.slots[id].producer == index_)
    known_.insert_or_assign(id, std::move(values));
}

void follow_integers(Call& call) {
  const std::string_view op = call.node.op;
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") return follow_arithmetic(call);
  if (op == "Concat") return follow_concat(call);
  if (op == "Gather") return follow_gather(call);
  if (op == "Slice") return follow_slice(call);
  if (op != "Identity" && op != "Cast" && op != "Squeeze" && op != "Unsqueeze" && op != "Reshape") return;
  if (op == "Cast" && call.attribute("to", 0) != 7 && call.attribute("to", 0) != 6) return;
  if (auto x = call.integers(0)) call.set_integers(std::move(*x));
}

KnownIntegers infer_types(Model& model, TensorData& data) {
  KnownIntegers known;
  for (uint32_t n = 0; n < model.nodes.size(); ++n) {
    const NodeView& node = model.nodes[n];
    if (!followed_domain(node.domain)) continue;
    const ShapeFunction function = shape_function(node.op);
    if (function == nullptr) continue;
    Call call(model, data, known, n);
    function(call);
    follow_integers(call);
  }
  return known;
}

}  // namespace snapgauge::onnx
