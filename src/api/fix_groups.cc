#include "api/fix_groups.h"

#include <numeric>

#include "base/text.h"

namespace snapgauge {
namespace {

/// Nodes that are looked at together.
class Joined {
 public:
  explicit Joined(size_t nodes) : parent_(nodes) { std::iota(parent_.begin(), parent_.end(), 0U); }

  uint32_t find(uint32_t n) {
    while (parent_[n] != n) n = parent_[n] = parent_[parent_[n]];
    return n;
  }
  void unite(uint32_t a, uint32_t b) { parent_[find(b)] = find(a); }

 private:
  std::vector<uint32_t> parent_;
};

}  // namespace

FixGroups::FixGroups(const Graph& graph, const Sharing& sharing, const std::vector<Finding>& candidates) {
  constexpr uint32_t kNone = UINT32_MAX;
  const auto places = static_cast<uint32_t>(graph.values.size() + graph.uses.size());
  const auto node_of = [&](uint32_t place) {
    return place < graph.values.size() ? graph.values[place].producer.index
                                       : graph.uses[place - graph.values.size()].node.index;
  };
  // Of each sharing group that changes one node.
  std::vector<uint32_t> seen_at(places, kNone);
  const auto changes_at = [&](uint32_t place) {
    const uint32_t group = sharing.group(PlaceId{place});
    return group < places ? seen_at[group] : kNone;
  };
  const auto mark = [&](uint32_t place) {
    if (const uint32_t group = sharing.group(PlaceId{place}); group < places) seen_at[group] = node_of(place);
  };
  for (const Finding& f : candidates) {
    mark(f.fix.change->place);
    if (f.fix.change->like) mark(*f.fix.change->like);
  }
  Joined joined(graph.nodes.size());
  std::vector<bool> touched(graph.nodes.size(), false);
  const auto join = [&](uint32_t a, uint32_t b) {
    joined.unite(a, b);
    touched[a] = touched[b] = true;
  };
  for (uint32_t v = 0; v < graph.values.size(); ++v)
    if (const uint32_t at = changes_at(v); at != kNone) join(at, node_of(v));
  for (uint32_t u = 0; u < graph.uses.size(); ++u) {
    const ValueId value = graph.uses[u].value;
    if (!value.valid()) continue;
    const uint32_t reader = graph.uses[u].node.index, producer = graph.value(value).producer.index;
    // The edge changes, or the tensor that it reads.
    for (const uint32_t at : {changes_at(static_cast<uint32_t>(graph.values.size()) + u), changes_at(value.index)})
      if (at != kNone) join(at, reader), join(at, producer);
  }
  std::unordered_map<std::string, uint32_t> named;
  for (uint32_t n = 0; n < graph.nodes.size(); ++n) named.emplace(printable(graph.text(graph.nodes[n].name)), n);
  for (const Finding& f : candidates) {
    const SpecChange& change = *f.fix.change;
    if (change.like) join(node_of(change.place), node_of(*change.like));
    if (const auto own = named.find(f.node); own != named.end()) join(node_of(change.place), own->second);
  }
  std::unordered_map<uint32_t, size_t> group_at;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const auto [at, fresh] =
        group_at.emplace(joined.find(node_of(candidates[i].fix.change->place)), candidates_.size());
    if (fresh) candidates_.emplace_back();
    candidates_[at->second].push_back(i);
    group_of_.push_back(at->second);
  }
  for (const auto& [name, n] : named)
    if (const auto at = group_at.find(joined.find(n)); touched[n] && at != group_at.end())
      by_node_.emplace(name, at->second);
}

std::optional<size_t> FixGroups::of_finding(const Finding& finding) const {
  if (count() == 1) return 0;
  const auto at = by_node_.find(finding.node);
  return at == by_node_.end() ? std::nullopt : std::optional(at->second);
}

void FixGroups::merge() {
  candidates_.assign(1, {});
  for (size_t i = 0; i < group_of_.size(); ++i) candidates_[0].push_back(i);
  group_of_.assign(group_of_.size(), 0);
}

}  // namespace snapgauge
