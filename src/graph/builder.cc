#include "graph/builder.h"

#include <fmt/format.h>

#include <cassert>
#include <functional>

#include "base/text.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

/// Of what tells specs of one file apart; equality decides.
size_t hash_of(const Spec& spec) {
  size_t hash = std::hash<std::string>()(spec.observer);
  const auto mix = [&](auto v) { hash = (hash ^ std::hash<decltype(v)>()(v)) * 0x9E3779B97F4A7C15U; };
  mix(static_cast<int>(spec.storage));
  mix(static_cast<int>(spec.scheme));
  mix(spec.qmin.value_or(0));
  mix(spec.qmax.value_or(0));
  mix(spec.axis.value_or(0));
  for (double scale : spec.scales) mix(scale);
  for (int64_t zero_point : spec.zero_points) mix(zero_point);
  for (int64_t block : spec.block) mix(block);
  return hash;
}

}  // namespace

GraphBuilder::GraphBuilder(std::string file, Frontend frontend) {
  graph_.file = std::move(file);
  graph_.frontend = frontend;
}

NodeId GraphBuilder::begin_node(NodeKind kind, std::string_view name, std::string_view op, Location at) {
  close_node();
  Node node;
  node.name = graph_.names.add(name);
  node.op = graph_.names.add(op);
  node.kind = kind;
  node.location = at;
  node.uses.first = static_cast<uint32_t>(graph_.uses.size());
  node.outputs.first = static_cast<uint32_t>(graph_.values.size());
  graph_.nodes.push_back(node);
  open_ = true;
  return NodeId{static_cast<uint32_t>(graph_.nodes.size() - 1)};
}

void GraphBuilder::close_node() {
  if (!open_) return;
  Node& node = graph_.nodes.back();
  node.args = {static_cast<uint32_t>(graph_.args.size()), static_cast<uint32_t>(pending_args_.size())};
  graph_.args.insert(graph_.args.end(), pending_args_.begin(), pending_args_.end());
  node.named = {static_cast<uint32_t>(graph_.named.size()), static_cast<uint32_t>(pending_named_.size())};
  graph_.named.insert(graph_.named.end(), pending_named_.begin(), pending_named_.end());
  node.uses.count = static_cast<uint32_t>(graph_.uses.size()) - node.uses.first;
  node.outputs.count = static_cast<uint32_t>(graph_.values.size()) - node.outputs.first;
  pending_args_.clear();
  pending_named_.clear();
  open_ = false;
}

void GraphBuilder::add_arg(Arg arg) { pending_args_.push_back(arg); }

void GraphBuilder::add_named(std::string_view name, Arg arg) {
  pending_named_.push_back({graph_.names.add(name), arg});
}

Arg GraphBuilder::make_use(std::string_view name, SpecRef spec, bool annotated) {
  assert(open_);
  Use use;
  use.node = NodeId{static_cast<uint32_t>(graph_.nodes.size() - 1)};
  use.spec = spec;
  use.annotated = annotated;
  graph_.uses.push_back(use);
  use_names_.push_back(graph_.names.add(name));
  Arg arg;
  arg.kind = Arg::Kind::kUse;
  arg.index = static_cast<uint32_t>(graph_.uses.size() - 1);
  return arg;
}

Arg GraphBuilder::make_list(std::span<const Arg> elements) {
  Arg arg;
  arg.kind = Arg::Kind::kList;
  arg.list = {static_cast<uint32_t>(graph_.args.size()), static_cast<uint32_t>(elements.size())};
  graph_.args.insert(graph_.args.end(), elements.begin(), elements.end());
  return arg;
}

Arg GraphBuilder::make_string(std::string_view text) {
  Arg arg;
  arg.kind = Arg::Kind::kString;
  arg.index = graph_.names.add(text).index;
  return arg;
}

Arg GraphBuilder::make_int(int64_t v) {
  Arg arg;
  arg.kind = Arg::Kind::kInt;
  arg.integer = v;
  return arg;
}

Arg GraphBuilder::make_real(double v) {
  Arg arg;
  arg.kind = Arg::Kind::kFloat;
  arg.real = v;
  return arg;
}

Arg GraphBuilder::make_bool(bool v) {
  Arg arg;
  arg.kind = Arg::Kind::kBool;
  arg.integer = v ? 1 : 0;
  return arg;
}

