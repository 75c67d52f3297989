#include "formats/onnx/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "formats/onnx/messages.h"
#include "formats/onnx/model_builder.h"
#include "graph/sharing.h"
#include "numerics/blocks.h"
#include "observers/parameters.h"

namespace snapgauge {
namespace onnx {
namespace {

constexpr std::string_view kContrib = "com.microsoft";

/// From which opset on the two operators have integers of some bits.
struct Since {
  int bits;
  bool per_axis, blocks;
  int opset;
};
constexpr Since kSince[]{{2, true, true, 25},  {4, true, true, 21},   {16, true, true, 21},  {8, true, true, 21},
                         {8, true, false, 13}, {8, false, false, 10}, {32, true, false, 13}, {32, false, false, 10}};

/// The last row that covers the spec.
int opset_for(const Spec& spec) {
  int out = 0;
  for (const Since& row : kSince)
    if (row.bits == effective_bits(spec) && (row.per_axis || !is_per_channel(spec.scheme)) &&
        (row.blocks || spec.block.empty()))
      out = row.opset;
  return out;
}

/// Blocks are in the standard operators alone, from this opset on. Models from kFirstLifted on are lifted to it: of the
/// operators that changed until then those in kAxesMoved got an operand for an attribute, and Split wants the number of
/// its results where no operand tells their sizes (ONNX's Changelog, opsets 14 to 21).
constexpr int kBlockOpset = 21, kFirstLifted = 13;
constexpr std::string_view kAxesMoved[]{"ReduceL1",   "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
                                        "ReduceMean", "ReduceMin", "ReduceProd",   "ReduceSumSquare"};

int opset_of(const Graph& graph) {
  const bool blocks = std::any_of(graph.specs.begin(), graph.specs.end(),
                                  [](const Spec& spec) { return !spec.scales.empty() && !spec.block.empty(); });
  return blocks && graph.opset >= kFirstLifted ? std::max(graph.opset, kBlockOpset) : graph.opset;
}

bool needs_contrib(const Graph& graph) {
  const int opset = opset_of(graph);
  return std::any_of(graph.specs.begin(), graph.specs.end(),
                     [&](const Spec& spec) { return !spec.scales.empty() && opset < opset_for(spec); });
}

/// How a backend's type is stored in a file.
DType stored_type(const Spec& spec) {
  const bool below_zero = effective_range(spec).value_or(IntegerRange{}).min < 0;
  switch (effective_bits(spec)) {
    case 2: return below_zero ? DType::kInt2 : DType::kUint2;
    case 4: return below_zero ? DType::kInt4 : DType::kUint4;
    case 8: return below_zero ? DType::kInt8 : DType::kUint8;
    case 16: return below_zero ? DType::kInt16 : DType::kUint16;
    default: return DType::kInt32;
  }
}

bool same(const Spec& a, const Spec& b) {
  return a.scales == b.scales && a.zero_points == b.zero_points && stored_type(a) == stored_type(b) &&
         a.axis == b.axis && a.block == b.block;
}

/// Bytes of one element each as several a byte.
std::string packed(DType dtype, const std::string& bytes) {
  const auto bits = static_cast<size_t>(bit_width(dtype));
  const size_t each = 8 / bits;
  std::string out((bytes.size() + each - 1) / each, '\0');
  const unsigned mask = (1U << bits) - 1;
  for (size_t i = 0; i < bytes.size(); ++i)
    out[i / each] = static_cast<char>(static_cast<unsigned char>(out[i / each]) |
                                      (static_cast<unsigned char>(bytes[i]) & mask) << (i % each * bits));
  return out;
}

Result<std::string> quantized(const Constant& data, const std::vector<int64_t>& dims, const Spec& spec) {
  const std::vector<int64_t> shared = elements_per_scale(spec, dims);
  uint64_t blocks = 1;
  for (size_t i = 0; i < shared.size(); ++i) blocks *= static_cast<uint64_t>(dims[i] / shared[i]);
  const std::vector<float> scales(spec.scales.begin(), spec.scales.end());
  if ((shared.empty() && !dims.empty()) || blocks != scales.size())
    return Error{ErrorCode::kInternal, "", "has scales that do not fit its shape"};
  const FloatView values(data.data, data.count);
  const TensorNumbers numbers{dims, shared, scales, spec.zero_points, effective_range(spec).value_or(IntegerRange{})};
  const auto stored = [&]<class T>(T) {
    std::string out(data.count * sizeof(T), '\0');
    quantize_tensor(values, numbers, reinterpret_cast<T*>(out.data()));
    return out;
  };
  switch (const DType type = stored_type(spec)) {
    case DType::kInt16: return stored(int16_t{});
    case DType::kUint16: return stored(uint16_t{});
    case DType::kInt32: return stored(int32_t{});
    case DType::kUint8: return stored(uint8_t{});
    case DType::kInt8: return stored(int8_t{});
    default: return packed(type, stored(int8_t{}));
  }
}

/// ONNX has blocks along one axis: in the other dimensions each element gets a scale of its own.
struct SpreadScales {
  size_t axis = 0;
  int64_t block = 1;
  std::vector<int64_t> dims;
  std::vector<double> scales;
};
SpreadScales spread(const Spec& spec, std::span<const int64_t> dims) {
  const std::vector<int64_t> shared = elements_per_scale(spec, dims);
  SpreadScales out;
  if (shared.empty()) return {0, 1, {static_cast<int64_t>(spec.scales.size())}, spec.scales};
  for (size_t i = 0; i < shared.size(); ++i)
    if (shared[i] > 1 && (shared[out.axis] == 1 || shared[i] < dims[i])) out.axis = i;
  out.block = shared[out.axis];
  out.dims.assign(dims.begin(), dims.end());
  out.dims[out.axis] /= out.block;
  std::vector<int64_t> at(out.dims.size());
  for (bool more = true; more;) {
    int64_t index = 0;
    for (size_t d = 0; d < at.size(); ++d)
      index = index * (dims[d] / shared[d]) + (d == out.axis ? at[d] : at[d] / shared[d]);
    out.scales.push_back(spec.scales[static_cast<size_t>(index)]);
    more = false;
    for (size_t d = at.size(); d-- > 0 && !more;) {
      more = ++at[d] < out.dims[d];
      if (!more) at[d] = 0;
    }
  }
  return out;
}

/// Initializers of scales and zero points, one of each for all tensors of a group.
class Parameters {
 public:
  Parameters(ModelBuilder& model, std::string_view domain) : model_(model), domain_(domain) {}

