#include "targets/view.h"

#include <algorithm>

#include "targets/evaluate.h"

namespace snapgauge {
namespace {

constexpr int kMaxRank = 8;  // of a backend tensor with a layout
constexpr int kMaxIdentities = 64;

}  // namespace

bool PortView::has_no_elements() const {
  return std::any_of(dims, dims + std::max(rank, 0), [](int64_t d) { return d == 0; });
}

std::optional<int> PortView::axis() const {
  if (spec == nullptr || !spec->axis || rank < 0) return std::nullopt;
  const int64_t a = *spec->axis < 0 ? *spec->axis + frontend_rank : *spec->axis;
  if (from == nullptr) return static_cast<int>(a);
  for (int i = 0; i < rank; ++i)
    if (from[i] == a) return i;
  return std::nullopt;
}

ViewBuilder::ViewBuilder(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness,
                         OpMaps& maps, const Target& target)
    : graph_(graph),
      sharing_(sharing),
      staticness_(staticness),
      maps_(maps),
      target_(target),
      by_symbol_(graph.names.size(), nullptr),
      looked_up_(graph.names.size(), false) {
  for (int t = 0; t < kDTypeCount; ++t) {
    plain_.push_back(target.plain_dtypes(static_cast<DType>(t)));
    plain_constant_.push_back(target.plain_dtypes(static_cast<DType>(t), true));
  }
  spec_views_.reserve(graph.specs.size());
  for (const Spec& spec : graph.specs) spec_views_.push_back({backend_dtype(spec), encoding_of(spec, false)});
}

Result<const OpMapping*> ViewBuilder::mapping_of(const Node& node) {
  if (!looked_up_[node.op.index]) {
    auto row = maps_.find(graph_.text(node.op));
    if (!row) return row.error();
    by_symbol_[node.op.index] = *row;
    looked_up_[node.op.index] = true;
  }
  return by_symbol_[node.op.index];
}

ValueId ViewBuilder::behind_identities(ValueId value) const {
  for (int i = 0; i < kMaxIdentities && value.valid(); ++i) {
    const Node& producer = graph_.node(graph_.value(value).producer);
    if (producer.kind != NodeKind::kCall || producer.uses.count == 0) break;
    const OpMapping* row = by_symbol_[producer.op.index];
    if (row == nullptr || row->kind != OpMapping::Kind::kIdentity || producer.annotated) break;
    value = graph_.uses[producer.uses.first].value;
  }
  return value;
}

void ViewBuilder::fill_port(PortView& port, PlaceId place, ValueId value) const {
  port.present = true;
  port.place = place;
  port.value = value;
  port.spec = sharing_.spec(place);
  port.stated = sharing_.stated(place);
  port.derived = sharing_.derived(place) != nullptr;
  const Value& v = graph_.value(value);
  port.staticness = staticness_[value.index];
  port.frontend_rank = port.rank = v.rank;
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
    port.dtypes = (port.staticness == Staticness::kDynamic ? plain_ : plain_constant_)[static_cast<size_t>(v.dtype)];
    port.dtype = contains(port.dtypes, v.dtype)
                     ? v.dtype
                     : static_cast<DType>(__builtin_ctz(port.dtypes | 1U << (kDTypeCount - 1)));
  }
}

void ViewBuilder::add_input(OpView& view, const Arg* arg) {
  view.in.emplace_back();
  if (arg == nullptr || arg->kind != Arg::Kind::kUse) return;
  const Use& use = graph_.uses[arg->index];
  if (!use.value.valid()) return;
  const PlaceId edge = sharing_.place(UseId{arg->index});
  const ValueId behind = use.spec.kind == SpecRef::Kind::kNone ? behind_identities(use.value) : use.value;
  fill_port(view.in.back(), behind == use.value ? edge : sharing_.place(behind), behind);
}

bool ViewBuilder::holds(const Condition& condition, const OpView& view) const {
  const EvalContext context{view, target_, nullptr};
  return evaluate(condition, context, nullptr) == Truth::kTrue;
}

