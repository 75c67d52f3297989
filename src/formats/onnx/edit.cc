#include "formats/onnx/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <protozero/exception.hpp>
#include <set>

#include "formats/onnx/data.h"
#include "formats/onnx/messages.h"
#include "formats/onnx/rewrite.h"
#include "formats/onnx/shapes.h"
#include "graph/sharing.h"

namespace snapgauge {
namespace onnx {
namespace {

constexpr uint32_t kData = 0, kScale = 1, kZeroPoint = 2;  // inputs of QuantizeLinear and DequantizeLinear

/// Which scale belongs to an element of a tensor that lies row-major.
class Channels {
 public:
  Channels(const Spec& spec, const std::vector<int64_t>& dims) : count_(spec.scales.size()) {
    const auto axis = axis_in(spec.axis.value_or(0), dims.size());
    if (count_ < 2) return;
    valid_ = axis && dims[*axis] == static_cast<int64_t>(count_);
    if (valid_) stride_ = static_cast<size_t>(std::max<int64_t>(1, product(std::span(dims).subspan(*axis + 1))));
  }
  bool valid() const { return valid_; }
  size_t of(size_t element) const { return count_ < 2 ? 0 : element / stride_ % count_; }

 private:
  size_t count_, stride_ = 1;
  bool valid_ = true;
};

/// The integers that stand for the same values under the new parameters, to the nearest step; nothing
/// when one would be cut by more than a step.
std::optional<std::vector<int64_t>> requantized(const std::vector<int64_t>& stored, const std::vector<int64_t>& dims,
                                                const Spec& old, const Spec& fresh) {
  const Channels from(old, dims), to(fresh, dims);
  const auto range = effective_range(fresh);
  if (!range || bit_width(fresh.storage) > 32 || !from.valid() || !to.valid()) return std::nullopt;
  if (old.scales.empty() || fresh.scales.empty()) return std::nullopt;
  std::vector<int64_t> out(stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    const size_t a = from.of(i), b = to.of(i);
    const double steps = static_cast<double>(stored[i]) - static_cast<double>(zero_point_of(old, a));
    const double real = steps * old.scales[a];
    const double q = std::nearbyint(real / fresh.scales[b]) + static_cast<double>(zero_point_of(fresh, b));
    if (!(q >= static_cast<double>(range->min) - 1 && q <= static_cast<double>(range->max) + 1)) return std::nullopt;
    out[i] = static_cast<int64_t>(std::clamp(q, static_cast<double>(range->min), static_cast<double>(range->max)));
  }
  return out;
}

class SpecWriter {
 public:
  SpecWriter(std::string_view bytes, const std::string& name, std::optional<ExternalData> external, const Graph& graph)
      : bytes_(bytes),
        graph_(graph),
        sharing_(graph),
        model_(parse_model(bytes)),
        scratch_(name, Frontend::kOnnx),
        data_(model_, scratch_, std::move(external)),
        // Behind inputs and initializers the graph has the model's nodes in order, then the outputs.
        first_(static_cast<uint32_t>(graph.nodes.size() - model_.nodes.size() - model_.outputs.size())) {
    for (uint32_t n = first_; n < first_ + model_.nodes.size(); ++n)
      if (const Node& node = graph.nodes[n];
          node.kind == NodeKind::kFolded && graph.uses[node.uses.first].value.valid())
        folded_of_[graph.uses[node.uses.first].value.index].push_back(n);
    for (uint32_t n = 0; n < model_.nodes.size(); ++n)
      for (uint32_t i = 0; i < model_.nodes[n].inputs.count; ++i) ++readers_[model_.input(model_.nodes[n], i)];
    for (const uint32_t slot : model_.outputs) ++readers_[slot];
    has_subgraphs_ = std::any_of(model_.attributes.begin(), model_.attributes.end(), [](const Attribute& a) {
      return a.type == AttributeType::kGraph || a.type == AttributeType::kGraphs;
    });
  }

  EditedModel run(std::span<const SpecChange* const> changes) {
    EditedModel out;
    for (const SpecChange* change : changes) out.made.push_back(make(*change));
    place_tensors();
    out.model = rewritten(bytes_, edit_);
    return out;
  }

 private:
  struct Reader {
    uint32_t node, position;
  };
  /// New contents of tensors by slot, and who is to read them.
  using Wanted = std::map<std::pair<uint32_t, NewTensor>, std::vector<Reader>>;

  /// Equal but for what depends on how a place was reached.
  static bool same(const Spec& a, const Spec& b) {
    return a.storage == b.storage && a.scales == b.scales && a.zero_points == b.zero_points && a.axis == b.axis &&
           a.block == b.block;
  }

