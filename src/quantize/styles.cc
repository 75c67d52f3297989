// Each style is one function; the table at the end finds it. "Activation" is the config's spec of activations, "its
// own edge" the edge from an operand to the node.
#include "quantize/styles.h"

#include <algorithm>
#include <array>

namespace snapgauge {
namespace {

class Writer {
 public:
  explicit Writer(const Annotated& at) : at_(at), graph_(at.edit.graph()), node_(graph_.node(at.node)) {}

  bool wrote() const { return wrote_; }

  void unary() {
    if (is_float(0)) input(0, activation());
    if (result_is_float()) output(activation());
  }
  void single_in() { input(0, activation()); }
  void binary() {
    for (const int i : {0, 1})
      if (is_float(i)) input(i, activation());
    if (result_is_float()) output(activation());
  }
  void all_float_args() {
    for (const UseId use : tensors())
      if (is_quantizable(graph_.value(graph_.use(use).value))) input(use, activation());
    if (result_is_float()) output(activation());
  }

  /// Moves elements: the result has the operand's parameters.
  void share_or_inherit() {
    const ValueId from = value(0);
    if (!is_float(0)) {
      // The original refers to an edge that has no spec here, which nothing can resolve.
      if (result_is_float()) output(activation());
      return;
    }
    if (graph_.value(from).spec.kind != SpecRef::Kind::kNone) {
      input(0, GraphEdit::shared(from));
      output(GraphEdit::shared(from));
      return;
    }
    input(0, activation());
    if (result_is_float()) output_like_operand(0);
  }

  void product() {
    const AnnotationRow& row = at_.row;
    input(0, activation());
    input(row.weight, at_.specs.weight(at_.axis, at_.block));
    if (config().activation) derive_bias();
    output(activation());
  }
  void matmul() {
    input(0, activation());
    input(1, at_.specs.second_operand());
    output(activation());
  }

  void concat() {
    if (!result_is_float()) return;
    for (const UseId use : tensors()) {
      const Value& element = graph_.value(graph_.use(use).value);
      input(use, is_shared(element.spec) ? GraphEdit::shared(graph_.use(use).value) : activation());
    }
    output(at_.specs.concat());
  }
  void stack() {
    const std::vector<UseId> elements = tensors();
    if (elements.empty() || !result_is_float() || config().in_float()) return;
    const ValueId first = graph_.use(elements.front()).value;
    for (const UseId use : elements)
      input(use, graph_.use(use).value == first ? activation() : at_.edit.shared(first, at_.node));
    output(at_.edit.shared(first, at_.node));
  }

  void split() {
    input(0, activation());
    results_like_operand(0, true);
  }
  void unbind() {
    if (!is_float(0)) return;
    input(0, activation());
    results_like_operand(0, true);
    output_like_operand(0);
  }
  void sort_topk() {
    if (!is_float(0)) return;
    input(0, activation());
    // The second result is the indices.
    results_like_operand(0, false);
  }
  void getitem() {
    if (!result_is_float() || graph_.values[node_.outputs.first].spec.kind != SpecRef::Kind::kNone) return;
    output(activation());
  }
  void constant() {
    if (result_is_float()) output(activation());
  }

  void batch_norm() {
    input(0, activation());
    norm_operands(at_.row.weight_as_activation ? activation() : weight_beside_wide());
    output(activation());
  }
  void group_norm() {
    input(0, activation());
    norm_operands(config().in_float() ? SpecRef() : at_.specs.weight(0, {}));
    output(activation());
  }
  void layer_norm() {
    input(0, activation());
    norm_operands(at_.specs.second_operand());
    output(activation());
  }
  void rms_norm() {
    input(0, activation());
    if (value(at_.row.weight).valid()) input(at_.row.weight, activation());
    output(activation());
  }