  struct Names {
    std::string scale, zero_point;  // no zero point: of blocks around 0
    std::vector<std::string> attributes;
  };
  /// `base`: of a tensor of the group, with its dimensions.
  const Names& of(const Spec& spec, uint32_t group, const std::string& base, std::span<const int64_t> dims) {
    const auto [known, is_new] = made_.try_emplace(group);
    if (is_new) known->second = spec.block.empty() ? plain(spec, base, dims) : blocks(spec, base, dims);
    return known->second;
  }

 private:
  Names plain(const Spec& spec, const std::string& base, std::span<const int64_t> dims) {
    std::vector<int64_t> shape;
    Names out;
    if (is_per_channel(spec.scheme)) {
      shape = {static_cast<int64_t>(spec.scales.size())};
      out.attributes.push_back(integer_attribute("axis", std::max<int64_t>(0, axis_of(spec, dims.size()))));
    }
    out.scale = model_.fresh(base + "_scale");
    model_.initializer(out.scale, DType::kFloat32, shape, encoded(DType::kFloat32, spec.scales));
    out.zero_point = zero_points(spec, base, shape, spec.scales.size());
    return out;
  }

  Names blocks(const Spec& spec, const std::string& base, std::span<const int64_t> dims) {
    const SpreadScales all = spread(spec, dims);
    Names out;
    out.attributes = {integer_attribute("axis", static_cast<int64_t>(all.axis)),
                      integer_attribute("block_size", all.block)};
    out.scale = model_.fresh(base + "_scale");
    if (spec.two_level)
      two_levels(out.scale, all, static_cast<size_t>(std::max<int64_t>(0, axis_of(spec, dims.size()))));
    else
      model_.initializer(out.scale, DType::kFloat32, all.dims, encoded(DType::kFloat32, all.scales));
    const bool around_zero =
        std::all_of(spec.zero_points.begin(), spec.zero_points.end(), [](int64_t z) { return z == 0; });
    if (!around_zero) out.zero_point = zero_points(spec, base, all.dims, all.scales.size());
    return out;
  }

