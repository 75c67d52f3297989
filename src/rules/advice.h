// What the tables do not ask but a node's numbers and neighbours say: overflow, wasted range, needless
// work. Rules off by default run only when a prefix selects them. Each rule is a row of rules/*.toml
// (which ops and backends it looks at, the limit it compares with) and one function here.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "backend/op_graph.h"
#include "diag/finding.h"
#include "diag/rule.h"
#include "graph/sharing.h"
#include "rules/judge.h"

namespace snapgauge {

/// Of one run over one graph; nodes come in file order.
class Advisor {
 public:
  /// `selected`: prefixes of codes, such as "SG9".
  Advisor(const Graph& graph, const Sharing& sharing, const Target& target, const std::vector<std::string>& selected);

  /// Whether rules run whose answer depends on more than the node itself.
  bool looks_around() const { return looks_around_; }
  /// Appends findings; errors among them reject the node. Those from `first` on are of this node.
  /// `op`: the table's; null when the backend has no such op.
  void advise(const OpView& view, const CompiledOp* op, size_t first, Judgement& judgement,
              std::vector<Finding>& findings);

 private:
  struct Call {
    const OpView& view;
    const CompiledOp* op;
    const Rule& rule;
    std::vector<Finding>& findings;
    size_t first;  // of the node's findings, those of the tables
  };
  using Check = void (Advisor::*)(const Call&);
  struct Entry {
    const Rule* rule;
    Check check;
  };
  static const std::vector<std::pair<RuleCode, Check>>& checks();

  // Sound sums and stored values (advice.cc).
  void requantized_movement(const Call& call);
  void bias_overflow(const Call& call);
  void accumulator_overflow(const Call& call);
  void stored_value_range(const Call& call);
  // Speed (advice_speed.cc).
  void unaligned_channels(const Call& call);
  void prelu_activation(const Call& call);
  void division_by_constant(const Call& call);
  void widened_activation(const Call& call);
  void movement_chain(const Call& call);
  void separate_pad(const Call& call);
  void repeated_quantization(const Call& call);
  void high_rank_transpose(const Call& call);
  // Accuracy (advice_accuracy.cc).
  void degenerate_range(const Call& call);
  void dominating_channel(const Call& call);
  void borrowed_fixed_range(const Call& call);
  void lopsided_zero_point(const Call& call);
  void saturated_weights(const Call& call);
  void dead_channel(const Call& call);
  void mask_range(const Call& call);
  void coarse_4_bit(const Call& call);
  void clipped_output(const Call& call);
  void unused_output_range(const Call& call);
  void int16_weight_range(const Call& call);
  void block_scale_range(const Call& call);

  const std::vector<Entry>& entries_for(const OpMapping& mapping);
  /// A finding of the call's rule at a port; the holes op and port are filled.
  void report(const Call& call, PortRef::Side side, size_t index, std::vector<HoleValue> holes, std::string expected,
              std::string actual);
  const Port* weight(const OpView& view) const;
  /// Dimension of the weight, in the backend's layout, that counts the outputs: the last unless the op's
  /// definition says otherwise.
  std::optional<int> channel_axis(const Call& call) const;
  /// Backend op of the node that computes what the port reads; empty when it is none.
  std::string_view producer_op(const Port& port) const;
  template <class F>
  void each_input(const OpView& view, F f);
  template <class F>
  void each_port(const OpView& view, F f);

  const Graph& graph_;
  const Sharing& sharing_;
  const Target& target_;
  bool looks_around_ = false;
  std::vector<Entry> entries_;
  std::unordered_map<const OpMapping*, std::vector<Entry>> by_mapping_;
  std::vector<std::string_view> op_of_;  // by NodeId, filled as nodes pass
};

template <class F>
void Advisor::each_input(const OpView& view, F f) {
  for (size_t i = 0; i < view.in.size(); ++i)
    if (view.in[i].present) f(PortRef::Side::kIn, i, view.in[i]);
}

template <class F>
void Advisor::each_port(const OpView& view, F f) {
  each_input(view, f);
  for (size_t i = 0; i < view.out.size(); ++i)
    if (view.out[i].present) f(PortRef::Side::kOut, i, view.out[i]);
}

/// Real bounds of a calibrated per-tensor spec.
struct RealRange {
  double min, max;
};
std::optional<RealRange> real_range(const Spec& spec);

}  // namespace snapgauge
