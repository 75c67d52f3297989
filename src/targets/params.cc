// Parameters: from a frontend's arguments and attributes to the vendor's values.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "targets/view.h"

namespace snapgauge {
namespace {

using Transform = ParamSource::Transform;

constexpr size_t kLongest = 65536;

/// Flattens numbers of nested lists; false when something else is inside.
bool numbers_of(const Graph& graph, const Arg& arg, std::vector<double>& out, int depth = 0) {
  switch (arg.kind) {
    case Arg::Kind::kInt:
    case Arg::Kind::kBool: out.push_back(static_cast<double>(arg.integer)); return true;
    case Arg::Kind::kFloat: out.push_back(arg.real); return true;
    case Arg::Kind::kList:
      if (depth > 8 || arg.list.count > kLongest) return false;
      for (const Arg& e : graph.args_of(arg.list))
        if (!numbers_of(graph, e, out, depth + 1)) return false;
      return true;
    default: return false;
  }
}

ParamValue constant_value(const Graph& graph, ConstantId id) {
  if (!id.valid() || graph.constants[id.index].count > kLongest) return ParamValue::unknown();
  auto numbers = constant_reals(graph, id);
  if (!numbers) return ParamValue::unknown();
  return {ParamValue::State::kKnown, std::move(*numbers), {}, true};
}

/// The data of the value an argument names, looking through folded Q/DQ of constants.
ParamValue value_of_use(const Graph& graph, const Use& use) {
  if (!use.value.valid()) return ParamValue::unknown();
  return constant_value(graph, graph.value(use.value).constant);
}

ParamValue value_of(const Graph& graph, const Arg& arg) {
  ParamValue out;
  switch (arg.kind) {
    case Arg::Kind::kNone: return out;
    case Arg::Kind::kString:
      out.state = ParamValue::State::kKnown;
      out.name = std::string(graph.text(Symbol{arg.index}));
      return out;
    case Arg::Kind::kUse: return value_of_use(graph, graph.uses[arg.index]);
    case Arg::Kind::kTensor: return constant_value(graph, ConstantId{arg.index});
    default:
      out.is_list = arg.kind == Arg::Kind::kList;
      if (!numbers_of(graph, arg, out.numbers)) return ParamValue::unknown();
      out.state = ParamValue::State::kKnown;
      return out;
  }
}

const Arg* operand(const Graph& graph, const Node& node, int index) {
  return index >= 0 && static_cast<uint32_t>(index) < node.args.count
             ? &graph.args[node.args.first + static_cast<uint32_t>(index)]
             : nullptr;
}

int input_rank(const OpView& view) {
  const PortView* in = view.port(PortRef::Side::kIn, 0);
  return in == nullptr ? -1 : in->rank;
}

/// [b0, b1, .., e0, e1, ..] -> [b0, e0, b1, e1, ..]
void interleave_halves(std::vector<double>& v) {
  std::vector<double> out;
  const size_t half = v.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    out.push_back(v[i]);
    out.push_back(v[half + i]);
  }
  v = std::move(out);
}

/// torch pads the last dimension first: [l_last, r_last, l_prev, r_prev] -> all dimensions in order.
bool full_torch_pads(std::vector<double>& v, int rank) {
  if (rank < 0 || v.size() % 2 != 0 || v.size() / 2 > static_cast<size_t>(rank)) return false;
  std::vector<double> out(static_cast<size_t>(rank) * 2, 0);
  for (size_t i = 0; i < v.size() / 2; ++i) {
    const size_t dim = static_cast<size_t>(rank) - 1 - i;
    out[2 * dim] = v[2 * i];
    out[2 * dim + 1] = v[2 * i + 1];
  }
  v = std::move(out);
  return true;
}

/// Axes count in the frontend's layout; a first input with a layout of its own has them moved.
int backend_axis(const OpView& view, int axis, int rank) {
  const PortView* in = view.port(PortRef::Side::kIn, 0);
  if (in == nullptr || in->from == nullptr) return axis;
  for (int i = 0; i < rank; ++i)
    if (in->from[i] == axis) return i;
  return axis;
}

int frontend_rank(const OpView& view) {
  const PortView* in = view.port(PortRef::Side::kIn, 0);
  return in == nullptr ? -1 : in->frontend_rank;
}

bool raised(const OpView& view) { return view.mapping->rank_up == 4 && frontend_rank(view) == 3; }

/// One value per spatial dimension; a raised tensor has one more, in front.
bool spatial(const OpView& view, std::vector<double>& v, double in_front) {
  const int dims = frontend_rank(view) - 2;
  if (dims < 1) return v.size() > 1;
  while (v.size() < static_cast<size_t>(dims) && !v.empty()) v.push_back(v[0]);
  if (raised(view)) v.insert(v.begin(), in_front);
  return true;
}

bool transform(const OpView& view, Transform kind, ParamValue& v) {
  const int rank = input_rank(view);
  switch (kind) {
    case Transform::kNone: return true;
    case Transform::kOther: return false;
    case Transform::kAllAxesIfEmpty:
      if (v.numbers.empty()) {
        if (rank < 0) return false;
        for (int i = 0; i < rank; ++i) v.numbers.push_back(i);
      }
      [[fallthrough]];
    case Transform::kAxis:
    case Transform::kAxes: {
      const PortView* in = view.port(PortRef::Side::kIn, 0);
      for (double& a : v.numbers) {
        if (rank < 0 && a < 0) return false;
        const int frontend = in != nullptr && in->frontend_rank >= 0 ? in->frontend_rank : rank;
        if (a < 0) a += frontend;
        if (rank >= 0) a = backend_axis(view, static_cast<int>(a), rank);
      }
      v.is_list = kind != Transform::kAxis;
      return true;
    }
    case Transform::kBool:
    case Transform::kNot:
      for (double& n : v.numbers) n = (n != 0) == (kind == Transform::kBool) ? 1 : 0;
      return true;
    case Transform::kNumber: v.is_list = false; return v.numbers.size() == 1;
    case Transform::kAxisNew:
      for (double& a : v.numbers) {
        if (a < 0 && rank < 0) return false;
        if (a < 0) a += rank + 1;
      }
      return true;
    case Transform::kTrailingAxes: {
      if (rank < 0) return false;
      const auto n = static_cast<int>(v.numbers.size());
      for (int i = 0; i < n; ++i) v.numbers[static_cast<size_t>(i)] = rank - n + i;
      return true;
    }
    case Transform::kAxisMask: {
      if (rank < 0 || v.numbers.size() != 1) return false;
      const int axis = static_cast<int>(v.numbers[0]) + (v.numbers[0] < 0 ? rank : 0);
      if (axis < 0 || axis > 30) return false;
      v = {ParamValue::State::kKnown, {static_cast<double>(1U << static_cast<unsigned>(axis))}, {}, false};
      return true;
    }
    case Transform::kAxesFrom: {
      if (rank < 0 || v.numbers.size() != 1) return false;
      int first = static_cast<int>(v.numbers[0]);
      if (first < 0) first += rank;
      v.numbers.clear();
      for (int i = first; i < rank; ++i) v.numbers.push_back(i);
      v.is_list = true;
      return true;
    }
    case Transform::kPair:
    case Transform::kPair0: v.is_list = true; return spatial(view, v.numbers, kind == Transform::kPair ? 1 : 0);
    case Transform::kPadsTorch: {
      if (!v.name.empty() || !spatial(view, v.numbers, 0)) return false;
      std::vector<double> out;
      for (double p : v.numbers) out.insert(out.end(), {p, p});
      v.numbers = std::move(out);
      v.is_list = true;
      return true;
    }
    case Transform::kPadsOnnx:
      interleave_halves(v.numbers);
      if (raised(view)) v.numbers.insert(v.numbers.begin(), {0, 0});
      v.is_list = true;
      return true;
    case Transform::kPadsOnnxFull:
      interleave_halves(v.numbers);
      v.is_list = true;
      return true;
    case Transform::kPadsTorchFull: v.is_list = true; return full_torch_pads(v.numbers, rank);
  }
  return false;
}

ParamValue translated(const ParamSource& source, ParamValue v) {
  if (source.enumerators.empty() || v.state != ParamValue::State::kKnown) return v;
  const std::string key = !v.name.empty() ? v.name : v.numbers.size() == 1 ? number_text(v.numbers[0]) : std::string();
  for (const auto& [name, value] : source.enumerators) {
    const bool truth = v.name.empty() && v.numbers.size() == 1 && name == (v.numbers[0] != 0 ? "true" : "false");
    if (name == key || truth) return value;
  }
  return v;  // not in the map: handed on as it is, and judged by the table's own values
}

}  // namespace