  std::string zero_points(const Spec& spec, const std::string& base, const std::vector<int64_t>& shape, size_t count) {
    std::vector<int64_t> zeros(count);
    for (size_t i = 0; i < count; ++i) zeros[i] = zero_point_of(spec, i);
    std::string name = model_.fresh(base + "_zero_point");
    model_.initializer(name, stored_type(spec), shape, encoded(stored_type(spec), zeros));
    return name;
  }

  /// Block scales as integers times a scale per channel, by a DequantizeLinear of their own.
  void two_levels(const std::string& name, const SpreadScales& all, size_t axis) {
    const std::vector<float> products(all.scales.begin(), all.scales.end());
    const TwoLevelScales levels = two_level(products, all.dims, axis);
    const std::string integers = model_.fresh(name + "_integers"), channels = model_.fresh(name + "_channels");
    model_.initializer(integers, DType::kUint8, all.dims,
                       {reinterpret_cast<const char*>(levels.integers.data()), levels.integers.size()});
    const std::vector<double> of_channels(levels.channels.begin(), levels.channels.end());
    model_.initializer(channels, DType::kFloat32, std::vector{static_cast<int64_t>(of_channels.size())},
                       encoded(DType::kFloat32, of_channels));
    model_.add({"DequantizeLinear",
                name + "_DequantizeLinear",
                domain_,
                {integers, channels},
                {name},
                {integer_attribute("axis", static_cast<int64_t>(axis))}});
  }

  ModelBuilder& model_;
  std::string_view domain_;
  std::map<uint32_t, Names> made_;
};

class Writer {
 public:
  explicit Writer(const Graph& graph)
      : graph_(graph),
        sharing_(graph),
        domain_(needs_contrib(graph) ? kContrib : std::string_view()),
        opset_(opset_of(graph)),
        model_(graph, opset_),
        parameters_(model_, domain_) {}

  Result<std::string> run() {
    find_outputs();
    for (const Node& n : graph_.nodes)
      if (Status s = node(n); !s) return s.error();
    return model_.finish();
  }

 private:
  std::string text(Symbol s) const { return s.valid() ? std::string(graph_.text(s)) : std::string(); }
  const Spec* spec_at(PlaceId place) const {
    const Spec* spec = sharing_.spec(place);
    return spec != nullptr && !spec->scales.empty() ? spec : nullptr;
  }
  bool is_computed(ValueId v) const { return graph_.node(graph_.value(v).producer).kind == NodeKind::kCall; }

  void find_outputs() {
    for (const Node& n : graph_.nodes) {
      if (n.kind != NodeKind::kOutput) continue;
      for (uint32_t i = 0; i < n.uses.count; ++i) {
        const UseId use{n.uses.first + i};
        const ValueId v = graph_.use(use).value;
        if (v.valid() && is_computed(v) && spec_at(sharing_.place(use)) != nullptr) leaving_.emplace(v.index, use);
      }
    }
  }
  /// Of a tensor as its node makes it.
  std::string name_of(ValueId v) {
    const auto [known, is_new] = names_.try_emplace(v.index);
    if (!is_new) return known->second;
    const std::string own = text(graph_.value(v).name);
    return known->second = leaving_.contains(v.index) ? model_.fresh(own + "_float") : own;
  }

  Status node(const Node& n) {
    switch (n.kind) {
      case NodeKind::kInput:
        model_.input(text(graph_.values[n.outputs.first].name), graph_.values[n.outputs.first]);
        return Done{};
      case NodeKind::kConstant: return Done{};  // written for those who read it
      case NodeKind::kCall: return call(n);
      case NodeKind::kOutput: return output(n);
      default:
        return Error{ErrorCode::kUnsupported, printable(graph_.text(n.name)), "is no node of an ONNX model in float"};
    }
  }

