#include "formats/onnx/dequantized.h"

#include <fmt/format.h>

#include <algorithm>
#include <protozero/exception.hpp>
#include <set>

#include "base/text.h"
#include "formats/onnx/data.h"
#include "formats/onnx/messages.h"
#include "formats/onnx/quant.h"
#include "formats/onnx/rewrite.h"
#include "formats/onnx/shapes.h"
#include "numerics/blocks.h"

namespace snapgauge {
namespace onnx {
namespace {

constexpr uint32_t kDataInput = 0, kScaleInput = 1;  // inputs of QuantizeLinear and DequantizeLinear
constexpr size_t kMostModelBytes = (size_t{1} << 31) - 1;

/// For each element of a tensor the number of its scale, along a walk in row-major order.
class ScaleWalk {
 public:
  ScaleWalk(const std::vector<int64_t>& dims, const std::vector<int64_t>& shared)
      : dims_(dims), shared_(shared), at_(dims.size()) {}

  size_t scales() const {
    size_t out = 1;
    for (size_t d = 0; d < dims_.size(); ++d) out *= static_cast<size_t>(blocks(d));
    return out;
  }
  size_t here() const {
    int64_t index = 0;
    for (size_t d = 0; d < dims_.size(); ++d) index = index * blocks(d) + at_[d] / shared_[d];
    return static_cast<size_t>(index);
  }
  void next() {
    for (size_t d = dims_.size(); d-- > 0;) {
      if (++at_[d] < dims_[d]) return;
      at_[d] = 0;
    }
  }

 private:
  int64_t blocks(size_t d) const { return (dims_[d] + shared_[d] - 1) / shared_[d]; }

  const std::vector<int64_t>&dims_, &shared_;
  std::vector<int64_t> at_;
};

/// As DequantizeLinear computes it, in single precision.
std::vector<double> real_numbers(const std::vector<int64_t>& stored, const std::vector<int64_t>& dims,
                                 const Spec& spec) {
  std::vector<double> out(stored.size());
  const std::vector<int64_t> shared = elements_per_scale(spec, dims);
  const bool one_scale = spec.scales.size() == 1;
  ScaleWalk walk(dims, shared);
  if (!one_scale && !stored.empty() && (shared.size() != dims.size() || walk.scales() != spec.scales.size()))
    fail(ErrorCode::kUnsupported, "has scales that do not fit its shape");
  for (size_t i = 0; i < stored.size(); ++i) {
    const size_t scale = one_scale ? 0 : walk.here();
    const auto steps = static_cast<float>(stored[i] - zero_point_of(spec, scale));
    out[i] = static_cast<double>(steps * static_cast<float>(spec.scales[scale]));
    if (!one_scale) walk.next();
  }
  return out;
}

/// Where a tensor comes from when all Q/DQ nodes are passed through.
struct Front {
  uint32_t slot = 0;
  uint32_t dequantize = kNone;  // the node that reads it when it holds integers
};

class Dequantizer {
 public:
  Dequantizer(std::string_view bytes, const std::string& name, std::optional<ExternalData> external)
      : bytes_(bytes),
        model_(parse_model(bytes)),
        scratch_(name, Frontend::kOnnx),
        data_(model_, scratch_, std::move(external)) {
    infer_types(model_, data_);
    folding_.emplace(model_, data_, scratch_);
  }

  FloatModel run() {
    refuse_others();
    if (pairs_.empty()) return {std::string(bytes_), {}};
    name_outputs();
    for (uint32_t n = 0; n < model_.nodes.size(); ++n)
      if (!folding_->folded(n)) read_fronts(n);
    for (const auto& [slot, node] : integers_) hold_numbers(slot, node);
    drop_pairs();
    // Declared of integers, or under another name.
    for (const auto& [tensor, type] : edit_.retyped) edit_.untyped.insert(tensor);
    for (const auto& [from, to] : renamed_) edit_.untyped.emplace(model_.slots[from].name);
    FloatModel out{rewritten(bytes_, edit_), {}};
    if (out.model.size() > kMostModelBytes)
      fail(ErrorCode::kLimit, "the float model is larger than 2 GiB, which protobuf cannot hold");
    for (const auto& [from, to] : renamed_) out.renamed.emplace(model_.slots[from].name, model_.slots[to].name);
    return out;
  }

 private:
  std::string named(uint32_t slot) const { return fmt::format("'{}'", printable(model_.slots[slot].name)); }

  /// What cannot be put in floats, or is not understood well enough to change it.
  void refuse_others() {
    for (uint32_t n = 0; n < model_.nodes.size(); ++n) {
      const NodeView& node = model_.nodes[n];
      if (folding_->folded(n)) {
        pairs_.push_back(n);
        readers_.emplace(model_.input(node, kDataInput), n);
      } else if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") {
        fail(ErrorCode::kUnsupported,
             fmt::format("{} is computed in integers and has no float form", named(model_.output(node, kDataInput))));
      }
    }
    if (pairs_.empty()) return;
    for (const Attribute& a : model_.attributes)
      if (a.type == AttributeType::kGraph || a.type == AttributeType::kGraphs)
        fail(ErrorCode::kUnsupported, "a node has a graph of its own; its tensors are not followed");
    if (!model_.redefined.empty())
      fail(ErrorCode::kUnsupported, fmt::format("{} is defined twice", named(model_.redefined.front().first)));
  }