void ViewBuilder::apply_layout(OpView& view, PortView& port, const PortLayout* layout) const {
  using Kind = PortLayout::Kind;
  if (layout == nullptr || !port.present || port.frontend_rank < 1 || port.frontend_rank >= kMaxRank) return;
  const int from = port.frontend_rank;
  // A raised tensor has a new dimension of size 1 before the last one.
  const bool raised = from == 3 && view.mapping->rank_up == 4;
  const int rank = raised ? 4 : from;
  std::array<int8_t, kMaxRank> source{};
  for (int i = 0; i < rank; ++i)
    source[static_cast<size_t>(i)] = static_cast<int8_t>(!raised || i < 2 ? i : i == 2 ? -1 : 2);
  const std::array<int8_t, kMaxRank> before = source;
  OpView::Shape shape{};
  int out_rank = rank;
  auto group = [&](int begin, int end) {  // product of dimensions [begin, end)
    int64_t product = 1;
    for (int i = begin; i < end; ++i)
      product = port.dims[i] == kDynamicDim || product == kDynamicDim ? kDynamicDim : product * port.dims[i];
    return product;
  };
  auto merged = [&](std::initializer_list<std::pair<int, int>> groups) {
    out_rank = 0;
    for (const auto& [begin, end] : groups) {
      shape.dims[static_cast<size_t>(out_rank)] = group(begin, end);
      shape.from[static_cast<size_t>(out_rank)] = static_cast<int8_t>(end > begin ? end - 1 : -1);
      ++out_rank;
    }
  };
  int axis = 0;
  if (layout->kind == Kind::kMoveLast || layout->kind == Kind::kFlattenAt) {
    const ParamValue v = param_value(view, layout->axis);
    if (v.state != ParamValue::State::kKnown || v.numbers.size() != 1) return;
    axis = static_cast<int>(v.numbers[0]);
    if (axis < 0 || axis >= from) return;
  }
  switch (layout->kind) {
    case Kind::kRows: merged({{0, from - 1}, {from - 1, from}}); break;
    case Kind::kRow: merged({{0, 0}, {0, from}}); break;
    case Kind::kColumn: merged({{0, from}, {0, 0}}); break;
    case Kind::kFlat: merged({{0, from}}); break;
    case Kind::kFlattenAt: merged({{0, axis}, {axis, from}}); break;
    case Kind::kMoveLast: std::rotate(source.begin() + axis, source.begin() + axis + 1, source.begin() + rank); break;
    case Kind::kChannelLast:
      if (rank < 3 || rank > 5) return;
      std::rotate(source.begin() + 1, source.begin() + 2, source.begin() + rank);
      break;
    case Kind::kPermutation:
      if (layout->permutation.size() != static_cast<size_t>(rank)) return;
      for (int i = 0; i < rank; ++i)
        source[static_cast<size_t>(i)] = before[static_cast<size_t>(layout->permutation[static_cast<size_t>(i)])];
      break;
  }
  if (layout->kind <= Kind::kMoveLast) {
    shape.from = source;
    for (size_t i = 0; i < static_cast<size_t>(rank); ++i) shape.dims[i] = source[i] < 0 ? 1 : port.dims[source[i]];
  }
  view.shapes.push_back(shape);
  port.dims = view.shapes.back().dims.data();
  port.from = view.shapes.back().from.data();
  port.rank = out_rank;
}

void ViewBuilder::layout_ports(OpView& view) const {
  if (view.mapping->layout.empty()) return;
  view.shapes.reserve(view.in.size() + view.out.size());  // the ports point into it
  for (size_t i = 0; i < view.in.size(); ++i)
    apply_layout(view, view.in[i], view.mapping->layout_of(PortRef::Side::kIn, i));
  for (size_t i = 0; i < view.out.size(); ++i)
    apply_layout(view, view.out[i], view.mapping->layout_of(PortRef::Side::kOut, i));
}