  void embedding() {
    if (!is_float(0)) return;
    if (at_.per_channel_embedding) {
      input(0, at_.specs.weight(at_.axis, at_.block));
      output(activation());
      return;
    }
    input(0, activation());
    output_like_operand(0);
  }

  /// The buffer that is written to is not annotated: conversion would fold it.
  void write_value() {
    if (!is_float(at_.row.value)) return;
    input(at_.row.value, activation());
    output_like_operand(at_.row.value);
  }
  void scatter() {
    if (!is_float(0)) return;
    input(0, activation());
    if (is_float(at_.row.value)) like_operand(at_.row.value, 0);
    if (result_is_float()) output_like_operand(0);
  }
  void slice_scatter() {
    input(0, activation());
    like_operand(at_.row.value, 0);
    output_like_operand(0);
  }

  void fixed_unit_interval() {
    if (!result_is_float()) return;
    input(0, activation());
    output(at_.specs.unit_interval());
  }
  void tanh_fixed16() {
    if (is_float(0)) input(0, activation());
    if (result_is_float()) output(at_.specs.tanh());
  }

 private:
  const QuantConfig& config() const { return at_.specs.config(); }
  SpecRef activation() { return at_.specs.activation(); }
  static bool is_shared(const SpecRef& ref) {
    return ref.kind == SpecRef::Kind::kSharedNode || ref.kind == SpecRef::Kind::kSharedEdge;
  }

  ValueId value(int position) const { return operand(graph_, node_, position); }
  bool is_float(int position) const {
    const ValueId v = value(position);
    return v.valid() && is_quantizable(graph_.value(v));
  }
  /// Of several results that nodes pick, each is annotated where it is picked.
  bool result_is_float() const {
    return node_.outputs.count > 0 && is_quantizable(graph_.values[node_.outputs.first]) &&
           (node_.outputs.count == 1 || at_.selections.of(at_.node).empty());
  }
  SpecRef edge(int position) { return at_.edit.shared(value(position), at_.node); }

  /// Every tensor argument; those of lists, too.
  std::vector<UseId> tensors() const {
    std::vector<UseId> out;
    for (uint32_t i = 0; i < node_.uses.count; ++i) out.push_back(UseId{node_.uses.first + i});
    std::erase_if(out, [&](UseId use) { return !graph_.use(use).value.valid(); });
    return out;
  }

  void input(UseId use, SpecRef spec) {
    if (spec.kind == SpecRef::Kind::kNone) return;
    at_.edit.annotate(use, spec);
    wrote_ = true;
  }
  /// A tensor has one spec among a node's inputs, however often the node reads it.
  void input(int position, SpecRef spec) {
    const ValueId wanted = value(position);
    if (!wanted.valid()) return;
    for (uint32_t i = 0; i < node_.uses.count; ++i) {
      const UseId use{node_.uses.first + i};
      if (graph_.use(use).value == wanted) input(use, spec);
    }
  }
  void output(SpecRef spec) { output(ValueId{node_.outputs.first}, spec); }
  void output(ValueId result, SpecRef spec) {
    if (spec.kind == SpecRef::Kind::kNone || node_.outputs.count == 0) return;
    at_.edit.annotate(result, spec);
    wrote_ = true;
  }
  /// The parameters of its own edge; none without a spec there.
  void like_operand(int position, int of) {
    if (!config().in_float() && value(position) != value(of)) input(position, edge(of));
  }
  void output_like_operand(int position) {
    if (!config().in_float()) output(edge(position));
  }
  /// Every result, also where nodes pick them.
  void results_like_operand(int position, bool all) {
    if (config().in_float() || !value(position).valid()) return;
    const SpecRef spec = edge(position);
    const std::span<const NodeId> selects = at_.selections.of(at_.node);
    if (selects.empty()) {
      for (uint32_t i = 0; i < (all ? node_.outputs.count : 1); ++i) output(ValueId{node_.outputs.first + i}, spec);
      return;
    }
    for (const NodeId select : selects) {
      const Node& n = graph_.node(select);
      if (n.outputs.count > 0 && is_quantizable(graph_.values[n.outputs.first]))
        output(ValueId{n.outputs.first}, all ? spec : SpecRef(GraphEdit::shared(ValueId{node_.outputs.first})));
    }
    if (!all) output(spec);
  }
  /// The configured weight beside activations of 16 bits, else an activation.
  SpecRef weight_beside_wide() { return config().second_operand ? at_.specs.weight(0, {}) : activation(); }
  void derive_bias() {
    const AnnotationRow& row = at_.row;
    if (row.bias < 0 || !value(row.bias).valid()) return;
    const std::array<SpecRef, 2> sources{edge(0), edge(row.weight)};
    input(row.bias, at_.edit.derived(sources, at_.specs.derived_bias()));
  }
  void norm_operands(SpecRef weight) {
    const bool has_weight = at_.row.weight >= 0 && value(at_.row.weight).valid();
    if (has_weight) input(at_.row.weight, weight);
    if (at_.row.derived_bias && has_weight && config().activation) return derive_bias();
    if (config().bias && at_.row.bias >= 0 && value(at_.row.bias).valid()) input(at_.row.bias, at_.specs.bias());
  }

