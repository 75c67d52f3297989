#include "graph/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace snapgauge {
namespace {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000U) << 16U;
  const uint32_t exponent = (h >> 10U) & 0x1FU;
  const uint32_t fraction = h & 0x3FFU;
  if (exponent == 0) {
    const float f = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -f : f;
  }
  const uint32_t bits = exponent == 31 ? 0x7F800000U | fraction << 13U : (exponent + 112) << 23U | fraction << 13U;
  return std::bit_cast<float>(sign | bits);
}

std::optional<int64_t> integer_at(const Constant& c, uint64_t i) {
  switch (c.dtype) {
    case DType::kBool8:
    case DType::kUint8: return load<uint8_t>(c.data + i);
    case DType::kInt8: return load<int8_t>(c.data + i);
    case DType::kInt16: return load<int16_t>(c.data + 2 * i);
    case DType::kUint16: return load<uint16_t>(c.data + 2 * i);
    case DType::kInt32: return load<int32_t>(c.data + 4 * i);
    case DType::kUint32: return load<uint32_t>(c.data + 4 * i);
    case DType::kInt64: return load<int64_t>(c.data + 8 * i);
    case DType::kUint4: return load<uint8_t>(c.data + i / 2) >> (i % 2 * 4) & 0xF;
    case DType::kInt4: {
      const int nibble = load<uint8_t>(c.data + i / 2) >> (i % 2 * 4) & 0xF;
      return nibble >= 8 ? nibble - 16 : nibble;
    }
    default: return std::nullopt;
  }
}

std::optional<double> real_at(const Constant& c, uint64_t i) {
  switch (c.dtype) {
    case DType::kFloat32: return load<float>(c.data + 4 * i);
    case DType::kFloat64: return load<double>(c.data + 8 * i);
    case DType::kFloat16: return half_to_float(load<uint16_t>(c.data + 2 * i));
    case DType::kBFloat16: return std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(c.data + 2 * i)) << 16U);
    default:
      if (auto v = integer_at(c, i)) return static_cast<double>(*v);
      return std::nullopt;
  }
}

template <class T, class At>
std::optional<std::vector<T>> elements(const Graph& graph, ConstantId id, At at) {
  if (!id.valid()) return std::nullopt;
  const Constant& c = graph.constants[id.index];
  if (c.data == nullptr && c.count > 0) return std::nullopt;
  std::vector<T> out;
  out.reserve(c.count);
  for (uint64_t i = 0; i < c.count; ++i) {
    const auto v = at(c, i);
    if (!v) return std::nullopt;
    out.push_back(*v);
  }
  return out;
}

/// Plain loops over one type, which the compiler turns into vector instructions: weights are large.
template <class T>
IntegerRange range_of(const Constant& c) {
  T min = load<T>(c.data), max = min;
  for (uint64_t i = 1; i < c.count; ++i) {
    const T v = load<T>(c.data + i * sizeof(T));
    min = std::min(min, v);
    max = std::max(max, v);
  }
  return {static_cast<int64_t>(min), static_cast<int64_t>(max)};
}

/// Two elements a byte; `flip` turns two's complement into an order that unsigned comparison keeps.
IntegerRange range_of_nibbles(const Constant& c, unsigned flip) {
  unsigned min = 15, max = 0;
  for (uint64_t i = 0; i < c.count / 2; ++i) {
    const unsigned both = load<uint8_t>(c.data + i);
    const unsigned low = (both & 0xFU) ^ flip, high = (both >> 4U) ^ flip;
    min = std::min({min, low, high});
    max = std::max({max, low, high});
  }
  if (c.count % 2 != 0) {
    const unsigned last = (load<uint8_t>(c.data + c.count / 2) & 0xFU) ^ flip;
    min = std::min(min, last);
    max = std::max(max, last);
  }
  return {int64_t{min} - flip, int64_t{max} - flip};
}

}  // namespace