  /// Through all pairs; chains may be long, so what was found is kept for every tensor on the way.
  Front front(uint32_t slot) {
    std::vector<uint32_t> path;
    Front found;
    for (uint32_t at = slot;;) {
      if (const auto known = fronts_.find(at); known != fronts_.end()) {
        found = known->second;
        break;
      }
      const uint32_t p = model_.slots[at].producer;
      if (path.size() > pairs_.size()) fail(ErrorCode::kParse, fmt::format("{} is computed from itself", named(slot)));
      if (p == kNone || !folding_->folded(p)) {
        found = {at, kNone};
        if (!path.empty() && model_.nodes[model_.slots[path.back()].producer].op == "DequantizeLinear")
          found.dequantize = model_.slots[path.back()].producer;
        break;
      }
      path.push_back(at);
      at = model_.input(model_.nodes[p], kDataInput);
    }
    for (const uint32_t passed : path) fronts_[passed] = found;
    return found;
  }

  /// Behind a pair: the tensor that the pair reads takes the name of the output, where it is free to.
  void name_outputs() {
    const std::set<uint32_t> outputs(model_.outputs.begin(), model_.outputs.end());
    for (const uint32_t slot : outputs) {
      const Front at = front(slot);
      if (at.slot == slot) read_as_it_is_.insert(slot);
      if (at.slot == slot) continue;
      note_integers(at);
      const uint32_t pair = model_.slots[slot].producer;
      if (model_.nodes[pair].op == "QuantizeLinear") edit_.retyped.emplace(model_.slots[slot].name, float_type(pair));
      const bool computed = model_.slots[at.slot].producer != kNone && model_.slots[at.slot].tensor == kNone;
      if (computed && !outputs.contains(at.slot) && renamed_.emplace(at.slot, slot).second)
        rename_result(at.slot, slot);
      else
        copies_.emplace_back(at.slot, slot);
      ++live_[at.slot];
    }
    for (const uint32_t slot : outputs) ++live_[slot];
    for (const auto& [from, to] : copies_) edit_.copies.emplace_back(name_now(from), model_.slots[to].name);
  }

  void rename_result(uint32_t from, uint32_t to) {
    const uint32_t node = model_.slots[from].producer;
    const auto outputs = model_.outputs_of(model_.nodes[node]);
    for (uint32_t i = 0; i < outputs.size(); ++i)
      if (outputs[i] == from) edit_.nodes[node].outputs[i] = model_.slots[to].name;
  }

  std::string name_now(uint32_t slot) const {
    const auto it = renamed_.find(slot);
    return std::string(model_.slots[it == renamed_.end() ? slot : it->second].name);
  }

  void note_integers(const Front& at) {
    if (at.dequantize != kNone) integers_.emplace(at.slot, at.dequantize);
  }

  /// A node that stays reads what stands in front of the pairs.
  void read_fronts(uint32_t n) {
    const NodeView& node = model_.nodes[n];
    for (uint32_t i = 0; i < node.inputs.count; ++i) {
      const uint32_t slot = model_.input(node, i);
      if (slot == 0) continue;
      const Front at = front(slot);
      ++live_[at.slot];
      if (at.slot == slot) read_as_it_is_.insert(slot);
      note_integers(at);
      if (at.slot != slot || renamed_.contains(slot)) edit_.nodes[n].inputs[i] = name_now(at.slot);
    }
  }

  DType float_type(uint32_t pair) const {
    const DType type = model_.slots[model_.input(model_.nodes[pair], kScaleInput)].type.dtype;
    return type == DType::kFloat16 || type == DType::kBFloat16 ? type : DType::kFloat32;
  }

  /// Of a tensor that held integers: an input of the graph changes its type, a stored tensor its data.
  void hold_numbers(uint32_t slot, uint32_t dequantize) {
    const Slot& s = model_.slots[slot];
    const DType type = float_type(dequantize);
    if (read_as_it_is_.contains(slot) || (s.tensor == kNone && !s.input))
      fail(ErrorCode::kUnsupported, fmt::format("{} is read or computed as integers, too", named(slot)));
    edit_.retyped.emplace(s.name, type);
    if (s.tensor == kNone) return;
    const Spec spec = spec_of(dequantize);
    if (spec.scales.empty() || spec.computed_scale)
      fail(ErrorCode::kUnsupported, fmt::format("the parameters of {} are computed by the graph", named(slot)));
    const auto [first, last] = readers_.equal_range(slot);
    for (auto other = first; other != last; ++other)
      if (!same_numbers(dequantize, other->second))
        fail(ErrorCode::kUnsupported, fmt::format("the integers of {} are read with two scales", named(slot)));
    const Tensor& t = model_.tensors[s.tensor];
    const auto stored = data_.integers(s.tensor, true);
    if (!stored) fail(ErrorCode::kUnsupported, fmt::format("{} holds no integers", named(slot)));
    NewTensor fresh{type, t.dims, encoded(type, real_numbers(*stored, t.dims, spec))};
    if (s.producer == kNone)
      edit_.replaced.emplace(s.name, std::move(fresh));
    else
      replace_constant(s, std::move(fresh));
  }

