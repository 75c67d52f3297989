#include "targets/view.h"

#include <algorithm>

#include "targets/evaluate.h"

namespace snapgauge {
namespace {

constexpr int kMaxRank = 8;  // of a backend tensor with a layout
constexpr int kMaxIdentities = 64;

}  // namespace

int64_t PortView::dim(int i) const {
  if (permutation == nullptr) return frontend_rank == 0 ? 1 : dims[i];
  const int8_t from = permutation[i];
  return from < 0 ? 1 : dims[from];
}

std::optional<int> PortView::axis() const {
  if (spec == nullptr || !spec->axis || rank < 0) return std::nullopt;
  const int64_t a = *spec->axis < 0 ? *spec->axis + frontend_rank : *spec->axis;
  if (permutation == nullptr) return static_cast<int>(a);
  for (int i = 0; i < rank; ++i)
    if (permutation[i] == a) return i;
  return std::nullopt;
}

ViewBuilder::ViewBuilder(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness,
                         OpMaps& maps, const Target& target)
    : graph_(graph), sharing_(sharing), staticness_(staticness), maps_(maps), target_(target),
      by_symbol_(graph.names.size(), nullptr), looked_up_(graph.names.size(), false) {
  for (int t = 0; t < kDTypeCount; ++t) plain_.push_back(target.plain_dtypes(static_cast<DType>(t)));
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
  if (v.rank == 0) port.rank = 1;
  port.dims = v.rank > 0 ? graph_.dims.data() + v.dims : nullptr;
  if (port.spec != nullptr) {
    port.dtype = backend_dtype(*port.spec);
    port.dtypes = dtype_bit(port.dtype);
    port.encoding = encoding_of(*port.spec, false);
  } else if (v.dtype != DType::kUndefined) {
    port.dtypes = plain_[static_cast<size_t>(v.dtype)];
    port.dtype = contains(port.dtypes, v.dtype) ? v.dtype
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
  if (layout == nullptr || !port.present || port.frontend_rank < 1) return;
  const int from = port.frontend_rank;
  const bool raised = view.mapping->rank_up == from + 1 && from >= 2;
  const int rank = raised ? from + 1 : from;
  if (rank > kMaxRank || (!layout->channel_last && layout->permutation.size() != static_cast<size_t>(rank))) return;
  view.permutations.emplace_back();
  std::array<int8_t, kMaxRank>& p = view.permutations.back();
  for (int i = 0; i < rank; ++i) {
    int source = layout->channel_last ? (i == 0 ? 0 : i == rank - 1 ? 1 : i + 1) : layout->permutation[static_cast<size_t>(i)];
    // A raised tensor has a new dimension of size 1 before the last spatial one.
    if (raised) source = source == 2 ? -1 : source > 2 ? source - 1 : source;
    p[static_cast<size_t>(i)] = static_cast<int8_t>(source);
  }
  port.permutation = p.data();
  port.rank = rank;
}

void ViewBuilder::layout_ports(OpView& view) const {
  if (view.mapping->layout.empty()) return;
  view.permutations.reserve(view.in.size() + view.out.size());  // the ports point into it
  for (size_t i = 0; i < view.in.size(); ++i)
    apply_layout(view, view.in[i], view.mapping->layout_of(PortRef::Side::kIn, i));
  for (size_t i = 0; i < view.out.size(); ++i)
    apply_layout(view, view.out[i], view.mapping->layout_of(PortRef::Side::kOut, i));
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
  view.permutations.clear();
  if (view.mapping == nullptr) return Mapped::kUnknown;
  if (view.mapping->kind == OpMapping::Kind::kIdentity) return Mapped::kIdentity;
  if (view.mapping->kind == OpMapping::Kind::kConstant) return Mapped::kConstant;

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
  if (view.mapping->kind == OpMapping::Kind::kIdentity) return Mapped::kIdentity;
  layout_ports(view);
  return view.mapping->kind == OpMapping::Kind::kEmits ? Mapped::kEmits : Mapped::kOp;
}

void ViewBuilder::add_inputs(OpView& view, const Node& node) {
  const auto args = graph_.args_of(node.args);
  auto add_arg = [&](const Arg& arg) {
    if (arg.kind != Arg::Kind::kList) return add_input(view, &arg);
    for (const Arg& element : graph_.args_of(arg.list)) add_input(view, &element);
  };
  if (view.mapping->generic) {
    for (const Arg& arg : args) add_arg(arg);
    return;
  }
  for (const InputSource& source : view.mapping->inputs) {
    const auto index = static_cast<size_t>(source.index);
    if (!source.variadic) {
      add_input(view, index < args.size() ? &args[index] : nullptr);
    } else if (index < args.size() && args[index].kind == Arg::Kind::kList) {
      add_arg(args[index]);
    } else {
      for (size_t i = index; i < args.size(); ++i) add_input(view, &args[i]);
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
