// Plans to bytes: what is reachable, in the order of the plan; constants once each.
#include "base/write.h"

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <unordered_map>

#include "artifact/artifact_generated.h"
#include "artifact/file_format.h"
#include "base/content_hash.h"
#include "base/file.h"

namespace snapgauge {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
using Params = std::pair<fb::Params, flatbuffers::Offset<void>>;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The weights of an artifact: equal ones lie at one place.
class Weights {
 public:
  uint64_t place(std::span<const std::byte> bytes) {
    const uint64_t hash = content_hash(text_of(bytes));
    const auto [first, last] = known_.equal_range(hash);
    for (auto it = first; it != last; ++it)
      if (text_of(it->second.bytes) == text_of(bytes)) return it->second.offset;
    const uint64_t offset = end_;
    known_.emplace(hash, Known{bytes, offset});
    pieces_.push_back(text_of(bytes));
    end_ += aligned(bytes.size());
    if (const uint64_t padding = end_ - offset - bytes.size(); padding > 0)
      pieces_.push_back(kZeros.substr(0, padding));
    return offset;
  }
  uint64_t bytes() const { return end_; }
  const std::vector<std::string_view>& pieces() const { return pieces_; }

 private:
  static constexpr std::array<char, kPlanAlignment> kZeroBytes{};
  static constexpr std::string_view kZeros{kZeroBytes.data(), kZeroBytes.size()};
  struct Known {
    std::span<const std::byte> bytes;
    uint64_t offset;
  };
  std::unordered_multimap<uint64_t, Known> known_;
  std::vector<std::string_view> pieces_;
  uint64_t end_ = 0;
};

struct ParamsOut {
  Builder& b;

  template <class T>
  static Params as(fb::Params type, flatbuffers::Offset<T> offset) {
    return {type, offset.Union()};
  }
  template <size_t N>
  auto list(const std::array<int64_t, N>& v) const {
    return b.CreateVector(v.data(), v.size());
  }
  auto list(const std::vector<int64_t>& v) const { return b.CreateVector(v); }

  Params operator()(const std::monostate&) const { return {fb::Params::NONE, 0}; }
  Params operator()(const Window& w) const {
    const auto kernel = list(w.kernel), stride = list(w.stride), dilation = list(w.dilation);
    const auto before = list(w.pad_before), after = list(w.pad_after);
    return as(fb::Params::Window,
              fb::CreateWindow(b, kernel, stride, dilation, before, after, w.groups, w.count_padding));
  }
  Params operator()(const Elementwise& e) const {
    return as(fb::Params::Elementwise, fb::CreateElementwise(b, static_cast<uint8_t>(e.function), e.a, e.b));
  }
  Params operator()(const OverAxes& o) const {
    const auto axes = list(o.axes);
    return as(fb::Params::OverAxes, fb::CreateOverAxes(b, axes, o.epsilon, static_cast<uint8_t>(o.function)));
  }
  Params operator()(const Permutation& p) const {
    const auto order = list(p.order);
    return as(fb::Params::Permutation, fb::CreatePermutation(b, order));
  }
  Params operator()(const Region& r) const {
    const auto begin = list(r.begin), step = list(r.step);
    return as(fb::Params::Region, fb::CreateRegion(b, begin, step));
  }
  Params operator()(const Padding& p) const {
    const auto before = list(p.before);
    return as(fb::Params::Padding, fb::CreatePadding(b, static_cast<uint8_t>(p.mode), before, p.value));
  }
  Params operator()(const Resizing& r) const {
    return as(fb::Params::Resizing, fb::CreateResizing(b, static_cast<uint8_t>(r.nearest), r.linear, r.align_corners,
                                                       r.half_pixel, r.zero_of_one));
  }
  Params operator()(const Blocks& k) const {
    const auto size = list(k.size);
    return as(fb::Params::Blocks, fb::CreateBlocks(b, size, k.columns_first));
  }
  Params operator()(const Indexed& i) const {
    return as(fb::Params::Indexed, fb::CreateIndexed(b, static_cast<uint8_t>(i.update), i.axis, i.batch_dims));
  }
  Params operator()(const Cumulation& c) const {
    return as(fb::Params::Cumulation, fb::CreateCumulation(b, c.axis, c.exclusive, c.reverse));
  }
  Params operator()(const Foreign& f) const {
    const auto op = b.CreateSharedString(f.op);
    return as(fb::Params::Foreign, fb::CreateForeign(b, op, f.result));
  }
};

/// Buffers that a step or the outside reads or writes, and the owners of their bytes, by new number.
class Reached {
 public:
  explicit Reached(const Plan& plan) : plan_(plan), number_(plan.buffers.size(), BufferId::kNone) {
    for (const BufferId id : plan.inputs) add(id);
    for (const Step& step : plan.steps) {
      for (const BufferId id : step.inputs) add(id);
      add(step.output);
    }
    for (const BufferId id : plan.outputs) add(id);
  }
  const std::vector<BufferId>& all() const { return all_; }
  uint32_t number(BufferId id) const { return id.valid() ? number_[id.index] : BufferId::kNone; }
  std::vector<uint32_t> numbers(const std::vector<BufferId>& ids) const {
    std::vector<uint32_t> out;
    out.reserve(ids.size());
    for (const BufferId id : ids) out.push_back(number(id));
    return out;
  }

 private:
  void add(BufferId id) {
    if (!id.valid() || number_[id.index] != BufferId::kNone) return;
    add(plan_.buffer(id).same_bytes);
    number_[id.index] = static_cast<uint32_t>(all_.size());
    all_.push_back(id);
  }

