#include "lower/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "lower/forms.h"
#include "lower/op_lowering.h"

namespace snapgauge {
namespace {

constexpr size_t kMostTold = 5;
const std::vector<bool> kAsAround;  // parts of a node are executed where the node is

/// Ops of one graph, and of the graphs that single nodes become, into one plan.
class Lowering {
 public:
  /// `on_cpu`: by node, or empty; outlives it. `outlived`: whether the plan outlives the graph.
  Lowering(const OpGraph& ops, const std::vector<bool>& on_cpu, Plan& plan, std::vector<std::string>& faults,
           bool outlived)
      : ops_(ops), graph_(*ops.graph), on_cpu_(on_cpu), plan_(plan), forms_(plan, ops, outlived), faults_(faults) {}

  Forms& forms() { return forms_; }

  void inputs() {
    for (const Node& node : graph_.nodes)
      if (node.kind == NodeKind::kInput && node.outputs.count > 0)
        attempt(graph_.text(node.name), [&] { (void)forms_.order_of(ValueId{node.outputs.first}); });
  }

  void operations() {
    for (const Op& op : ops_.ops) {
      const bool reads_lost = reads(op, lost_);
      if (!on_cpu_.empty()) forms_.set_executor(on_cpu_[op.node.index] ? Executor::kCpu : Executor::kBackend);
      const auto work = [&] { on_cpu_.empty() || !is_on_cpu() ? lower(op) : lower_on_cpu(op); };
      if (!reads_lost && attempt(graph_.name(op.node), work)) continue;
      const OpClass& cls = ops_.class_of(op);
      for (uint32_t i = 0; i < cls.outputs; ++i)
        if (const ValueId v = ops_.tensors_of(op)[cls.inputs + i].value; v.valid()) lost_.insert(v.index);
    }
  }

  void outputs() {
    for (const Node& node : graph_.nodes) {
      if (node.kind != NodeKind::kOutput) continue;
      // A node for each output has the output's name; one node for all reads values that have theirs.
      for (const Use& use : graph_.uses_of(node)) {
        if (!use.value.valid()) continue;
        const std::string_view name = graph_.text(
            node.uses.count == 1 && row_of(graph_.frontend).has_qdq_pairs ? node.name : graph_.value(use.value).name);
        attempt(name, [&] { output(use.value, name); });
      }
    }
  }

  std::vector<TensorPlace> places() {
    std::vector<TensorPlace> out;
    for (uint32_t v = 0; v < graph_.values.size(); ++v)
      if (const ValueId source = source_of(ValueId{v}); source.valid() && forms_.knows(source))
        out.push_back({ValueId{v}, forms_.buffer_of(source), forms_.order_of(source)});
    return out;
  }

 private:
  /// False, with the fault kept, when it fails.
  template <class Work>
  bool attempt(std::string_view node, Work work) {
    try {
      work();
      return true;
    } catch (const LowerFailure& failure) {
      faults_.push_back(fmt::format("{}: {}", printable(node), printable(failure.why)));
      return false;
    }
  }

  bool reads(const Op& op, const std::set<uint32_t>& values) const {
    if (values.empty()) return false;
    const OpClass& cls = ops_.class_of(op);
    for (uint32_t i = 0; i < cls.inputs; ++i)
      if (values.contains(ops_.tensors_of(op)[i].value.index)) return true;
    return false;
  }

  bool is_on_cpu() const { return forms_.executor() == Executor::kCpu; }

  void lower_on_cpu(const Op& op) {
    const size_t steps = plan_.steps.size(), faults = faults_.size();
    try {
      return lower(op);
    } catch (const LowerFailure&) {
      faults_.resize(faults);
      drop_steps(steps);
    }
    make_foreign(op.node);
  }

  /// Those of an op that could not be finished. Other forms of its operands, which were made meanwhile, stay.
  void drop_steps(size_t from) {
    std::set<uint32_t> dropped;
    const auto is_dropped = [&](const Step& s) {
      bool drop = s.executor == Executor::kCpu;
      for (const BufferId id : s.inputs) drop |= id.valid() && dropped.contains(plan_.owner(id).index);
      if (drop) dropped.insert(plan_.owner(s.output).index);
      return drop;
    };
    const auto first = plan_.steps.begin() + static_cast<std::ptrdiff_t>(from);
    plan_.steps.erase(std::remove_if(first, plan_.steps.end(), is_dropped), plan_.steps.end());
  }

  /// Its operands and results as the file has them.
  void make_foreign(NodeId id) {
    const Node& node = graph_.node(id);
    const std::string name(graph_.text(node.name));
    std::vector<BufferId> inputs;
    for (const Use& use : graph_.uses_of(node)) {
      if (!use.value.valid()) continue;
      (void)forms_.order_of(use.value);
      const NumberForm own = forms_.number_of(use.value);
      inputs.push_back(forms_.get(use.value, own, own.quant.empty() ? own : kReal, {}));
    }
    for (uint32_t o = 0; o < node.outputs.count; ++o) {
      const ValueId value{node.outputs.first + o};
      const Value& v = graph_.value(value);
      const auto shape = graph_.shape(v);
      if (v.rank < 0 || std::find(shape.begin(), shape.end(), kDynamicDim) != shape.end())
        throw LowerFailure{fmt::format("runs on the CPU, and the shape of its result '{}' is not known",
                                       printable(graph_.text(v.name)))};
      const NumberForm plain{v.dtype == DType::kUndefined ? DType::kFloat32 : v.dtype, {}};
      BufferId out = forms_.temporary(std::string(graph_.text(v.name)), {shape.begin(), shape.end()}, plain);
      forms_.emit(StepKind::kForeign, name, inputs, out, Foreign{std::string(graph_.text(node.op)), o});
      const Spec* spec = ops_.sharing->spec(ops_.sharing->place(value));
      if (const auto number = spec == nullptr ? std::nullopt : form_of(*spec))
        out = forms_.converted(out, *number, name);
      forms_.define(value, out, {});
    }
  }

