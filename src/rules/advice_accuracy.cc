#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "rules/advice.h"
#include "rules/fixes.h"

namespace snapgauge {
namespace {

std::string range_text(double min, double max) { return fmt::format("[{:.4g}, {:.4g}]", min, max); }

/// A bound of an op's result; nothing where its parameter is not known, or leaves that side open.
std::optional<double> bound_of(const OpView& view, std::string_view param, double number) {
  if (param.empty()) return number;
  constexpr double kOpen = 1e30;
  const ParamValue value = view.param(param);
  if (value.numbers.size() != 1 || std::abs(value.numbers[0]) > kOpen) return std::nullopt;
  return value.numbers[0];
}

std::optional<RealRange> range_of(const Rule& rule, const OpView& view) {
  for (const OutputRange& known : rule.ranges) {
    if (known.op != view.op()) continue;
    if (!known.operation.empty() && view.param("operation").name != known.operation) continue;
    const auto min = bound_of(view, known.min_param, known.min);
    const auto max = bound_of(view, known.max_param, known.max);
    return min && max ? std::optional(RealRange{*min, *max}) : std::nullopt;
  }
  return std::nullopt;
}

/// Parameters with which the port's integers cover just this range.
Proposal cover(const Graph& graph, const Port& port, const RealRange& wanted) {
  const auto steps = effective_range(*port.spec);
  if (!steps || steps->min >= steps->max || wanted.min >= wanted.max) return {};
  const double scale = (wanted.max - wanted.min) / (static_cast<double>(steps->max) - static_cast<double>(steps->min));
  const double zero = std::nearbyint(static_cast<double>(steps->min) - wanted.min / scale);
  // A range that does not reach zero has no zero point of its own.
  if (!(zero >= static_cast<double>(steps->min) && zero <= static_cast<double>(steps->max))) return {};
  return prescribe(graph, port, scale, static_cast<int64_t>(zero));
}

/// Scales per step along the blocked dimension, and how many of them a channel has. The scales of a
/// tensor lie row-major, one per block.
struct BlockGrid {
  uint64_t blocks = 0, stride = 1;
};
std::optional<BlockGrid> block_grid(const Spec& spec, std::span<const int64_t> shape) {
  const bool whole = spec.block.size() == shape.size();
  if (shape.empty() || (!whole && !spec.axis)) return std::nullopt;
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t axis = spec.axis.value_or(0) < 0 ? spec.axis.value_or(0) + rank : spec.axis.value_or(0);
  BlockGrid grid;
  for (int64_t d = rank - 1; d >= 0; --d) {
    const int64_t size = shape[static_cast<size_t>(d)];
    const int64_t block = whole ? spec.block[static_cast<size_t>(d)] : d == axis ? spec.block[0] : 1;
    if (size <= 0 || block <= 0) return std::nullopt;
    const auto count = static_cast<uint64_t>((size - 1) / block) + 1;
    // A file may state any shape: there is no more of a grid than there are scales.
    if (count > spec.scales.size()) return std::nullopt;
    if (block > 1 && count > 1) {
      if (grid.blocks != 0) return std::nullopt;  // blocked along two dimensions
      grid.blocks = count;
    } else if (grid.blocks == 0) {
      grid.stride *= count;
    }
    if (grid.stride > spec.scales.size()) return std::nullopt;
  }
  return grid.blocks == 0 ? std::nullopt : std::optional(grid);
}

}  // namespace

/// Parameters that are prescribed for one operator's result, on values that can be larger.
void Advisor::borrowed_fixed_range(const Call& call) {
  const OpView& view = call.view;
  const auto borrowed = [&](const Port& port) {
    return port.present && port.spec != nullptr && port.spec->fixed && sharing_.borrows(port.place) &&
           real_range(*port.spec);
  };
  const auto found = [&](PortRef::Side side, size_t i, const Port& port) {
    const RealRange range = *real_range(*port.spec);
    const std::string from = sharing_.describe(sharing_.root(port.place));
    report(call, side, i, {{"range", range_text(range.min, range.max)}, {"place", from}},
           "a range that all of the group's members fit into", fmt::format("the prescribed one of {}", from));
    call.findings.back().level = Level::kWarning;
  };
  for (size_t i = 0; i < view.in.size(); ++i)
    if (borrowed(view.in[i])) found(PortRef::Side::kIn, i, view.in[i]);
  for (size_t i = 0; i < view.out.size(); ++i) {
    const Port& port = view.out[i];
    if (!borrowed(port)) continue;
    const auto own = range_of(call.rule, view);
    const RealRange range = *real_range(*port.spec);
    const double step = port.spec->scales[0];
    if (own && own->min >= range.min - step && own->max <= range.max + step) continue;
    // What passes on the group that it reads brings nothing into it.
    const bool passes_on = std::any_of(view.in.begin(), view.in.end(), [&](const Port& in) {
      return in.present && sharing_.group(in.place) == sharing_.group(port.place);
    });
    if (!passes_on) found(PortRef::Side::kOut, i, port);
  }
}

void Advisor::degenerate_range(const Call& call) {
  each_port(call.view, [&](PortRef::Side side, size_t i, const Port& port) {
    if (port.spec == nullptr || port.staticness != Staticness::kDynamic) return;
    const auto range = real_range(*port.spec);
    if (!range || range->max - range->min >= call.rule.limit) return;
    report(call, side, i, {{"range", number_text(range->max - range->min)}},
           fmt::format("a range of {} or more", number_text(call.rule.limit)), range_text(range->min, range->max));
  });
}

void Advisor::dominating_channel(const Call& call) {
  const Port* w = weight(call.view);
  if (w == nullptr || w->spec == nullptr || is_per_channel(w->spec->scheme) || !w->spec->block.empty() || w->rank < 2)
    return;
  const Value& value = graph_.value(w->value);
  const auto channel = channel_axis(call);
  if (!channel) return;
  const int axis = w->from == nullptr ? *channel : w->from[*channel];
  if (!value.constant.valid() || axis < 0 || axis >= value.rank) return;
  const auto shape = graph_.shape(value);
  // A file may state any shape: sizes beyond what the constant holds end it.
  const uint64_t count = graph_.constants[value.constant.index].count;
  uint64_t inner = 1;
  for (size_t d = static_cast<size_t>(axis) + 1; d < shape.size(); ++d) {
    if (shape[d] <= 0 || static_cast<uint64_t>(shape[d]) > count / inner) return;
    inner *= static_cast<uint64_t>(shape[d]);
  }
  if (shape[static_cast<size_t>(axis)] < 2) return;
  const auto channels = static_cast<uint64_t>(shape[static_cast<size_t>(axis)]);
  if (channels > count / inner || count % (channels * inner) != 0) return;
  const double zero =
      is_plain_integer(value.dtype) && !w->spec->zero_points.empty() ? static_cast<double>(w->spec->zero_points[0]) : 0;
  std::vector<double> largest(channels);
  for (uint64_t i = 0; i < count; ++i) {
    const auto number = constant_number(graph_, value.constant, i);
    if (!number) return;
    double& slot = largest[i / inner % channels];
    slot = std::max(slot, std::abs(*number - zero));
  }
  const double top = *std::max_element(largest.begin(), largest.end());
  std::nth_element(largest.begin(), largest.begin() + static_cast<ptrdiff_t>(channels / 2), largest.end());
  const double median = largest[channels / 2];
  if (!(median > 0) || top < call.rule.limit * median) return;
  report(call, PortRef::Side::kIn, call.view.mapping->weight->first, {{"ratio", fmt::format("{:.0f}", top / median)}},
         "channels of similar size, or a scale for each", fmt::format("a ratio of {:.0f}", top / median));
}

void Advisor::lopsided_zero_point(const Call& call) {
  each_port(call.view, [&](PortRef::Side side, size_t i, const Port& port) {
    if (port.spec == nullptr || port.spec->zero_points.empty()) return;
    const auto range = effective_range(*port.spec);
    if (!range || range->min < 0 || range->max < 3) return;
    const int64_t middle = range->max / 2 + 1;
    // Off by one all over is meant to be symmetric; an activation may have such a zero point by chance.
    const bool meant = port.staticness == Staticness::kStatic || is_symmetric(port.spec->scheme);
    const auto& z = port.spec->zero_points;
    if (!meant || !std::all_of(z.begin(), z.end(), [&](int64_t v) { return v == middle - 1; })) return;
    report(call, side, i, {{"actual", std::to_string(middle - 1)}, {"middle", std::to_string(middle)}},
           fmt::format("zero point {}", middle), fmt::format("zero point {}", middle - 1));
  });
}

void Advisor::saturated_weights(const Call& call) {
  const Port* w = weight(call.view);
  if (w == nullptr || w->spec == nullptr || effective_bits(*w->spec) < 8) return;  // narrow types use all steps
  const Value& value = graph_.value(w->value);
  const auto range = effective_range(*w->spec);
  if (!value.constant.valid() || !range || !is_plain_integer(value.dtype)) return;
  const uint64_t count = graph_.constants[value.constant.index].count;
  constexpr uint64_t kEnough = 1000;  // per-channel scales put one value of each channel at an end
  if (count < kEnough) return;
  uint64_t ends = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const auto number = constant_number(graph_, value.constant, i);
    if (!number) return;
    ends += *number <= static_cast<double>(range->min) || *number >= static_cast<double>(range->max);
  }
  const double share = 100.0 * static_cast<double>(ends) / static_cast<double>(count);
  // One extreme value for each scale is how observers work.
  const double usual = 100.0 * static_cast<double>(w->spec->scales.size()) / static_cast<double>(count);
  if (share - usual <= call.rule.limit) return;
  report(call, PortRef::Side::kIn, call.view.mapping->weight->first, {{"share", fmt::format("{:.1f}", share)}},
         fmt::format("at most {} %", number_text(call.rule.limit)), fmt::format("{:.1f} %", share));
}

