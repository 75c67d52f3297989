#include "graph/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

/// A run in an arena that holds `list`: the one last kept with this hash, else a new one.
template <class T>
Range intern(std::vector<T>& arena, std::span<const T> list, Range& last) {
  if (last.count == list.size() && std::equal(list.begin(), list.end(), arena.begin() + last.first)) return last;
  last = {static_cast<uint32_t>(arena.size()), static_cast<uint32_t>(list.size())};
  arena.insert(arena.end(), list.begin(), list.end());
  return last;
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
  node.arguments = intern_arguments();
  node.uses.count = static_cast<uint32_t>(graph_.uses.size()) - node.uses.first;
  node.outputs.count = static_cast<uint32_t>(graph_.values.size()) - node.outputs.first;
  pending_args_.clear();
  pending_named_.clear();
  open_ = false;
}

Range GraphBuilder::intern_args(std::span<const Arg> list) {
  if (list.empty()) return {};
  Hash hash(list.size());
  for (const Arg& arg : list) hash.add(static_cast<int>(arg.kind)).add(arg.bits());
  return intern(graph_.args, list, args_by_hash_[hash.value()]);
}

ArgumentsId GraphBuilder::intern_arguments() {
  Arguments made{intern_args(pending_args_), {}};
  Hash hash(made.args.first);
  hash.add(made.args.count);
  if (!pending_named_.empty()) {
    Hash names;
    for (const NamedArg& n : pending_named_)
      names.add(n.name.index).add(static_cast<int>(n.arg.kind)).add(n.arg.bits());
    made.named = intern(graph_.named, std::span<const NamedArg>(pending_named_), named_by_hash_[names.value()]);
    hash.add(made.named.first).add(made.named.count);
  }
  ArgumentsId& last = arguments_by_hash_[hash.value()];
  if (last.valid() && graph_.arguments[last.index] == made) return last;
  last = ArgumentsId{static_cast<uint32_t>(graph_.arguments.size())};
  graph_.arguments.push_back(made);
  return last;
}

void GraphBuilder::add_arg(Arg arg) { pending_args_.push_back(arg); }

bool GraphBuilder::add_named(std::string_view name, Arg arg) {
  const Symbol symbol = graph_.names.add(name);
  const auto nodes = static_cast<uint32_t>(graph_.nodes.size());
  if (symbol.index >= named_in_.size()) named_in_.resize(symbol.index + 1);
  if (std::exchange(named_in_[symbol.index], nodes) == nodes) return false;
  pending_named_.push_back({symbol, arg});
  return true;
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
  arg.index = static_cast<uint32_t>(graph_.uses.size() - 1) - graph_.nodes.back().uses.first;
  return arg;
}

Arg GraphBuilder::make_list(std::span<const Arg> elements) {
  Arg arg;
  arg.kind = Arg::Kind::kList;
  arg.list = intern_args(elements);
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
    value.dims = intern_shape(*shape);
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
  graph_.values.push_back(value);
  return ValueId{static_cast<uint32_t>(graph_.values.size() - 1)};
}

uint32_t GraphBuilder::intern_shape(std::span<const int64_t> shape) {
  if (shape.empty()) return 0;
  Hash hash(shape.size());
  for (const int64_t d : shape) hash.add(d);
  return intern(graph_.dims, shape, shape_by_hash_[hash.value()]).first;
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
  return {SpecRef::Kind::kConcrete, last.index};
}

SpecRef GraphBuilder::add_spec(SpecId again) {
  const Spec& spec = graph_.specs[again.index];
  const SpecId last = spec_by_hash_[spec_hashes_[again.index]];
  if (graph_.specs[last.index] == spec) return {SpecRef::Kind::kConcrete, last.index};
  return add_spec(Spec(spec));
}

SpecRef GraphBuilder::add_derived(std::span<const SpecRef> from, SpecId spec) {
  const Range sources{static_cast<uint32_t>(graph_.derived_from.size()), static_cast<uint32_t>(from.size())};
  graph_.derived_from.insert(graph_.derived_from.end(), from.begin(), from.end());
  graph_.derived.push_back({sources, spec});
  return {SpecRef::Kind::kDerived, static_cast<uint32_t>(graph_.derived.size() - 1)};
}

// Until finish() the references hold symbols, an edge's its ends'.
SpecRef GraphBuilder::shared_node(std::string_view node) {
  return {SpecRef::Kind::kSharedNode, graph_.names.add(node).index};
}

SpecRef GraphBuilder::shared_edge(std::string_view producer, std::string_view consumer) {
  graph_.edges.push_back({ValueId{graph_.names.add(producer).index}, NodeId{graph_.names.add(consumer).index}});
  return {SpecRef::Kind::kSharedEdge, static_cast<uint32_t>(graph_.edges.size() - 1)};
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

/// Edges whose ends exist get them; of the others, what is missing is told.
std::vector<Symbol> GraphBuilder::resolve_edges() {
  std::vector<Symbol> missing(graph_.edges.size());
  for (size_t e = 0; e < graph_.edges.size(); ++e) {
    EdgeRef& edge = graph_.edges[e];
    const ValueId value = value_named(edge.value.index);
    const NodeId consumer = node_by_name_[edge.consumer.index];
    if (!value.valid())
      missing[e] = Symbol{edge.value.index};
    else if (!consumer.valid())
      missing[e] = Symbol{edge.consumer.index};
    edge = {value, consumer};
  }
  return missing;
}

void GraphBuilder::resolve_ref(SpecRef& ref, const std::vector<Symbol>& missing_of_edges) const {
  if (ref.kind == SpecRef::Kind::kSharedNode) {
    const ValueId value = value_named(ref.index);
    ref = value.valid() ? SpecRef(ref.kind, value.index) : SpecRef(SpecRef::Kind::kDangling, ref.index);
  } else if (ref.kind == SpecRef::Kind::kSharedEdge) {
    if (const Symbol missing = missing_of_edges[ref.index]; missing.valid())
      ref = {SpecRef::Kind::kDangling, missing.index};
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
    for (const Arg& a : graph_.args_of(node))
      if (a.kind == Arg::Kind::kInt) index = a.integer;
    if (index >= 0 && index < producer.outputs.count) {
      Value& result = graph_.values[producer.outputs.first + static_cast<uint32_t>(index)];
      if (!result.selected)
        graph_.selections.emplace_back(ValueId{producer.outputs.first + static_cast<uint32_t>(index)},
                                       ValueId{node.outputs.first});
      result.selected = true;
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

/// A graph is read many times and grows no more.
void GraphBuilder::shrink() {
  std::sort(graph_.selections.begin(), graph_.selections.end());
  graph_.nodes.shrink_to_fit();
  graph_.values.shrink_to_fit();
  graph_.uses.shrink_to_fit();
  graph_.derived.shrink_to_fit();
  graph_.derived_from.shrink_to_fit();
  graph_.edges.shrink_to_fit();
}

Graph GraphBuilder::finish() {
  close_node();
  index_names();
  resolve_uses();
  const std::vector<Symbol> missing = resolve_edges();
  for (Value& v : graph_.values) resolve_ref(v.spec, missing);
  for (Use& u : graph_.uses) resolve_ref(u.spec, missing);
  for (SpecRef& ref : graph_.derived_from) resolve_ref(ref, missing);
  resolve_selects();
  shrink();
  assert(verify(graph_).empty());
  return std::move(graph_);
}

}  // namespace snapgauge
