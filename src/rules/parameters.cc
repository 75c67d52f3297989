// The numbers of one spec, and how they fit the tensor that has it.
#include "rules/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/text.h"
#include "diag/rule.h"
#include "rules/fixes.h"
#include "rules/parameter_links.h"

namespace snapgauge {
namespace {

constexpr uint64_t kMostElements = uint64_t{1} << 48U;

class ParameterCheck {
 public:
  ParameterCheck(const Graph& graph, const Sharing& sharing, PlacedFindings& found)
      : graph_(graph),
        sharing_(sharing),
        found_(found),
        sound_(graph.specs.size(), false),
        settled_(graph.specs.size(), false),
        sound_shape_(graph.dims.size(), false) {}

  void run() {
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      for (uint32_t u = node.uses.first; u < node.uses.end(); ++u)
        check_place(sharing_.place(UseId{u}), graph_.uses[u].value, NodeId{n});
      for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v) {
        check_shape(ValueId{v}, NodeId{n});
        check_place(sharing_.place(ValueId{v}), ValueId{v}, NodeId{n});
      }
    }
  }

 private:
  Finding& add(PlaceId place, NodeId node, RuleCode code, std::initializer_list<HoleValue> holes, std::string expected,
               std::string actual) {
    return found_.add(place, node, code, holes, std::move(expected), std::move(actual));
  }

  ValueId value_at(PlaceId place) const {
    const auto values = static_cast<uint32_t>(graph_.values.size());
    return place.index < values ? ValueId{place.index} : graph_.uses[place.index - values].value;
  }

  void check_shape(ValueId id, NodeId node) {
    const Value& v = graph_.value(id);
    if (v.rank <= 0 || sound_shape_[v.dims]) return;
    uint64_t elements = 1;
    for (int64_t d : graph_.shape(v)) {
      if (d == kDynamicDim) continue;
      if (d < 0 || __builtin_mul_overflow(elements, static_cast<uint64_t>(d), &elements) || elements > kMostElements) {
        const std::string shape = fmt::format("[{}]", fmt::join(graph_.shape(v), ", "));
        Finding& f = add(sharing_.place(id), node, 607, {{"value", printable(graph_.text(v.name))}, {"shape", shape}},
                         fmt::format("at most {} elements", kMostElements), shape);
        f.value = printable(graph_.text(v.name));
        return;
      }
    }
    sound_shape_[v.dims] = true;
  }

  /// The same spec on both sides of an edge, or on two edges of one tensor, is one fault.
  static uint64_t key_of(SpecId spec, ValueId value) { return uint64_t{value.index} << 32U | spec.index; }

  void check_place(PlaceId place, ValueId value, NodeId node) {
    if (!value.valid() || !sharing_.stated(place)) return;
    const DerivedSpec* derived = sharing_.derived(place);
    if (derived != nullptr) check_sources(sharing_, place, *derived, node, found_);
    const SpecId id = sharing_.spec_id(place);
    if (id.valid() && settled_[id.index]) return;
    const Spec* spec = sharing_.spec(place);
    // A reference that leads nowhere is reported where it dangles or circles; every place on it is broken.
    if (spec == nullptr) return found_.mark(place);
    const size_t before = found_.size();
    if (!reported_.contains(key_of(id, value))) {
      check_counts(place, *spec, graph_.value(value), node);
      if (found_.size() == before) check_numbers(place, *spec, node);
      if (found_.size() > before) reported_.insert(key_of(id, value));
    } else {
      // Known to be broken: the second place is marked, not reported.
      found_.mark(place);
    }
    for (size_t i = before; i < found_.size(); ++i)
      found_.at(i).finding.value = printable(graph_.text(graph_.value(value).name));
  }

  void check_range(PlaceId place, const Spec& spec, NodeId node) {
    const auto limits = integer_range(spec.storage);
    const auto range = effective_range(spec);
    if (!limits || !range) return;
    if (range->min < range->max && range->min >= limits->min && range->max <= limits->max) return;
    add(place, node, 405,
        {{"place", sharing_.describe(place)}, {"min", std::to_string(range->min)}, {"max", std::to_string(range->max)}},
        fmt::format("a range inside [{}, {}]", limits->min, limits->max),
        fmt::format("[{}, {}]", range->min, range->max));
  }

  /// What depends on the spec alone: one that was found sound is sound wherever it is shared.
  void check_numbers(PlaceId place, const Spec& spec, NodeId node) {
    const auto index = static_cast<size_t>(&spec - graph_.specs.data());
    if (sound_[index]) return;
    const size_t before = found_.size();
    check_range(place, spec, node);
    if (found_.size() == before) check_two_bits(place, spec, node);
    if (found_.size() == before) check_scales(place, spec, node);
    if (found_.size() == before) check_zero_points(place, spec, node);
    if (found_.size() > before) return;
    sound_[index] = true;
    settled_[index] = spec.scales.size() < 2 && spec.block.empty() && !is_per_channel(spec.scheme);
  }

  void check_two_bits(PlaceId place, const Spec& spec, NodeId node) {
    const bool per_tensor = spec.scheme == Scheme::kPerTensorAffine || spec.scheme == Scheme::kPerTensorSymmetric;
    if (!per_tensor || !spec.block.empty() || effective_bits(spec) != 2) return;
    add(place, node, 210, {{"place", sharing_.describe(place)}}, "2 bits per channel, or 4 bits and more",
        spec_text(spec));
  }