namespace {

ParamValue known(std::vector<double> numbers, bool is_list) {
  return {ParamValue::State::kKnown, std::move(numbers), {}, is_list};
}

ParamValue derived(const OpView& view, const ParamSource& source) {
  using Derive = ParamSource::Derive;
  const PortView* in = view.port(PortRef::Side::kIn, 0);
  const PortView* out = view.port(PortRef::Side::kOut, 0);
  if (in == nullptr || in->frontend_rank < 0) return ParamValue::unknown();
  const auto shape = view.graph->shape(view.graph->value(in->value));
  const size_t dims = shape.size() > 2 ? shape.size() - 2 + (raised(view) ? 1 : 0) : 0;
  switch (source.derive) {
    case Derive::kLastAxis: return known({static_cast<double>(in->rank - 1)}, false);
    case Derive::kSpatialOnes: return known(std::vector<double>(dims, 1), true);
    case Derive::kSpatialZeroPads: return known(std::vector<double>(2 * dims, 0), true);
    case Derive::kDim: {
      const ParamValue axis = source.axis ? param_value(view, *source.axis) : ParamValue::unknown();
      if (axis.state != ParamValue::State::kKnown || axis.numbers.empty() || axis.numbers[0] < 0 ||
          axis.numbers[0] >= in->rank)
        return ParamValue::unknown();
      const int64_t d = in->dim(static_cast<int>(axis.numbers[0]));
      return d == kDynamicDim ? ParamValue::unknown() : known({static_cast<double>(d)}, false);
    }
    case Derive::kMultiples: {
      if (out == nullptr || out->frontend_rank < in->frontend_rank) return ParamValue::unknown();
      const auto to = view.graph->shape(view.graph->value(out->value));
      std::vector<double> v;
      for (size_t i = 0; i < to.size(); ++i) {
        const size_t skip = to.size() - shape.size();
        const int64_t d = i < skip ? 1 : shape[i - skip];
        if (d <= 0 || to[i] <= 0) return ParamValue::unknown();
        v.push_back(static_cast<double>(to[i]) / static_cast<double>(d));
      }
      return known(std::move(v), true);
    }
    case Derive::kGlobalFilter: {
      std::vector<double> v;
      if (raised(view)) v.push_back(1);
      for (size_t i = 2; i < shape.size(); ++i) {
        if (shape[i] == kDynamicDim) return ParamValue::unknown();
        v.push_back(static_cast<double>(shape[i]));
      }
      return known(std::move(v), true);
    }
    default: return ParamValue::unknown();
  }
}

}  // namespace