std::optional<double> constant_number(const Graph& graph, ConstantId id, uint64_t index) {
  const Constant& c = graph.constants[id.index];
  return c.data == nullptr || index >= c.count ? std::nullopt : real_at(c, index);
}

std::optional<IntegerRange> constant_range(const Graph& graph, ConstantId id) {
  const Constant& c = graph.constants[id.index];
  if (c.data == nullptr || c.count == 0) return std::nullopt;
  switch (c.dtype) {
    case DType::kInt4: return range_of_nibbles(c, 8);
    case DType::kUint4: return range_of_nibbles(c, 0);
    case DType::kInt8: return range_of<int8_t>(c);
    case DType::kUint8: return range_of<uint8_t>(c);
    case DType::kInt16: return range_of<int16_t>(c);
    case DType::kUint16: return range_of<uint16_t>(c);
    case DType::kInt32: return range_of<int32_t>(c);
    case DType::kUint32: return range_of<uint32_t>(c);
    case DType::kInt64: return range_of<int64_t>(c);
    default: return std::nullopt;
  }
}

const NamedArg* Graph::find_named(const Node& n, std::string_view key) const {
  for (const NamedArg& a : named_of(n))
    if (text(a.name) == key) return &a;
  return nullptr;
}

std::optional<std::vector<int64_t>> constant_integers(const Graph& graph, ConstantId id) {
  return elements<int64_t>(graph, id, integer_at);
}

std::optional<std::vector<double>> constant_reals(const Graph& graph, ConstantId id) {
  return elements<double>(graph, id, real_at);
}

std::vector<Staticness> staticness(const Graph& graph) {
  std::vector<Staticness> state(graph.values.size(), Staticness::kDynamic);
  // Files list nodes in execution order; a node that comes before its inputs counts as dynamic.
  for (const Node& node : graph.nodes) {
    Staticness result = Staticness::kDynamic;
    if (node.kind == NodeKind::kConstant) {
      result = Staticness::kStatic;
    } else if (node.kind != NodeKind::kInput && node.uses.count > 0) {
      result = Staticness::kChain;
      for (const Use& use : graph.uses_of(node))
        if (!use.value.valid() || state[use.value.index] == Staticness::kDynamic) result = Staticness::kDynamic;
    }
    // What a reader found out about a computed value is as good as what the file stores.
    for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v)
      state[v] = graph.values[v].constant.valid() ? Staticness::kStatic : result;
  }
  return state;
}

ValueId Graph::selected_as(ValueId result) const {
  const auto at = std::lower_bound(selections.begin(), selections.end(), std::pair(result, ValueId{0}));
  return at != selections.end() && at->first == result ? at->second : ValueId{};
}

std::string verify(const Graph& graph) {
  for (uint32_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& n = graph.nodes[i];
    if (n.arguments.index >= graph.arguments.size() || n.uses.end() > graph.uses.size() ||
        n.outputs.end() > graph.values.size())
      return fmt::format("node {}: range outside its arena", i);
    for (const Use& use : graph.uses_of(n))
      if (use.node.index != i) return fmt::format("node {}: a use names another node", i);
    for (const Value& v : graph.outputs_of(n))
      if (v.producer.index != i) return fmt::format("node {}: an output names another producer", i);
  }
  for (const Arguments& a : graph.arguments)
    if (a.args.end() > graph.args.size() || a.named.end() > graph.named.size())
      return "an argument list lies outside its arena";
  for (const Use& use : graph.uses)
    if (use.value.valid() && use.value.index >= graph.values.size()) return "a use names a value outside the graph";
  for (const Value& v : graph.values) {
    if (v.rank > 0 && v.dims + static_cast<size_t>(v.rank) > graph.dims.size()) return "a shape lies outside its arena";
    if (v.constant.valid() && v.constant.index >= graph.constants.size()) return "a value names a missing constant";
  }
  return {};
}

}  // namespace snapgauge
