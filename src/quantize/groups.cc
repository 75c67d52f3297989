#include "quantize/groups.h"

#include <algorithm>
#include <unordered_map>

#include "quantize/styles.h"

namespace snapgauge {

namespace {

class GroupFinder {
 public:
  GroupFinder(const Graph& graph, const Sharing& sharing) : graph_(graph), sharing_(sharing) {}

  std::vector<QuantGroup> run() {
    for (uint32_t v = 0; v < graph_.values.size(); ++v)
      add(sharing_.place(ValueId{v}), graph_.values[v].spec, ValueId{v});
    for (uint32_t u = 0; u < graph_.uses.size(); ++u)
      add(sharing_.place(UseId{u}), graph_.uses[u].spec, graph_.uses[u].value);
    for (QuantGroup& group : groups_)
      if (const auto known = prescribed_.find(group.id); known != prescribed_.end()) {
        group.prescribed = known->second;
        group.tensors.clear();
        index_.erase(group.id);  // no concatenation changes it
      }
    for (uint32_t v = 0; v < graph_.values.size(); ++v) join_concatenation(ValueId{v});
    for (size_t g = 0; g < groups_.size(); ++g) {
      groups_[g].observed_as = leader(g);
      if (groups_[g].observed_as == g) continue;
      std::vector<ValueId>& tensors = groups_[groups_[g].observed_as].tensors;
      tensors.insert(tensors.end(), groups_[g].tensors.begin(), groups_[g].tensors.end());
      groups_[g].tensors.clear();
    }
    for (QuantGroup& group : groups_) {
      std::sort(group.tensors.begin(), group.tensors.end());
      group.tensors.erase(std::unique(group.tensors.begin(), group.tensors.end()), group.tensors.end());
    }
    return std::move(groups_);
  }

 private:
  void add(PlaceId place, const SpecRef& ref, ValueId tensor) {
    const Spec* spec = sharing_.spec(place);
    if (spec == nullptr || !tensor.valid() || spec->dynamic) return;
    if (!spec->scales.empty()) {
      prescribed_.try_emplace(sharing_.group(place), sharing_.spec_id(place));
      return;
    }
    if (sharing_.derived(sharing_.root(place)) != nullptr) return;
    const auto [known, is_new] = index_.try_emplace(sharing_.group(place), groups_.size());
    if (is_new) {
      QuantGroup& fresh = groups_.emplace_back();
      fresh.id = sharing_.group(place);
      fresh.spec = sharing_.spec_id(place);
      fresh.observed_as = groups_.size() - 1;
    }
    QuantGroup& group = groups_[known->second];
    if (ref.kind == SpecRef::Kind::kConcrete) group.stated.push_back(place);
    group.tensors.push_back(tensor);
  }

  /// Groups lead to one with a lower number, so that leaders are found in few steps.
  size_t leader(size_t group) {
    while (groups_[group].observed_as != group) {
      groups_[group].observed_as = groups_[groups_[group].observed_as].observed_as;
      group = groups_[group].observed_as;
    }
    return group;
  }

  void join_concatenation(ValueId result) {
    const PlaceId place = sharing_.place(result);
    const Spec* spec = sharing_.spec(place);
    const auto own = index_.find(sharing_.group(place));
    if (spec == nullptr || spec->observer != kConcatObserver || own == index_.end()) return;
    const Node& node = graph_.node(graph_.value(result).producer);
    for (uint32_t i = 0; i < node.uses.count; ++i) {
      const PlaceId edge = sharing_.place(UseId{node.uses.first + i});
      const auto other = index_.find(sharing_.group(edge));
      if (other == index_.end()) continue;
      const Spec& read = graph_.specs[groups_[other->second].spec.index];
      if (is_per_channel(read.scheme) || backend_dtype(read) != backend_dtype(*spec)) continue;
      const size_t a = leader(own->second), b = leader(other->second);
      groups_[std::max(a, b)].observed_as = std::min(a, b);
    }
  }

  const Graph& graph_;
  const Sharing& sharing_;
  std::vector<QuantGroup> groups_;
  std::unordered_map<uint32_t, size_t> index_;       // by Sharing's group
  std::unordered_map<uint32_t, SpecId> prescribed_;  // likewise
};

}  // namespace

std::vector<QuantGroup> groups_to_observe(const Graph& graph, const Sharing& sharing) {
  return GroupFinder(graph, sharing).run();
}

}  // namespace snapgauge
