// Changes are logged with what was there before, and appended to the arenas, which shrink again when they are taken
// back.
#include "graph/edit.h"

namespace snapgauge {

GraphEdit::GraphEdit(Graph& graph)
    : graph_(graph),
      specs_(graph.specs.size()),
      edge_count_(graph.edges.size()),
      derived_(graph.derived.size()),
      sources_(graph.derived_from.size()) {
  index_specs();
}

void GraphEdit::index_specs() {
  known_.clear();
  for (uint32_t i = 0; i < specs_; ++i) known_.emplace(hash_of(graph_.specs[i]), SpecId{i});
}

SpecId GraphEdit::add(const Spec& spec) {
  const size_t hash = hash_of(spec);
  const auto [first, last] = known_.equal_range(hash);
  for (auto it = first; it != last; ++it)
    if (graph_.specs[it->second.index] == spec) return it->second;
  graph_.specs.push_back(spec);
  const SpecId id{static_cast<uint32_t>(graph_.specs.size() - 1)};
  known_.emplace(hash, id);
  return id;
}

SpecRef GraphEdit::shared(ValueId value, NodeId consumer) {
  const auto [it, fresh] = edges_.try_emplace((uint64_t{value.index} << 32U) | consumer.index);
  if (fresh) {
    graph_.edges.push_back({value, consumer});
    it->second = {SpecRef::Kind::kSharedEdge, static_cast<uint32_t>(graph_.edges.size() - 1)};
  }
  return it->second;
}

SpecRef GraphEdit::derived(std::span<const SpecRef> sources, SpecId spec) {
  const Range from{static_cast<uint32_t>(graph_.derived_from.size()), static_cast<uint32_t>(sources.size())};
  graph_.derived_from.insert(graph_.derived_from.end(), sources.begin(), sources.end());
  graph_.derived.push_back({from, spec});
  return {SpecRef::Kind::kDerived, static_cast<uint32_t>(graph_.derived.size() - 1)};
}

void GraphEdit::mark(NodeId id) {
  Node& node = graph_.nodes[id.index];
  if (node.annotated) return;
  node.annotated = true;
  newly_annotated_.push_back(id);
}

void GraphEdit::annotate(UseId id, SpecRef spec) {
  Use& use = graph_.uses[id.index];
  old_uses_.emplace_back(id, use);
  use.spec = spec;
  use.annotated = true;
  if (spec.kind != SpecRef::Kind::kNone) mark(use.node);
}

void GraphEdit::annotate(ValueId id, SpecRef spec) {
  Value& value = graph_.values[id.index];
  old_values_.emplace_back(id, value.spec);
  value.spec = spec;
  if (spec.kind != SpecRef::Kind::kNone) mark(value.producer);
}

void GraphEdit::convert(UseId id) {
  Use& use = graph_.uses[id.index];
  old_uses_.emplace_back(id, use);
  use.repeats = true;
}

void GraphEdit::undo() {
  for (; !old_uses_.empty(); old_uses_.pop_back()) graph_.uses[old_uses_.back().first.index] = old_uses_.back().second;
  for (; !old_values_.empty(); old_values_.pop_back())
    graph_.values[old_values_.back().first.index].spec = old_values_.back().second;
  for (const NodeId node : newly_annotated_) graph_.nodes[node.index].annotated = false;
  newly_annotated_.clear();
  index_specs();
  edges_.clear();
  graph_.specs.resize(specs_);
  graph_.edges.resize(edge_count_);
  graph_.derived.resize(derived_);
  graph_.derived_from.resize(sources_);
}

}  // namespace snapgauge
