#include "rules/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/text.h"
#include "diag/rule.h"
#include "rules/fixes.h"

namespace snapgauge {
namespace {

constexpr uint64_t kMostElements = uint64_t{1} << 48U;

class ParameterCheck {
 public:
  ParameterCheck(const Graph& graph, const Sharing& sharing)
      : graph_(graph), sharing_(sharing), sound_(graph.specs.size(), false), settled_(graph.specs.size(), false) {}

  std::vector<PlacedFinding> run() {
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      for (uint32_t u = node.uses.first; u < node.uses.end(); ++u)
        check_place(sharing_.place(UseId{u}), graph_.uses[u].value, NodeId{n});
      for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v) {
        check_shape(ValueId{v}, NodeId{n});
        check_place(sharing_.place(ValueId{v}), ValueId{v}, NodeId{n});
      }
    }
    for (const Sharing::Problem& problem : sharing_.problems()) report_problem(problem);
    check_shared_biases();
    if (graph_.frontend == Frontend::kOnnx) check_pairs();
    return std::move(found_);
  }

 private:
  Finding& add(PlaceId place, NodeId node, RuleCode code, std::initializer_list<HoleValue> holes, std::string expected,
               std::string actual) {
    PlacedFinding placed{place, node, make_finding(code, holes), true};
    placed.finding.node = printable(graph_.name(node));
    placed.finding.location = graph_.node(node).location;
    placed.finding.expected = std::move(expected);
    placed.finding.actual = std::move(actual);
    found_.push_back(std::move(placed));
    return found_.back().finding;
  }

  NodeId owner(PlaceId place) const {
    const auto values = static_cast<uint32_t>(graph_.values.size());
    return place.index < values ? graph_.values[place.index].producer : graph_.uses[place.index - values].node;
  }

  ValueId value_at(PlaceId place) const {
    const auto values = static_cast<uint32_t>(graph_.values.size());
    return place.index < values ? ValueId{place.index} : graph_.uses[place.index - values].value;
  }

  void check_shape(ValueId id, NodeId node) {
    const Value& v = graph_.value(id);
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
  }

  /// The same spec on both sides of an edge, or on two edges of one tensor, is one fault.
  bool reported_before(const Spec& spec, ValueId value) {
    if (reported_.empty()) return false;
    const auto it = reported_.find(value.index);
    return it != reported_.end() && std::any_of(it->second.begin(), it->second.end(),
                                                [&](const Spec* other) { return other == &spec || *other == spec; });
  }

  void check_place(PlaceId place, ValueId value, NodeId node) {
    if (!value.valid() || !sharing_.stated(place)) return;
    const DerivedSpec* derived = sharing_.derived(place);
    if (derived != nullptr) check_sources(place, *derived, node);
    const SpecId id = sharing_.spec_id(place);
    if (id.valid() && settled_[id.index]) return;
    const Spec* spec = sharing_.spec(place);
    // A reference that leads nowhere is reported where it dangles or circles; every place on it is broken.
    if (spec == nullptr) return found_.push_back({place, NodeId{}, {}, true});
    const size_t before = found_.size();
    if (!reported_before(*spec, value)) {
      check_counts(place, *spec, graph_.value(value), node);
      if (found_.size() == before) check_numbers(place, *spec, node);
      if (found_.size() > before) reported_[value.index].push_back(spec);
    } else {
      // Known to be broken: the second place is marked, not reported.
      found_.push_back({place, NodeId{}, {}, true});
    }
    for (size_t i = before; i < found_.size(); ++i)
      found_[i].finding.value = printable(graph_.text(graph_.value(value).name));
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
      // Backends hold scales in float32: what is denormal there has lost its precision.
      if (std::isfinite(s) && s >= std::numeric_limits<float>::min()) continue;
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

  void check_sources(PlaceId place, const DerivedSpec& derived, NodeId node) {
    for (const SpecRef& ref : graph_.sources_of(derived)) {
      std::string missing;
      if (ref.kind == SpecRef::Kind::kDangling) {
        missing = fmt::format("'{}'", printable(graph_.text(Symbol{ref.index})));
      } else {
        const PlaceId source = place_of(ref);
        if (sharing_.spec(source) != nullptr && source != place) continue;
        missing = source == place ? "itself" : sharing_.describe(source);
      }
      add(place, node, 302, {{"place", sharing_.describe(place)}, {"source", missing}}, "quantized sources",
          missing + " is not quantized");
      return;
    }
  }

  PlaceId place_of(const SpecRef& ref) const {
    if (ref.kind == SpecRef::Kind::kSharedEdge) {
      const Node& consumer = graph_.node(ref.consumer);
      for (uint32_t u = consumer.uses.first; u < consumer.uses.end(); ++u)
        if (graph_.uses[u].value.index == ref.index) return sharing_.place(UseId{u});
    }
    return sharing_.place(ValueId{ref.index});
  }

  void report_problem(const Sharing::Problem& problem) {
    const NodeId node = owner(problem.place);
    const std::string place = sharing_.describe(problem.place);
    if (problem.kind == Sharing::Problem::Kind::kCycle)
      add(problem.place, node, 4, {{"place", place}}, "a place of the circle with a spec of its own",
          "only references");
    else
      add(problem.place, node, 3, {{"place", place}, {"target", problem.target}}, "a quantized place",
          problem.target + " has no spec");
  }

  /// One constant read as a bias by nodes whose input or weight parameters differ.
  void check_shared_biases() {
    std::unordered_map<uint32_t, uint32_t> first;  // value -> first use with a derived spec
    for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
      const Use& use = graph_.uses[u];
      const DerivedSpec* mine = sharing_.derived(sharing_.place(UseId{u}));
      if (mine == nullptr || !use.value.valid()) continue;
      const auto [it, fresh] = first.emplace(use.value.index, u);
      if (fresh) continue;
      const DerivedSpec* theirs = sharing_.derived(sharing_.place(UseId{it->second}));
      const auto my_sources = graph_.sources_of(*mine), their_sources = graph_.sources_of(*theirs);
      const bool same = std::equal(my_sources.begin(), my_sources.end(), their_sources.begin(), their_sources.end(),
                                   [&](const SpecRef& a, const SpecRef& b) { return group_of(a) == group_of(b); });
      if (same) continue;
      const std::string value = printable(graph_.text(graph_.value(use.value).name));
      Finding& f =
          add(sharing_.place(UseId{u}), use.node, 303, {{"value", value}}, "one scale for the constant",
              fmt::format("derived differently for '{}'", printable(graph_.name(graph_.uses[it->second].node))));
      f.value = value;
      f.related.push_back({printable(graph_.name(graph_.uses[it->second].node)), "", "derives another scale for it"});
      found_.back().breaks = false;
    }
  }