ValueId GraphBuilder::add_output(Symbol name, DType dtype, std::optional<std::span<const int64_t>> shape) {
  assert(open_);
  Value value;
  value.dtype = dtype;
  if (shape) {
    value.rank = static_cast<int16_t>(shape->size());
    value.dims = static_cast<uint32_t>(graph_.dims.size());
    graph_.dims.insert(graph_.dims.end(), shape->begin(), shape->end());
  }
  return add_value(name, value);
}

ValueId GraphBuilder::add_output(Symbol name, ValueId like) {
  assert(open_);
  const Value& known = graph_.value(like);
  Value value;
  value.dtype = known.dtype;
  value.rank = known.rank;
  value.dims = known.dims;
  return add_value(name, value);
}

ValueId GraphBuilder::add_value(Symbol name, Value value) {
  value.name = name;
  value.producer = NodeId{static_cast<uint32_t>(graph_.nodes.size() - 1)};
  value.output_index = static_cast<uint32_t>(graph_.values.size()) - graph_.nodes.back().outputs.first;
  graph_.values.push_back(value);
  return ValueId{static_cast<uint32_t>(graph_.values.size() - 1)};
}

SpecRef GraphBuilder::add_spec(Spec spec) {
  // Only the last one of a hash is compared: specs with a scale that is not a number never equal each
  // other, and there may be as many as nodes.
  const size_t hash = hash_of(spec);
  SpecId& last = spec_by_hash_[hash];
  if (!last.valid() || !(graph_.specs[last.index] == spec)) {
    last = SpecId{static_cast<uint32_t>(graph_.specs.size())};
    graph_.specs.push_back(std::move(spec));
    spec_hashes_.push_back(hash);
  }
  return {SpecRef::Kind::kConcrete, last.index, {}};
}

SpecRef GraphBuilder::add_spec(SpecId again) {
  const Spec& spec = graph_.specs[again.index];
  const SpecId last = spec_by_hash_[spec_hashes_[again.index]];
  if (graph_.specs[last.index] == spec) return {SpecRef::Kind::kConcrete, last.index, {}};
  return add_spec(Spec(spec));
}

SpecRef GraphBuilder::add_derived(std::span<const SpecRef> from, SpecId spec) {
  const Range sources{static_cast<uint32_t>(graph_.derived_from.size()), static_cast<uint32_t>(from.size())};
  graph_.derived_from.insert(graph_.derived_from.end(), from.begin(), from.end());
  graph_.derived.push_back({sources, spec});
  return {SpecRef::Kind::kDerived, static_cast<uint32_t>(graph_.derived.size() - 1), {}};
}

// Until finish() the references hold symbols: of the node, and of the consumer in `consumer`.
SpecRef GraphBuilder::shared_node(std::string_view node) {
  return {SpecRef::Kind::kSharedNode, graph_.names.add(node).index, {}};
}

SpecRef GraphBuilder::shared_edge(std::string_view producer, std::string_view consumer) {
  return {SpecRef::Kind::kSharedEdge, graph_.names.add(producer).index, NodeId{graph_.names.add(consumer).index}};
}

ConstantId GraphBuilder::add_constant(DType dtype, uint64_t count, const std::byte* data) {
  graph_.constants.push_back({dtype, count, data});
  return ConstantId{static_cast<uint32_t>(graph_.constants.size() - 1)};
}

ConstantId GraphBuilder::add_constant(DType dtype, uint64_t count, std::unique_ptr<std::byte[]> data) {
  graph_.storage.push_back(std::move(data));
  return add_constant(dtype, count, graph_.storage.back().get());
}

// One finding at `node`, about `value` (empty: about the node itself).
void GraphBuilder::report(Finding finding, const Node& node, std::string value, std::string expected,
                          std::string actual) {
  finding.node = printable(graph_.text(node.name));
  finding.value = std::move(value);
  finding.location = node.location;
  finding.expected = std::move(expected);
  finding.actual = std::move(actual);
  graph_.findings.push_back(std::move(finding));
}

