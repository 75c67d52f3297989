#include "lower/op_lowering.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/number.h"

namespace snapgauge {

int64_t not_negative(int64_t axis, size_t rank) {
  if (axis < 0) axis += static_cast<int64_t>(rank);
  if (axis < 0 || axis >= static_cast<int64_t>(rank)) throw LowerFailure{"an axis outside of its tensor"};
  return axis;
}

double OpLowering::number(std::string_view param) const {
  if (op_.param(param).state == ParamValue::State::kUnset) throw LowerFailure{fmt::format("it has no {}", param)};
  return number(param, 0);
}

double OpLowering::number(std::string_view param, double otherwise) const {
  const ParamValue v = op_.param(param);
  if (v.state == ParamValue::State::kUnset) return otherwise;
  if (v.state != ParamValue::State::kKnown || v.numbers.size() != 1)
    throw LowerFailure{fmt::format("its parameter {} is not known", param)};
  return v.numbers[0];
}

std::vector<double> OpLowering::numbers(std::string_view param) const {
  const ParamValue v = op_.param(param);
  if (v.state == ParamValue::State::kUnset) return {};
  if (v.state != ParamValue::State::kKnown) throw LowerFailure{fmt::format("its parameter {} is not known", param)};
  return {v.numbers.begin(), v.numbers.end()};
}

std::vector<int64_t> OpLowering::integers(std::string_view param) const {
  std::vector<int64_t> out;
  for (const double n : numbers(param)) {
    const auto whole = whole_number(n);
    if (!whole) throw LowerFailure{fmt::format("its parameter {} is not known", param)};
    out.push_back(*whole);
  }
  return out;
}

std::string OpLowering::word(std::string_view param) const {
  const ParamValue v = op_.param(param);
  if (v.state == ParamValue::State::kUnknown) throw LowerFailure{fmt::format("its parameter {} is not known", param)};
  return v.name;
}

std::array<int64_t, 2> OpLowering::pair(std::string_view param, int64_t otherwise) const {
  const std::vector<int64_t> v = integers(param);
  if (v.empty()) return {otherwise, otherwise};
  if (v.size() > 2) throw LowerFailure{fmt::format("its parameter {} has {} numbers", param, v.size())};
  return {v.front(), v.back()};
}

/// What is stored at a port.
NumberForm OpLowering::meaning_of(const Port& port) {
  if (port.spec != nullptr && is_fixed_point(port.dtype))
    if (auto form = form_of(*port.spec)) return *form;
  if (port.dtype == DType::kInt32 || port.dtype == DType::kInt64 || port.dtype == DType::kBool8 ||
      port.dtype == DType::kUint32)
    return {port.dtype, {}};
  return {};
}

NumberForm OpLowering::number_of(const Port& port) const {
  NumberForm out = meaning_of(port);
  return in_float_ && !out.quant.empty() ? NumberForm() : out;
}

/// Products take such weights as the numbers that they stand for.
bool OpLowering::has_blocks(const Port& port) {
  return port.spec != nullptr && !port.spec->block.empty() && !port.spec->scales.empty();
}

/// The frontend's, where the port's dimensions follow in its order.
Order OpLowering::order_of(const Port& port) const {
  if (port.from == nullptr) return {};
  Order out;
  for (int i = 0; i < port.rank; ++i)
    if (port.from[i] >= 0) out.push_back(port.from[i]);
  if (std::is_sorted(out.begin(), out.end())) return {};
  if (out.size() != static_cast<size_t>(port.frontend_rank)) throw LowerFailure{"a layout without a name"};
  return out;
}

std::vector<int64_t> OpLowering::frontend_dims(const Port& port) const {
  const auto shape = ops_.graph->shape(ops_.graph->value(port.value));
  std::vector<int64_t> out(shape.begin(), shape.end());
  if (out.empty() && port.from == nullptr) out.assign(port.dims, port.dims + std::max<int>(0, port.rank));
  if (std::any_of(out.begin(), out.end(), [](int64_t d) { return d < 0; })) throw LowerFailure{"a dimension is free"};
  return out;
}

std::optional<float> OpLowering::made(size_t input) const {
  if (input >= op_.in.size() || op_.in[input].present || !op_.in[input].made) return std::nullopt;
  return static_cast<float>(number(fmt::format("in[{}]", input), 0));
}

const Port& OpLowering::port(size_t input) const {
  if (!has(input) || !op_.in[input].value.valid())
    throw LowerFailure{fmt::format("operand {} is not in the file", input)};
  return op_.in[input];
}

const Port& OpLowering::out_port(size_t output) const {
  if (output >= op_.out.size() || !op_.out[output].value.valid()) throw LowerFailure{"its result is not in the file"};
  return op_.out[output];
}

BufferId OpLowering::operand(size_t input, const NumberForm& number, const Order& order) {
  const Port& at = port(input);
  if (has_blocks(at)) return forms_.expanded(at.value, *at.spec, order);
  return forms_.get(at.value, meaning_of(at), number, order);
}

bool OpLowering::multiplies_integers(size_t prepared) const {
  for (size_t i = prepared; i < inputs(); ++i)
    if (has(i) && op_.in[i].staticness == Staticness::kDynamic) return false;
  return is_quantized(0) && is_quantized(1) && !result_number(0).quant.empty();
}

BufferId OpLowering::bias(bool integers) {
  const BufferId b = given(2, integers);
  return buffer(b).dtype == DType::kInt32 ? b : forms_.converted(b, kReal, node_);
}

BufferId OpLowering::at_port(size_t input, const NumberForm& number) {
  const Port& at = port(input);
  const BufferId stored = has_blocks(at) ? forms_.expanded(at.value, *at.spec, order_of(at))
                                         : forms_.get(at.value, meaning_of(at), number, order_of(at));
  std::vector<int64_t> dims(at.dims, at.dims + std::max<int>(0, at.rank));
  uint64_t elements = 1;
  for (const int64_t d : dims) elements *= static_cast<uint64_t>(d);
  if (at.rank < 0 || elements != plan_.buffer(stored).elements()) throw LowerFailure{"a shape is not known"};
  return forms_.view(stored, std::move(dims));
}

std::vector<int64_t> OpLowering::result_dims(size_t output) const {
  const Port& port = out_port(output);
  if (port.rank < 0) throw LowerFailure{"the shape of its result is not known"};
  std::vector<int64_t> dims(port.dims, port.dims + port.rank);
  if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d < 0; })) throw LowerFailure{"a dimension is free"};
  return dims;
}

