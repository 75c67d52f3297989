// Copies keep everything that a reader found out: places, annotations, what it noticed.
#include "graph/copy.h"

#include <utility>

namespace snapgauge {

GraphCopy::GraphCopy(const Graph& from) : from_(from), builder_(from.file, from.frontend) {
  Graph& to = builder_.graph();
  to.model = from.model;
  to.soc_hint = from.soc_hint;
  to.backend_hint = from.backend_hint;
  to.opset = from.opset;
  to.findings = from.findings;
  to.waivers = from.waivers;
  to.nodes.reserve(from.nodes.size());
  for (const Node& node : from.nodes) taken_.emplace(from.text(node.name));
  for (const Value& value : from.values) values_.emplace(from.text(value.name));
}

std::string GraphCopy::fresh(std::string name) {
  while (values_.contains(name) || !taken_.insert(name).second) name += "'";
  return name;
}

std::string GraphCopy::name_of(std::string_view name) const {
  std::string own(name);
  if (names_ == nullptr) return own;
  const auto known = names_->find(own);
  return known == names_->end() ? own : known->second;
}

void GraphCopy::splice(const Graph& other, NodeId node, std::unordered_map<std::string, std::string>& names) {
  const Node& n = other.node(node);
  names.try_emplace(std::string(other.text(n.name)), fresh(std::string(other.text(n.name))));
  names_ = &names;
  copy(other, node);
  names_ = nullptr;
}

ConstantId GraphCopy::constant(const Graph& graph, ConstantId id) {
  if (!id.valid()) return id;
  const Constant& c = graph.constants[id.index];
  if (&graph != &from_) {
    // The other graph may end before this one.
    const uint64_t bytes = (c.count * static_cast<uint64_t>(bit_width(c.dtype)) + 7) / 8;
    if (c.data == nullptr) return builder_.add_constant(c.dtype, c.count, static_cast<const std::byte*>(nullptr));
    auto data = std::make_unique<std::byte[]>(bytes + 1);
    std::copy_n(c.data, bytes, data.get());
    return builder_.add_constant(c.dtype, c.count, std::move(data));
  }
  if (c.data == nullptr) return builder_.add_constant(c.dtype, c.count, static_cast<const std::byte*>(nullptr));
  const auto [known, fresh] = constants_.try_emplace(c.data);
  if (fresh) known->second = builder_.add_constant(c.dtype, c.count, c.data);
  const Constant& made = builder_.graph().constants[known->second.index];
  return made.dtype == c.dtype && made.count == c.count ? known->second
                                                        : builder_.add_constant(c.dtype, c.count, c.data);
}

SpecRef GraphCopy::spec(const Graph& graph, const SpecRef& ref) {
  switch (ref.kind) {
    case SpecRef::Kind::kNone: return {};
    case SpecRef::Kind::kConcrete: return builder_.add_spec(graph.specs[ref.index]);
    case SpecRef::Kind::kSharedNode: return builder_.shared_node(name_of(graph.text(graph.values[ref.index].name)));
    case SpecRef::Kind::kSharedEdge: {
      const EdgeRef& edge = graph.edges[ref.index];
      return builder_.shared_edge(name_of(graph.text(graph.value(edge.value).name)),
                                  name_of(graph.name(edge.consumer)));
    }
    case SpecRef::Kind::kDangling: return builder_.shared_node(graph.text(Symbol{ref.index}));
    case SpecRef::Kind::kDerived: break;
  }
  const DerivedSpec& derived = graph.derived[ref.index];
  std::vector<SpecRef> sources;
  for (const SpecRef& source : graph.sources_of(derived)) sources.push_back(spec(graph, source));
  return builder_.add_derived(sources, graph.specs[derived.spec.index]);
}

Arg GraphCopy::argument(const Graph& graph, const Node& node, const Arg& arg) {
  switch (arg.kind) {
    case Arg::Kind::kUse: {
      const Use& use = graph.use(graph.use_of(node, arg));
      const std::string name = use.value.valid() ? name_of(graph.text(graph.value(use.value).name)) : std::string("?");
      const SpecRef own = spec(graph, use.spec);
      const Arg out = builder_.make_use(name, own, use.annotated);
      builder_.graph().uses.back().repeats = use.repeats;
      return out;
    }
    case Arg::Kind::kString: return builder_.make_string(graph.text(Symbol{arg.index}));
    case Arg::Kind::kTensor: {
      Arg out = arg;
      out.index = constant(graph, ConstantId{arg.index}).index;
      return out;
    }
    case Arg::Kind::kList: {
      std::vector<Arg> elements;
      for (const Arg& element : graph.elements_of(arg)) elements.push_back(argument(graph, node, element));
      return builder_.make_list(elements);
    }
    default: return arg;
  }
}

ValueId GraphCopy::add_result(const Graph& graph, const Value& value) {
  const auto shape = value.rank < 0 ? std::nullopt : std::optional(graph.shape(value));
  return builder_.add_output(name_of(graph.text(value.name)), value.dtype, shape);
}

void GraphCopy::copy(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const NodeId made = builder_.begin_node(node.kind, name_of(graph.name(id)), graph.text(node.op), node.location);
  for (const Arg& arg : graph.args_of(node)) builder_.add_arg(argument(graph, node, arg));
  for (const NamedArg& named : graph.named_of(node))
    builder_.add_named(graph.text(named.name), argument(graph, node, named.arg));
  for (const Value& value : graph.outputs_of(node)) {
    const ValueId result = add_result(graph, value);
    const SpecRef own = spec(graph, value.spec);
    builder_.set_output_spec(result, own);
    if (value.constant.valid()) builder_.set_constant(result, constant(graph, value.constant));
  }
  Node& to = builder_.graph().nodes[made.index];
  to.annotated = node.annotated;
  to.allow_implicit_sharing = node.allow_implicit_sharing;
}

Graph GraphCopy::finish(GraphCopy copy, Graph&& from) {
  Graph out = copy.builder_.finish();
  for (auto& block : from.storage) out.storage.push_back(std::move(block));
  for (auto& kept : from.keep_alive) out.keep_alive.push_back(std::move(kept));
  from.storage.clear();
  from.keep_alive.clear();
  return out;
}

}  // namespace snapgauge