  /// An edge behind a Q/DQ pair whose DQ has other parameters than any Q of the tensor.
  void check_pairs() {
    std::unordered_map<uint32_t, std::vector<const Spec*>> written;  // value -> specs of its QuantizeLinear nodes
    for (uint32_t v = 0; v < graph_.values.size(); ++v)
      if (sharing_.stated(PlaceId{v})) written[v].push_back(sharing_.spec(PlaceId{v}));
    for (const Node& node : graph_.nodes) {
      if (node.kind != NodeKind::kFolded || node.uses.count != 1 ||
          graph_.text(node.op).find("DequantizeLinear") != std::string_view::npos)
        continue;
      const Spec* spec = sharing_.spec(sharing_.place(UseId{node.uses.first}));
      if (spec != nullptr && graph_.uses[node.uses.first].value.valid())
        written[graph_.uses[node.uses.first].value.index].push_back(spec);
    }
    constexpr double kTolerance = 1e-6;  // two roundings of one float32 scale
    for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
      const Use& use = graph_.uses[u];
      const PlaceId place = sharing_.place(UseId{u});
      if (!use.value.valid() || use.repeats || !sharing_.stated(place) || graph_.node(use.node).kind != NodeKind::kCall)
        continue;
      const auto it = written.find(use.value.index);
      const Spec* mine = sharing_.spec(place);
      if (it == written.end() || mine == nullptr) continue;
      const bool read_as_written = std::any_of(it->second.begin(), it->second.end(), [&](const Spec* q) {
        return q->storage == mine->storage && equal_parameters(*q, *mine, kTolerance).value_or(true);
      });
      if (read_as_written) continue;
      const std::string value = printable(graph_.text(graph_.value(use.value).name));
      Finding& f = add(place, use.node, 304, {{"place", sharing_.describe(place)}, {"value", value}},
                       spec_text(*it->second.front()), spec_text(*mine));
      take_over(place, PlaceId{use.value.index}, *it->second.front()).attach_to(f);
      f.value = value;
    }
  }

  uint32_t group_of(const SpecRef& ref) const {
    return ref.kind == SpecRef::Kind::kDangling ? PlaceId::kNone : sharing_.group(place_of(ref));
  }

  const Graph& graph_;
  const Sharing& sharing_;
  std::vector<bool> sound_;    // specs whose numbers were checked
  std::vector<bool> settled_;  // those of which nothing depends on the tensor they are used for
  std::unordered_map<uint32_t, std::vector<const Spec*>> reported_;
  std::vector<PlacedFinding> found_;
};

}  // namespace

std::vector<PlacedFinding> check_parameters(const Graph& graph, const Sharing& sharing) {
  return ParameterCheck(graph, sharing).run();
}

}  // namespace snapgauge