  Status call(const Node& n) {
    const std::string op(graph_.text(n.op));
    if (op == "Identity" && n.outputs.count == 1 && source_of(ValueId{n.outputs.first}).valid()) return Done{};
    const size_t dot = op.rfind('.');
    const std::string domain = dot == std::string::npos ? "" : op.substr(0, dot);
    NodeMessage out{dot == std::string::npos ? op : op.substr(dot + 1), text(n.name), domain, {}, {}, {}};
    for (const Arg& arg : graph_.args_of(n)) {
      auto name = arg.kind == Arg::Kind::kUse ? operand(graph_.use_of(n, arg)) : Result<std::string>(std::string());
      if (!name) return name.error();
      out.inputs.push_back(std::move(*name));
    }
    const bool lifted = opset_ > graph_.opset && domain.empty();
    for (const NamedArg& named : graph_.named_of(n)) {
      if (lifted && graph_.text(named.name) == "axes" && std::ranges::find(kAxesMoved, op) != std::end(kAxesMoved)) {
        out.inputs.resize(2);
        out.inputs[1] = axes(n, named.arg);
        continue;
      }
      auto message = attribute_message(graph_, n, named);
      if (!message) return message.error();
      out.attributes.push_back(std::move(*message));
    }
    if (lifted && op == "Split" && out.inputs.size() < 2 && graph_.find_named(n, "num_outputs") == nullptr)
      out.attributes.push_back(integer_attribute("num_outputs", n.outputs.count));
    for (uint32_t i = 0; i < n.outputs.count; ++i) out.outputs.push_back(name_of(ValueId{n.outputs.first + i}));
    model_.add(out);
    return Done{};
  }

  /// A list attribute as an operand.
  std::string axes(const Node& n, const Arg& arg) {
    std::vector<int64_t> values;
    for (const Arg& a : graph_.elements_of(arg)) values.push_back(a.integer);
    const std::vector<int64_t> dims{static_cast<int64_t>(values.size())};
    std::string name = model_.fresh(text(n.name) + "_axes");
    model_.initializer(name, DType::kInt64, dims, encoded(DType::kInt64, values));
    return name;
  }

  Status output(const Node& n) {
    for (uint32_t i = 0; i < n.uses.count; ++i) {
      const UseId use{n.uses.first + i};
      const ValueId v = graph_.use(use).value;
      if (!v.valid()) continue;
      auto name = operand(use);
      if (!name) return name.error();
      const std::string own = text(graph_.value(v).name);
      // What stands for a computed tensor may be a constant.
      if (is_computed(v) && *name != own) {
        model_.add({"Identity", own + "_node", "", {*name}, {own}});
        *name = own;
      }
      model_.output(*name, graph_.value(v));
    }
    return Done{};
  }

  /// A constant behind Identity nodes is the constant: no integers of 32 bits are computed.
  ValueId source_of(ValueId v) const {
    for (size_t steps = 0; steps < graph_.nodes.size(); ++steps) {
      const Node& producer = graph_.node(graph_.value(v).producer);
      if (graph_.text(producer.op) != "Identity" || producer.uses.count != 1) break;
      const ValueId operand = graph_.uses[producer.uses.first].value;
      if (!operand.valid()) break;
      v = operand;
    }
    return graph_.node(graph_.value(v).producer).kind == NodeKind::kConstant ? v : ValueId{};
  }

  /// What a node reads there, with the pairs in front of it.
  Result<std::string> operand(UseId id) {
    const ValueId read = graph_.use(id).value;
    if (!read.valid()) return std::string();
    const ValueId source = source_of(read), v = source.valid() ? source : read;
    const PlaceId edge = sharing_.place(id), tensor = sharing_.place(v);
    const Spec* spec = spec_at(edge);
    if (!is_computed(v) && graph_.value(v).constant.valid()) return constant(v, spec, sharing_.group(edge));
    if (graph_.node(graph_.value(v).producer).kind == NodeKind::kConstant)
      return Error{ErrorCode::kUnsupported, printable(graph_.text(graph_.value(v).name)), "its data is not there"};
    if (spec == nullptr) return name_of(v);
    const Spec* own = spec_at(tensor);
    if (own == nullptr) return pair(name_of(v), v, *spec, sharing_.group(edge));
    const std::string first = pair(name_of(v), v, *own, sharing_.group(tensor));
    const bool as_tensor = sharing_.group(tensor) == sharing_.group(edge) || same(*own, *spec);
    return as_tensor ? first : pair(first, v, *spec, sharing_.group(edge));
  }

