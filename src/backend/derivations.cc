// Parameters that are computed from shapes and from other sources: the "derive" of op maps. Dimensions are
// the frontend's, before any layout.
#include <algorithm>
#include <cmath>

#include "backend/opmap.h"
#include "backend/param_source.h"

namespace snapgauge {
namespace {

using Derive = ParamSource::Derive;
using Numbers = std::vector<double>;

/// What a derivation sees of its node.
struct Shapes {
  const FrontendOperation& view;
  const ParamSource& source;
  const Port* in;
  const Port* out;
  std::span<const int64_t> from, to;  // frontend shapes; `to` is empty when unknown

  double rank() const { return static_cast<double>(from.size()); }
  size_t raised() const { return is_raised(view) ? 1 : 0; }
  size_t spatial() const { return from.size() > 2 ? from.size() - 2 + raised() : 0; }

  /// A source's numbers; nothing when it has none or they are not known.
  std::optional<Numbers> operand(std::string_view name) const {
    const ParamSource* s = source.operand(name);
    if (s == nullptr) return std::nullopt;
    ParamValue v = param_value(view, *s);
    if (v.state != ParamValue::State::kKnown) return std::nullopt;
    return std::move(v.numbers);
  }
  std::optional<size_t> axis(std::string_view name) const {
    const auto v = operand(name);
    if (!v || v->size() != 1) return std::nullopt;
    const double a = (*v)[0] < 0 ? (*v)[0] + rank() : (*v)[0];
    return a >= 0 && a < rank() ? std::optional(static_cast<size_t>(a)) : std::nullopt;
  }
};

ParamValue of_axis(const Shapes& s) {
  const auto axis = s.source.operand("axis");
  const ParamValue v = axis != nullptr ? param_value(s.view, *axis) : ParamValue::unknown();
  if (v.state != ParamValue::State::kKnown || v.numbers.empty() || !(v.numbers[0] >= 0 && v.numbers[0] < s.in->rank))
    return ParamValue::unknown();
  const int64_t d = s.in->dim(static_cast<int>(v.numbers[0]));
  return d == kDynamicDim ? ParamValue::unknown() : ParamValue::known({static_cast<double>(d)}, false);
}

ParamValue multiples(const Shapes& s) {
  if (s.out == nullptr || s.to.size() < s.from.size()) return ParamValue::unknown();
  Numbers v;
  const size_t skip = s.to.size() - s.from.size();
  for (size_t i = 0; i < s.to.size(); ++i) {
    const int64_t d = i < skip ? 1 : s.from[i - skip];
    if (d <= 0 || s.to[i] <= 0) return ParamValue::unknown();
    v.push_back(static_cast<double>(s.to[i]) / static_cast<double>(d));
  }
  return ParamValue::known(std::move(v), true);
}

ParamValue global_filter(const Shapes& s) {
  Numbers v(s.raised(), 1);
  for (size_t i = 2; i < s.from.size(); ++i) {
    if (s.from[i] == kDynamicDim) return ParamValue::unknown();
    v.push_back(static_cast<double>(s.from[i]));
  }
  return ParamValue::known(std::move(v), true);
}

/// Windows that cut a dimension into as many parts as the result has.
ParamValue adaptive(const Shapes& s) {
  if (s.to.size() != s.from.size()) return ParamValue::unknown();
  Numbers v(s.raised(), 1);
  for (size_t i = 2; i < s.from.size(); ++i) {
    if (s.from[i] <= 0 || s.to[i] <= 0) return ParamValue::unknown();
    const int64_t stride = s.from[i] / s.to[i];
    const int64_t filter = s.from[i] - (s.to[i] - 1) * stride;
    v.push_back(static_cast<double>(s.source.derive == Derive::kAdaptiveStride ? stride : filter));
  }
  return ParamValue::known(std::move(v), true);
}

/// begin, end, step of every dimension; those that nobody names stay whole.
ParamValue ranges(const Shapes& s) {
  Numbers v;
  for (int64_t d : s.from) {
    if (d == kDynamicDim) return ParamValue::unknown();
    v.insert(v.end(), {0, static_cast<double>(d), 1});
  }
  const auto starts = s.operand("starts");
  const auto ends = s.operand("ends"), lengths = s.operand("lengths");
  if (!starts || (!ends && !lengths)) return ParamValue::unknown();
  const auto axes = s.operand("axes"), steps = s.operand("steps");
  for (size_t i = 0; i < starts->size(); ++i) {
    double axis = axes && i < axes->size() ? (*axes)[i] : static_cast<double>(i);
    if (axis < 0) axis += s.rank();
    const Numbers& last = ends ? *ends : *lengths;
    const double from = (*starts)[i];
    if (!(axis >= 0 && axis < s.rank()) || i >= last.size() || std::isnan(from) || std::isnan(last[i]))
      return ParamValue::unknown();
    const auto at = static_cast<size_t>(axis);
    const auto size = static_cast<double>(s.from[at]);
    const double step = steps && i < steps->size() ? (*steps)[i] : 1;
    // Going down, -1 stands in front of the first element.
    const auto clamped = [&](double b) {
      return std::clamp(b < 0 ? b + size : b, step < 0 ? -1.0 : 0.0, step < 0 ? size - 1 : size);
    };
    const double begin = clamped(from);
    v[3 * at] = begin;
    v[3 * at + 1] = ends ? clamped(last[i]) : clamped(begin + last[i]);
    v[3 * at + 2] = step;
  }
  return ParamValue::known(std::move(v), true);
}

ParamValue flip(const Shapes& s) {
  const auto axes = s.operand("axes");
  if (!axes) return ParamValue::unknown();
  Numbers v;
  for (size_t i = 0; i < s.from.size(); ++i) {
    const auto size = static_cast<double>(s.from[i]);
    if (size < 0) return ParamValue::unknown();
    const bool turned = std::any_of(axes->begin(), axes->end(),
                                    [&](double a) { return (a < 0 ? a + s.rank() : a) == static_cast<double>(i); });
    v.insert(v.end(), {turned ? size - 1 : 0, turned ? -1 : size, turned ? -1.0 : 1.0});
  }
  return ParamValue::known(std::move(v), true);
}

/// Where the parts after the first begin.
ParamValue split_index(const Shapes& s) {
  const auto axis = s.axis("axis");
  if (!axis || s.from[*axis] <= 0) return ParamValue::unknown();
  const auto size = static_cast<double>(s.from[*axis]);
  Numbers parts;
  if (const auto sizes = s.operand("sizes"); sizes && !sizes->empty()) {
    parts = *sizes;
  } else {
    double part = 0;
    if (const auto given = s.operand("size"); given && given->size() == 1)
      part = (*given)[0];
    else if (const auto chunks = s.operand("chunks"); chunks && chunks->size() == 1 && (*chunks)[0] > 0)
      part = std::ceil(size / (*chunks)[0]);
    else if (const auto results = static_cast<double>(s.view.out.size()); results > 0)
      part = std::ceil(size / results);
    constexpr double kMostParts = 65536;
    if (!(part > 0) || size / part > kMostParts) return ParamValue::unknown();
    for (double done = 0; done < size; done += part) parts.push_back(std::min(part, size - done));
  }
  Numbers v;
  double sum = 0;
  for (size_t i = 0; i + 1 < parts.size(); ++i) v.push_back(sum += parts[i]);
  return ParamValue::known(std::move(v), true);
}

ParamValue permutation(const Shapes& s) {
  Numbers v;
  for (size_t i = 0; i < s.from.size(); ++i) v.push_back(static_cast<double>(i));
  if (s.source.derive == Derive::kReversePerm) {
    std::reverse(v.begin(), v.end());
    return ParamValue::known(std::move(v), true);
  }
  const auto a = s.axis("a"), b = s.axis("b");
  if (!a || !b) return ParamValue::unknown();
  std::swap(v[*a], v[*b]);
  return ParamValue::known(std::move(v), true);
}

ParamValue half(const Shapes& s) {
  const auto of = s.operand("of");
  if (!of || of->size() != 1) return ParamValue::unknown();
  return ParamValue::known({std::floor(((*of)[0] - 1) / 2)}, false);
}

}  // namespace

ParamValue derived_value(const FrontendOperation& view, const ParamSource& source) {
  const Port* in = view.port(PortRef::Side::kIn, 0);
  const Port* out = view.port(PortRef::Side::kOut, 0);
  if (source.derive == Derive::kHalf) return half({view, source, in, out, {}, {}});
  if (in == nullptr || in->frontend_rank < 0) return ParamValue::unknown();
  const auto shape = [&](const Port* p) {
    return p == nullptr ? std::span<const int64_t>() : view.graph->shape(view.graph->value(p->value));
  };
  const Shapes s{view, source, in, out, shape(in), shape(out)};
  switch (source.derive) {
    case Derive::kLastAxis: return ParamValue::known({static_cast<double>(in->rank - 1)}, false);
    case Derive::kSpatialOnes: return ParamValue::known(Numbers(s.spatial(), 1), true);
    case Derive::kSpatialZeroPads: return ParamValue::known(Numbers(2 * s.spatial(), 0), true);
    case Derive::kDim: return of_axis(s);
    case Derive::kMultiples: return multiples(s);
    case Derive::kGlobalFilter: return global_filter(s);
    case Derive::kAdaptiveFilter:
    case Derive::kAdaptiveStride: return adaptive(s);
    case Derive::kRanges: return ranges(s);
    case Derive::kFlip: return flip(s);
    case Derive::kSplitIndex: return split_index(s);
    case Derive::kSwapPerm:
    case Derive::kReversePerm: return permutation(s);
    case Derive::kNone:
    case Derive::kHalf: break;
  }
  return ParamValue::unknown();
}

}  // namespace snapgauge
