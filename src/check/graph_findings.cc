// Each is one finding with the nodes it concerns beside it.
#include "check/graph_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "check/free_sizes.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

bool is_quantized(const Sharing& sharing, const Node& node) {
  for (uint32_t u = node.uses.first; u < node.uses.end(); ++u)
    if (sharing.spec(sharing.place(UseId{u})) != nullptr) return true;
  for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v)
    if (sharing.spec(sharing.place(ValueId{v})) != nullptr) return true;
  return false;
}

}  // namespace

void report_obstacle(const Target& target, CheckResult& result) {
  const std::string obstacle = target.obstacle();
  if (obstacle.empty()) return;
  result.findings.push_back(
      make_finding(504, {{"soc", target.soc.name}, {"backend", target.backend.title}, {"obstacle", obstacle}}));
  Finding& f = result.findings.back();
  f.level = Level::kWarning;
  f.expected = fmt::format("a SoC with {}", target.backend.title);
  f.actual = obstacle;
}

void report_full_delegation(const Graph& graph, const Target& target, CheckResult& result) {
  if (!target.backend.full_delegation) return;
  std::vector<Related> culprits;
  for (const NodeResult& n : result.nodes)
    if (n.verdict == NodeVerdict::kRejected)
      culprits.push_back({printable(graph.name(n.node)), "", result.reason_of(n)});
  if (culprits.empty() || culprits.size() == result.nodes.size()) return;
  Finding f = make_finding(706, {{"backend", target.backend.title},
                                 {"count", std::to_string(culprits.size())},
                                 {"total", std::to_string(result.nodes.size())}});
  f.expected = "every node accepted";
  f.actual = fmt::format("{} of {} nodes rejected", culprits.size(), result.nodes.size());
  f.related = std::move(culprits);
  result.findings.push_back(std::move(f));
}

void report_quantized(const Graph& graph, const Sharing& sharing, const Target& target, CheckResult& result) {
  if (!target.backend.float_first) return;
  const auto refused = std::count_if(result.nodes.begin(), result.nodes.end(), [&](const NodeResult& n) {
    return n.verdict == NodeVerdict::kRejected && is_quantized(sharing, graph.node(n.node));
  });
  if (refused == 0) return;
  Finding f = make_finding(708, {{"backend", target.backend.title},
                                 {"count", std::to_string(refused)},
                                 {"total", std::to_string(result.nodes.size())}});
  f.expected = "floating-point tensors";
  f.actual = fmt::format("{} quantized nodes refused", refused);
  result.findings.push_back(std::move(f));
}

void report_free_sizes(const Graph& graph, const Target& target, const OpenSizes& open, CheckResult& result) {
  for (const auto& [cause, nodes] : open) {
    const Node& node = graph.nodes[cause];
    const std::string name = printable(graph.text(node.name));
    Finding f = make_finding(
        710, {{"value", name}, {"dims", open_dims(graph, NodeId{cause})}, {"count", std::to_string(nodes.size())}});
    f.node = name;
    f.location = node.location;
    if (node.outputs.count > 0) f.value = printable(graph.text(graph.values[node.outputs.first].name));
    f.expected = "sizes that are known when the graph is compiled";
    f.actual = fmt::format("{} of {} open", open_dims(graph, NodeId{cause}), name);
    f.source = {target.pipeline.name + ": " + target.pipeline.free_sizes, ""};
    for (const NodeId n : nodes) f.related.push_back({printable(graph.name(n)), "", "depends on these sizes"});
    result.findings.push_back(std::move(f));
  }
}

void report_assumptions(const OpGraph& ops, const Target& target, CheckResult& result) {
  if (!target.pipeline.assumed_casts) return;
  std::set<std::pair<DType, DType>> told;
  for (const Port& port : ops.ports) {
    if (!port.assumed || !port.value.valid()) continue;
    const DType from = ops.graph->value(port.value).dtype;
    if (from == port.dtype || !told.emplace(from, port.dtype).second) continue;
    Finding f = make_finding(711, {{"pipeline", target.pipeline.name},
                                   {"from", std::string(dtype_name(from))},
                                   {"to", std::string(dtype_name(port.dtype))},
                                   {"note", target.pipeline.note}});
    f.value = printable(ops.graph->text(ops.graph->value(port.value).name));
    f.expected = "a source that states the cast";
    f.actual = "an assumption";
    result.findings.push_back(std::move(f));
  }
}

}  // namespace snapgauge
