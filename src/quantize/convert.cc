#include "quantize/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/text.h"
#include "numerics/blocks.h"
#include "observers/parameters.h"

namespace snapgauge {
namespace {

// A bias beside a weight with blocks: torchao's PerBlockParamObserver has so many steps (num_steps).
constexpr double kBlockSteps = 16;
// A little less than 2^31, for scales are products in single precision.
constexpr double kBiasRange = 2147480000.0;

class Conversion {
 public:
  Conversion(GraphEdit& edit, const Sharing& sharing, const std::vector<QuantGroup>& groups,
             const std::vector<GroupObservation>& observed, const ConvertOptions& options)
      : edit_(edit),
        graph_(edit.graph()),
        sharing_(sharing),
        groups_(groups),
        observed_(observed),
        options_(options),
        ranges_(groups.size()),
        masked_(groups.size()) {
    for (size_t g = 0; g < groups.size(); ++g) index_.emplace(groups[g].id, g);
  }

  Status run() {
    for (size_t g = 0; g < groups_.size(); ++g)
      if (Status s = collect(g); !s) return s.error();
    for (size_t g = 0; g < groups_.size(); ++g) {
      ranges_[g] = ranges_[groups_[g].observed_as];
      masked_[g] = masked_[groups_[g].observed_as];
    }
    hold_masks();
    for (size_t g = 0; g < groups_.size(); ++g) specs_.push_back(spec_of(g));
    for (const Use& use : graph_.uses)
      if (use.spec.kind == SpecRef::Kind::kDerived && use.value.valid()) make_room(use.spec, use.value);
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (specs_[g].scales.empty()) continue;
      const SpecRef ref = GraphEdit::concrete(edit_.add(specs_[g]));
      for (const PlaceId place : groups_[g].stated) annotate(place, ref);
    }
    write_derived();
    return Done{};
  }

 private:
  /// Those with a scale for each channel or block are observed where they are written.
  static bool by_element(const Spec& spec) { return is_per_channel(spec.scheme) || !spec.block.empty(); }
  bool is_constant(ValueId v) const { return graph_.value(v).constant.valid(); }

  /// Whether a tensor has no elements.
  auto has_nothing() const {
    return [this](ValueId v) {
      const auto shape = graph_.shape(graph_.value(v));
      return std::ranges::find(shape, 0) != shape.end();
    };
  }

  Result<FloatView> data_of(ValueId v) const {
    const Value& value = graph_.value(v);
    const Constant& c = graph_.constants[value.constant.index];
    const auto refused = [&](const char* why) {
      return Error{ErrorCode::kUnsupported, printable(graph_.text(value.name)), why};
    };
    if (c.data == nullptr) return refused("its data is not there");
    if (c.dtype != DType::kFloat32) return refused("is a constant of another type than float32");
    return FloatView(c.data, c.count);
  }

  /// The range of a group with one scale, of all its tensors together.
  Status collect(size_t g) {
    const QuantGroup& group = groups_[g];
    const Spec& spec = graph_.specs[group.spec.index];
    if (observed_[g].seen) {
      ranges_[g] = observed_[g].observer.range(spec, options_.activations);
      masked_[g] = observed_[g].observer.masked();
    }
    for (const ValueId v : group.tensors) {
      if (!is_constant(v)) continue;
      const auto data = data_of(v);
      if (!data) return data.error();
      const SeenRange seen = range_of(data.value());
      if (seen.has_nan)
        return Error{ErrorCode::kUsage, printable(graph_.text(graph_.value(v).name)),
                     "holds numbers that are none (NaN)"};
      if (by_element(spec) && seen.masked)
        return Error{ErrorCode::kUsage, printable(graph_.text(graph_.value(v).name)),
                     "is a weight with infinite numbers"};
      ranges_[g].add(seen.range);
      masked_[g] = masked_[g] || seen.masked;
    }
    if (!ranges_[g].empty() || masked_[g] || by_element(spec) || std::ranges::all_of(group.tensors, has_nothing()))
      return Done{};
    return Error{ErrorCode::kUnsupported, printable(graph_.text(graph_.value(group.tensors.front()).name)),
                 "is annotated, and calibration did not see it"};
  }

