// Parameters: from a frontend's arguments and attributes to the vendor's values. Reading a source from
// its row, then asking a node for its value.
#include "backend/param_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "backend/opmap.h"
#include "base/text.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;
using Transform = ParamSource::Transform;
using Derive = ParamSource::Derive;

constexpr std::array<std::pair<std::string_view, Transform>, 21> kTransforms{{
    {"axis_mask", Transform::kAxisMask},
    {"axis_new", Transform::kAxisNew},
    {"number", Transform::kNumber},
    {"pair0", Transform::kPair0},
    {"trailing_axes", Transform::kTrailingAxes},
    {"axes_from", Transform::kAxesFrom},
    {"axis", Transform::kAxis},
    {"axes", Transform::kAxes},
    {"bool", Transform::kBool},
    {"not", Transform::kNot},
    {"pair", Transform::kPair},
    {"pads_torch", Transform::kPadsTorch},
    {"pads_onnx", Transform::kPadsOnnx},
    {"pads_onnx_full", Transform::kPadsOnnxFull},
    {"pads_torch_full", Transform::kPadsTorchFull},
    {"all_axes_if_empty", Transform::kAllAxesIfEmpty},
    {"last_position", Transform::kLastPosition},
    {"reciprocal_pair", Transform::kReciprocalPair},
    {"pair_of", Transform::kPairOf},
    {"words", Transform::kWords},
    {"einsum", Transform::kEinsum},
}};

/// What a derivation is called and which sources it reads beside its name.
struct DeriveRow {
  std::string_view name;
  Derive derive;
  std::array<std::string_view, 5> operands;
};
constexpr DeriveRow kDerivations[] = {
    {"last_axis", Derive::kLastAxis, {}},
    {"dim", Derive::kDim, {"axis"}},
    {"multiples", Derive::kMultiples, {}},
    {"spatial_ones", Derive::kSpatialOnes, {}},
    {"spatial_zero_pads", Derive::kSpatialZeroPads, {}},
    {"global_filter", Derive::kGlobalFilter, {}},
    {"adaptive_filter", Derive::kAdaptiveFilter, {}},
    {"adaptive_stride", Derive::kAdaptiveStride, {}},
    {"ranges", Derive::kRanges, {"axes", "starts", "ends", "lengths", "steps"}},
    {"flip", Derive::kFlip, {"axes"}},
    {"split_index", Derive::kSplitIndex, {"axis", "sizes", "size", "chunks"}},
    {"swap_perm", Derive::kSwapPerm, {"a", "b"}},
    {"reverse_perm", Derive::kReversePerm, {}},
    {"half", Derive::kHalf, {"of"}},
};

void flatten(const Json& v, std::vector<double>& out) {
  if (v.is_array()) {
    for (const Json& e : v) flatten(e, out);
  } else if (v.is_boolean()) {
    out.push_back(v.get<bool>() ? 1 : 0);
  } else if (v.is_number()) {
    out.push_back(v.get<double>());
  } else {
    throw std::invalid_argument("literal " + printable(v.dump()));
  }
}

void read_derivation(const Json& v, ParamSource& out) {
  const std::string name = v.at("derive").get<std::string>();
  for (const DeriveRow& row : kDerivations) {
    if (row.name != name) continue;
    out.derive = row.derive;
    for (const auto& [key, value] : v.items()) {
      if (key == "derive") continue;
      if (std::find(row.operands.begin(), row.operands.end(), key) == row.operands.end())
        throw std::invalid_argument("'" + key + "' of derive " + name);
      out.operands.emplace_back(key, std::make_shared<const ParamSource>(param_source(value)));
    }
    return;
  }
  throw std::invalid_argument("derive '" + name + "'");
}

Transform transform_named(const std::string& name) {
  for (const auto& [known, transform] : kTransforms)
    if (known == name) return transform;
  throw std::invalid_argument("as '" + name + "'");
}

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
  // A tensor without elements is a list of nothing, whether or not the file stores its no bytes.
  const Value& value = graph.value(use.value);
  if (const auto shape = graph.shape(value); shape.size() == 1 && shape[0] == 0) return ParamValue::known({}, true);
  return constant_value(graph, value.constant);
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