  void lower(const Op& op) {
    const OpClass& cls = ops_.class_of(op);
    switch (cls.mapped) {
      case Mapped::kOp: return lower_one(op);
      case Mapped::kExpansion: return lower_parts(op, *cls.parts);
      default: throw LowerFailure{fmt::format("{} has no op of the backend", graph_.text(graph_.node(op.node).op))};
    }
  }

  void lower_one(const Op& op) {
    view_.assign(ops_, op);
    const LowerOp row = lowering_of(view_.op());
    if (row == nullptr) throw LowerFailure{fmt::format("the host has no {}", view_.op())};
    OpLowering one(view_, ops_, forms_, plan_, is_on_cpu());
    row(one);
  }

  /// Its inputs and results have the names that they have around the node.
  void lower_parts(const Op& op, const Expansion& parts) {
    Lowering inner(parts.ops, kAsAround, plan_, faults_, true);
    inner.forms().set_executor(forms_.executor());
    const std::unordered_map<std::string_view, ValueId> around = names_around(op);
    for (const Node& node : parts.graph.nodes) {
      if (node.kind != NodeKind::kInput || node.outputs.count == 0) continue;
      const ValueId own{node.outputs.first};
      const auto outer = around.find(parts.graph.text(parts.graph.value(own).name));
      if (outer == around.end()) throw LowerFailure{"an operand of its parts has no name outside"};
      inner.forms().define(own, forms_, outer->second);
    }
    const size_t before = faults_.size();
    inner.operations();
    if (faults_.size() > before) throw LowerFailure{"not all of its parts run on the host"};
    const Node& node = graph_.node(op.node);
    for (uint32_t i = 0; i < parts.graph.values.size(); ++i) {
      const std::string_view name = parts.graph.text(parts.graph.values[i].name);
      for (uint32_t o = 0; o < node.outputs.count; ++o)
        if (const ValueId out{node.outputs.first + o};
            inner.forms().knows(ValueId{i}) && graph_.text(graph_.value(out).name) == name)
          forms_.define(out, inner.forms(), ValueId{i});
    }
  }

  std::unordered_map<std::string_view, ValueId> names_around(const Op& op) const {
    std::unordered_map<std::string_view, ValueId> out;
    const auto add = [&](ValueId v) {
      if (v.valid()) out.emplace(graph_.text(graph_.value(v).name), v);
    };
    const OpClass& cls = ops_.class_of(op);
    for (uint32_t i = 0; i < cls.inputs; ++i) add(ops_.tensors_of(op)[i].value);
    for (const Use& use : graph_.uses_of(graph_.node(op.node))) add(use.value);
    return out;
  }

  /// What a result stands for when nodes in front of it are written into encodings, or removed.
  ValueId source_of(ValueId value) {
    for (size_t steps = 0; steps < graph_.nodes.size(); ++steps) {
      if (forms_.knows(value)) return value;
      const Node& producer = graph_.node(graph_.value(value).producer);
      if (const ValueId operand = ops_.passed_on(value); operand.valid()) {
        value = operand;
        continue;
      }
      if (producer.kind != NodeKind::kFolded || producer.uses.count == 0) return value;
      value = graph_.uses[producer.uses.first].value;
      if (!value.valid()) break;
    }
    return value;
  }

  void output(ValueId value, std::string_view name) {
    const ValueId source = source_of(value);
    if (!source.valid() || lost_.contains(source.index)) return;  // told where it was lost
    const DType file = graph_.value(value).dtype;
    (void)forms_.order_of(source);
    const NumberForm own = forms_.number_of(source);
    const bool as_is = !own.quant.empty() && is_plain_integer(file);
    const NumberForm wanted{file == DType::kUndefined ? DType::kFloat32 : file, {}};
    const BufferId buffer = forms_.get(source, own, as_is ? own : wanted, {});
    plan_.outputs.push_back(buffer);
    plan_.output_names.emplace_back(name);
  }

  const OpGraph& ops_;
  const Graph& graph_;
  const std::vector<bool>& on_cpu_;
  Plan& plan_;
  Forms forms_;
  std::vector<std::string>& faults_;
  std::set<uint32_t> lost_;  // values that are not there because an op failed
  OpView view_;
};

}  // namespace

Result<Plan> lower(const OpGraph& ops, const LowerOptions& options, std::vector<TensorPlace>* places) {
  Plan plan;
  std::vector<std::string> faults;
  Lowering lowering(ops, options.on_cpu, plan, faults, false);
  lowering.inputs();
  lowering.operations();
  lowering.outputs();
  if (places != nullptr) *places = lowering.places();
  if (faults.empty()) return plan;
  std::string text = "cannot run on the host: " + faults[0];
  for (size_t i = 1; i < std::min(faults.size(), kMostTold); ++i) text += "; " + faults[i];
  if (faults.size() > kMostTold) text += fmt::format("; and {} more", faults.size() - kMostTold);
  return Error{ErrorCode::kUnsupported, ops.graph->file, text};
}

}  // namespace snapgauge