  const Plan& plan_;
  std::vector<uint32_t> number_;
  std::vector<BufferId> all_;
};

flatbuffers::Offset<fb::Buffer> write(Builder& b, const Plan& plan, BufferId id, const Reached& reached,
                                      Weights& weights) {
  const Buffer& buffer = plan.buffer(id);
  const bool has_data = buffer.role == BufferRole::kConstant && !buffer.same_bytes.valid();
  const uint64_t offset = has_data ? weights.place(buffer.data) : 0;
  const auto name = b.CreateSharedString(buffer.name);
  const auto dims = b.CreateVector(buffer.dims);
  const auto scales = b.CreateVector(buffer.quant.scales);
  const auto zero_points = b.CreateVector(buffer.quant.zero_points);
  return fb::CreateBuffer(b, name, static_cast<uint8_t>(buffer.dtype), static_cast<uint8_t>(buffer.role), dims, scales,
                          zero_points, buffer.quant.axis, reached.number(buffer.same_bytes), offset);
}

flatbuffers::Offset<fb::Step> write(Builder& b, const Step& step, const Reached& reached) {
  const auto node = b.CreateSharedString(step.node);
  const auto inputs = b.CreateVector(reached.numbers(step.inputs));
  const auto [type, params] = std::visit(ParamsOut{b}, step.params);
  return fb::CreateStep(b, static_cast<uint8_t>(step.kind), static_cast<uint8_t>(step.executor), node, inputs,
                        reached.number(step.output), type, params);
}

flatbuffers::Offset<fb::Graph> write(Builder& b, const ArtifactGraph& graph, Weights& weights) {
  const Plan& plan = graph.plan;
  const Reached reached(plan);
  std::vector<flatbuffers::Offset<fb::Buffer>> buffers;
  for (const BufferId id : reached.all()) buffers.push_back(write(b, plan, id, reached, weights));
  std::vector<flatbuffers::Offset<fb::Step>> steps;
  for (const Step& step : plan.steps) steps.push_back(write(b, step, reached));
  const auto name = b.CreateString(graph.name), source = b.CreateString(graph.source);
  const auto backend_graph = b.CreateString(graph.backend_graph);
  const auto falls_back = b.CreateVectorOfStrings(graph.falls_back);
  const auto all_buffers = b.CreateVector(buffers);
  const auto all_steps = b.CreateVector(steps);
  const auto inputs = b.CreateVector(reached.numbers(plan.inputs));
  const auto outputs = b.CreateVector(reached.numbers(plan.outputs));
  const auto output_names = b.CreateVectorOfStrings(plan.output_names);
  return fb::CreateGraph(b, name, source, backend_graph, falls_back, all_buffers, all_steps, inputs, outputs,
                         output_names);
}

void write(Builder& b, const Artifact& artifact, Weights& weights) {
  std::vector<flatbuffers::Offset<fb::Graph>> graphs;
  for (const ArtifactGraph& graph : artifact.graphs) graphs.push_back(write(b, graph, weights));
  std::vector<flatbuffers::Offset<fb::Option>> options;
  for (const auto& [key, value] : artifact.options)
    options.push_back(fb::CreateOptionDirect(b, key.c_str(), value.c_str()));
  const auto target = fb::CreateTargetDirect(b, artifact.backend.c_str(), artifact.soc.c_str(), artifact.arch.c_str(),
                                             artifact.sdk.c_str(), artifact.pipeline.c_str(), artifact.vtcm_mb);
  const auto version = b.CreateString(artifact.tool_version), mode = b.CreateString(artifact.mode);
  const auto all_options = b.CreateVector(options);
  const auto all_graphs = b.CreateVector(graphs);
  b.Finish(fb::CreateArtifact(b, version, vocabulary(), mode, target, all_options, all_graphs));
}

/// What the flatbuffer cannot hold is at least this long.
uint64_t text_bytes(const Artifact& artifact) {
  uint64_t bytes = 0;
  for (const ArtifactGraph& g : artifact.graphs) bytes += g.backend_graph.size();
  return bytes;
}

}  // namespace

ArtifactHeader header_for(std::string_view structure, uint64_t weights_bytes, uint64_t weights_hash) {
  ArtifactHeader header;
  header.header_bytes = kHeaderBytes;
  header.structure_offset = kHeaderBytes;
  header.structure_bytes = structure.size();
  header.structure_hash = content_hash(structure);
  header.weights_offset = aligned(header.structure_offset + header.structure_bytes);
  header.weights_bytes = weights_bytes;
  header.weights_hash = weights_hash;
  header.header_hash = hash_of(header);
  return header;
}

Status write_artifact(const std::string& path, const Artifact& artifact) {
  constexpr uint64_t kMostText = uint64_t{1} << 30U;  // offsets of a flatbuffer have 31 bits
  if (text_bytes(artifact) > kMostText)
    return Error{ErrorCode::kLimit, path, "its graphs are too long for an artifact"};
  Builder builder;
  Weights weights;
  write(builder, artifact, weights);
  const std::string_view structure(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
  const ArtifactHeader header = header_for(structure, weights.bytes(), content_hash(weights.pieces()));
  const std::string before(kHeaderBytes - sizeof header, '\0');
  const std::string between(header.weights_offset - header.structure_offset - header.structure_bytes, '\0');
  std::vector<std::string_view> pieces{bytes_of(header), before, structure, between};
  pieces.insert(pieces.end(), weights.pieces().begin(), weights.pieces().end());
  return write_file(path, pieces);
}

}  // namespace snapgauge
