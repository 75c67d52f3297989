#include "rules/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "rules/fixes.h"

namespace snapgauge {
namespace {

constexpr double kLargest = 2147483647;  // of 32 bits, signed

/// Largest distance of a stored value from the zero point that counts for it.
double reach(const Spec& spec, size_t channel) {
  const auto range = effective_range(spec);
  if (!range) return 0;
  const auto zero = static_cast<double>(zero_point_of(spec, channel));
  return std::max(static_cast<double>(range->max) - zero, zero - static_cast<double>(range->min));
}

double scale_at(const Spec& spec, size_t channel) { return spec.scales[std::min(channel, spec.scales.size() - 1)]; }

}  // namespace

std::optional<RealRange> real_range(const Spec& spec) {
  const auto range = effective_range(spec);
  if (!range || spec.scales.size() != 1) return std::nullopt;
  const auto zero = static_cast<double>(zero_point_of(spec, 0));
  return RealRange{(static_cast<double>(range->min) - zero) * spec.scales[0],
                   (static_cast<double>(range->max) - zero) * spec.scales[0]};
}

const std::vector<std::pair<RuleCode, Advisor::Check>>& Advisor::checks() {
  static const std::vector<std::pair<RuleCode, Check>> table{
      {305, &Advisor::requantized_movement}, {306, &Advisor::borrowed_fixed_range},
      {409, &Advisor::bias_overflow},        {410, &Advisor::accumulator_overflow},
      {411, &Advisor::stored_value_range},   {801, &Advisor::unaligned_channels},
      {802, &Advisor::prelu_activation},     {803, &Advisor::division_by_constant},
      {804, &Advisor::widened_activation},   {805, &Advisor::movement_chain},
      {806, &Advisor::separate_pad},         {807, &Advisor::repeated_quantization},
      {808, &Advisor::high_rank_transpose},  {901, &Advisor::degenerate_range},
      {902, &Advisor::dominating_channel},   {903, &Advisor::lopsided_zero_point},
      {904, &Advisor::saturated_weights},    {905, &Advisor::dead_channel},
      {906, &Advisor::mask_range},           {907, &Advisor::coarse_4_bit},
      {908, &Advisor::clipped_output},       {909, &Advisor::unused_output_range},
      {910, &Advisor::int16_weight_range},   {911, &Advisor::block_scale_range},
  };
  return table;
}

Advisor::Advisor(const Graph& graph, const Sharing& sharing, const Target& target,
                 const std::vector<std::string>& selected)
    : graph_(graph), sharing_(sharing), target_(target) {
  for (const auto& [code, check] : checks()) {
    const Rule& row = rule(code);
    const std::string text = code_text(code);
    const bool on = row.on_by_default || std::any_of(selected.begin(), selected.end(), [&](const std::string& prefix) {
                      return text.compare(0, prefix.size(), prefix) == 0;
                    });
    if (!on || !names_item(row.backends, target.backend.name)) continue;
    entries_.push_back({&row, check});
    looks_around_ = looks_around_ || !row.on_by_default;
  }
  if (looks_around_) op_of_.resize(graph.nodes.size());
}

const std::vector<Advisor::Entry>& Advisor::entries_for(const OpMapping& mapping) {
  const auto [it, fresh] = by_mapping_.try_emplace(&mapping);
  if (fresh)
    for (const Entry& entry : entries_)
      if (names_item(entry.rule->ops, mapping.backend_op)) it->second.push_back(entry);
  return it->second;
}

void Advisor::advise(const OpView& view, const CompiledOp* op, size_t first, Judgement& judgement,
                     std::vector<Finding>& findings) {
  if (looks_around_) op_of_[view.node.index] = view.op();
  const size_t before = findings.size();
  for (const Entry& entry : entries_for(*view.mapping)) (this->*entry.check)({view, op, *entry.rule, findings, first});
  for (size_t f = before; f < findings.size(); ++f)
    if (findings[f].level == Level::kError)
      judgement.reject(fmt::format("{}: {}", findings[f].port, findings[f].message));
}

void Advisor::report(const Call& call, PortRef::Side side, size_t index, std::vector<HoleValue> holes,
                     std::string expected, std::string actual) {
  const Port& port = side == PortRef::Side::kIn ? call.view.in[index] : call.view.out[index];
  const std::string name = port_text(side, index);
  holes.emplace_back("op", std::string(call.view.op()));
  holes.emplace_back("port", name);
  Finding f = make_finding(call.rule.code, holes);
  f.node = printable(graph_.name(call.view.node));
  f.location = graph_.node(call.view.node).location;
  f.port = name;
  f.value = printable(graph_.text(graph_.value(port.value).name));
  f.expected = std::move(expected);
  f.actual = std::move(actual);
  call.findings.push_back(std::move(f));
}

const Port* Advisor::weight(const OpView& view) const {
  return view.mapping->weight ? view.port(view.mapping->weight->side, view.mapping->weight->first) : nullptr;
}

std::optional<int> Advisor::channel_axis(const Call& call) const {
  const Port* w = weight(call.view);
  if (w == nullptr || w->rank < 1 || call.op == nullptr) return std::nullopt;
  const PortRef& port = *call.view.mapping->weight;
  const int stated = call.op->master.channel_axis(port.side, port.first).value_or(-1);
  const int axis = stated < 0 ? stated + w->rank : stated;
  return axis >= 0 && axis < w->rank ? std::optional(axis) : std::nullopt;
}

std::string_view Advisor::producer_op(const Port& port) const {
  const NodeId producer = graph_.value(port.value).producer;
  return producer.valid() && producer.index < op_of_.size() ? op_of_[producer.index] : std::string_view();
}

void Advisor::requantized_movement(const Call& call) {
  const OpView& view = call.view;
  // Where the tables ask for equality they have spoken.
  const bool judged = std::any_of(call.findings.begin() + static_cast<ptrdiff_t>(call.first), call.findings.end(),
                                  [](const Finding& f) { return f.code == 301; });
  if (judged) return;
  constexpr double kTolerance = 1e-6;  // two roundings of one float32 scale
  const auto differ = [&](const Port& in, const Port& out) {
    return in.spec != nullptr && out.spec != nullptr && in.spec != out.spec && in.dtype == out.dtype &&
           !equal_parameters(*in.spec, *out.spec, kTolerance).value_or(true);
  };
  for (size_t o = 0; o < view.out.size(); ++o) {
    const Port* out = view.port(PortRef::Side::kOut, o);
    for (size_t i = 0; out != nullptr && i < view.in.size(); ++i) {
      const Port* in = view.port(PortRef::Side::kIn, i);
      if (in == nullptr || !differ(*in, *out)) continue;
      // The first result's is told at the input, as of all ops with one result; a later one's at itself.
      const bool later = o > 0;
      report(call, later ? PortRef::Side::kOut : PortRef::Side::kIn, later ? o : i,
             {{"other", later ? port_text(PortRef::Side::kIn, i) : "out[0]"}}, "equal scale and zero point",
             "different ones");
      (later ? share(view, *out, *in) : share(view, *in, *out)).attach_to(call.findings.back());
    }
  }
}

/// Integers of the tensor at int32's ends, or real numbers that would end up beyond them.
void Advisor::bias_overflow(const Call& call) {
  const OpView& view = call.view;
  const Port* x = view.port(PortRef::Side::kIn, 0);
  const Port* w = weight(view);
  if (!view.mapping->bias || x == nullptr || w == nullptr) return;
  const size_t at = view.mapping->bias->first;
  const Port* b = view.port(view.mapping->bias->side, at);
  if (b == nullptr || b->spec == nullptr || bit_width(b->dtype) != 32) return;
  const Value& value = graph_.value(b->value);
  if (!value.constant.valid()) return;
  const bool stored = is_plain_integer(value.dtype);
  const bool scales_known = x->spec != nullptr && w->spec != nullptr && x->spec->scales.size() == 1 &&
                            !w->spec->scales.empty() && w->spec->block.empty();
  if (!stored && !scales_known) return;
  const uint64_t count = graph_.constants[value.constant.index].count;
  for (uint64_t c = 0; c < count; ++c) {
    const auto number = constant_number(graph_, value.constant, c);
    if (!number) return;
    const double step = stored ? 1 : x->spec->scales[0] * scale_at(*w->spec, c);
    if (std::abs(*number) / step < kLargest) continue;
    return report(call, view.mapping->bias->side, at, {}, "stored values inside 32 bits",
                  stored ? fmt::format("value {} is {}, where it was cut", c, number_text(*number))
                         : fmt::format("value {} is {}, or {:.3g} steps of {}", c, number_text(*number), *number / step,
                                       number_text(step)));
  }
}

/// Upper bound from the types alone: it takes tens of thousands of products to get there.
void Advisor::accumulator_overflow(const Call& call) {
  const Port* x = call.view.port(PortRef::Side::kIn, 0);
  const Port* w = weight(call.view);
  if (x == nullptr || w == nullptr || x->spec == nullptr || w->spec == nullptr || w->rank < 2) return;
  if (bit_width(x->dtype) != 8 || bit_width(w->dtype) != 8) return;
  double length = 1;
  for (int i = 0; i < w->rank; ++i) length *= static_cast<double>(std::max<int64_t>(w->dim(i), 1));
  // All but the outputs are summed over.
  const auto channel = channel_axis(call);
  if (!channel) return;
  length /= static_cast<double>(std::max<int64_t>(w->dim(*channel), 1));
  const double sum = length * reach(*x->spec, 0) * reach(*w->spec, 0);
  if (sum <= kLargest) return;
  report(call, PortRef::Side::kIn, call.view.mapping->weight->first, {{"length", fmt::format("{:.0f}", length)}},
         "sums below 2^31", fmt::format("up to {:.3g}", sum));
}

void Advisor::stored_value_range(const Call& call) {
  each_input(call.view, [&](PortRef::Side side, size_t i, const Port& port) {
    if (port.spec == nullptr) return;
    const Value& value = graph_.value(port.value);
    if (!value.constant.valid() || !is_plain_integer(value.dtype)) return;
    const auto stated = effective_range(*port.spec);
    if (!stated) return;
    // A symmetric 4-bit weight is [-7, 7] whatever its storage type can hold.
    const bool mirrored = effective_bits(*port.spec) == 4 && stated->min == -8 && weight(call.view) == &port &&
                          symmetric_parameters(*port.spec).value_or(false);
    const IntegerRange allowed{mirrored ? -7 : stated->min, stated->max};
    // Of a wide type without a stated range every value is inside.
    if (!mirrored && !port.spec->qmin && !port.spec->qmax) return;
    const auto found = constant_range(graph_, value.constant);
    if (!found || (found->min >= allowed.min && found->max <= allowed.max)) return;
    report(call, side, i, {}, fmt::format("values in [{}, {}]", allowed.min, allowed.max),
           fmt::format("values in [{}, {}]", found->min, found->max));
    // Some quantizers write -8 and hardware that packs two's complement keeps it: only a range that the
    // file states is sure.
    if (mirrored) call.findings.back().level = Level::kNote;
  });
}

}  // namespace snapgauge
