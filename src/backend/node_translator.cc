#include "backend/node_translator.h"

#include <algorithm>

#include "evaluate/evaluate.h"

namespace snapgauge {
namespace {

bool is_empty(const Port& p) { return p.present && p.has_no_elements(); }

bool listed(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

NodeTranslator::NodeTranslator(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness,
                               OpMaps& maps, const Target& target, const std::vector<EdgeSource>& sources,
                               const std::vector<bool>& used, int depth)
    : graph_(graph),
      sharing_(sharing),
      staticness_(staticness),
      maps_(maps),
      target_(target),
      sources_(sources),
      depth_(depth),
      by_symbol_(graph.names.size(), nullptr) {
  for (int t = 0; t < kDTypeCount; ++t) {
    plain_.push_back(target.plain_dtypes(static_cast<DType>(t)));
    plain_constant_.push_back(target.plain_dtypes(static_cast<DType>(t), true));
  }
  spec_views_.reserve(graph.specs.size());
  for (const Spec& spec : graph.specs) spec_views_.push_back({backend_dtype(spec), encoding_of(spec, false)});
  view_.graph = &graph;
  view_.used = &used;
}

Status NodeTranslator::load_rows() {
  std::vector<bool> looked_up(graph_.names.size(), false);
  for (const Node& node : graph_.nodes) {
    if (node.kind != NodeKind::kCall || looked_up[node.op.index]) continue;
    looked_up[node.op.index] = true;
    auto row = maps_.find(graph_.text(node.op));
    if (!row) return row.error();
    by_symbol_[node.op.index] = *row;
  }
  return Done{};
}

bool NodeTranslator::is_identity(const Node& producer) const {
  if (producer.kind != NodeKind::kCall || producer.uses.count == 0 || producer.annotated) return false;
  const OpMapping* row = by_symbol_[producer.op.index];
  return row != nullptr && row->kind == OpMapping::Kind::kIdentity;
}

void NodeTranslator::fill_port(Port& port, PlaceId place, ValueId value) const {
  port.present = true;
  port.place = place;
  port.value = value;
  port.spec = sharing_.spec(place);
  port.stated = sharing_.stated(place);
  port.derived = sharing_.derived(place) != nullptr;
  const Value& v = graph_.value(value);
  port.staticness = staticness_[value.index];
  port.frontend_rank = port.rank = static_cast<int8_t>(std::min<int>(v.rank, INT8_MAX));
  // The vendor has no rank 0: a scalar is a tensor of one element.
  static constexpr int64_t kOne = 1;
  if (v.rank == 0) port.rank = 1;
  port.dims = v.rank > 0 ? graph_.dims.data() + v.dims : &kOne;
  if (port.spec != nullptr) {
    const SpecView& seen = spec_views_[static_cast<size_t>(port.spec - graph_.specs.data())];
    port.dtype = seen.dtype;
    port.encoding = seen.encoding;
    port.dtypes = dtype_bit(port.dtype);
  } else if (v.dtype != DType::kUndefined) {
    const bool constant = port.staticness != Staticness::kDynamic;
    port.dtypes = (constant ? plain_constant_ : plain_)[static_cast<size_t>(v.dtype)];
    port.assumed = target_.assumes(v.dtype, constant);
    port.dtype = contains(port.dtypes, v.dtype)
                     ? v.dtype
                     : static_cast<DType>(__builtin_ctz(port.dtypes | 1U << (kDTypeCount - 1)));
  }
}

void NodeTranslator::add_input(const Arg* arg, NodeId of) {
  Port& port = in_.emplace_back();
  in_origins_.push_back(-1);
  port.missing = true;
  if (arg == nullptr || arg->kind == Arg::Kind::kNone) return;
  if (arg->kind != Arg::Kind::kUse) {
    // A number where a tensor belongs is lifted to a constant.
    port.made = arg->kind == Arg::Kind::kInt || arg->kind == Arg::Kind::kFloat || arg->kind == Arg::Kind::kBool ||
                arg->kind == Arg::Kind::kTensor;
    port.missing = !port.made;
    return;
  }
  const UseId use = graph_.use_of(graph_.node(of), *arg);
  const EdgeSource& source = sources_[use.index];
  if (!source.value.valid()) {
    port.made = true;  // it names nothing, which is a finding of its own
    port.missing = false;
    return;
  }
  port.missing = false;
  fill_port(port, source.place, source.value);
  in_origins_.back() = static_cast<int32_t>(arg->index);
}

void NodeTranslator::add_variadic(const Arg& arg) {
  add_input(&arg);
  if (!view_.mapping->drops_empty || !is_empty(in_.back())) return;
  in_.pop_back();
  in_origins_.pop_back();
}

void NodeTranslator::add_inputs(const Node& node) {
  const auto args = graph_.args_of(node);
  auto add_arg = [&](const Arg& arg) {
    if (arg.kind != Arg::Kind::kList) return add_variadic(arg);
    for (const Arg& element : graph_.elements_of(arg)) add_variadic(element);
  };
  if (view_.mapping->generic) {
    for (const Arg& arg : args) add_arg(arg);
    return;
  }
  // The whole of a decomposition has its arguments as ports unless the row says more.
  if (view_.mapping->kind == OpMapping::Kind::kEmits && view_.mapping->inputs.empty())
    for (const Arg& arg : args) add_input(&arg);
  for (const InputSource& source : view_.mapping->inputs) {
    const auto index = static_cast<size_t>(source.index);
    if (source.made || index >= args.size()) {
      const NamedArg* named = source.name.empty() ? nullptr : graph_.find_named(node, source.name);
      if (named != nullptr) {
        add_input(&named->arg);
      } else if (!source.variadic) {
        add_input(nullptr);
        in_.back().made = source.made;
        in_.back().missing = !source.made && !source.optional;
      }
    } else if (source.element && args[index].kind == Arg::Kind::kList) {
      const int64_t n = args[index].list.count;
      const int64_t at = *source.element < 0 ? *source.element + n : *source.element;
      add_input(at >= 0 && at < n ? &graph_.elements_of(args[index])[static_cast<size_t>(at)] : nullptr);
    } else if (!source.variadic) {
      add_input(&args[index]);
      in_.back().missing = in_.back().missing && !(source.optional && args[index].kind == Arg::Kind::kNone);
    } else if (args[index].kind == Arg::Kind::kList) {
      add_arg(args[index]);
    } else {
      for (size_t i = index; i < args.size(); ++i) add_variadic(args[i]);
    }
  }
}

void NodeTranslator::add_outputs(const Node& node) {
  auto add_output = [&](uint32_t index) {
    out_.emplace_back();
    out_origins_.push_back(-1);
    if (index >= node.outputs.count) return;
    const ValueId value{node.outputs.first + index};
    fill_port(out_.back(), sharing_.place(value), value);
    out_origins_.back() = static_cast<int32_t>(index);
  };
  if (view_.mapping->all_outputs || view_.mapping->kind == OpMapping::Kind::kEmits)
    for (uint32_t i = 0; i < node.outputs.count; ++i) add_output(i);
  else
    for (int i : view_.mapping->outputs) add_output(static_cast<uint32_t>(i));
}

void NodeTranslator::add_ports(const Node& node) {
  in_.clear();
  out_.clear();
  in_origins_.clear();
  out_origins_.clear();
  add_inputs(node);
  add_outputs(node);
  view_.in = in_;
  view_.out = out_;
}

Truth NodeTranslator::holds(const Condition& condition, std::string* missing) const {
  return evaluate(condition, EvalContext{view_, target_, nullptr}, nullptr, missing);
}

/// The first form whose condition holds. A condition that cannot be decided leaves the choice open only
/// where it decides whether the node is taken at all.
NodeTranslator::Choice NodeTranslator::choose() {
  for (const auto& [condition, alternative] : view_.mapping->select) {
    std::string missing;
    const Truth truth = holds(condition, &missing);
    if (truth == Truth::kTrue) return {&*alternative, {}};
    if (truth == Truth::kUnknown && alternative->kind == OpMapping::Kind::kRefused)
      return {nullptr, missing.empty() ? std::string(kNotStated) : std::move(missing)};
  }
  return {view_.mapping, {}};
}

bool NodeTranslator::has_run_time_parameter(const Node& node) const {
  const auto args = graph_.args_of(node);
  const auto at_run_time = [&](int index) {
    if (index < 0 || static_cast<size_t>(index) >= args.size() ||
        args[static_cast<size_t>(index)].kind != Arg::Kind::kUse)
      return false;
    const ValueId value = graph_.use(graph_.use_of(node, args[static_cast<size_t>(index)])).value;
    return value.valid() && staticness_[value.index] == Staticness::kDynamic;
  };
  const OpMapping& row = *view_.mapping;
  return std::any_of(row.must_be_constant.begin(), row.must_be_constant.end(),
                     [&](const auto& p) { return at_run_time(p.first); }) ||
         std::any_of(row.params.begin(), row.params.end(), [&](const auto& p) { return at_run_time(p.second.input); });
}

bool NodeTranslator::vanishes() const {
  return target_.pipeline.drops_empty && !out_.empty() && std::all_of(out_.begin(), out_.end(), is_empty);
}

/// Ports without a spec that the lowering gives another one's, as it does with buffers that are written to.
void NodeTranslator::copy_parameters() {
  const auto at = [&](const PortRef& ref) -> Port* {
    auto& ports = ref.side == PortRef::Side::kIn ? in_ : out_;
    return ref.first < ports.size() && ports[ref.first].present ? &ports[ref.first] : nullptr;
  };
  for (const auto& [to, from] : view_.mapping->takes) {
    Port* port = at(to);
    const Port* other = at(from);
    if (port == nullptr || other == nullptr || port->spec != nullptr || other->spec == nullptr ||
        !is_float(port->dtype))
      continue;
    port->spec = other->spec;
    port->place = other->place;
    port->dtype = other->dtype;
    port->dtypes = other->dtypes;
    port->encoding = other->encoding;
  }
}

void NodeTranslator::apply_casts() {
  for (const PortCast& cast : target_.pipeline.port_casts) {
    auto& ports = cast.port.side == PortRef::Side::kIn ? in_ : out_;
    if (cast.port.first >= ports.size() || !ports[cast.port.first].present) continue;
    Port& port = ports[cast.port.first];
    const bool fits = port.encoding == Encoding::kScaleOffset || port.encoding == Encoding::kNone ||
                      (cast.per_axis && port.encoding == Encoding::kAxisScaleOffset);
    if (port.cast != nullptr || port.dtype != cast.from || !fits || !listed(cast.ops, view_.mapping->backend_op) ||
        !listed(cast.backends, target_.backend.name) || holds(cast.when, nullptr) != Truth::kTrue)
      continue;
    port.cast = &cast;
    port.dtype = cast.to;
    port.dtypes = dtype_bit(cast.to);
  }
}

Result<bool> NodeTranslator::append(OpGraph& out, Mapped mapped, std::string reason) {
  Op op;
  op.node = view_.node;
  op.cls = OpClassId{static_cast<uint32_t>(out.classes.size())};
  op.first_tensor = static_cast<uint32_t>(out.tensors.size());
  OpClass& cls = out.classes.emplace_back();
  cls.mapping = view_.mapping;
  cls.mapped = mapped;
  cls.first_port = static_cast<uint32_t>(out.ports.size());
  cls.inputs = static_cast<uint32_t>(in_.size());
  cls.outputs = static_cast<uint32_t>(out_.size());
  if (!reason.empty()) {
    cls.reason = static_cast<uint32_t>(out.reasons.size());
    out.reasons.push_back(std::move(reason));
  }
  for (const auto* ports : {&in_, &out_})
    for (const Port& port : *ports) out.tensors.push_back({port.place, port.value});
  out.ports.insert(out.ports.end(), in_.begin(), in_.end());
  out.ports.insert(out.ports.end(), out_.begin(), out_.end());
  out.origins.insert(out.origins.end(), in_origins_.begin(), in_origins_.end());
  out.origins.insert(out.origins.end(), out_origins_.begin(), out_origins_.end());
  out.op_of[view_.node.index] = OpId{static_cast<uint32_t>(out.ops.size())};
  out.ops.push_back(op);
  return true;
}

/// All it computes is known before the graph is handed over: pipelines fold it.
bool NodeTranslator::is_folded(const Node& node) const {
  const auto outputs = graph_.outputs_of(node);
  return !outputs.empty() &&
         std::all_of(outputs.begin(), outputs.end(), [](const Value& v) { return v.constant.valid(); });
}

Result<bool> NodeTranslator::translate(NodeId id, OpGraph& out) {
  const Node& node = graph_.node(id);
  if (is_folded(node)) return false;
  view_.node = id;
  view_.mapping = by_symbol_[node.op.index];
  if (view_.mapping == nullptr) {
    in_.clear();
    out_.clear();
    in_origins_.clear();
    out_origins_.clear();
    return append(out, Mapped::kUnmapped, {});
  }
  add_ports(node);
  Choice choice = choose();
  // What must be a constant and is none has a finding of its own.
  if (choice.row == nullptr && has_run_time_parameter(node)) choice.row = view_.mapping;
  if (choice.row == nullptr) return append(out, Mapped::kUndecided, std::move(choice.undecided));
  if (choice.row != view_.mapping) {
    view_.mapping = choice.row;
    add_ports(node);
  }
  switch (view_.mapping->kind) {
    case OpMapping::Kind::kIdentity:
      if (node.outputs.count > 0 && node.uses.count > 0)
        out.identities.emplace_back(ValueId{node.outputs.first}, graph_.uses[node.uses.first].value);
      return false;
    case OpMapping::Kind::kConstant: return false;
    case OpMapping::Kind::kRefused: return append(out, Mapped::kRefused, {});
    case OpMapping::Kind::kEmits: {
      NoExpansion none{view_.mapping->unjudged};
      if (!none.why.empty()) return append(out, Mapped::kUndecided, std::move(none.why));
      auto parts = expand(view_, {sharing_, staticness_, sources_}, maps_, target_, depth_, none);
      if (!parts) return parts.error();
      if (*parts == nullptr)
        return append(out, none.incomplete ? Mapped::kIncomplete : Mapped::kUndecided, std::move(none.why));
      auto done = append(out, Mapped::kExpansion, {});
      out.classes.back().parts = std::move(*parts);
      return done;
    }
    case OpMapping::Kind::kOp: break;
  }
  copy_parameters();
  if (vanishes()) return false;
  if (!target_.pipeline.port_casts.empty()) apply_casts();
  apply_layouts(out);
  return append(out, Mapped::kOp, {});
}

Status NodeTranslator::translate_match(const PatternMatch& match, OpGraph& out) {
  view_.node = match.anchor;
  view_.mapping = match.row;
  in_.clear();
  out_.clear();
  in_origins_.clear();
  out_origins_.clear();
  for (const PlacedArg& given : match.operands) add_input(&given.arg, given.node);
  add_outputs(graph_.node(match.anchor));
  // Inputs of other nodes: nobody repeats this op.
  std::fill(in_origins_.begin(), in_origins_.end(), -1);
  view_.in = in_;
  view_.out = out_;
  NoExpansion none;
  auto parts = expand(view_, {sharing_, staticness_, sources_, &match}, maps_, target_, depth_, none);
  if (!parts) return parts.error();
  auto done = append(out, *parts == nullptr ? Mapped::kUndecided : Mapped::kExpansion, std::move(none.why));
  if (!done) return done.error();
  out.classes.back().parts = std::move(*parts);
  for (NodeId member : match.members) out.op_of[member.index] = out.op_of[match.anchor.index];
  return Done{};
}

}  // namespace snapgauge
