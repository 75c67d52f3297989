// What the formats cannot say: widths other than 4, 8, 16 and 32 bits, ranges and zero points beyond the type, blocks
// in more than one dimension, and scales that are no finite positive number.
#include "formats/encodings/tensors.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>

#include "graph/sharing.h"

namespace snapgauge {
namespace {

using Granularity = EncodedTensor::Granularity;

constexpr int kBiasBits = 32;

bool has_numbers(const Spec* spec) { return spec != nullptr && !spec->scales.empty(); }

/// How the scales of a tensor in blocks lie in its spec.
struct BlockLayout {
  size_t channels = 1, blocks = 1;  // of a channel
  size_t channel_stride = 1, block_stride = 1;
  int64_t size = 0;
};

/// Elements per scale in each dimension; nothing where they do not divide it.
std::optional<std::vector<int64_t>> blocks_of(const Spec& spec, std::span<const int64_t> shape) {
  std::vector<int64_t> out = spec.block;
  if (spec.block.size() == 1) {
    const auto rank = static_cast<int64_t>(shape.size());
    const int64_t axis = spec.axis.value_or(0), from_start = axis < 0 ? axis + rank : axis;
    if (from_start < 0 || from_start >= rank) return std::nullopt;
    out.assign(shape.size(), 1);
    out[static_cast<size_t>(from_start)] = spec.block.front();
  }
  if (out.size() != shape.size()) return std::nullopt;
  for (size_t d = 0; d < out.size(); ++d)
    if (out[d] <= 0 || shape[d] <= 0 || shape[d] % out[d] != 0) return std::nullopt;
  return out;
}

/// The formats know one dimension in blocks, at most one other with a scale for each element, and one scale for the
/// whole of the rest. Nothing for other layouts.
std::optional<BlockLayout> block_layout(const Spec& spec, std::span<const int64_t> shape) {
  const auto block = blocks_of(spec, shape);
  if (!block) return std::nullopt;
  std::optional<size_t> blocked, channel;
  // Where none is cut, the first of those that have one scale.
  for (const bool cut : {true, false})
    for (size_t d = 0; d < shape.size() && !blocked; ++d)
      if ((*block)[d] > 1 && (!cut || shape[d] > (*block)[d])) blocked = d;
  if (!blocked) return std::nullopt;
  BlockLayout out;
  out.size = (*block)[*blocked];
  out.blocks = static_cast<size_t>(shape[*blocked] / out.size);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (d == *blocked || shape[d] == (*block)[d]) continue;
    if (channel || (*block)[d] != 1) return std::nullopt;
    channel = d;
    out.channels = static_cast<size_t>(shape[d]);
  }
  if (out.channels > spec.scales.size() || out.channels * out.blocks != spec.scales.size()) return std::nullopt;
  if (channel && *channel < *blocked)
    out.channel_stride = out.blocks;
  else
    out.block_stride = out.channels;
  return out;
}

class Collector {
 public:
  Collector(const Graph& graph, bool blocks) : graph_(graph), sharing_(graph), blocks_(blocks) { find_edges(); }

  EncodedTensors all() {
    EncodedTensors out;
    std::unordered_set<std::string_view> seen;
    for (uint32_t v = 0; v < graph_.values.size(); ++v) {
      const Value& value = graph_.values[v];
      const NodeKind kind = graph_.node(value.producer).kind;
      // A picked result is written where it is computed, under the name of what picks it.
      if (kind == NodeKind::kFolded || kind == NodeKind::kSelect) continue;
      const Spec* spec = spec_of(ValueId{v});
      if (spec == nullptr) continue;
      const ValueId picked = value.selected ? graph_.selected_as(ValueId{v}) : ValueId{v};
      const std::string_view name = graph_.text(graph_.value(picked).name);
      if (name.empty() || !seen.insert(name).second) continue;
      if (auto tensor = encoded(*spec, value)) {
        tensor->name = name;
        tensor->parameter = kind == NodeKind::kConstant;
        out.tensors.push_back(std::move(*tensor));
      } else {
        out.left_out.emplace_back(name);
      }
    }
    return out;
  }

