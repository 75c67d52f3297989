#include "lower/partition.h"

#include <algorithm>
#include <set>

namespace snapgauge {
namespace {

constexpr uint32_t kNone = Partition::kNone;

class Partitioner {
 public:
  Partitioner(const OpGraph& ops, const std::vector<bool>& falls_back, bool converts_border)
      : ops_(ops), graph_(*ops.graph), falls_back_(falls_back), converts_border_(converts_border) {
    out_.level.assign(graph_.nodes.size(), kNone);
    from_.resize(graph_.values.size());
  }

  Partition run() {
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const OpId op = ops_.op_of[n];
      if (!op.valid())
        pass_on(NodeId{n});
      else if (ops_.op(op).node == NodeId{n})
        place(ops_.op(op));
    }
    // Nodes of a pattern are where its last one is.
    std::set<uint32_t> parts;
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      if (const OpId op = ops_.op_of[n]; op.valid()) out_.level[n] = out_.level[ops_.op(op).node.index];
      if (out_.level[n] != kNone && out_.level[n] % 2 == 1) parts.insert(out_.level[n]);
    }
    out_.parts.assign(parts.begin(), parts.end());
    return std::move(out_);
  }

 private:
  struct Origin {
    NodeId node;  // invalid: from outside
    ValueId value;
  };

  /// What a node that is no op stands for: the operand with the highest level.
  void pass_on(NodeId id) {
    const Node& node = graph_.node(id);
    Origin origin;
    uint32_t highest = 0;
    for (const Use& use : graph_.uses_of(node)) {
      if (!use.value.valid()) continue;
      const Origin& in = from_[use.value.index];
      if (!in.node.valid() || (origin.node.valid() && out_.level[in.node.index] <= highest)) continue;
      origin = in;
      highest = out_.level[in.node.index];
    }
    for (uint32_t o = 0; o < node.outputs.count; ++o) from_[node.outputs.first + o] = origin;
  }

  void place(const Op& op) {
    const Node& node = graph_.node(op.node);
    std::vector<ValueId> reads;
    const OpClass& cls = ops_.class_of(op);
    for (uint32_t i = 0; i < cls.inputs; ++i) reads.push_back(ops_.tensors_of(op)[i].value);
    if (cls.inputs == 0)
      for (const Use& use : graph_.uses_of(node)) reads.push_back(use.value);
    const bool cpu = falls_back_[op.node.index];
    uint32_t level = cpu ? 0 : 1;
    for (const ValueId v : reads)
      if (v.valid() && from_[v.index].node.valid()) level = std::max(level, out_.level[from_[v.index].node.index]);
    if ((level % 2 == 0) != cpu) ++level;
    out_.level[op.node.index] = level;
    for (const ValueId v : reads)
      if (v.valid() && from_[v.index].node.valid()) cut(from_[v.index], op.node, level);
    for (uint32_t o = 0; o < node.outputs.count; ++o)
      from_[node.outputs.first + o] = {op.node, ValueId{node.outputs.first + o}};
    for (uint32_t i = cls.inputs; i < cls.port_count(); ++i)
      if (const ValueId v = ops_.tensors_of(op)[i].value; v.valid()) from_[v.index] = {op.node, v};
  }

  void cut(const Origin& origin, NodeId reader, uint32_t level) {
    const uint32_t before = out_.level[origin.node.index];
    if (before == level || !crossed_.emplace(origin.value.index, level).second) return;
    CutEdge edge{origin.value, origin.node, reader, before, level};
    const Value& v = graph_.value(origin.value);
    const Spec* spec = ops_.sharing->spec(ops_.sharing->place(origin.value));
    const bool is_quantized = spec != nullptr && is_fixed_point(backend_dtype(*spec));
    const DType plain = v.dtype == DType::kUndefined ? DType::kFloat32 : v.dtype;
    edge.dtype = is_quantized && !converts_border_ ? backend_dtype(*spec) : plain;
    // Where the border converts, the backend's side does; else the CPU's.
    edge.dequantizes = is_quantized && (converts_border_ ? before % 2 == 1 : level % 2 == 0);
    edge.quantizes = is_quantized && (converts_border_ ? level % 2 == 1 : before % 2 == 0);
    if (v.rank >= 0) edge.bytes = bytes_of(graph_.shape(v), edge.dtype);
    out_.cuts.push_back(edge);
  }

  static uint64_t bytes_of(std::span<const int64_t> dims, DType dtype) {
    uint64_t bytes = static_cast<uint64_t>(std::max(bit_width(dtype), 8)) / 8;
    for (const int64_t d : dims)
      if (d < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(d), &bytes)) return 0;
    return bytes;
  }

  const OpGraph& ops_;
  const Graph& graph_;
  const std::vector<bool>& falls_back_;
  const bool converts_border_;
  Partition out_;
  std::vector<Origin> from_;                         // by ValueId
  std::set<std::pair<uint32_t, uint32_t>> crossed_;  // value and level
};

}  // namespace

bool Partition::is_whole() const {
  return parts.size() == 1 &&
         std::all_of(level.begin(), level.end(), [&](uint32_t l) { return l == kNone || l == parts[0]; });
}

Partition partition(const OpGraph& ops, const std::vector<bool>& falls_back, bool converts_border) {
  return Partitioner(ops, falls_back, converts_border).run();
}

ValueId weight_of(const OpGraph& ops, NodeId node) {
  const Graph& graph = *ops.graph;
  const auto is_weight = [&](ValueId value, const Spec* spec) {
    if (!value.valid() || (*ops.staticness)[value.index] == Staticness::kDynamic) return false;
    const Value& v = graph.value(value);
    const auto shape = graph.shape(v);
    const bool single = v.rank < 0 ? v.constant.valid() && graph.constants[v.constant.index].count <= 1
                                   : std::all_of(shape.begin(), shape.end(), [](int64_t d) { return d == 1; });
    return (is_float(v.dtype) || spec != nullptr) && !single;
  };
  if (const OpId id = ops.op_of[node.index]; id.valid() && ops.class_of(ops.op(id)).inputs > 0) {
    // What became a parameter is at no port.
    const OpView view(ops, ops.op(id));
    for (const Port& port : view.in)
      if (port.present && is_weight(port.value, port.spec)) return port.value;
    return {};
  }
  const Node& n = graph.node(node);
  for (uint32_t u = n.uses.first; u < n.uses.first + n.uses.count; ++u) {
    const UseId use{u};
    if (is_weight(graph.use(use).value, ops.sharing->spec(ops.sharing->place(use)))) return graph.use(use).value;
  }
  return {};
}

}  // namespace snapgauge
