#include "graph/draw.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "base/content_hash.h"

namespace snapgauge {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 32U;

/// From 0 to 1.
double unit(uint64_t bits) { return static_cast<double>(bits >> 11U) / 9007199254740992.0; }

template <class T>
void fill(std::byte* to, uint64_t count, std::mt19937_64& random, double low, double high) {
  for (uint64_t i = 0; i < count; ++i) {
    const T v = static_cast<T>(low + (high - low) * unit(random()));
    std::memcpy(to + i * sizeof v, &v, sizeof v);
  }
}

/// Products of as many numbers as an element of the first dimension has sum up to about 1.
double reach(std::span<const int64_t> dims) {
  double each = 1;
  for (size_t d = 1; d < dims.size(); ++d) each *= static_cast<double>(std::max<int64_t>(1, dims[d]));
  return std::sqrt(3 / each);
}

/// How many a value has; nothing where its type or shape has none.
std::optional<uint64_t> elements_of(const Graph& graph, const Value& v) {
  const auto width = static_cast<uint64_t>(bit_width(v.dtype)) / 8;
  if (v.rank < 0 || width == 0 || (is_float(v.dtype) && width < sizeof(float))) return std::nullopt;
  uint64_t count = 1;
  for (const int64_t d : graph.shape(v))
    if (d < 0 || __builtin_mul_overflow(count, static_cast<uint64_t>(d), &count) || count > kMostBytes / width)
      return std::nullopt;
  return count;
}

std::unique_ptr<std::byte[]> drawn(DType dtype, std::span<const int64_t> dims, uint64_t count, std::mt19937_64 random) {
  auto data = std::make_unique<std::byte[]>(count * static_cast<uint64_t>(bit_width(dtype)) / 8);
  const bool flat = dims.size() < 2;
  const double most = flat ? 1.5 : reach(dims), least = flat ? 0.5 : -most;
  if (dtype == DType::kFloat32) fill<float>(data.get(), count, random, least, most);
  if (dtype == DType::kFloat64) fill<double>(data.get(), count, random, least, most);
  if (dtype == DType::kBool8) fill<uint8_t>(data.get(), count, random, 0, 2);
  return data;
}

}  // namespace

size_t draw_constants(Graph& graph, uint64_t seed) {
  size_t made = 0;
  for (Value& v : graph.values) {
    if (graph.node(v.producer).kind != NodeKind::kConstant) continue;
    if (v.constant.valid() && graph.constants[v.constant.index].data != nullptr) continue;
    const auto count = elements_of(graph, v);
    if (!count) continue;
    graph.storage.push_back(
        drawn(v.dtype, graph.shape(v), *count, std::mt19937_64(seed ^ content_hash(graph.text(v.name)))));
    const Constant c{v.dtype, *count, graph.storage.back().get()};
    if (!v.constant.valid()) {
      v.constant = ConstantId{static_cast<uint32_t>(graph.constants.size())};
      graph.constants.emplace_back();
    }
    graph.constants[v.constant.index] = c;
    ++made;
  }
  return made;
}

}  // namespace snapgauge