  void check_scales(PlaceId place, const Spec& spec, NodeId node) {
    for (size_t i = 0; i < spec.scales.size(); ++i) {
      const double s = spec.scales[i];
      // Backends hold scales in float32: what is denormal there has lost its precision, what is larger is infinite.
      if (s >= std::numeric_limits<float>::min() && s <= std::numeric_limits<float>::max()) continue;
      const std::string where =
          spec.scales.size() > 1 ? fmt::format("scale {} of {} is {}", i, spec.scales.size(), s) : fmt::format("{}", s);
      add(place, node, 402, {{"place", sharing_.describe(place)}, {"scale", fmt::format("{}", s)}},
          "a positive finite scale", where);
      return;
    }
  }

  void check_zero_points(PlaceId place, const Spec& spec, NodeId node) {
    const auto range = effective_range(spec);
    if (!range || spec.zero_points.empty()) return;
    for (int64_t z : spec.zero_points) {
      if (z >= range->min && z <= range->max) continue;
      add(place, node, 403, {{"place", sharing_.describe(place)}, {"zero_point", std::to_string(z)}},
          fmt::format("within [{}, {}]", range->min, range->max), std::to_string(z));
      return;
    }
    // Signed types only: for unsigned ones "symmetric" means the middle of the range or one below it.
    if (!is_symmetric(spec.scheme) || range->min >= 0) return;
    for (int64_t z : spec.zero_points) {
      if (z == 0) continue;
      Finding& f = add(place, node, 406, {{"place", sharing_.describe(place)}, {"zero_point", std::to_string(z)}},
                       "zero point 0", std::to_string(z));
      make_symmetric(graph_, place, spec, value_at(place)).attach_to(f);
      return;
    }
  }

  void check_counts(PlaceId place, const Spec& spec, const Value& value, NodeId node) {
    if (is_per_channel(spec.scheme) && spec.axis && value.rank >= 0 &&
        (*spec.axis < -value.rank || *spec.axis >= value.rank)) {
      Finding& f = add(place, node, 209, {{"place", sharing_.describe(place)}},
                       fmt::format("an axis of a tensor of rank {}", value.rank), fmt::format("axis {}", *spec.axis));
      find_axis(graph_, place, spec, value_at(place)).attach_to(f);
      return;
    }
    const size_t scales = spec.scales.size();
    if (!spec.zero_points.empty() && spec.zero_points.size() != scales && spec.zero_points.size() != 1) {
      const std::string actual = fmt::format("{} zero points", spec.zero_points.size());
      const std::string expected = fmt::format("{}", std::max<size_t>(scales, 1));
      add(place, node, 404, {{"place", sharing_.describe(place)}, {"actual", actual}, {"expected", expected}},
          fmt::format("{} zero points, as there are scales", std::max<size_t>(scales, 1)), actual);
      return;
    }
    if (value.rank < 0 || (!spec.block.empty() && check_blocks(place, spec, value, node)) || scales < 2) return;
    const auto expected = expected_scales(spec, value);
    if (!expected || *expected == scales) return;
    const std::string actual = fmt::format("{} scales", scales);
    const std::string wanted = std::to_string(*expected);
    Finding& f = add(place, node, 404, {{"place", sharing_.describe(place)}, {"actual", actual}, {"expected", wanted}},
                     fmt::format("{} scales", *expected), actual);
    if (is_per_channel(spec.scheme)) find_axis(graph_, place, spec, value_at(place)).attach_to(f);
  }

  /// True when the blocks do not fit and were reported.
  bool check_blocks(PlaceId place, const Spec& spec, const Value& value, NodeId node) {
    const auto shape = graph_.shape(value);
    const bool whole = spec.block.size() == shape.size();
    if (spec.block.empty() || (!whole && !spec.axis)) return false;
    const int64_t stated = spec.axis.value_or(0);
    const auto axis = static_cast<size_t>(stated < 0 ? stated + value.rank : stated);
    for (size_t i = 0; i < shape.size(); ++i) {
      const int64_t block = whole ? spec.block[i] : i == axis ? spec.block[0] : 1;
      if (shape[i] == kDynamicDim || (block > 0 && shape[i] % block == 0)) continue;
      add(place, node, 408,
          {{"place", sharing_.describe(place)},
           {"block", std::to_string(block)},
           {"axis", std::to_string(i)},
           {"size", std::to_string(shape[i])}},
          fmt::format("a divisor of {}", shape[i]), fmt::format("block size {}", block));
      return true;
    }
    return false;
  }

  std::optional<uint64_t> expected_scales(const Spec& spec, const Value& value) const {
    const auto shape = graph_.shape(value);
    if (!is_per_channel(spec.scheme)) return 1;
    if (!spec.axis) return std::nullopt;
    const auto axis = static_cast<size_t>(*spec.axis < 0 ? *spec.axis + value.rank : *spec.axis);
    if (spec.block.empty())
      return shape[axis] == kDynamicDim ? std::nullopt : std::optional(static_cast<uint64_t>(shape[axis]));
    uint64_t n = 1;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == kDynamicDim) return std::nullopt;
      const bool whole = spec.block.size() == shape.size();
      const int64_t block = whole ? spec.block[i] : i == axis ? spec.block[0] : 1;
      if (block <= 0) return std::nullopt;
      if (__builtin_mul_overflow(n, static_cast<uint64_t>((shape[i] + block - 1) / block), &n)) return std::nullopt;
    }
    return n;
  }

  const Graph& graph_;
  const Sharing& sharing_;
  PlacedFindings& found_;
  std::vector<bool> sound_;                // specs whose numbers were checked
  std::vector<bool> settled_;              // those of which nothing depends on the tensor they are used for
  std::vector<bool> sound_shape_;          // by where the shape lies
  std::unordered_set<uint64_t> reported_;  // see key_of()
};

}  // namespace

std::vector<PlacedFinding> check_parameters(const Graph& graph, const Sharing& sharing) {
  PlacedFindings found(graph);
  ParameterCheck(graph, sharing, found).run();
  check_links(graph, sharing, found);
  return found.take();
}

}  // namespace snapgauge