BufferId OpLowering::emit(StepKind kind, std::vector<BufferId> inputs, std::vector<int64_t> dims,
                          const NumberForm& number, StepParams params) {
  const std::string name(ops_.graph->text(ops_.graph->value(out_port(0).value).name));
  const BufferId out = forms_.temporary(name, std::move(dims), number);
  return forms_.emit(kind, node_, std::move(inputs), out, std::move(params));
}

void OpLowering::result(size_t output, BufferId computed) {
  const Port& port = out_port(output);
  const Order order = order_of(port);
  std::vector<int64_t> dims = frontend_dims(port);
  if (!order.empty()) {
    std::vector<int64_t> stored;
    for (const int8_t d : order) stored.push_back(dims[static_cast<size_t>(d)]);
    dims = std::move(stored);
  }
  result(output, forms_.view(computed, std::move(dims)), order);
}

void OpLowering::result(size_t output, BufferId computed, const Order& order) {
  const Port& port = out_port(output);
  NumberForm number = meaning_of(port);
  if (number.quant.axis >= 0 && !order.empty())
    number.quant.axis =
        static_cast<int>(std::find(order.begin(), order.end(), static_cast<int8_t>(number.quant.axis)) - order.begin());
  const bool plain = number.quant.empty();
  // What the port does not say about integers stays as it was computed.
  if (!(plain && plan_.buffer(computed).dtype != DType::kFloat32 && plan_.buffer(computed).quant.empty()))
    computed = forms_.converted(computed, number, node_);
  forms_.define(port.value, computed, order);
}

}  // namespace snapgauge
