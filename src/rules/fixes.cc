#include "rules/fixes.h"

#include <algorithm>
#include <cmath>

namespace snapgauge {
namespace {

Proposal propose(FixSafety safety, PlaceId place, Spec spec, std::optional<uint32_t> like = {}) {
  if (!std::all_of(spec.scales.begin(), spec.scales.end(), [](double s) { return std::isfinite(s) && s > 0; }))
    return {};
  return {safety, std::make_shared<const SpecChange>(SpecChange{place.index, std::move(spec), like})};
}

/// Parameters that stand in the file as numbers or are left to calibration.
bool is_writable(const Spec& spec) { return !spec.dynamic && !spec.computed_scale && spec.block.empty(); }

/// The file holds the tensor's integers, which new parameters have to be matched with.
bool stores_integers(const Graph& graph, ValueId value) {
  return value.valid() && is_plain_integer(graph.value(value).dtype);
}

bool is_per_tensor(const Spec& spec) { return !is_per_channel(spec.scheme) && spec.scales.size() <= 1; }

}  // namespace

void Proposal::attach_to(Finding& finding) const {
  finding.fix.safety = safety;
  finding.fix.change = change;
}

Proposal prescribe(const Graph& graph, const Port& port, double scale, int64_t zero_point) {
  if (port.spec == nullptr || !is_writable(*port.spec)) return {};
  Spec spec = *port.spec;
  spec.scales = {scale};
  spec.zero_points = {zero_point};
  if (is_per_channel(spec.scheme) || (is_symmetric(spec.scheme) && zero_point != 0))
    spec.scheme = Scheme::kPerTensorAffine;
  spec.axis.reset();
  // From now on nothing is observed there.
  if (!spec.fixed) spec.observer.clear();
  spec.fixed = true;
  return propose(stores_integers(graph, port.value) ? FixSafety::kUnsafe : FixSafety::kSafe, port.place,
                 std::move(spec));
}

Proposal make_symmetric(const Graph& graph, PlaceId place, const Spec& spec, ValueId value) {
  const auto range = effective_range(spec);
  if (!range || range->min >= range->max || !is_writable(spec) || spec.scheme == Scheme::kUnknown) return {};
  const int64_t middle = symmetric_zero_point(spec).value_or(0);
  Spec out = spec;
  out.scheme = is_per_channel(spec.scheme) ? Scheme::kPerChannelSymmetric : Scheme::kPerTensorSymmetric;
  const auto min = static_cast<double>(range->min), max = static_cast<double>(range->max);
  const auto center = static_cast<double>(middle);
  const double half = std::min(center - min, max - center);
  if (half <= 0) return {};
  for (size_t i = 0; i < out.scales.size(); ++i) {
    const auto zero = static_cast<double>(zero_point_of(spec, i));
    if (zero != center) out.scales[i] *= std::max(max - zero, zero - min) / half;
  }
  if (!out.scales.empty()) out.zero_points.assign(out.scales.size(), middle);
  return propose(stores_integers(graph, value) ? FixSafety::kUnsafe : FixSafety::kSafe, place, std::move(out));
}

Proposal share(const Operation& view, const Port& port, const Port& other) {
  const Port* to = &port;
  const Port* from = &other;
  const auto quantized =
      std::count_if(view.in.begin(), view.in.end(), [](const Port& p) { return p.present && p.spec != nullptr; });
  const auto is_output = [&](const Port& p) {
    return std::any_of(view.out.begin(), view.out.end(), [&](const Port& out) { return &out == &p; });
  };
  const bool passes_on = quantized == 1 && is_output(port) != is_output(other);
  if (passes_on && is_output(*from)) std::swap(to, from);
  if (to->spec == nullptr || from->spec == nullptr || to->dtype != from->dtype) return {};
  const Spec& old = *to->spec;
  if (!is_writable(old) || !is_writable(*from->spec) || !is_per_tensor(old) || !is_per_tensor(*from->spec)) return {};
  // Otherwise a calibrated tensor would be clipped, or lose steps that its other readers need.
  const bool safe = passes_on || old.scales.empty() || from->spec->scales.empty();
  return propose(safe ? FixSafety::kSafe : FixSafety::kUnsafe, to->place, *from->spec, from->place.index);
}

Proposal take_over(PlaceId place, PlaceId from, const Spec& spec) {
  return is_writable(spec) ? propose(FixSafety::kUnsafe, place, spec, from.index) : Proposal{};
}

Proposal move_axis(const Graph& graph, PlaceId place, const Spec& spec, ValueId value, int64_t axis) {
  if (!is_writable(spec) || !value.valid()) return {};
  const auto shape = graph.shape(graph.value(value));
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size())) return {};
  const size_t scales = spec.scales.size();
  if (scales > 1 && shape[static_cast<size_t>(axis)] != static_cast<int64_t>(scales)) return {};
  Spec out = spec;
  out.axis = axis;
  return propose(scales > 1 ? FixSafety::kUnsafe : FixSafety::kSafe, place, std::move(out));
}

Proposal find_axis(const Graph& graph, PlaceId place, const Spec& spec, ValueId value) {
  if (spec.scales.size() < 2 || !value.valid()) return {};
  const auto shape = graph.shape(graph.value(value));
  const auto wanted = static_cast<int64_t>(spec.scales.size());
  const auto first = std::find(shape.begin(), shape.end(), wanted);
  // Two of that size, or one that may turn out to have it, leave it open.
  if (first == shape.end() || std::find(first + 1, shape.end(), wanted) != shape.end() ||
      std::find(shape.begin(), shape.end(), kDynamicDim) != shape.end())
    return {};
  Proposal found = move_axis(graph, place, spec, value, first - shape.begin());
  if (found.change != nullptr) found.safety = FixSafety::kSafe;
  return found;
}

Proposal rescale(const Port& port, std::vector<double> scales) {
  if (port.spec == nullptr || !is_writable(*port.spec)) return {};
  Spec spec = *port.spec;
  spec.zero_points.assign(scales.size(), 0);
  if (scales.size() > 1) {
    spec.scheme = Scheme::kPerChannelSymmetric;
    spec.axis = 0;
  }
  spec.scales = std::move(scales);
  return propose(FixSafety::kSafe, port.place, std::move(spec));
}

}  // namespace snapgauge