int input_rank(const FrontendOperation& view) {
  const Port* in = view.port(PortRef::Side::kIn, 0);
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
int backend_axis(const FrontendOperation& view, int axis, int rank) {
  const Port* in = view.port(PortRef::Side::kIn, 0);
  if (in == nullptr || in->from == nullptr) return axis;
  for (int i = 0; i < rank; ++i)
    if (in->from[i] == axis) return i;
  return axis;
}

int frontend_rank(const FrontendOperation& view) {
  const Port* in = view.port(PortRef::Side::kIn, 0);
  return in == nullptr ? -1 : in->frontend_rank;
}

/// One value per spatial dimension; a raised tensor has one more, in front.
bool spatial(const FrontendOperation& view, std::vector<double>& v, double in_front) {
  const int dims = frontend_rank(view) - 2;
  if (dims < 1) return v.size() > 1;
  while (v.size() < static_cast<size_t>(dims) && !v.empty()) v.push_back(v[0]);
  if (is_raised(view)) v.insert(v.begin(), in_front);
  return true;
}

bool transform(const FrontendOperation& view, Transform kind, ParamValue& v) {
  const int rank = input_rank(view);
  switch (kind) {
    case Transform::kNone: return true;
    case Transform::kAllAxesIfEmpty:
      if (v.numbers.empty()) {
        if (rank < 0) return false;
        for (int i = 0; i < rank; ++i) v.numbers.push_back(i);
      }
      [[fallthrough]];
    case Transform::kAxis:
    case Transform::kAxes: {
      const Port* in = view.port(PortRef::Side::kIn, 0);
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
      if (!spatial(view, v.numbers, 0)) return false;
      std::vector<double> out;
      for (double p : v.numbers) out.insert(out.end(), {p, p});
      v.numbers = std::move(out);
      v.is_list = true;
      return true;
    }
    case Transform::kPadsOnnx:
      interleave_halves(v.numbers);
      if (is_raised(view)) v.numbers.insert(v.numbers.begin(), {0, 0});
      v.is_list = true;
      return true;
    case Transform::kPadsOnnxFull:
      interleave_halves(v.numbers);
      v.is_list = true;
      return true;
    case Transform::kPadsTorchFull: v.is_list = true; return full_torch_pads(v.numbers, rank);
    case Transform::kLastPosition:
    case Transform::kWords:
    case Transform::kEinsum: return true;  // made before, from the argument itself
    case Transform::kPairOf:
      v.is_list = true;
      if (v.numbers.size() == 1) v.numbers.push_back(v.numbers[0]);
      return v.numbers.size() == 2;
    case Transform::kReciprocalPair:
      if (v.numbers.size() != 1 || v.numbers[0] == 0) return false;
      v = ParamValue::known({1 / v.numbers[0], 1 / v.numbers[0]}, true);
      return true;
  }
  return false;
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

/// Letters renamed in the order in which they appear, so that equal contractions read the same: "bij,bjk->bik"
/// is "abc,acd->abd". Without an arrow the result has the letters that appear once, sorted. "other" for what is
/// no list of letters ("...").
std::string canonical_equation(std::string text) {
  std::erase(text, ' ');
  std::array<int, 128> count{};
  const size_t arrow = text.find("->");
  for (char c : text.substr(0, arrow)) {
    if (c != ',' && std::isalpha(static_cast<unsigned char>(c)) == 0) return "other";
    ++count[static_cast<unsigned char>(c) & 127U];
  }
  if (arrow == std::string::npos) {
    text += "->";
    for (char c = 'A'; c <= 'z'; ++c)
      if (std::isalpha(static_cast<unsigned char>(c)) != 0 && count[static_cast<unsigned char>(c)] == 1) text += c;
  }
  std::array<char, 128> name{};
  char next = 'a';
  for (char& c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) continue;
    char& known = name[static_cast<unsigned char>(c) & 127U];
    if (known == 0) known = next < 'z' ? next++ : 'z';
    c = known;
  }
  return text;
}

/// A list of texts as one, with commas between.
ParamValue words(const FrontendOperation& view, const ParamSource& source) {
  const Arg* list = operand(*view.graph, view.graph->node(view.node), source.arg);
  if (list == nullptr)
    if (const NamedArg* named = view.graph->find_named(view.graph->node(view.node), source.key)) list = &named->arg;
  if (list == nullptr) return source.fallback;
  if (list->kind != Arg::Kind::kList) return ParamValue::unknown();
  ParamValue out{ParamValue::State::kKnown, {}, {}, false};
  for (const Arg& e : view.graph->args_of(list->list)) {
    if (e.kind != Arg::Kind::kString) return ParamValue::unknown();
    out.name += (out.name.empty() ? "" : ",") + std::string(view.graph->text(Symbol{e.index}));
  }
  return out;
}

/// Padding that the frontend states by a word: nothing (VALID), or as much as keeps the size (SAME).
ParamValue counted_pads(const FrontendOperation& view, const ParamSource& source, ParamValue stated) {
  const bool torch = source.transform == Transform::kPadsTorch;
  std::string word = torch ? stated.name : view.attribute("auto_pad").name;
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
  if (!torch && (word.empty() || word == "NOTSET") && stated.state != ParamValue::State::kUnset) {
    if (stated.state == ParamValue::State::kKnown && !transform(view, source.transform, stated))
      return ParamValue::unknown();
    return stated;
  }
  const size_t dims =
      frontend_rank(view) < 2 ? 0 : static_cast<size_t>(frontend_rank(view)) - 2 + (is_raised(view) ? 1 : 0);
  std::vector<double> pads(2 * dims, 0);
  if (word.compare(0, 4, "SAME") != 0) return ParamValue::known(std::move(pads), true);
  const Port* in = view.port(PortRef::Side::kIn, 0);
  const Port* weight = view.port(PortRef::Side::kIn, 1);
  const ParamValue filter = view.param("filter_size"), stride = view.param("stride"), dilation = view.param("dilation");
  for (size_t i = is_raised(view) ? 1 : 0; i < dims; ++i) {
    const auto at = [&](const ParamValue& v, double otherwise) {
      return i < v.numbers.size() ? v.numbers[i] : otherwise;
    };
    const auto axis = i + 2 - (is_raised(view) ? 1 : 0);
    double size = at(filter, 0);
    if (size == 0 && weight != nullptr && static_cast<int>(axis) < weight->frontend_rank)
      size = static_cast<double>(view.graph->shape(view.graph->value(weight->value))[axis]);
    const auto length = static_cast<double>(view.graph->shape(view.graph->value(in->value))[axis]);
    if (size < 1 || length < 0) return ParamValue::unknown();
    const double reach = at(dilation, 1) * (size - 1);
    // The frontend's "same" without strides adds what the window reaches over.
    const double all =
        torch ? reach : std::max((std::ceil(length / at(stride, 1)) - 1) * at(stride, 1) + reach + 1 - length, 0.0);
    const double less = std::floor(all / 2);
    pads[2 * i] = word == "SAME_LOWER" ? all - less : less;
    pads[2 * i + 1] = all - pads[2 * i];
  }
  return ParamValue::known(std::move(pads), true);
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

ParamValue literal_value(const Json& v) {
  ParamValue out;
  if (v.is_null()) return out;
  out.state = ParamValue::State::kKnown;
  out.is_list = v.is_array();
  if (v.is_string())
    out.name = v.get<std::string>();
  else
    flatten(v, out.numbers);
  return out;
}

ParamSource param_source(const Json& v) {
  ParamSource out;
  if (v.contains("derive")) {
    read_derivation(v, out);
    return out;
  }
  for (const auto& [key, value] : v.items()) {
    if (key == "arg")
      out.arg = value.get<int>();
    else if (key == "kw" || key == "attr")
      out.key = value.get<std::string>();
    else if (key == "input")
      out.input = value.get<int>();
    else if (key == "value")
      out.literal = literal_value(value);
    else if (key == "default" && value.is_object())
      out.fallback_source = std::make_shared<ParamSource>(param_source(value));
    else if (key == "default")
      out.fallback = literal_value(value);
    else if (key == "at")
      out.at = value.get<std::vector<int>>();
    else if (key == "or")
      out.otherwise = value.get<std::string>();
    else if (key == "map")
      for (const auto& [name, number] : value.items()) out.enumerators.emplace_back(name, literal_value(number));
    else if (key == "as")
      out.transform = transform_named(value.get<std::string>());
    else
      throw std::invalid_argument("'" + key + "' of a parameter");
  }
  return out;
}

const ParamSource* ParamSource::operand(std::string_view name) const {
  for (const auto& [known, source] : operands)
    if (known == name) return source.get();
  return nullptr;
}

bool is_raised(const FrontendOperation& view) { return view.mapping->rank_up == 4 && frontend_rank(view) == 3; }

ParamValue FrontendOperation::argument(int position) const {
  const Arg* arg = operand(*graph, graph->node(node), position);
  return arg == nullptr ? ParamValue{} : value_of(*graph, *arg);
}

ParamValue FrontendOperation::attribute(std::string_view name) const {
  const NamedArg* attribute = graph->find_named(graph->node(node), name);
  return attribute == nullptr ? ParamValue{} : value_of(*graph, attribute->arg);
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
      values.emplace_back(graph->text(named.name), value_of(*graph, named.arg));
    return values;
  }
  for (const auto& [name, source] : mapping->params) values.emplace_back(name, param_value(*this, source));
  return values;
}

int FrontendOperation::operand_count() const {
  const auto args = graph->args_of(graph->node(node).args);
  return static_cast<int>(
      std::count_if(args.begin(), args.end(), [](const Arg& a) { return a.kind != Arg::Kind::kNone; }));
}

int FrontendOperation::given_in_list(int position) const {
  const Arg* list = operand(*graph, graph->node(node), position);
  if (list == nullptr || list->kind != Arg::Kind::kList) return 0;
  const auto elements = graph->args_of(list->list);
  return static_cast<int>(
      std::count_if(elements.begin(), elements.end(), [](const Arg& a) { return a.kind == Arg::Kind::kUse; }));
}

bool FrontendOperation::result_used(int index) const {
  const Range outputs = graph->node(node).outputs;
  if (used == nullptr || index < 0 || static_cast<uint32_t>(index) >= outputs.count) return false;
  return (*used)[outputs.first + static_cast<uint32_t>(index)];
}

}  // namespace snapgauge