ParamValue OpView::argument(int position) const {
  const Arg* arg = operand(*graph, graph->node(node), position);
  return arg == nullptr ? ParamValue{} : value_of(*graph, *arg);
}

ParamValue OpView::attribute(std::string_view name) const {
  const NamedArg* attribute = graph->find_named(graph->node(node), name);
  return attribute == nullptr ? ParamValue{} : value_of(*graph, attribute->arg);
}

ParamValue param_value(const OpView& view, const ParamSource& source) {
  ParamValue v;
  if (source.derive != ParamSource::Derive::kNone) return derived(view, source);
  if (source.literal) {
    v = *source.literal;
  } else {
    v = view.argument(source.arg);
    if (v.state == ParamValue::State::kUnset && !source.key.empty()) v = view.attribute(source.key);
    if (v.state == ParamValue::State::kUnset) v = view.argument(source.input);
    if (v.state == ParamValue::State::kUnset && source.fallback_source) return derived(view, *source.fallback_source);
    if (v.state == ParamValue::State::kUnset) v = source.fallback;
  }
  const bool absent =
      v.state == ParamValue::State::kUnset || (v.state == ParamValue::State::kKnown && v.is_list && v.numbers.empty());
  if (absent && !source.otherwise.empty()) return view.param(source.otherwise);
  // No list of axes at all means every axis.
  if (v.state == ParamValue::State::kUnset && source.transform == Transform::kAllAxesIfEmpty) v = known({}, true);
  if (v.state != ParamValue::State::kKnown) return v;
  v = translated(source, std::move(v));
  if (v.name.empty() && !transform(view, source.transform, v)) return ParamValue::unknown();
  return v;
}

std::vector<ParamProblem> param_problems(const OpView& view, const Sharing& sharing,
                                         const std::vector<Staticness>& staticness) {
  std::vector<ParamProblem> out;
  const Node& node = view.graph->node(view.node);
  const OpMapping& mapping = *view.mapping;
  // Bounds and fill values may come quantized: the pipeline takes their real values. Sizes and axes may not.
  auto check_operand = [&](int index, const std::string& name, bool may_be_quantized) {
    const Arg* arg = operand(*view.graph, node, index);
    if (arg == nullptr || arg->kind != Arg::Kind::kUse) return;
    const Use& use = view.graph->uses[arg->index];
    if (!use.value.valid()) return;
    for (const ParamProblem& before : out)
      if (before.value == use.value) return;
    if (staticness[use.value.index] == Staticness::kDynamic)
      out.push_back({ParamProblem::Kind::kRunTime, name, "a constant", "computed at run time", use.value});
    else if (const Spec* spec = may_be_quantized ? nullptr : sharing.spec(sharing.place(UseId{arg->index})))
      out.push_back({ParamProblem::Kind::kQuantized, name, "a parameter as it stands", spec_text(*spec), use.value});
  };
  for (const auto& [index, name] : mapping.must_be_constant) check_operand(index, name, false);
  for (const auto& [name, source] : mapping.params) {
    if (source.input >= 0) check_operand(source.input, name, true);
    if (source.enumerators.empty()) continue;
    ParamValue raw = view.argument(source.arg);
    if (raw.state == ParamValue::State::kUnset && !source.key.empty()) raw = view.attribute(source.key);
    if (raw.state != ParamValue::State::kKnown || raw.name.empty()) continue;
    std::string known;
    bool found = false;
    for (const auto& [key, value] : source.enumerators) {
      found = found || key == raw.name;
      known += (known.empty() ? "" : ", ") + key;
    }
    if (!found) out.push_back({ParamProblem::Kind::kUnmapped, name, "one of " + known, printable(raw.name), {}});
  }
  return out;
}

ParamValue OpView::param(std::string_view name) const {
  if (mapping->generic) return attribute(name);
  for (const auto& [key, source] : mapping->params)
    if (key == name) return param_value(*this, source);
  return {};
}

}  // namespace snapgauge
