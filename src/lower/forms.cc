#include "lower/forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "numerics/blocks.h"

namespace snapgauge {
namespace {

DType stored_as(DType backend) {
  switch (backend) {
    case DType::kSfixed4:
    case DType::kSfixed8: return DType::kInt8;
    case DType::kUfixed4:
    case DType::kUfixed8: return DType::kUint8;
    case DType::kSfixed16: return DType::kInt16;
    case DType::kUfixed16: return DType::kUint16;
    case DType::kSfixed32: return DType::kInt32;
    default: return DType::kUndefined;
  }
}

/// Where a dimension of the frontend's lies in what is stored.
int stored_axis(int axis, const Order& order) {
  if (axis < 0 || order.empty()) return axis;
  return static_cast<int>(std::find(order.begin(), order.end(), static_cast<int8_t>(axis)) - order.begin());
}

Order identity(size_t rank) {
  Order out;
  for (size_t i = 0; i < rank; ++i) out.push_back(static_cast<int8_t>(i));
  return out;
}

/// 2- and 4-bit integers, the lowest bits first, each in a byte of its own.
std::span<const std::byte> unpacked(Plan& plan, const Constant& c, int bits, bool is_signed_type) {
  const std::span<std::byte> out = plan.add_blob(c.count);
  const auto mask = static_cast<uint8_t>((1 << bits) - 1);
  const uint64_t each = 8 / static_cast<uint64_t>(bits);
  for (uint64_t i = 0; i < c.count; ++i) {
    auto v = static_cast<uint8_t>(static_cast<uint8_t>(c.data[i / each]) >> (static_cast<int>(i % each) * bits) & mask);
    if (is_signed_type && (v >> (bits - 1)) != 0) v = static_cast<uint8_t>(v | ~mask);
    out[i] = static_cast<std::byte>(v);
  }
  return out;
}

}  // namespace

std::optional<NumberForm> form_of(const Spec& spec) {
  const DType stored = stored_as(backend_dtype(spec));
  if (stored == DType::kUndefined || spec.scales.empty() || !spec.block.empty()) return std::nullopt;
  NumberForm out;
  out.dtype = stored;
  const bool single = spec.scales.size() == 1;
  out.quant.axis = single ? -1 : static_cast<int>(spec.axis.value_or(-1));
  for (size_t i = 0; i < spec.scales.size(); ++i) {
    out.quant.scales.push_back(static_cast<float>(spec.scales[i]));
    const int64_t zero = zero_point_of(spec, i);
    if (zero < INT32_MIN || zero > INT32_MAX) return std::nullopt;
    out.quant.zero_points.push_back(static_cast<int32_t>(zero));
  }
  return out;
}

Forms::Forms(Plan& plan, const OpGraph& ops, bool outlived)
    : plan_(plan), ops_(ops), graph_(*ops.graph), outlived_(outlived) {
  for (const auto& [result, selection] : graph_.selections) selected_.emplace(selection.index, result);
}

BufferId Forms::temporary(std::string name, std::vector<int64_t> dims, const NumberForm& number) {
  Buffer b;
  b.name = std::move(name);
  b.dtype = number.dtype;
  b.dims = std::move(dims);
  b.quant = number.quant;
  return plan_.add(std::move(b));
}

BufferId Forms::emit(StepKind kind, const std::string& node, std::vector<BufferId> inputs, BufferId output,
                     StepParams params) {
  plan_.steps.push_back({kind, node, std::move(inputs), output, std::move(params), executor_});
  return output;
}

BufferId Forms::between(StepKind kind, const std::string& node, BufferId input, BufferId output, StepParams params) {
  plan_.steps.push_back({kind, node, {input}, output, std::move(params), Executor::kBetween});
  return output;
}

void Forms::define(ValueId value, BufferId buffer, const Order& order) {
  base_[value.index] = {buffer, order.empty() ? identity(plan_.buffer(buffer).dims.size()) : order};
}

void Forms::define_constant(ValueId value) {
  const Value& v = graph_.value(value);
  const Constant& c = graph_.constants[v.constant.index];
  if (c.data == nullptr) throw LowerFailure{fmt::format("the data of '{}' is not there", graph_.text(v.name))};
  Buffer b;
  b.name = std::string(graph_.text(v.name));
  b.role = BufferRole::kConstant;
  b.dtype = c.dtype;
  const auto shape = graph_.shape(v);
  b.dims.assign(shape.begin(), shape.end());
  if (v.rank < 0) b.dims = {static_cast<int64_t>(c.count)};
  const int bits = bit_width(c.dtype);
  if (bits < 8) {
    b.dtype = is_signed(c.dtype) ? DType::kInt8 : DType::kUint8;
    b.data = unpacked(plan_, c, bits, is_signed(c.dtype));
  } else {
    b.data = {c.data, c.count * static_cast<uint64_t>(bits) / 8};
    // Kernels read whole elements, files keep them anywhere.
    if (outlived_ || reinterpret_cast<uintptr_t>(c.data) % static_cast<uintptr_t>(bits / 8) != 0) {
      const std::span<std::byte> blob = plan_.add_blob(b.data.size());
      std::memcpy(blob.data(), b.data.data(), b.data.size());
      b.data = blob;
    }
  }
  define(value, plan_.add(std::move(b)), {});
}

void Forms::define_input(ValueId value) {
  const Value& v = graph_.value(value);
  Buffer b;
  b.name = std::string(graph_.text(v.name));
  b.role = BufferRole::kInput;
  b.dtype = v.dtype;
  for (const int64_t d : graph_.shape(v)) {
    if (d < 0) throw LowerFailure{fmt::format("a dimension of the input '{}' is free", b.name)};
    b.dims.push_back(d);
  }
  if (v.rank < 0) throw LowerFailure{fmt::format("the shape of the input '{}' is not known", b.name)};
  const BufferId id = plan_.add(std::move(b));
  plan_.inputs.push_back(id);
  define(value, id, {});
}

/// The numbers of a constant's integers, behind a DequantizeLinear of its own.
void Forms::define_folded(ValueId value) {
  const ValueId source = graph_.uses[graph_.node(graph_.value(value).producer).uses.first].value;
  if (!source.valid()) throw LowerFailure{"an operand that is not in the file"};
  const Spec* spec = ops_.sharing->spec(ops_.sharing->place(source));
  if (spec != nullptr && !spec->block.empty()) {
    base_[value.index] = expand(source, *spec);
    return;
  }
  const Order order = order_of(source);
  define(value, get(source, spec == nullptr ? kReal : form_of(*spec).value_or(kReal), kReal, order), order);
}

Forms::Base& Forms::base_of(ValueId value) {
  if (const auto known = base_.find(value.index); known != base_.end()) return known->second;
  const Value& v = graph_.value(value);
  if (v.constant.valid())
    define_constant(value);
  else if (graph_.node(v.producer).kind == NodeKind::kInput)
    define_input(value);
  else if (graph_.node(v.producer).kind == NodeKind::kFolded && graph_.node(v.producer).uses.count > 0)
    define_folded(value);
  else if (const ValueId operand = ops_.passed_on(value); operand.valid())
    define(value, *this, operand);
  else if (const auto result = selected_.find(value.index); result != selected_.end() && knows(result->second))
    define(value, *this, result->second);
  else
    throw LowerFailure{fmt::format("'{}' is not computed on the host", graph_.text(v.name))};
  return base_.at(value.index);
}

const Order& Forms::order_of(ValueId value) { return base_of(value).order; }

std::vector<int64_t> Forms::dims_of(ValueId value) {
  const Base& base = base_of(value);
  const std::vector<int64_t>& stored = plan_.buffer(base.buffer).dims;
  std::vector<int64_t> out(stored.size());
  for (size_t i = 0; i < stored.size(); ++i) out[static_cast<size_t>(base.order[i])] = stored[i];
  return out;
}

NumberForm Forms::number_in(BufferId buffer, const Order& order) const {
  const Buffer& b = plan_.buffer(buffer);
  NumberForm out{b.dtype, b.quant};
  if (out.quant.axis >= 0 && !order.empty()) out.quant.axis = int{order[static_cast<size_t>(out.quant.axis)]};
  return out;
}

NumberForm Forms::number_of(ValueId value) const {
  const auto known = base_.find(value.index);
  if (known != base_.end()) return number_in(known->second.buffer, known->second.order);
  return {graph_.value(value).dtype, {}};
}

BufferId Forms::view(BufferId buffer, std::vector<int64_t> dims) {
  if (plan_.buffer(buffer).dims == dims) return buffer;
  Buffer b = plan_.buffer(buffer);
  // An axis keeps its meaning as long as only dimensions of one element come and go in front of it.
  if (b.quant.axis >= 0) {
    const auto added = static_cast<int64_t>(dims.size()) - static_cast<int64_t>(b.dims.size());
    b.quant.axis = static_cast<int>(b.quant.axis + added);
  }
  b.same_bytes = plan_.owner(buffer);
  b.dims = std::move(dims);
  if (b.role != BufferRole::kConstant) b.role = BufferRole::kTemporary;
  return plan_.add(std::move(b));
}

BufferId Forms::transposed(BufferId buffer, const Order& order, const std::string& node) {
  const Buffer from = plan_.buffer(buffer);
  std::vector<int64_t> dims;
  Permutation permutation;
  for (const int8_t d : order) {
    dims.push_back(from.dims[static_cast<size_t>(d)]);
    permutation.order.push_back(d);
  }
  // Nothing moves when the dimensions of more than one element keep their order.
  int8_t last = -1;
  bool moves = false;
  for (const int8_t d : order) {
    if (from.dims[static_cast<size_t>(d)] == 1) continue;
    moves |= d < last;
    last = d;
  }
  NumberForm number{from.dtype, from.quant};
  number.quant.axis = stored_axis(from.quant.axis, order);
  if (!moves) {
    const BufferId out = view(buffer, std::move(dims));
    if (out != buffer) plan_.buffer(out).quant.axis = number.quant.axis;
    return out;
  }
  const BufferId out = temporary(from.name, std::move(dims), number);
  return between(StepKind::kTranspose, node, buffer, out, std::move(permutation));
}

/// `number`'s axis counts as what is stored.
BufferId Forms::converted(BufferId buffer, const NumberForm& number, const std::string& node) {
  const Buffer from = plan_.buffer(buffer);
  if (from.dtype == number.dtype && from.quant == number.quant) return buffer;
  const NumberForm real{DType::kFloat32, {}};
  const auto step = [&](StepKind kind, BufferId in, const NumberForm& to) {
    return between(kind, node, in, temporary(from.name, from.dims, to));
  };
  if (from.quant.empty() && number.quant.empty()) return step(StepKind::kCast, buffer, number);
  if (from.quant.empty()) {
    const BufferId numbers = from.dtype == DType::kFloat32 ? buffer : step(StepKind::kCast, buffer, real);
    return step(StepKind::kQuantize, numbers, number);
  }
  if (!number.quant.empty() && from.quant.per_tensor() && number.quant.per_tensor())
    return step(StepKind::kRequantize, buffer, number);
  return converted(step(StepKind::kDequantize, buffer, real), number, node);
}

/// The tensor's own buffer; of integers of the file, as `meaning` has them read.
BufferId Forms::meant(const Base& base, const NumberForm& meaning) {
  const Buffer& own = plan_.buffer(base.buffer);
  if (meaning.quant.empty() || !own.quant.empty() || !is_plain_integer(own.dtype)) return base.buffer;
  if (bit_width(own.dtype) != bit_width(meaning.dtype))
    throw LowerFailure{
        fmt::format("'{}' has {} numbers, read as {}", own.name, dtype_name(own.dtype), dtype_name(meaning.dtype))};
  Buffer b = own;
  b.same_bytes = plan_.owner(base.buffer);
  b.dtype = meaning.dtype;
  b.quant = meaning.quant;
  b.quant.axis = stored_axis(meaning.quant.axis, base.order);
  if (b.role != BufferRole::kConstant) b.role = BufferRole::kTemporary;
  return plan_.add(std::move(b));
}

namespace {

/// For every element of a tensor the index of its scale: `shared` neighbours in each dimension have one.
template <class Use>
void each_with_scale(std::span<const int64_t> dims, std::span<const int64_t> shared, Use use) {
  std::vector<int64_t> at(dims.size());
  uint64_t elements = 1;
  for (const int64_t d : dims) elements *= static_cast<uint64_t>(d);
  for (uint64_t i = 0; i < elements; ++i) {
    int64_t scale = 0;
    for (size_t d = 0; d < dims.size(); ++d)
      scale = scale * ((dims[d] + shared[d] - 1) / shared[d]) + at[d] / shared[d];
    use(i, static_cast<size_t>(scale));
    for (size_t d = dims.size(); d-- > 0;) {
      if (++at[d] < dims[d]) break;
      at[d] = 0;
    }
  }
}

template <class T>
float stored_number(const std::byte* data, uint64_t index) {
  T v = 0;
  std::memcpy(&v, data + index * sizeof v, sizeof v);
  return static_cast<float>(v);
}
using StoredNumber = float (*)(const std::byte*, uint64_t);
StoredNumber reader_of(DType dtype) {
  switch (dtype) {
    case DType::kInt8: return stored_number<int8_t>;
    case DType::kUint8: return stored_number<uint8_t>;
    case DType::kInt16: return stored_number<int16_t>;
    case DType::kUint16: return stored_number<uint16_t>;
    default: return nullptr;
  }
}

/// Of a constant in float that is quantized when it is lowered: what remains of an element.
float rounded_number(float real, const Spec& spec, const IntegerRange& range, size_t scale) {
  const auto step = static_cast<float>(spec.scales[scale]);
  const auto zero = static_cast<float>(zero_point_of(spec, scale));
  const float q = std::nearbyint(real / step) + zero;
  return (std::clamp(q, static_cast<float>(range.min), static_cast<float>(range.max)) - zero) * step;
}

}  // namespace

Forms::Base Forms::expand(ValueId value, const Spec& spec) {
  if (const auto known = expanded_.find({value.index, &spec}); known != expanded_.end()) return known->second;
  const Base& base = base_of(value);
  const Buffer from = plan_.buffer(base.buffer);
  const StoredNumber number = reader_of(from.dtype);
  const bool in_float = from.dtype == DType::kFloat32;
  const auto range = effective_range(spec);
  if (from.role != BufferRole::kConstant || (in_float ? !range : number == nullptr))
    throw LowerFailure{fmt::format("'{}' has scales by block and is no constant", from.name)};
  const std::vector<int64_t> shared = elements_per_scale(spec, from.dims);
  uint64_t scales = shared.empty() ? 0 : 1;
  for (size_t d = 0; d < shared.size(); ++d)
    scales *= static_cast<uint64_t>((from.dims[d] + shared[d] - 1) / shared[d]);
  if (scales == 0 || scales != spec.scales.size())
    throw LowerFailure{fmt::format("the blocks of '{}' do not fit its shape", from.name)};
  Buffer b = from;
  b.dtype = DType::kFloat32;
  b.same_bytes = {};
  const std::span<std::byte> blob = plan_.add_blob(from.elements() * sizeof(float));
  each_with_scale(from.dims, shared, [&](uint64_t i, size_t s) {
    const float real = in_float ? rounded_number(stored_number<float>(from.data.data(), i), spec, *range, s)
                                : (number(from.data.data(), i) - static_cast<float>(zero_point_of(spec, s))) *
                                      static_cast<float>(spec.scales[s]);
    std::memcpy(blob.data() + i * sizeof real, &real, sizeof real);
  });
  b.data = blob;
  Base made{plan_.add(std::move(b)), base.order};
  expanded_.emplace(std::pair(value.index, &spec), made);
  return made;
}

BufferId Forms::expanded(ValueId value, const Spec& spec, const Order& order) {
  const Base base = expand(value, spec);
  return in_order(base.buffer, base.order, order.empty() ? identity(base.order.size()) : order,
                  std::string(graph_.name(graph_.value(value).producer)));
}

BufferId Forms::in_order(BufferId buffer, const Order& own, const Order& wanted, const std::string& node) {
  if (wanted == own) return buffer;
  Order moves;
  for (const int8_t d : wanted) moves.push_back(static_cast<int8_t>(stored_axis(d, own)));
  return transposed(buffer, moves, node);
}

BufferId Forms::constant(DType dtype, std::span<const std::byte> bytes, size_t count) {
  Buffer b;
  b.dtype = dtype;
  b.role = BufferRole::kConstant;
  b.dims = {static_cast<int64_t>(count)};
  const std::span<std::byte> blob = plan_.add_blob(bytes.size());
  std::copy(bytes.begin(), bytes.end(), blob.begin());
  b.data = blob;
  return plan_.add(std::move(b));
}
BufferId Forms::constant(const std::vector<float>& values) {
  return constant(DType::kFloat32, std::as_bytes(std::span(values)), values.size());
}
BufferId Forms::constant(const std::vector<int32_t>& values) {
  return constant(DType::kInt32, std::as_bytes(std::span(values)), values.size());
}

BufferId Forms::get(ValueId value, const NumberForm& meaning, const NumberForm& number, const Order& order) {
  const Base& base = base_of(value);
  const Order wanted = order.empty() ? identity(base.order.size()) : order;
  if (wanted.size() != base.order.size()) throw LowerFailure{"a tensor of unexpected rank"};
  const Key key{value.index, meaning, number, wanted};
  if (const auto known = made_.find(key); known != made_.end()) return known->second;
  const std::string node(graph_.name(graph_.value(value).producer));
  const Order own = base.order;
  const auto number_as = [&](const Order& stored) {
    NumberForm as = number;
    as.quant.axis = stored_axis(number.quant.axis, stored);
    return as;
  };
  const BufferId from = meant(base, meaning);
  // What has fewer bytes is moved.
  const bool widens = bit_width(number.dtype) > bit_width(plan_.buffer(from).dtype);
  const BufferId out = widens ? converted(in_order(from, own, wanted, node), number_as(wanted), node)
                              : in_order(converted(from, number_as(own), node), own, wanted, node);
  made_.emplace(key, out);
  return out;
}

}  // namespace snapgauge
