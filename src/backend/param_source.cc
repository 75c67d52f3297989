// The value of a parameter's source for one node.
#include "backend/param_source.h"

#include <algorithm>

#include "backend/opmap.h"
#include "backend/param_transform.h"
#include "base/text.h"

namespace snapgauge {
namespace {

using Transform = ParamSource::Transform;
using Derive = ParamSource::Derive;

constexpr size_t kLongest = 65536;

/// Flattens numbers of nested lists; false when something else is inside.
bool numbers_of(const Graph& graph, const Arg& arg, std::vector<double>& out, int depth = 0) {
  switch (arg.kind) {
    case Arg::Kind::kInt:
    case Arg::Kind::kBool: out.push_back(static_cast<double>(arg.integer)); return true;
    case Arg::Kind::kFloat: out.push_back(arg.real); return true;
    case Arg::Kind::kList:
      if (depth > 8 || arg.list.count > kLongest) return false;
      for (const Arg& e : graph.elements_of(arg))
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
  // A tensor without elements is a list of nothing, whether or not the file stores its no bytes.
  const Value& value = graph.value(use.value);
  if (const auto shape = graph.shape(value); shape.size() == 1 && shape[0] == 0) return ParamValue::known({}, true);
  return constant_value(graph, value.constant);
}

ParamValue value_of(const Graph& graph, const Node& node, const Arg& arg) {
  ParamValue out;
  switch (arg.kind) {
    case Arg::Kind::kNone: return out;
    case Arg::Kind::kString:
      out.state = ParamValue::State::kKnown;
      out.name = std::string(graph.text(Symbol{arg.index}));
      return out;
    case Arg::Kind::kUse: return value_of_use(graph, graph.use(graph.use_of(node, arg)));
    case Arg::Kind::kTensor: return constant_value(graph, ConstantId{arg.index});
    default:
      out.is_list = arg.kind == Arg::Kind::kList;
      if (!numbers_of(graph, arg, out.numbers)) return ParamValue::unknown();
      out.state = ParamValue::State::kKnown;
      return out;
  }
}

const Arg* operand(const Graph& graph, const Node& node, int index) {
  const auto args = graph.args_of(node);
  return index >= 0 && static_cast<size_t>(index) < args.size() ? &args[static_cast<size_t>(index)] : nullptr;
}

std::vector<double> elements_at(const std::vector<int>& at, const std::vector<double>& from) {
  std::vector<double> out;
  for (int i : at) {
    const auto size = static_cast<int>(from.size());
    if (from.empty()) break;
    const int index = i < 0 ? i + size : i;
    out.push_back(from[static_cast<size_t>(index >= 0 && index < size ? index : 0)]);
  }
  return out;
}

/// A list of texts as one, with commas between.
ParamValue words(const FrontendOperation& view, const ParamSource& source) {
  const Arg* list = operand(*view.graph, view.graph->node(view.node), source.arg);
  if (list == nullptr)
    if (const NamedArg* named = view.graph->find_named(view.graph->node(view.node), source.key)) list = &named->arg;
  if (list == nullptr) return source.fallback;
  if (list->kind != Arg::Kind::kList) return ParamValue::unknown();
  ParamValue out{ParamValue::State::kKnown, {}, {}, false};
  for (const Arg& e : view.graph->elements_of(*list)) {
    if (e.kind != Arg::Kind::kString) return ParamValue::unknown();
    out.name += (out.name.empty() ? "" : ",") + std::string(view.graph->text(Symbol{e.index}));
  }
  return out;
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

bool is_raised(const FrontendOperation& view) { return view.mapping->rank_up == 4 && frontend_rank(view) == 3; }

ParamValue FrontendOperation::argument(int position) const {
  const Arg* arg = operand(*graph, graph->node(node), position);
  return arg == nullptr ? ParamValue{} : value_of(*graph, graph->node(node), *arg);
}

ParamValue FrontendOperation::attribute(std::string_view name) const {
  const NamedArg* attribute = graph->find_named(graph->node(node), name);
  return attribute == nullptr ? ParamValue{} : value_of(*graph, graph->node(node), attribute->arg);
}

ParamValue param_value(const FrontendOperation& view, const ParamSource& source) {
  ParamValue v;
  if (source.derive != Derive::kNone) return derived_value(view, source);
  if (source.transform == Transform::kWords) return words(view, source);
  if (source.transform == Transform::kLastPosition) {
    const Arg* list = operand(*view.graph, view.graph->node(view.node), source.arg);
    if (list == nullptr || list->kind != Arg::Kind::kList) return ParamValue::unknown();
    return ParamValue::known({static_cast<double>(list->list.count) - 1}, false);
  }
  if (source.literal) {
    v = *source.literal;
  } else {
    v = view.argument(source.arg);
    if (v.state == ParamValue::State::kUnset && !source.key.empty()) v = view.attribute(source.key);
    if (v.state == ParamValue::State::kUnset) v = view.argument(source.input);
    if (v.state == ParamValue::State::kUnset && source.fallback_source)
      return derived_value(view, *source.fallback_source);
    if (v.state == ParamValue::State::kUnset) v = source.fallback;
  }
  const bool absent =
      v.state == ParamValue::State::kUnset || (v.state == ParamValue::State::kKnown && v.is_list && v.numbers.empty());
  if (absent && !source.otherwise.empty()) return view.param(source.otherwise);
  // No list of axes at all means every axis.
  if (v.state == ParamValue::State::kUnset && source.transform == Transform::kAllAxesIfEmpty)
    v = ParamValue::known({}, true);
  const bool counted = source.transform == Transform::kPadsOnnx &&
                       (v.state == ParamValue::State::kUnset || view.attribute("auto_pad").name != "NOTSET");
  if (counted || (source.transform == Transform::kPadsTorch && !v.name.empty()))
    return counted_pads(view, source, std::move(v));
  if (v.state != ParamValue::State::kKnown) return v;
  if (!source.at.empty()) v.numbers = elements_at(source.at, v.numbers);
  if (source.transform == Transform::kEinsum) v.name = canonical_equation(v.name);
  v = translated(source, std::move(v));
  if (v.name.empty() && !transform(view, source.transform, v)) return ParamValue::unknown();
  return v;
}

ParamValue FrontendOperation::param(std::string_view name) const {
  if (mapping->generic) return attribute(name);
  for (const auto* sources : {&mapping->params, &mapping->let})
    for (const auto& [key, source] : *sources)
      if (key == name) return param_value(*this, source);
  return {};
}

std::vector<std::pair<std::string_view, ParamValue>> FrontendOperation::params() const {
  std::vector<std::pair<std::string_view, ParamValue>> values;
  if (mapping->generic) {
    for (const NamedArg& named : graph->named_of(graph->node(node)))
      values.emplace_back(graph->text(named.name), value_of(*graph, graph->node(node), named.arg));
    return values;
  }
  for (const auto& [name, source] : mapping->params) values.emplace_back(name, param_value(*this, source));
  return values;
}

int FrontendOperation::operand_count() const {
  const auto args = graph->args_of(graph->node(node));
  return static_cast<int>(
      std::count_if(args.begin(), args.end(), [](const Arg& a) { return a.kind != Arg::Kind::kNone; }));
}

int FrontendOperation::given_in_list(int position) const {
  const Arg* list = operand(*graph, graph->node(node), position);
  if (list == nullptr || list->kind != Arg::Kind::kList) return 0;
  const auto elements = graph->elements_of(*list);
  return static_cast<int>(
      std::count_if(elements.begin(), elements.end(), [](const Arg& a) { return a.kind == Arg::Kind::kUse; }));
}

bool FrontendOperation::result_used(int index) const {
  const Range outputs = graph->node(node).outputs;
  if (used == nullptr || index < 0 || static_cast<uint32_t>(index) >= outputs.count) return false;
  return (*used)[outputs.first + static_cast<uint32_t>(index)];
}

}  // namespace snapgauge