  /// What stands for "nothing here" is as low as it takes: what is added to a mask saturates, and is nothing behind a
  /// softmax of the integers' precision.
  void hold_masks() {
    std::vector<float> widest(groups_.size());
    for (const Node& node : graph_.nodes) {
      if (node.kind != NodeKind::kCall || node.outputs.count == 0) continue;
      const auto result = index_.find(sharing_.group(sharing_.place(ValueId{node.outputs.first})));
      for (uint32_t i = 0; i < node.uses.count; ++i) {
        const auto read = index_.find(sharing_.group(sharing_.place(UseId{node.uses.first + i})));
        if (read == index_.end() || !masked_[read->second] || result == index_.end()) continue;
        const ValueRange& out = ranges_[result->second];
        if (!out.empty() && result != read)
          widest[read->second] = std::max(widest[read->second], out.largest - out.least);
      }
    }
    for (size_t g = 0; g < groups_.size(); ++g) {
      // In front of a softmax it is known already how far down numbers count.
      if (!masked_[g] || !groups_[g].mask_of.empty() || groups_[g].before_softmax) continue;
      const int bits = std::min(16, effective_bits(graph_.specs[groups_[g].spec.index]));
      ValueRange& range = ranges_[g];
      if (range.empty()) range = {0, 0};
      range.least = std::min(range.least, 0.0F) - widest[g] - softmax_reach(bits);
    }
    for (size_t g = 0; g < groups_.size(); ++g)
      if (!groups_[g].mask_of.empty()) hold_added_mask(g);
  }

  /// What takes the largest sum to the lowest is enough.
  void hold_added_mask(size_t g) {
    float all = 0;
    for (const size_t sum : groups_[g].mask_of)
      if (!ranges_[sum].empty()) all = std::min(all, ranges_[sum].least - std::max(ranges_[sum].largest, 0.0F));
    ValueRange& range = ranges_[g];
    if (range.empty()) range = {0, 0};
    if (masked_[g] || range.least < all) range.least = all;
  }

  /// With numbers, unless there is nothing to observe: the gate tells of computed weights.
  Spec spec_of(size_t g) const {
    const QuantGroup& group = groups_[g];
    if (group.prescribed.valid()) return graph_.specs[group.prescribed.index];
    Spec spec = graph_.specs[group.spec.index];
    if (by_element(spec)) {
      const auto weight =
          std::find_if(group.tensors.begin(), group.tensors.end(), [&](ValueId v) { return is_constant(v); });
      if (weight == group.tensors.end()) return spec;
      const auto shape = graph_.shape(graph_.value(*weight));
      if (elements_per_scale(spec, shape).empty()) return spec;
      const WeightNumbers numbers = observe_weight(data_of(*weight).value(), shape, spec, options_.weights);
      spec.scales.assign(numbers.scales.begin(), numbers.scales.end());
      spec.zero_points = numbers.zero_points;
    } else {
      ValueRange range = ranges_[g];
      if (options_.weights == WeightObserver::kLineSearch && !observed_[g].seen && group.tensors.size() == 1 &&
          is_symmetric(spec.scheme)) {
        const ValueId v = group.tensors.front();
        const WeightNumbers n =
            observe_weight(data_of(v).value(), graph_.shape(graph_.value(v)), spec, options_.weights);
        spec.scales = {static_cast<double>(n.scales[0])};
        spec.zero_points = n.zero_points;
      } else {
        const AffineNumbers numbers = numbers_for(range, spec);
        spec.scales = {static_cast<double>(numbers.scale)};
        spec.zero_points = {numbers.zero_point};
      }
    }
    return spec;
  }

  /// A bias has 32 bits at the scale of operand x weight: where that is not enough for its numbers, the weight's scale
  /// is raised.
  void make_room(const SpecRef& ref, ValueId bias) {
    const DerivedSpec& derived = graph_.derived[ref.index];
    if (derived.from.count != 2 || !is_constant(bias)) return;
    const Spec* operand = numbers_at(graph_.derived_from[derived.from.first]);
    Spec* weight = numbers_at(graph_.derived_from[derived.from.first + 1]);
    const auto data = data_of(bias);
    if (!data || operand == nullptr || weight == nullptr || !weight->block.empty() || operand->scales.size() != 1)
      return;
    for (size_t c = 0; c < data.value().size(); ++c) {
      const double needed = std::abs(static_cast<double>(data.value()[c])) / (operand->scales[0] * kBiasRange);
      double& scale = weight->scales[c % weight->scales.size()];
      if (std::isfinite(needed) && scale < needed) scale = static_cast<double>(static_cast<float>(needed));
    }
  }
  /// Those that the group of a place is to have; null where it has none.
  Spec* numbers_at(const SpecRef& source) {
    if (source.kind == SpecRef::Kind::kDangling) return nullptr;
    const auto known = index_.find(sharing_.group(sharing_.place_of(source)));
    if (known == index_.end() || groups_[known->second].prescribed.valid()) return nullptr;
    if (specs_[known->second].scales.empty()) return nullptr;
    return &specs_[known->second];
  }

