// The passes in their order, and what they have in common.
#include "quantize/prepare.h"

#include "quantize/passes.h"
#include "quantize/styles.h"

namespace snapgauge {
namespace {

constexpr int kMostRounds = 6;  // parts of parts are four levels deep

}  // namespace

std::vector<uint32_t> reader_counts(const Graph& graph) {
  std::vector<uint32_t> out(graph.values.size());
  for (const Use& use : graph.uses)
    if (use.value.valid()) ++out[use.value.index];
  return out;
}

bool changes_a_tensor(const Graph& graph, const Node& node, const std::vector<uint32_t>& readers) {
  const std::string_view op = graph.text(node.op);
  if (op.find("_.") == std::string_view::npos) return false;
  const ValueId in = operand(graph, node, 0);
  return in.valid() && readers[in.index] > 1;
}

ValueId result_of(const Node& node) { return node.outputs.count == 1 ? ValueId{node.outputs.first} : ValueId{}; }

Result<Prepared> prepare_for_annotation(Graph graph, const AnnotationRows& rows, OpMaps& maps, const Target& target) {
  Prepared out{std::move(graph), {}};
  if (!out.graph.findings.empty()) return out;
  for (int round = 0; round < kMostRounds; ++round) {
    bool changed = fold_batch_norms(out.graph, rows, out.changes);
    const auto decomposed = write_out_operators(out.graph, rows, maps, target, out.changes);
    if (!decomposed) return decomposed.error();
    changed = decomposed.value() || changed;
    changed = lift_numbers(out.graph, rows, out.changes) || changed;
    if (!changed) break;
  }
  return out;
}

}  // namespace snapgauge