void ViewBuilder::apply_casts(OpView& view) const {
  for (const PortCast& cast : target_.pipeline.port_casts) {
    auto& ports = cast.port.side == PortRef::Side::kIn ? view.in : view.out;
    if (cast.port.first >= ports.size() || !ports[cast.port.first].present) continue;
    PortView& port = ports[cast.port.first];
    const auto listed = [](const std::vector<std::string>& names, std::string_view name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    const bool fits = port.encoding == Encoding::kScaleOffset || port.encoding == Encoding::kNone ||
                      (cast.per_axis && port.encoding == Encoding::kAxisScaleOffset);
    if (port.cast != nullptr || port.dtype != cast.from || !fits || !listed(cast.ops, view.op()) ||
        !listed(cast.backends, target_.backend.name) || !holds(cast.when, view))
      continue;
    port.cast = &cast;
    port.dtype = cast.to;
    port.dtypes = dtype_bit(cast.to);
  }
}

Result<Mapped> ViewBuilder::build(NodeId id, OpView& view) {
  const Node& node = graph_.node(id);
  auto found = mapping_of(node);
  if (!found) return found.error();
  view.graph = &graph_;
  view.node = id;
  view.mapping = *found;
  view.in.clear();
  view.out.clear();
  view.shapes.clear();
  if (view.mapping == nullptr) return Mapped::kUnknown;
  add_inputs(view, node);
  add_outputs(view, node);
  for (const auto& [condition, alternative] : view.mapping->select) {
    if (!holds(condition, view)) continue;
    view.mapping = alternative.get();
    view.in.clear();
    view.out.clear();
    add_inputs(view, node);
    add_outputs(view, node);
    break;
  }
  switch (view.mapping->kind) {
    case OpMapping::Kind::kIdentity: return Mapped::kIdentity;
    case OpMapping::Kind::kConstant: return Mapped::kConstant;
    case OpMapping::Kind::kRefused: return Mapped::kRefused;
    case OpMapping::Kind::kEmits: return Mapped::kEmits;
    case OpMapping::Kind::kOp: break;
  }
  const auto empty = [](const PortView& p) { return p.present && p.has_no_elements(); };
  if (target_.pipeline.drops_empty && !view.out.empty() && std::all_of(view.out.begin(), view.out.end(), empty))
    return Mapped::kConstant;
  if (!target_.pipeline.port_casts.empty()) apply_casts(view);
  layout_ports(view);
  return Mapped::kOp;
}

void ViewBuilder::add_variadic(OpView& view, const Arg& arg) {
  add_input(view, &arg);
  if (view.mapping->drops_empty && view.in.back().present && view.in.back().has_no_elements()) view.in.pop_back();
}

void ViewBuilder::add_inputs(OpView& view, const Node& node) {
  const auto args = graph_.args_of(node.args);
  auto add_arg = [&](const Arg& arg) {
    if (arg.kind != Arg::Kind::kList) return add_variadic(view, arg);
    for (const Arg& element : graph_.args_of(arg.list)) add_variadic(view, element);
  };
  if (view.mapping->generic) {
    for (const Arg& arg : args) add_arg(arg);
    return;
  }
  for (const InputSource& source : view.mapping->inputs) {
    const auto index = static_cast<size_t>(source.index);
    if (source.made || index >= args.size()) {
      const NamedArg* named = source.name.empty() ? nullptr : graph_.find_named(node, source.name);
      if (named != nullptr)
        add_input(view, &named->arg);
      else if (!source.variadic)
        view.in.emplace_back();
    } else if (source.element && args[index].kind == Arg::Kind::kList) {
      const int64_t n = args[index].list.count;
      const int64_t at = *source.element < 0 ? *source.element + n : *source.element;
      add_input(view, at >= 0 && at < n ? &graph_.args_of(args[index].list)[static_cast<size_t>(at)] : nullptr);
    } else if (!source.variadic) {
      add_input(view, &args[index]);
    } else if (args[index].kind == Arg::Kind::kList) {
      add_arg(args[index]);
    } else {
      for (size_t i = index; i < args.size(); ++i) add_variadic(view, args[i]);
    }
  }
}

void ViewBuilder::add_outputs(OpView& view, const Node& node) {
  auto add_output = [&](uint32_t index) {
    view.out.emplace_back();
    if (index >= node.outputs.count) return;
    const ValueId value{node.outputs.first + index};
    fill_port(view.out.back(), sharing_.place(value), value);
  };
  if (view.mapping->all_outputs)
    for (uint32_t i = 0; i < node.outputs.count; ++i) add_output(i);
  else
    for (int i : view.mapping->outputs) add_output(static_cast<uint32_t>(i));
}

}  // namespace snapgauge