  bool make(const SpecChange& change) {
    const PlaceId start = sharing_.root(PlaceId{change.place});
    const Spec* old = start.valid() ? sharing_.spec(start) : nullptr;
    if (old == nullptr) return false;
    const auto values = static_cast<uint32_t>(graph_.values.size());
    const uint32_t value = start.index < values ? start.index : graph_.uses[start.index - values].value.index;
    const auto folded = folded_of_.find(value);
    if (folded == folded_of_.end()) return false;
    Wanted wanted;
    std::vector<uint32_t> nodes;
    for (const uint32_t n : folded->second) {
      const Spec* own = sharing_.spec(sharing_.place(UseId{graph_.nodes[n].uses.first}));
      if (own == nullptr || !same(*own, *old)) continue;
      if (taken_.contains(n - first_) || !want(n - first_, *old, change.spec, wanted)) return false;
      nodes.push_back(n - first_);
    }
    for (auto& [what, readers] : wanted) {
      std::vector<Reader>& all = wanted_[what];
      all.insert(all.end(), readers.begin(), readers.end());
    }
    for (const uint32_t n : nodes) {
      taken_.insert(n);
      if (change.spec.axis && change.spec.axis != old->axis) edit_.nodes[n].attributes["axis"] = *change.spec.axis;
    }
    return !nodes.empty();
  }

  /// What node `n` has to read to have the new parameters; false when that cannot be written.
  bool want(uint32_t n, const Spec& old, const Spec& fresh, Wanted& wanted) {
    const NodeView& node = model_.nodes[n];
    const Slot& scale = model_.slots[model_.input(node, kScale)];
    if (scale.tensor == kNone || fresh.scales.empty()) return false;
    std::vector<int64_t> dims = model_.tensors[scale.tensor].dims;
    if (fresh.scales.size() != old.scales.size())
      dims = fresh.scales.size() == 1 ? std::vector<int64_t>() : std::vector{static_cast<int64_t>(fresh.scales.size())};
    const auto add = [&](uint32_t position, NewTensor tensor) {
      const bool written = !tensor.data.empty();
      wanted[{model_.input(node, position), std::move(tensor)}].push_back({n, position});
      return written;
    };
    const DType type = model_.tensors[scale.tensor].dtype;
    if (fresh.scales != old.scales && !add(kScale, {type, dims, encoded(type, fresh.scales)})) return false;
    const bool moved = fresh.zero_points != old.zero_points;
    const bool implied = model_.input(node, kZeroPoint) == 0;
    if (moved && !(implied && all_zero(fresh)) &&
        !add(kZeroPoint, {fresh.storage, dims, encoded(fresh.storage, each_zero_point(fresh))}))
      return false;
    if (!moved && fresh.scales == old.scales) return true;  // another axis
    const Slot& data = model_.slots[model_.input(node, kData)];
    if (data.tensor == kNone || node.op != "DequantizeLinear") return true;
    const Tensor& tensor = model_.tensors[data.tensor];
    const auto stored = data_.integers(data.tensor, true);
    if (!stored) return false;
    const auto integers = requantized(*stored, tensor.dims, old, fresh);
    return integers &&
           (*integers == *stored || add(kData, {tensor.dtype, tensor.dims, encoded(tensor.dtype, *integers)}));
  }

  static bool all_zero(const Spec& spec) {
    return std::all_of(spec.zero_points.begin(), spec.zero_points.end(), [](int64_t z) { return z == 0; });
  }
  static std::vector<int64_t> each_zero_point(const Spec& spec) {
    std::vector<int64_t> out(spec.scales.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = zero_point_of(spec, i);
    return out;
  }

  /// Initializers that nobody else reads are replaced; beside the others new ones are put.
  void place_tensors() {
    for (auto& [what, readers] : wanted_) {
      const auto& [slot, tensor] = what;
      const Slot& old = model_.slots[slot];
      const bool initializer = slot != 0 && old.tensor != kNone && old.producer == kNone;
      // Nodes of subgraphs may read it as well; those are not counted.
      const bool alone = readers_[slot] == readers.size() && !has_subgraphs_;
      if (initializer && alone && !model_.tensors[old.tensor].external) {
        edit_.replaced.emplace(old.name, tensor);
        continue;
      }
      const std::string name = free_name(slot == 0 ? "zero_point" : std::string(old.name));
      edit_.added.emplace_back(name, tensor);
      for (const Reader& r : readers) edit_.nodes[r.node].inputs[r.position] = name;
    }
  }

  std::string free_name(const std::string& base) {
    std::string name = base + "_fixed";
    for (int i = 2; model_.slot_by_name.contains(name) || !names_.insert(name).second; ++i)
      name = fmt::format("{}_fixed_{}", base, i);
    return name;
  }

  std::string_view bytes_;
  const Graph& graph_;
  Sharing sharing_;
  Model model_;
  GraphBuilder scratch_;
  TensorData data_;
  uint32_t first_;
  std::map<uint32_t, std::vector<uint32_t>> folded_of_;  // graph nodes by the value they annotate
  std::map<uint32_t, size_t> readers_;                   // by slot
  bool has_subgraphs_ = false;
  Wanted wanted_;
  std::set<uint32_t> taken_;  // nodes that change already
  std::set<std::string> names_;
  ModelEdit edit_;
};

}  // namespace
}  // namespace onnx

Result<EditedModel> edit_onnx_specs(std::string_view bytes, const std::string& name,
                                    std::optional<ExternalData> external, const Graph& graph,
                                    std::span<const SpecChange* const> changes) {
  try {
    return onnx::SpecWriter(bytes, name, std::move(external), graph).run(changes);
  } catch (onnx::Failure& failure) {
    failure.error.subject = name;
    return std::move(failure.error);
  } catch (const protozero::exception& e) {
    return Error{ErrorCode::kParse, name, fmt::format("broken protobuf: {}", e.what())};
  }
}

}  // namespace snapgauge
