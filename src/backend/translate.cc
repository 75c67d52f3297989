// The graph-wide part of translation: sources of edges, classes, the order of ops. What one node becomes is
// in node_translator.cc.
#include "backend/translate.h"

#include <algorithm>

#include "backend/node_translator.h"

namespace snapgauge {
namespace {

/// By ValueId: something reads it. Selecting a result reads it only if something reads the selection.
std::vector<bool> used_values(const Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  for (const Use& use : graph.uses)
    if (use.value.valid() && graph.node(use.node).kind != NodeKind::kSelect) used[use.value.index] = true;
  for (const auto& [result, selection] : graph.selections) used[result.index] = used[selection.index];
  return used;
}

class Translation {
 public:
  Translation(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness, OpMaps& maps,
              const Target& target, TranslateOptions options)
      : graph_(graph),
        sharing_(sharing),
        staticness_(staticness),
        maps_(maps),
        target_(target),
        used_(used_values(graph)),
        nodes_(graph, sharing, staticness, maps, target, sources_, used_, options.depth),
        signatures_(graph, sharing, staticness, sources_, used_),
        options_(options) {
    out_.graph = &graph;
    out_.sharing = &sharing;
    out_.staticness = &staticness;
  }

  Result<OpGraph> run() {
    if (Status s = nodes_.load_rows(); !s) return s.error();
    find_sources();
    out_.op_of.resize(graph_.nodes.size());
    out_.tensors.reserve(graph_.uses.size() + graph_.values.size());
    out_.ops.reserve(graph_.nodes.size());
    auto matches = find_patterns();
    if (!matches) return matches.error();
    size_t next = 0;
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      if (next < matches->size() && (*matches)[next].anchor.index == n) {
        if (Status s = nodes_.translate_match((*matches)[next++], out_); !s) return s.error();
      } else if (graph_.nodes[n].kind == NodeKind::kCall && (member_.empty() || !member_[n])) {
        if (Status s = add(NodeId{n}); !s) return s.error();
      }
    }
    return std::move(out_);
  }

 private:
  /// Looks through operators that the pipeline removes, one step an edge: nodes come in execution order, so
  /// a removed node's own source is known.
  void find_sources() {
    sources_.resize(graph_.uses.size());
    for (const Node& node : graph_.nodes)
      for (uint32_t u = node.uses.first; u < node.uses.end(); ++u) {
        const Use& use = graph_.uses[u];
        sources_[u] = {sharing_.place(UseId{u}), use.value};
        if (!use.value.valid() || use.spec.kind != SpecRef::Kind::kNone) continue;
        const Node& producer = graph_.node(graph_.value(use.value).producer);
        if (!nodes_.is_identity(producer) || producer.uses.first >= u) continue;
        const ValueId behind = sources_[producer.uses.first].value;
        if (behind.valid()) sources_[u] = {sharing_.place(behind), behind};
      }
  }

  Result<std::vector<PatternMatch>> find_patterns() {
    auto rows = maps_.patterns();
    if (!rows) return rows.error();
    // What an expansion is made of is not put together again.
    if (options_.depth > 0 || rows->empty()) return std::vector<PatternMatch>();
    auto matches = PatternFinder(graph_, sharing_, staticness_, sources_, target_).find(*rows);
    if (!matches.empty()) member_.assign(graph_.nodes.size(), false);
    for (const PatternMatch& m : matches)
      for (NodeId node : m.members) member_[node.index] = true;
    return matches;
  }

  Status add(NodeId id) {
    const OpClassId known = options_.share ? signatures_.find(id) : OpClassId{};
    if (known.valid()) {
      repeat(id, known);
      return Done{};
    }
    auto made = nodes_.translate(id, out_);
    if (!made) return made.error();
    if (*made && options_.share && out_.classes.back().is_shareable()) signatures_.add(out_.ops.back().cls);
    return Done{};
  }

  /// The ports of an equal node, with this node's own tensors.
  void repeat(NodeId id, OpClassId cls) {
    const OpClass& c = out_.classes[cls.index];
    const Node& node = graph_.node(id);
    out_.op_of[id.index] = OpId{static_cast<uint32_t>(out_.ops.size())};
    out_.ops.push_back({id, cls, static_cast<uint32_t>(out_.tensors.size())});
    for (uint32_t p = 0; p < c.port_count(); ++p) {
      const int32_t origin = out_.origins[c.first_port + p];
      const bool input = p < c.inputs;
      const auto index = (input ? node.uses.first : node.outputs.first) + static_cast<uint32_t>(std::max(origin, 0));
      out_.tensors.push_back(origin < 0 ? EdgeSource{}
                             : input    ? sources_[index]
                                        : EdgeSource{sharing_.place(ValueId{index}), ValueId{index}});
    }
  }

  const Graph& graph_;
  const Sharing& sharing_;
  const std::vector<Staticness>& staticness_;
  OpMaps& maps_;
  const Target& target_;
  std::vector<EdgeSource> sources_;  // by UseId
  std::vector<bool> member_;         // by NodeId: of a pattern; empty when there is none
  std::vector<bool> used_;
  NodeTranslator nodes_;
  Signatures signatures_;
  TranslateOptions options_;
  OpGraph out_;
};

}  // namespace

Result<OpGraph> translate(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness,
                          OpMaps& maps, const Target& target, TranslateOptions options) {
  return Translation(graph, sharing, staticness, maps, target, options).run();
}

Result<BackendGraph> translate_whole(const Graph& graph, OpMaps& maps, const Target& target, TranslateOptions options) {
  BackendGraph out;
  out.sharing = std::make_unique<Sharing>(graph, target.pipeline.results_take_readers);
  out.staticness = std::make_unique<std::vector<Staticness>>(staticness(graph));
  auto ops = translate(graph, *out.sharing, *out.staticness, maps, target, options);
  if (!ops) return ops.error();
  out.ops = std::move(*ops);
  return out;
}

}  // namespace snapgauge