  const Annotated& at_;
  const Graph& graph_;
  const Node& node_;
  bool wrote_ = false;
};

/// By Style.
constexpr std::array<void (Writer::*)(), 25> kWriters{
    &Writer::unary,
    &Writer::single_in,
    &Writer::binary,
    &Writer::all_float_args,
    &Writer::share_or_inherit,
    &Writer::product,
    &Writer::product,
    &Writer::matmul,
    &Writer::concat,
    &Writer::stack,
    &Writer::split,
    &Writer::unbind,
    &Writer::sort_topk,
    &Writer::getitem,
    &Writer::constant,
    &Writer::batch_norm,
    &Writer::group_norm,
    &Writer::layer_norm,
    &Writer::rms_norm,
    &Writer::embedding,
    &Writer::write_value,
    &Writer::scatter,
    &Writer::slice_scatter,
    &Writer::fixed_unit_interval,
    &Writer::tanh_fixed16,
};

Spec fixed(Spec like, double scale, int64_t zero_point) {
  const auto range = effective_range(like);
  like.qmin = range->min;
  like.qmax = range->max;
  like.scheme = Scheme::kPerTensorAffine;
  like.axis.reset();
  like.fixed = true;
  like.scales = {scale};
  like.zero_points = {zero_point};
  like.observer = "FixedQParamsObserver";
  like.eps = 0;
  return like;
}

}  // namespace

SpecRef SpecSet::made(std::optional<SpecId>& slot, const Spec& spec) {
  if (!slot) slot = edit_.add(spec);
  return GraphEdit::concrete(*slot);
}

SpecRef SpecSet::activation() {
  if (activation_) return GraphEdit::concrete(*activation_);
  if (config_.in_float()) return {};
  return made(activation_, activation_spec(config_, granularity_, symmetric_));
}

SpecRef SpecSet::weight(int64_t axis, std::span<const int64_t> block) {
  const auto [it, fresh] = weights_.try_emplace({axis, {block.begin(), block.end()}});
  if (fresh) it->second = edit_.add(weight_spec(config_, granularity_, axis, block));
  return GraphEdit::concrete(it->second);
}

SpecRef SpecSet::bias() { return bias_ ? GraphEdit::concrete(*bias_) : made(bias_, bias_spec(config_)); }

SpecRef SpecSet::second_operand() {
  if (!config_.second_operand) return activation();
  return second_ ? GraphEdit::concrete(*second_) : made(second_, second_operand_spec(config_));
}

// Sources: validation of ExecuTorch pull request 17665, and the vendor's pages for 16 bits.
SpecRef SpecSet::unit_interval() {
  if (unit_) return GraphEdit::concrete(*unit_);
  if (config_.in_float()) return {};
  const auto range = effective_range(*config_.activation);
  const double steps = static_cast<double>(range->max - range->min) + 1;
  return made(unit_, fixed(*config_.activation, 1 / steps, 0));
}

SpecRef SpecSet::tanh() {
  if (!config_.tanh) return activation();
  if (tanh_) return GraphEdit::concrete(*tanh_);
  return made(tanh_, fixed(*config_.activation, config_.tanh->first, config_.tanh->second));
}

SpecRef SpecSet::concat() {
  if (concat_) return GraphEdit::concrete(*concat_);
  if (config_.in_float()) return {};
  Spec spec = activation_spec(config_, granularity_, symmetric_);
  spec.observer = kConcatObserver;
  spec.eps = 0;
  return made(concat_, spec);
}

SpecId SpecSet::derived_bias() {
  if (!derived_) derived_ = edit_.add(derived_bias_spec(config_, granularity_));
  return *derived_;
}

Selections::Selections(const Graph& graph) : first_(graph.nodes.size() + 1) {
  const auto producer_of = [&](const Node& node) {
    const bool selects = node.kind == NodeKind::kSelect && node.uses.count > 0;
    const ValueId from = selects ? graph.uses[node.uses.first].value : ValueId{};
    return from.valid() ? graph.value(from).producer : NodeId{};
  };
  for (const Node& node : graph.nodes)
    if (const NodeId producer = producer_of(node); producer.valid()) ++first_[producer.index + 1];
  for (size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  selects_.resize(first_.back());
  std::vector<uint32_t> next = first_;
  for (uint32_t n = 0; n < graph.nodes.size(); ++n)
    if (const NodeId producer = producer_of(graph.nodes[n]); producer.valid())
      selects_[next[producer.index]++] = NodeId{n};
}

std::span<const NodeId> Selections::of(NodeId producer) const {
  return std::span(selects_).subspan(first_[producer.index], first_[producer.index + 1] - first_[producer.index]);
}

bool is_quantizable(const Value& value) { return value.dtype == DType::kFloat32 || value.dtype == DType::kBFloat16; }

ValueId operand(const Graph& graph, const Node& node, int position) {
  const auto args = graph.args_of(node);
  if (position < 0 || static_cast<size_t>(position) >= args.size()) return {};
  const Arg& arg = args[static_cast<size_t>(position)];
  return arg.kind == Arg::Kind::kUse ? graph.use(graph.use_of(node, arg)).value : ValueId{};
}

std::optional<int64_t> channel_axis(const Graph& graph, const Node& node, const AnnotationRow& row) {
  if (!row.channel_axis) return std::nullopt;
  int64_t axis = *row.channel_axis;
  if (!row.transposed_by.empty()) {
    const NamedArg* given = graph.find_named(node, row.transposed_by);
    if (given != nullptr && given->arg.kind == Arg::Kind::kInt && given->arg.integer == 1) axis = 1 - axis;
  }
  const auto args = graph.args_of(node);
  if (row.transposed_arg >= 0 && static_cast<size_t>(row.transposed_arg) < args.size()) {
    const Arg& flag = args[static_cast<size_t>(row.transposed_arg)];
    if (flag.kind == Arg::Kind::kBool && flag.integer != 0) axis = 1;
  }
  const ValueId weight = operand(graph, node, std::max(row.weight, 0));
  if (!weight.valid()) return std::nullopt;
  const int64_t rank = graph.value(weight).rank;
  if (axis < 0) axis += rank;
  return rank >= 0 && axis >= 0 && axis < rank ? std::optional(axis) : std::nullopt;
}

bool write_style(const Annotated& at) {
  Writer writer(at);
  (writer.*kWriters[static_cast<size_t>(at.row.style)])();
  return writer.wrote();
}

}  // namespace snapgauge
