#include "rules/parameter_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/text.h"
#include "rules/fixes.h"

namespace snapgauge {

Finding& PlacedFindings::add(PlaceId place, NodeId node, RuleCode code, std::initializer_list<HoleValue> holes,
                             std::string expected, std::string actual) {
  PlacedFinding placed{place, node, make_finding(code, holes), true};
  placed.finding.node = printable(graph_.name(node));
  placed.finding.location = graph_.node(node).location;
  placed.finding.expected = std::move(expected);
  placed.finding.actual = std::move(actual);
  found_.push_back(std::move(placed));
  return found_.back().finding;
}

void check_sources(const Sharing& sharing, PlaceId place, const DerivedSpec& derived, NodeId node,
                   PlacedFindings& found) {
  const Graph& graph = sharing.graph();
  for (const SpecRef& ref : graph.sources_of(derived)) {
    std::string missing;
    if (ref.kind == SpecRef::Kind::kDangling) {
      missing = fmt::format("'{}'", printable(graph.text(Symbol{ref.index})));
    } else {
      const PlaceId source = sharing.place_of(ref);
      if (sharing.spec(source) != nullptr && source != place) continue;
      missing = source == place ? "itself" : sharing.describe(source);
    }
    found.add(place, node, 302, {{"place", sharing.describe(place)}, {"source", missing}}, "quantized sources",
              missing + " is not quantized");
    return;
  }
}

namespace {

class LinkCheck {
 public:
  LinkCheck(const Graph& graph, const Sharing& sharing, PlacedFindings& found)
      : graph_(graph), sharing_(sharing), found_(found) {}

  void run() {
    for (const Sharing::Problem& problem : sharing_.problems()) report_problem(problem);
    check_shared_biases();
    if (row_of(graph_.frontend).has_qdq_pairs) check_pairs();
  }

 private:
  NodeId owner(PlaceId place) const {
    const auto values = static_cast<uint32_t>(graph_.values.size());
    return place.index < values ? graph_.values[place.index].producer : graph_.uses[place.index - values].node;
  }

  void report_problem(const Sharing::Problem& problem) {
    const NodeId node = owner(problem.place);
    const std::string place = sharing_.describe(problem.place);
    if (problem.kind == Sharing::Problem::Kind::kCycle)
      found_.add(problem.place, node, 4, {{"place", place}}, "a place of the circle with a spec of its own",
                 "only references");
    else
      found_.add(problem.place, node, 3, {{"place", place}, {"target", problem.target}}, "a quantized place",
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
          found_.add(sharing_.place(UseId{u}), use.node, 303, {{"value", value}}, "one scale for the constant",
                     fmt::format("derived differently for '{}'", printable(graph_.name(graph_.uses[it->second].node))));
      f.value = value;
      f.related.push_back({printable(graph_.name(graph_.uses[it->second].node)), "", "derives another scale for it"});
      found_.at(found_.size() - 1).breaks = false;
    }
  }

  static constexpr double kTolerance = 1e-6;  // two roundings of one float32 scale

  static double leading(const Spec& spec) {
    return spec.scales.empty() || std::isnan(spec.scales[0]) ? 0 : spec.scales[0];
  }

  /// `written`, by leading scale, has parameters that may be those. Equal ones have about equal leading scales;
  /// unknown ones, which may be any, come first.
  static bool is_written(const std::vector<const Spec*>& written, const Spec& spec) {
    const auto fits = [&](const Spec* q) {
      return q->storage == spec.storage && equal_parameters(*q, spec, kTolerance).value_or(true);
    };
    const auto below = [](const Spec* q, double scale) { return leading(*q) < scale; };
    const double scale = leading(spec), room = 2 * kTolerance * std::abs(scale);
    auto from = std::lower_bound(written.begin(), written.end(), scale - room, below);
    const auto end = std::lower_bound(from, written.end(), std::nextafter(scale + room, INFINITY), below);
    if (spec.scales.empty()) return std::any_of(written.begin(), written.end(), fits);
    const auto known =
        std::lower_bound(written.begin(), written.end(), std::numeric_limits<double>::denorm_min(), below);
    return std::any_of(from, end, fits) || std::any_of(written.begin(), known, fits);
  }

  /// An edge behind a Q/DQ pair whose DQ has other parameters than any Q of the tensor.
  void check_pairs() {
    std::unordered_map<uint32_t, std::vector<const Spec*>> written;  // value -> specs of its QuantizeLinear nodes
    for (uint32_t v = 0; v < graph_.values.size(); ++v)
      if (const Spec* spec = sharing_.spec(PlaceId{v}); spec != nullptr && sharing_.stated(PlaceId{v}))
        written[v].push_back(spec);
    for (const Node& node : graph_.nodes) {
      if (node.kind != NodeKind::kFolded || node.uses.count != 1 ||
          graph_.text(node.op).find("DequantizeLinear") != std::string_view::npos)
        continue;
      const Spec* spec = sharing_.spec(sharing_.place(UseId{node.uses.first}));
      if (spec != nullptr && graph_.uses[node.uses.first].value.valid())
        written[graph_.uses[node.uses.first].value.index].push_back(spec);
    }
    std::unordered_map<uint32_t, const Spec*> first;  // as the file has them
    for (auto& [value, specs] : written) {
      first[value] = specs.front();
      std::sort(specs.begin(), specs.end(), [](const Spec* a, const Spec* b) { return leading(*a) < leading(*b); });
    }
    for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
      const Use& use = graph_.uses[u];
      const PlaceId place = sharing_.place(UseId{u});
      if (!use.value.valid() || use.repeats || !sharing_.stated(place) || graph_.node(use.node).kind != NodeKind::kCall)
        continue;
      const auto it = written.find(use.value.index);
      const Spec* mine = sharing_.spec(place);
      if (it == written.end() || mine == nullptr) continue;
      if (is_written(it->second, *mine)) continue;
      const std::string value = printable(graph_.text(graph_.value(use.value).name));
      Finding& f = found_.add(place, use.node, 304, {{"place", sharing_.describe(place)}, {"value", value}},
                              spec_text(*first.at(use.value.index)), spec_text(*mine));
      take_over(place, PlaceId{use.value.index}, *first.at(use.value.index)).attach_to(f);
      f.value = value;
    }
  }

  uint32_t group_of(const SpecRef& ref) const {
    return ref.kind == SpecRef::Kind::kDangling ? PlaceId::kNone : sharing_.group(sharing_.place_of(ref));
  }

  const Graph& graph_;
  const Sharing& sharing_;
  PlacedFindings& found_;
};

}  // namespace

void check_links(const Graph& graph, const Sharing& sharing, PlacedFindings& found) {
  LinkCheck(graph, sharing, found).run();
}

}  // namespace snapgauge