void GraphBuilder::index_names() {
  node_by_name_.resize(graph_.names.size());
  value_by_name_.resize(graph_.names.size());
  for (uint32_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    if (NodeId& slot = node_by_name_[node.name.index]; !slot.valid())
      slot = NodeId{i};
    else
      report(make_finding(2, {{"name", printable(graph_.text(node.name))}}), node, {}, "each node name once",
             "a second node of that name");
  }
  for (uint32_t v = 0; v < graph_.values.size(); ++v)
    if (ValueId& slot = value_by_name_[graph_.values[v].name.index]; !slot.valid()) slot = ValueId{v};
}

// The name of a multi-result node stands for its first result.
ValueId GraphBuilder::value_named(uint32_t symbol) const {
  if (value_by_name_[symbol].valid() || !node_by_name_[symbol].valid()) return value_by_name_[symbol];
  const Node& producer = graph_.node(node_by_name_[symbol]);
  return producer.outputs.count > 0 ? ValueId{producer.outputs.first} : ValueId{};
}

void GraphBuilder::resolve_uses() {
  for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
    Use& use = graph_.uses[u];
    use.value = value_named(use_names_[u].index);
    if (use.value.valid()) continue;
    const std::string name = printable(graph_.text(use_names_[u]));
    report(make_finding(5, {{"name", name}}), graph_.node(use.node), name, "a value defined in this file",
           "no node or value of that name");
  }
  for (const Use& use : graph_.uses) {
    if (!use.value.valid() || graph_.value(use.value).producer.index < use.node.index) continue;
    const std::string name = printable(graph_.text(graph_.value(use.value).name));
    report(make_finding(8, {{"name", name}}), graph_.node(use.node), name, "nodes in execution order, without circles",
           graph_.value(use.value).producer == use.node ? "the node reads its own result"
                                                        : "the value is computed further down");
  }
}

void GraphBuilder::resolve_ref(SpecRef& ref) const {
  if (ref.kind != SpecRef::Kind::kSharedNode && ref.kind != SpecRef::Kind::kSharedEdge) return;
  const bool edge = ref.kind == SpecRef::Kind::kSharedEdge;
  const ValueId value = value_named(ref.index);
  const NodeId consumer = edge ? node_by_name_[ref.consumer.index] : NodeId{};
  if (!value.valid()) {
    ref = {SpecRef::Kind::kDangling, ref.index, {}};
  } else if (edge && !consumer.valid()) {
    ref = {SpecRef::Kind::kDangling, ref.consumer.index, {}};
  } else {
    ref.index = value.index;
    ref.consumer = consumer;
  }
}

// getitem: the picked result's annotation is the annotation of that result of the producer.
void GraphBuilder::resolve_selects() {
  for (const Node& node : graph_.nodes) {
    if (node.kind != NodeKind::kSelect || node.uses.count == 0 || node.outputs.count == 0) continue;
    const Use& use = graph_.uses[node.uses.first];
    if (!use.value.valid()) continue;
    const Node& producer = graph_.node(graph_.value(use.value).producer);
    int64_t index = 0;
    for (const Arg& a : graph_.args_of(node.args))
      if (a.kind == Arg::Kind::kInt) index = a.integer;
    if (index >= 0 && index < producer.outputs.count) {
      Value& result = graph_.values[producer.outputs.first + static_cast<uint32_t>(index)];
      if (!result.selected_as.valid()) result.selected_as = ValueId{node.outputs.first};
      continue;
    }
    // A producer that states nothing about its results may have any number of them.
    if (index >= 0 && producer.outputs.count == 1 && graph_.values[producer.outputs.first].rank < 0) continue;
    const std::string name = printable(graph_.text(producer.name));
    const std::string count = std::to_string(producer.outputs.count);
    report(make_finding(9, {{"name", name}, {"index", std::to_string(index)}, {"count", count}}), node, name,
           fmt::format("an index below {}", count), std::to_string(index));
  }
}

Graph GraphBuilder::finish() {
  close_node();
  index_names();
  resolve_uses();
  for (Value& v : graph_.values) resolve_ref(v.spec);
  for (Use& u : graph_.uses) resolve_ref(u.spec);
  for (SpecRef& ref : graph_.derived_from) resolve_ref(ref);
  resolve_selects();
  assert(verify(graph_).empty());
  return std::move(graph_);
}

}  // namespace snapgauge