void Advisor::dead_channel(const Call& call) {
  each_port(call.view, [&](PortRef::Side side, size_t i, const Port& port) {
    if (port.spec == nullptr || port.derived || bit_width(port.dtype) == 32) return;  // a bias scale is a product
    const auto& scales = port.spec->scales;
    const auto dead =
        std::count_if(scales.begin(), scales.end(), [&](double s) { return s > 0 && s <= call.rule.limit; });
    if (dead == 0) return;
    report(call, side, i, {{"count", std::to_string(dead)}, {"total", std::to_string(scales.size())}},
           fmt::format("scales above {}", number_text(call.rule.limit)), fmt::format("{} at or below it", dead));
  });
}

void Advisor::mask_range(const Call& call) {
  each_input(call.view, [&](PortRef::Side side, size_t i, const Port& port) {
    const auto range = port.spec == nullptr ? std::nullopt : real_range(*port.spec);
    if (!range || range->min > call.rule.limit) return;
    report(call, side, i, {{"min", fmt::format("{:.4g}", range->min)}},
           fmt::format("values above {}", number_text(call.rule.limit)), range_text(range->min, range->max));
  });
}

void Advisor::coarse_4_bit(const Call& call) {
  const Port* w = weight(call.view);
  if (w == nullptr || w->spec == nullptr || is_per_channel(w->spec->scheme) || !w->spec->block.empty()) return;
  if (effective_bits(*w->spec) > static_cast<int>(call.rule.limit)) return;
  report(call, PortRef::Side::kIn, call.view.mapping->weight->first, {}, "a scale per channel or block", "one scale");
}

