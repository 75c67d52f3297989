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
  return index >= 0 && static_cast<uint32_t>(index) < node.args.count ? &graph.args[node.args.first + static_cast<uint32_t>(index)]
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

/// Axes count in the frontend's layout; ports with a layout of their own have them moved.
int backend_axis(const OpView& view, int axis, int rank) {
  const PortView* in = view.port(PortRef::Side::kIn, 0);
  if (in == nullptr || in->permutation == nullptr) return axis;
  for (int i = 0; i < rank; ++i)
    if (in->permutation[i] == axis) return i;
  return axis;
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
    case Transform::kPair:
      if (v.numbers.size() == 1) v.numbers.push_back(v.numbers[0]);
      v.is_list = true;
      return true;
    case Transform::kPadsTorch: {
      if (v.numbers.size() == 1) v.numbers.push_back(v.numbers[0]);
      std::vector<double> out;
      for (double p : v.numbers) out.insert(out.end(), {p, p});
      v.numbers = std::move(out);
      v.is_list = true;
      return true;
    }
    case Transform::kPadsOnnx:
    case Transform::kPadsOnnxFull:
      interleave_halves(v.numbers);
      v.is_list = true;
      return true;
    case Transform::kPadsTorchFull:
      v.is_list = true;
      return full_torch_pads(v.numbers, rank);
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

ParamValue OpView::param(std::string_view name) const {
  const Graph& g = *graph;
  const Node& n = g.node(node);
  if (mapping->generic) {
    const NamedArg* attribute = g.find_named(n, name);
    return attribute == nullptr ? ParamValue{} : value_of(g, attribute->arg);
  }
  for (const auto& [key, source] : mapping->params) {
    if (key != name) continue;
    ParamValue v;
    if (source.literal) {
      v = *source.literal;
    } else {
      if (const Arg* arg = operand(g, n, source.arg)) v = value_of(g, *arg);
      if (v.state == ParamValue::State::kUnset && !source.key.empty())
        if (const NamedArg* attribute = g.find_named(n, source.key)) v = value_of(g, attribute->arg);
      if (v.state == ParamValue::State::kUnset)
        if (const Arg* arg = operand(g, n, source.input)) v = value_of(g, *arg);
      if (v.state == ParamValue::State::kUnset) v = source.fallback;
    }
    if (v.state != ParamValue::State::kKnown) return v;
    v = translated(source, std::move(v));
    if (v.name.empty() && !transform(*this, source.transform, v)) return ParamValue::unknown();
    return v;
  }
  return {};
}

}  // namespace snapgauge