  void annotate(PlaceId place, SpecRef ref) {
    const auto values = static_cast<uint32_t>(graph_.values.size());
    if (place.index < values)
      edit_.annotate(ValueId{place.index}, ref);
    else
      edit_.annotate(UseId{place.index - values}, ref);
  }

  // ---- biases

  void write_derived() {
    for (uint32_t u = 0; u < graph_.uses.size(); ++u)
      if (const Use& use = graph_.uses[u]; use.spec.kind == SpecRef::Kind::kDerived && use.value.valid())
        if (const SpecRef ref = derived(use.spec, use.value); ref.kind != SpecRef::Kind::kNone)
          edit_.annotate(UseId{u}, ref);
  }

  /// scale = product of the scales of the sources, one a channel; of blocks the largest of a channel / 16.
  SpecRef derived(const SpecRef& ref, ValueId bias) {
    const DerivedSpec old = graph_.derived[ref.index];
    std::vector<SpecRef> sources;
    std::vector<double> scales{1.0};
    for (uint32_t i = 0; i < old.from.count; ++i) {
      const SpecRef source = graph_.derived_from[old.from.first + i];
      sources.push_back(source);
      const Spec* spec = source.kind == SpecRef::Kind::kDangling ? nullptr : sharing_.spec(sharing_.place_of(source));
      if (spec == nullptr || spec->scales.empty()) return {};
      const std::vector<double> factors = channel_scales(*spec, source);
      if (factors.empty() || (scales.size() > 1 && factors.size() > 1 && scales.size() != factors.size())) return {};
      if (scales.size() < factors.size()) scales.resize(factors.size(), scales[0]);
      for (size_t c = 0; c < scales.size(); ++c)
        scales[c] = static_cast<double>(static_cast<float>(scales[c]) *
                                        static_cast<float>(factors[factors.size() == 1 ? 0 : c]));
    }
    Spec spec = graph_.specs[old.spec.index];
    const auto shape = graph_.shape(graph_.value(bias));
    const int64_t wanted = shape.empty() ? 1 : shape[0];
    if (const auto each = static_cast<int64_t>(scales.size()); each > 1) {
      if (wanted <= 0 || wanted % each != 0) return {};
      // The channels of a grouped transposed convolution: every group has the weight's in their order.
      std::vector<double> all;
      for (int64_t group = 0; group < wanted / each; ++group) all.insert(all.end(), scales.begin(), scales.end());
      scales = std::move(all);
      spec.scheme = Scheme::kPerChannelSymmetric;
      spec.axis = 0;
    } else {
      spec.scheme = Scheme::kPerTensorSymmetric;
      spec.axis.reset();
    }
    spec.scales = std::move(scales);
    spec.zero_points.assign(spec.scales.size(), 0);
    return edit_.derived(sources, edit_.add(spec));
  }

  /// One for all, or one a channel of the weight.
  std::vector<double> channel_scales(const Spec& spec, const SpecRef& source) const {
    if (spec.block.empty()) return spec.scales;
    const ValueId weight =
        source.kind == SpecRef::Kind::kSharedNode ? ValueId{source.index} : graph_.edges[source.index].value;
    const auto dims = graph_.shape(graph_.value(weight));
    const std::vector<int64_t> shared = elements_per_scale(spec, dims);
    const int64_t axis = axis_of(spec, dims.size());
    if (shared.empty() || axis < 0) return {};
    std::vector<int64_t> of_scales(dims.begin(), dims.end());
    for (size_t i = 0; i < of_scales.size(); ++i) of_scales[i] /= shared[i];
    const std::vector<float> scales(spec.scales.begin(), spec.scales.end());
    const Ranges ranges = channel_ranges(scales, of_scales, static_cast<size_t>(axis));
    std::vector<double> out;
    for (const float largest : ranges.largest) out.push_back(static_cast<double>(largest) / kBlockSteps);
    return out;
  }

  GraphEdit& edit_;
  const Graph& graph_;
  const Sharing& sharing_;
  const std::vector<QuantGroup>& groups_;
  const std::vector<GroupObservation>& observed_;
  const ConvertOptions& options_;
  std::unordered_map<uint32_t, size_t> index_;  // by Sharing's group
  std::vector<ValueRange> ranges_;              // parallel to groups_
  std::vector<bool> masked_;
  std::vector<Spec> specs_;  // likewise: with numbers
};

}  // namespace

Status write_numbers(GraphEdit& edit, const Sharing& sharing, const std::vector<QuantGroup>& groups,
                     const std::vector<GroupObservation>& observed, const ConvertOptions& options) {
  return Conversion(edit, sharing, groups, observed, options).run();
}

}  // namespace snapgauge