  /// What a Constant node holds becomes an initializer.
  void replace_constant(const Slot& s, NewTensor fresh) {
    edit_.dropped.insert(s.producer);
    edit_.added.emplace_back(s.name, std::move(fresh));
  }

  Spec spec_of(uint32_t pair) {
    const SpecRef ref = folding_->node_spec(pair);
    return scratch_.graph().specs[ref.index];
  }
  bool same_numbers(uint32_t one, uint32_t other) {
    if (folding_->node_spec(one) == folding_->node_spec(other)) return true;
    const Spec a = spec_of(one), b = spec_of(other);
    return a.scales == b.scales && a.zero_points == b.zero_points && a.axis == b.axis && a.block == b.block;
  }

  /// The pairs, and what nobody but them has read.
  void drop_pairs() {
    for (uint32_t n = 0; n < model_.nodes.size(); ++n)
      if (!folding_->folded(n))
        for (const uint32_t slot : model_.inputs_of(model_.nodes[n])) reads_[n].push_back(front(slot).slot);
    std::vector<uint32_t> open;
    const auto drop = [&](uint32_t n) {
      edit_.dropped.insert(n);
      for (const uint32_t slot : model_.outputs_of(model_.nodes[n]))
        edit_.untyped.insert(std::string(model_.slots[slot].name));
    };
    for (const uint32_t n : pairs_) {
      drop(n);
      for (const uint32_t slot : model_.inputs_of(model_.nodes[n])) open.push_back(front(slot).slot);
    }
    while (!open.empty()) {
      const uint32_t slot = open.back();
      open.pop_back();
      if (slot == 0 || live_[slot] > 0) continue;
      const Slot& s = model_.slots[slot];
      if (s.producer == kNone) {
        if (s.tensor != kNone) edit_.dropped_tensors.insert(std::string(s.name));
        continue;
      }
      const auto outputs = model_.outputs_of(model_.nodes[s.producer]);
      const bool read = std::any_of(outputs.begin(), outputs.end(), [&](uint32_t o) { return live_[o] > 0; });
      if (read || edit_.dropped.contains(s.producer)) continue;
      drop(s.producer);
      for (const uint32_t input : reads_[s.producer]) {
        if (live_[input] > 0) --live_[input];
        open.push_back(input);
      }
    }
  }

  std::string_view bytes_;
  Model model_;
  GraphBuilder scratch_;
  TensorData data_;
  std::optional<Folding> folding_;
  std::multimap<uint32_t, uint32_t> readers_;          // of the pairs: slots, and nodes whose data they are
  std::vector<uint32_t> pairs_;                        // nodes that go
  std::map<uint32_t, Front> fronts_;                   // by slot, of those behind a pair
  std::map<uint32_t, uint32_t> renamed_;               // slots: in front of the pair, the output
  std::vector<std::pair<uint32_t, uint32_t>> copies_;  // likewise, where names stay
  std::map<uint32_t, uint32_t> integers_;              // slots, and a DequantizeLinear that reads them
  std::set<uint32_t> read_as_it_is_;                   // slots
  std::map<uint32_t, uint32_t> live_;                  // readers that stay, by slot
  std::map<uint32_t, std::vector<uint32_t>> reads_;    // slots that nodes read in the end
  ModelEdit edit_;
};

/// What `work` gives, or why not.
template <class Work>
auto caught(const std::string& name, const Work& work) -> Result<decltype(work())> {
  try {
    return work();
  } catch (Failure& failure) {
    failure.error.subject = name;
    return std::move(failure.error);
  } catch (const protozero::exception& e) {
    return Error{ErrorCode::kParse, name, fmt::format("broken protobuf: {}", e.what())};
  }
}

}  // namespace
}  // namespace onnx

Result<FloatModel> float_model(std::string_view bytes, const std::string& name, std::optional<ExternalData> external) {
  return onnx::caught(name, [&] { return onnx::Dequantizer(bytes, name, std::move(external)).run(); });
}

Result<std::vector<ExternalFile>> external_files(std::string_view bytes, const ExternalData& external) {
  return onnx::caught(external.model, [&] {
    const onnx::Model model = onnx::parse_model(bytes);
    GraphBuilder scratch(external.model, Frontend::kOnnx);
    const onnx::TensorData data(model, scratch, external);
    std::set<std::string, std::less<>> locations;
    for (const onnx::Tensor& t : model.tensors)
      if (t.external) locations.emplace(t.location);
    std::vector<ExternalFile> out;
    out.reserve(locations.size());
    for (const std::string& location : locations) out.push_back({location, data.file(location)});
    return out;
  });
}

}  // namespace snapgauge