  /// The numbers behind a QuantizeLinear and a DequantizeLinear of a tensor, made once.
  std::string pair(const std::string& tensor, ValueId v, const Spec& spec, uint32_t group) {
    const auto [known, is_new] = pairs_.try_emplace({tensor, group});
    if (!is_new) return known->second;
    const std::string base = text(graph_.value(v).name);
    const Parameters::Names& p = parameters_.of(spec, group, base, graph_.shape(graph_.value(v)));
    const auto leaves = leaving_.find(v.index);
    const bool is_output = leaves != leaving_.end() && sharing_.group(sharing_.place(leaves->second)) == group &&
                           named_.insert(v.index).second;
    const std::string integers = model_.fresh(base + "_QuantizeLinear_Output");
    const std::string numbers = is_output ? base : model_.fresh(base + "_DequantizeLinear_Output");
    model_.add(
        {"QuantizeLinear", integers + "_node", domain_, {tensor, p.scale, p.zero_point}, {integers}, p.attributes});
    model_.add({"DequantizeLinear",
                integers + "_DequantizeLinear",
                domain_,
                {integers, p.scale, p.zero_point},
                {numbers},
                p.attributes});
    return known->second = numbers;
  }

  Result<std::string> constant(ValueId v, const Spec* spec, uint32_t group) {
    const Value& value = graph_.value(v);
    const std::string base = text(value.name);
    const auto [known, is_new] = pairs_.try_emplace({base, spec == nullptr ? PlaceId::kNone : group});
    if (!is_new) return known->second;
    const Constant& data = graph_.constants[value.constant.index];
    if (data.data == nullptr && data.count > 0)
      return Error{ErrorCode::kUnsupported, printable(base), "its data is not there"};
    const auto shape = graph_.shape(value);
    const std::vector<int64_t> dims(shape.begin(), shape.end());
    if (spec == nullptr || data.dtype != DType::kFloat32) {
      const size_t bytes = (data.count * static_cast<size_t>(bit_width(data.dtype)) + 7) / 8;
      model_.initializer(base, data.dtype, dims, {reinterpret_cast<const char*>(data.data), bytes});
      return known->second = base;
    }
    const auto integers = quantized(data, dims, *spec);
    if (!integers) return Error{integers.error().code, printable(base), integers.error().text};
    const Parameters::Names& p = parameters_.of(*spec, group, base, dims);
    const std::string stored = model_.fresh(base + "_quantized");
    const std::string numbers = model_.fresh(base + "_DequantizeLinear_Output");
    model_.initializer(stored, stored_type(*spec), dims, integers.value());
    NodeMessage node{"DequantizeLinear", numbers + "_node", domain_, {stored, p.scale}, {numbers}, p.attributes};
    if (!p.zero_point.empty() && stored_type(*spec) != DType::kInt32) node.inputs.push_back(p.zero_point);
    model_.add(node);
    return known->second = numbers;
  }

  const Graph& graph_;
  Sharing sharing_;
  std::string_view domain_;
  int opset_;
  ModelBuilder model_;
  Parameters parameters_;
  std::unordered_map<uint32_t, std::string> names_;                // of tensors, by value
  std::unordered_map<uint32_t, UseId> leaving_;                    // quantized graph outputs by value
  std::unordered_set<uint32_t> named_;                             // of these, whose name stands behind a pair already
  std::map<std::pair<std::string, uint32_t>, std::string> pairs_;  // by tensor and group
};

}  // namespace
}  // namespace onnx

Result<std::string> onnx_model(const Graph& graph) {
  if (!row_of(graph.frontend).has_qdq_pairs)
    return Error{ErrorCode::kUnsupported, printable(graph.file), "has no operators of ONNX"};
  return onnx::Writer(graph).run();
}

}  // namespace snapgauge