void Advisor::block_scale_range(const Call& call) {
  const Port* w = weight(call.view);
  if (w == nullptr || w->spec == nullptr || !w->spec->two_level || w->spec->block.empty()) return;
  const auto& scales = w->spec->scales;
  const auto grid = block_grid(*w->spec, graph_.shape(graph_.value(w->value)));
  if (!grid || scales.size() % (grid->blocks * grid->stride) != 0) return;
  double worst = 1;
  for (uint64_t first = 0; first < scales.size(); first += grid->blocks * grid->stride)
    for (uint64_t lane = 0; lane < grid->stride; ++lane) {
      double least = scales[first + lane], most = least;
      for (uint64_t b = 1; b < grid->blocks; ++b) {
        least = std::min(least, scales[first + lane + b * grid->stride]);
        most = std::max(most, scales[first + lane + b * grid->stride]);
      }
      if (least > 0) worst = std::max(worst, most / least);
    }
  if (worst <= call.rule.limit * 1.001) return;  // float32 products
  report(call, PortRef::Side::kIn, call.view.mapping->weight->first,
         {{"ratio", fmt::format("{:.0f}", worst)}, {"limit", number_text(call.rule.limit)}},
         fmt::format("a factor of at most {}", number_text(call.rule.limit)), fmt::format("{:.0f}", worst));
}

void Advisor::clipped_output(const Call& call) {
  const Port* out = call.view.port(PortRef::Side::kOut, 0);
  const auto own = range_of(call.rule, call.view);
  const auto range = out == nullptr || out->spec == nullptr ? std::nullopt : real_range(*out->spec);
  if (!own || !range) return;
  const double slack = call.rule.limit * (own->max - own->min);
  const bool above = range->max < own->max - slack;
  if (!above && range->min <= own->min + slack) return;
  report(call, PortRef::Side::kOut, 0,
         {{"reach", number_text(above ? own->max : own->min)},
          {"limit", fmt::format("{:.4g}", above ? range->max : range->min)}},
         range_text(own->min, own->max), range_text(range->min, range->max));
  cover(graph_, *out, *own).attach_to(call.findings.back());
}

void Advisor::unused_output_range(const Call& call) {
  const Port* out = call.view.port(PortRef::Side::kOut, 0);
  const auto own = range_of(call.rule, call.view);
  const auto range = out == nullptr || out->spec == nullptr ? std::nullopt : real_range(*out->spec);
  if (!own || !range || range->max - range->min < call.rule.limit * (own->max - own->min)) return;
  report(call, PortRef::Side::kOut, 0,
         {{"reach", range_text(own->min, own->max)}, {"range", range_text(range->min, range->max)}},
         range_text(own->min, own->max), range_text(range->min, range->max));
  cover(graph_, *out, *own).attach_to(call.findings.back());
}

void Advisor::int16_weight_range(const Call& call) {
  const Port* w = weight(call.view);
  if (w == nullptr || w->spec == nullptr || w->dtype != DType::kSfixed16) return;
  const Value& value = graph_.value(w->value);
  const auto stored = value.constant.valid() && is_plain_integer(value.dtype) ? constant_range(graph_, value.constant)
                                                                              : effective_range(*w->spec);
  if (!stored || static_cast<double>(stored->max) <= call.rule.limit) return;
  report(call, PortRef::Side::kIn, call.view.mapping->weight->first, {{"max", std::to_string(stored->max)}},
         "stored values up to 32639", fmt::format("up to {}", stored->max));
}

}  // namespace snapgauge