 private:
  void find_edges() {
    edge_of_.resize(graph_.values.size());
    for (uint32_t u = 0; u < graph_.uses.size(); ++u) {
      const ValueId value = graph_.uses[u].value;
      if (value.valid() && edge_of_[value.index] == nullptr)
        if (const Spec* spec = sharing_.spec(sharing_.place(UseId{u})); has_numbers(spec)) edge_of_[value.index] = spec;
    }
  }

  /// Null: without numbers.
  const Spec* spec_of(ValueId value) const {
    if (const Spec* own = sharing_.spec(sharing_.place(value)); own != nullptr) return has_numbers(own) ? own : nullptr;
    if (edge_of_[value.index] != nullptr || !graph_.value(value).selected) return edge_of_[value.index];
    return edge_of_[graph_.selected_as(value).index];
  }

  std::optional<EncodedTensor> encoded(const Spec& spec, const Value& value) const {
    EncodedTensor out;
    out.bits = effective_bits(spec);
    out.two_level = spec.two_level;
    const auto range = effective_range(spec);
    if (!range || (out.bits != 4 && out.bits != 8 && out.bits != 16 && out.bits != 32)) return std::nullopt;
    const bool is_unsigned = !is_signed(backend_dtype(spec));
    const int64_t count = int64_t{1} << out.bits, least = is_unsigned ? 0 : -(count / 2);
    if (range->min < least || range->max >= least + count) return std::nullopt;
    if (!lay_out(spec, value, out)) return std::nullopt;
    // [-127, 127] is written in 8 bits, too: offset -128, which is what the converters take for symmetric.
    for (int64_t& offset : out.offsets) {
      if (offset < least || offset >= least + count) return std::nullopt;
      offset = least - offset;
    }
    for (const double scale : out.scales)
      if (!(scale > 0) || !std::isfinite(scale * static_cast<double>(count))) return std::nullopt;
    // An unsigned type may have its zero in the middle by chance.
    out.symmetric = (!is_unsigned || is_symmetric(spec.scheme)) &&
                    std::all_of(out.offsets.begin(), out.offsets.end(), [&](int64_t o) { return o == -(count / 2); });
    return out;
  }

  /// Scales and, in the place of offsets, zero points. False: not of any granularity that there is.
  bool lay_out(const Spec& spec, const Value& value, EncodedTensor& out) const {
    const size_t count = spec.scales.size();
    if (spec.zero_points.size() > 1 && spec.zero_points.size() != count) return false;
    const std::span<const int64_t> shape = graph_.shape(value);
    BlockLayout layout;
    layout.channels = count;
    if (!spec.block.empty()) {
      const auto found = blocks_ ? block_layout(spec, shape) : std::nullopt;
      if (!found) return false;
      layout = *found;
      out.granularity = Granularity::kBlock;
      out.block_size = layout.size;
    } else if (is_per_channel(spec.scheme)) {
      const int64_t rank = value.rank, axis = spec.axis.value_or(0) + (spec.axis.value_or(0) < 0 ? rank : 0);
      if (rank >= 0 && (axis < 0 || axis >= rank || shape[static_cast<size_t>(axis)] != static_cast<int64_t>(count)))
        return false;
      out.granularity = Granularity::kChannel;
    } else if (count != 1) {
      return false;
    }
    out.channels = layout.channels;
    for (size_t c = 0; c < layout.channels; ++c)
      for (size_t b = 0; b < layout.blocks; ++b) {
        const size_t at = c * layout.channel_stride + b * layout.block_stride;
        out.scales.push_back(spec.scales[at]);
        out.offsets.push_back(zero_point_of(spec, at));
      }
    return true;
  }

  const Graph& graph_;
  Sharing sharing_;
  bool blocks_;
  std::vector<const Spec*> edge_of_;  // by ValueId: of the first edge that reads it with numbers
};

}  // namespace

EncodedTensors encoded_tensors(const Graph& graph, bool blocks) { return Collector(graph, blocks).all(); }

int common_width(const std::vector<EncodedTensor>& tensors, bool parameters) {
  int out = 0;
  for (const EncodedTensor& t : tensors) {
    if (t.parameter != parameters || (parameters && t.bits == kBiasBits)) continue;
    if (out != 0 && out != t.bits) return 0;
    out = t.bits;
  }
  return out;
}

}  // namespace snapgauge
