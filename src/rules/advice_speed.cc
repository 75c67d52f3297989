#include <fmt/format.h>

#include "rules/advice.h"

namespace snapgauge {

void Advisor::unaligned_channels(const Call& call) {
  const Port* out = call.view.port(PortRef::Side::kOut, 0);
  if (out == nullptr || out->rank < 2) return;
  const int64_t channels = out->dim(out->rank - 1);
  const auto group = static_cast<int64_t>(call.rule.limit);
  if (channels <= 0 || channels % group == 0) return;
  report(call, PortRef::Side::kOut, 0, {{"count", std::to_string(channels)}, {"limit", std::to_string(group)}},
         fmt::format("a multiple of {}", group), fmt::format("{} channels", channels));
}

void Advisor::prelu_activation(const Call& call) {
  if (call.view.port(PortRef::Side::kIn, 1) == nullptr) return;
  report(call, PortRef::Side::kIn, 1, {}, "Relu, or LeakyRelu", std::string(call.view.op()));
}

void Advisor::division_by_constant(const Call& call) {
  const Port* divisor = call.view.port(PortRef::Side::kIn, 1);
  if (divisor == nullptr || divisor->staticness == Staticness::kDynamic) return;
  report(call, PortRef::Side::kIn, 1, {}, "a multiplication", "a division by a constant");
}

/// The edge states a wider type than the tensor was written with.
void Advisor::widened_activation(const Call& call) {
  each_input(call.view, [&](PortRef::Side side, size_t i, const Port& port) {
    if (port.spec == nullptr || port.staticness != Staticness::kDynamic) return;
    const Spec* written = sharing_.spec(sharing_.place(port.value));
    if (written == nullptr || written == port.spec) return;
    const int wide = effective_bits(*port.spec);
    const int narrow = effective_bits(*written);
    if (narrow >= wide || wide > 16) return;
    report(call, side, i, {{"bits", std::to_string(wide)}, {"narrow", std::to_string(narrow)}},
           fmt::format("{} bits, as the tensor has", narrow), fmt::format("{} bits", wide));
  });
}

void Advisor::movement_chain(const Call& call) {
  const Port* in = call.view.port(PortRef::Side::kIn, 0);
  if (in == nullptr || producer_op(*in) != call.view.op()) return;
  report(call, PortRef::Side::kIn, 0, {{"other", std::string(call.view.op())}}, "one operator",
         fmt::format("two {} in a row", call.view.op()));
}

void Advisor::separate_pad(const Call& call) {
  const Port* in = call.view.port(PortRef::Side::kIn, 0);
  if (in == nullptr || !names_item(call.rule.after, producer_op(*in))) return;
  report(call, PortRef::Side::kIn, 0, {}, "padding as a parameter of the operator", "an operator of its own");
}

void Advisor::high_rank_transpose(const Call& call) {
  const Port* in = call.view.port(PortRef::Side::kIn, 0);
  const auto limit = static_cast<int>(call.rule.limit);
  if (in == nullptr || in->rank <= limit) return;
  report(call, PortRef::Side::kIn, 0, {{"rank", std::to_string(in->rank)}}, fmt::format("at most {} dimensions", limit),
         fmt::format("{} dimensions", in->rank));
}

void Advisor::repeated_quantization(const Call& call) {
  constexpr double kTolerance = 1e-6;  // two roundings of one float32 scale
  each_input(call.view, [&](PortRef::Side side, size_t i, const Port& port) {
    if (port.spec == nullptr || port.staticness != Staticness::kDynamic) return;
    const Spec* written = sharing_.spec(sharing_.place(port.value));
    const bool again = port.spec->double_quantized;
    if (written == nullptr || (!again && row_of(graph_.frontend).has_qdq_pairs)) return;
    // Between types of different width a second pair is the way to convert.
    if (effective_bits(*written) != effective_bits(*port.spec)) return;
    const bool same = equal_parameters(*written, *port.spec, kTolerance).value_or(true);
    if (same && !again) return;
    report(call, side, i,
           {{"change", same ? "the second pair changes nothing" : "the values are rounded a second time"}},
           "one Quantize/Dequantize pair", "two");
  });
}

}  // namespace snapgauge
