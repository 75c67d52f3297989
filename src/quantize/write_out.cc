// The op map's decompositions spliced into the graph: what the check would judge as a node's parts becomes nodes.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "backend/translate.h"
#include "base/text.h"
#include "graph/copy.h"
#include "quantize/passes.h"

namespace snapgauge {
namespace {

/// The name in the whole graph of what an expansion reads under this one; empty: it made it itself.
std::string outer_name(const GraphCopy& copy, std::string name) {
  for (;;) {
    if (copy.has_value(name)) return name;
    if (name.empty() || name.back() != '\'') return {};
    name.pop_back();
  }
}

class Decomposition {
 public:
  Decomposition(Graph& graph, const AnnotationRows& rows, OpMaps& maps, const Target& target,
                std::vector<std::string>& changes)
      : graph_(graph), rows_(rows), maps_(maps), target_(target), changes_(changes) {}

  Result<bool> run() {
    readers_ = reader_counts(graph_);
    const auto written = [&](const Node& node) { return is_candidate(node); };
    if (std::none_of(graph_.nodes.begin(), graph_.nodes.end(), written)) return false;
    // Without sharing, each node's expansion has that node's own names.
    const auto whole = translate_whole(graph_, maps_, target_, {.share = false});
    if (!whole) return whole.error();
    const OpGraph& ops = whole.value().ops;
    std::vector<const Expansion*> of(graph_.nodes.size());
    bool any = false;
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) any = (of[n] = written_out(ops, NodeId{n})) != nullptr || any;
    if (!any) return false;
    GraphCopy copy(graph_);
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      if (of[n] == nullptr)
        copy.copy(NodeId{n});
      else
        splice(copy, NodeId{n}, of[n]->graph);
    }
    graph_ = GraphCopy::finish(std::move(copy), std::move(graph_));
    return true;
  }

 private:
  /// Null: the node stays. Nodes of patterns are one op already.
  const Expansion* written_out(const OpGraph& ops, NodeId id) const {
    if (!is_candidate(graph_.node(id)) || !ops.op_of[id.index].valid()) return nullptr;
    const OpClass& cls = ops.class_of(ops.op(ops.op_of[id.index]));
    if (cls.mapped != Mapped::kExpansion || cls.parts == nullptr || !cls.mapping->pattern.nodes.empty()) return nullptr;
    return cls.parts.get();
  }

  /// By what can be seen of the node alone. Only results in floating point are written out: divisions of integers are
  /// not what their parts compute.
  bool is_candidate(const Node& node) const {
    if (node.kind != NodeKind::kCall || node.annotated) return false;
    const std::vector<std::string>* keywords = rows_.written_out(graph_.text(node.op));
    if (keywords == nullptr || changes_a_tensor(graph_, node, readers_)) return false;
    if (!takes_only(node, *keywords)) return false;
    const auto values = graph_.outputs_of(node);
    return std::all_of(values.begin(), values.end(), [](const Value& v) { return is_float(v.dtype); });
  }
  /// Rows read positions, and by name what they say.
  bool takes_only(const Node& node, const std::vector<std::string>& keywords) const {
    const auto named = graph_.named_of(node);
    return std::all_of(named.begin(), named.end(), [&](const NamedArg& n) {
      return std::find(keywords.begin(), keywords.end(), graph_.text(n.name)) != keywords.end();
    });
  }

  void splice(GraphCopy& copy, NodeId node, const Graph& parts) {
    std::unordered_map<std::string, std::string> names;
    for (const Value& value : parts.values) {
      const std::string own(parts.text(value.name));
      if (std::string outer = outer_name(copy, own); !outer.empty()) names[own] = std::move(outer);
    }
    std::string ops;
    for (uint32_t p = 0; p < parts.nodes.size(); ++p) {
      const Node& part = parts.nodes[p];
      const std::string name(parts.text(part.name));
      if (part.kind == NodeKind::kInput || (part.kind == NodeKind::kConstant && names.contains(name))) continue;
      if (part.kind == NodeKind::kCall) ops += fmt::format("{}{}", ops.empty() ? "" : ", ", parts.text(part.op));
      copy.splice(parts, NodeId{p}, names);
    }
    changes_.push_back(fmt::format("{}: {} written out as {}", printable(graph_.name(node)),
                                   printable(graph_.text(graph_.node(node).op)), printable(ops)));
  }

  Graph& graph_;
  const AnnotationRows& rows_;
  OpMaps& maps_;
  const Target& target_;
  std::vector<std::string>& changes_;
  std::vector<uint32_t> readers_;
};

}  // namespace

Result<bool> write_out_operators(Graph& graph, const AnnotationRows& rows, OpMaps& maps, const Target& target,
                                 PassChanges& changes) {
  return Decomposition(graph, rows, maps, target, changes).run();
}

}  // namespace snapgauge
