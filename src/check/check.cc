#include "check/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "backend/insertions.h"
#include "backend/translate.h"
#include "base/text.h"
#include "check/free_sizes.h"
#include "check/graph_findings.h"
#include "check/op_judge.h"
#include "diag/rule.h"
#include "graph/sharing.h"
#include "rules/advice.h"
#include "rules/parameters.h"

namespace snapgauge {
namespace {

constexpr RuleCode kAxisOutOfRange = 209;

/// One run over one graph.
class Run {
 public:
  Run(const Graph& graph, const Target& target, OpTable& table, OpMaps& maps, bool reuse, bool share,
      const std::vector<std::string>& selected)
      : graph_(graph),
        target_(target),
        table_(table),
        maps_(maps),
        sharing_(graph, target.pipeline.results_take_readers),
        staticness_(staticness(graph)),
        advisor_(graph, sharing_, target, selected),
        reuse_(reuse),
        share_(share) {}

  Result<CheckResult> run() {
    auto ops = translate(graph_, sharing_, staticness_, maps_, target_, {.share = share_});
    if (!ops) return ops.error();
    ops_ = std::move(*ops);
    judge_.emplace(ops_, target_, table_, maps_, &advisor_);
    accepted_.assign(ops_.classes.size(), false);
    backend_op_.resize(ops_.classes.size());
    result_.findings = graph_.findings;
    report_obstacle(target_, result_);
    collect_broken_places();
    const bool open = std::find(graph_.dims.begin(), graph_.dims.end(), kDynamicDim) != graph_.dims.end();
    if (open && !target_.pipeline.free_sizes.empty()) causes_ = open_size_causes(graph_);
    result_.nodes.reserve(ops_.ops.size());
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      report_placed(NodeId{n});
      if (!ops_.op_of[n].valid()) continue;
      const Op& op = ops_.op(ops_.op_of[n]);
      if (op.node != NodeId{n})
        result_.nodes.push_back({NodeId{n}}), any_pattern_ = true;  // it ends further down
      else if (auto done = judge(op); !done)
        return done.error();
    }
    if (any_pattern_) spread_over_patterns();
    report_free_sizes(graph_, target_, open_, result_);
    report_assumptions(ops_, target_, result_);
    report_full_delegation(graph_, target_, result_);
    report_quantized(graph_, sharing_, target_, result_);
    result_.verdict = file_verdict(result_.nodes, result_.findings);
    if (result_.nodes.empty() && result_.verdict == FileVerdict::kAccepted) {
      result_.verdict = FileVerdict::kIncomplete;
      result_.reason = "no node was judged: the graph holds no operator that the backend would run";
    }
    return std::move(result_);
  }

 private:
  void collect_broken_places() {
    placed_ = check_parameters(graph_, sharing_);
    broken_.assign(graph_.values.size() + graph_.uses.size(), false);
    for (const PlacedFinding& p : placed_)
      if (p.breaks) broken_[p.place.index] = any_broken_ = true;
    std::stable_sort(placed_.begin(), placed_.end(),
                     [](const PlacedFinding& a, const PlacedFinding& b) { return a.node.index < b.node.index; });
    // What the reader found about a node (a missing value, a doubled name) rejects that node.
    for (const Finding& f : graph_.findings)
      if (f.level == Level::kError) reader_faults_.emplace(f.node, f.message);
  }

  void report_placed(NodeId node) {
    first_reported_ = next_placed_;
    while (next_placed_ < placed_.size() && placed_[next_placed_].node == node) {
      PlacedFinding& placed = placed_[next_placed_++];
      if (placed.finding.code == kAxisOutOfRange && placed.finding.fix.change == nullptr)
        without_axis_[sharing_.root(placed.place).index].push_back(result_.findings.size());
      result_.findings.push_back(std::move(placed.finding));
    }
  }

  std::string text_of_port(const Op& op, size_t index) const {
    const size_t inputs = ops_.class_of(op).inputs;
    return index < inputs ? port_text(PortRef::Side::kIn, index) : port_text(PortRef::Side::kOut, index - inputs);
  }

  /// Faults of places were found before the node had ports; now they can be named.
  void name_ports(const Op& op) {
    for (size_t p = first_reported_; p < next_placed_; ++p) {
      Finding& finding = result_.findings[result_.findings.size() - (next_placed_ - p)];
      const auto tensors = ops_.tensors_of(op);
      for (size_t i = 0; i < tensors.size() && finding.port.empty(); ++i)
        if (tensors[i].place == placed_[p].place) finding.port = text_of_port(op, i);
    }
  }

  /// Which axis was meant is known only when an op that reads the tensor says so in its rows.
  Status propose_axes(const Op& op) {
    if (without_axis_.empty() || ops_.class_of(op).mapped != Mapped::kOp) return Done{};
    auto compiled = judge_->table_op(op);
    if (!compiled) return compiled.error();
    if (*compiled == nullptr) return Done{};
    const OpView& view = judge_->view_of(op);
    for (const auto ports : {view.in, view.out})
      for (const Port& port : ports) {
        const PlaceId root = port.present ? sharing_.root(port.place) : PlaceId{};
        const auto open = without_axis_.find(root.index);
        if (open == without_axis_.end()) continue;
        const Proposal proposal = judge_->rules().propose_axis(view, **compiled, root);
        if (proposal.change == nullptr) continue;
        for (const size_t finding : open->second) proposal.attach_to(result_.findings[finding]);
        without_axis_.erase(open);
      }
    return Done{};
  }

  /// What could not be told for want of a size is told once, at its cause.
  void blame_free_sizes(const Op& op, size_t first, Judgement& judgement) {
    const NodeId cause = open_size_cause(ops_, op, causes_);
    if (!cause.valid()) return;
    constexpr RuleCode kConsequences[] = {602, 702, 709};
    const auto begin = result_.findings.begin() + static_cast<ptrdiff_t>(first);
    result_.findings.erase(std::remove_if(begin, result_.findings.end(),
                                          [&](const Finding& f) {
                                            return std::find(std::begin(kConsequences), std::end(kConsequences),
                                                             f.code) != std::end(kConsequences);
                                          }),
                           result_.findings.end());
    judgement = {};
    judgement.reject(fmt::format("it depends on open sizes of '{}'", printable(graph_.name(cause))));
    open_[cause.index].push_back(op.node);
  }

  /// The members of a pattern have the verdict of what it becomes.
  void spread_over_patterns() {
    std::unordered_map<uint32_t, size_t> at;  // by anchor
    for (size_t i = result_.nodes.size(); i-- > 0;) {
      NodeResult& r = result_.nodes[i];
      const Op& op = ops_.op(ops_.op_of[r.node.index]);
      if (op.node == r.node) {
        if (ops_.class_of(op).mapped == Mapped::kExpansion) at[r.node.index] = i;
        continue;
      }
      const auto anchor = at.find(op.node.index);
      if (anchor == at.end()) continue;
      const NodeResult& whole = result_.nodes[anchor->second];
      r.verdict = whole.verdict;
      r.backend_op = whole.backend_op;
      r.reason = whole.reason;
    }
  }

  bool is_broken(PlaceId place) const {
    if (broken_[place.index]) return true;
    const PlaceId root = sharing_.root(place);
    return root.valid() && broken_[root.index];
  }

  /// Marks ports that an earlier stage found broken, and rejects the node for them.
  void mark_broken(const Op& op, Judgement& judgement) {
    const auto tensors = ops_.tensors_of(op);
    port_broken_.assign(tensors.size(), false);
    if (!any_broken_) return;
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].value.valid() || !is_broken(tensors[i].place)) continue;
      port_broken_[i] = true;
      judgement.reject(fmt::format("{}: its quantization is faulty", text_of_port(op, i)));
    }
  }

  Status judge(const Op& op) {
    // Faults found before belong to one node, and advice that looks around to one place.
    const bool reuse = reuse_ && !any_broken_ && reader_faults_.empty() && !advisor_.looks_around();
    if (reuse && accepted_[op.cls.index]) {
      result_.nodes.push_back({op.node, backend_op_[op.cls.index]});
      return Done{};
    }
    const size_t findings = result_.findings.size();
    OpOutcome outcome;
    if (!reader_faults_.empty())
      if (const auto fault = reader_faults_.find(printable(graph_.name(op.node))); fault != reader_faults_.end())
        outcome.judgement.reject(fault->second);
    name_ports(op);
    mark_broken(op, outcome.judgement);
    if (Status s = propose_axes(op); !s) return s;
    if (Status s = judge_->judge(op, port_broken_, outcome, result_.findings); !s) return s;
    if (!causes_.empty()) blame_free_sizes(op, findings, outcome.judgement);
    const NodeVerdict verdict = outcome.judgement.verdict;
    result_.nodes.push_back({op.node, backend_op(op, outcome.backend_op), add_reason(outcome.judgement), verdict});
    if (reuse && verdict == NodeVerdict::kAccepted && result_.findings.size() == findings)
      accepted_[op.cls.index] = true;
    return Done{};
  }

  /// Where the name stands, which is the same for all ops of a class.
  uint32_t backend_op(const Op& op, std::string_view name) {
    uint32_t& known = backend_op_[op.cls.index];
    if (known != 0 || name.empty()) return known;
    const auto at = std::find(result_.backend_ops.begin(), result_.backend_ops.end(), name);
    known = static_cast<uint32_t>(at - result_.backend_ops.begin());
    if (at == result_.backend_ops.end()) result_.backend_ops.push_back(name);
    return known;
  }

  uint32_t add_reason(Judgement& judgement) {
    if (judgement.reason.empty()) return 0;
    result_.reasons.push_back(std::move(judgement.reason));
    return static_cast<uint32_t>(result_.reasons.size() - 1);
  }

  const Graph& graph_;
  const Target& target_;
  OpTable& table_;
  OpMaps& maps_;
  Sharing sharing_;
  std::vector<Staticness> staticness_;
  OpGraph ops_;
  Advisor advisor_;
  std::optional<OpJudge> judge_;
  bool reuse_, share_;
  bool any_pattern_ = false;
  std::vector<bool> accepted_;        // by class: such an op was accepted, and nothing was said
  std::vector<uint32_t> backend_op_;  // likewise, in CheckResult::backend_ops; 0: not known
  std::vector<NodeId> causes_;        // by ValueId: see open_size_causes(); empty: they do no harm
  OpenSizes open_;
  std::vector<PlacedFinding> placed_;
  size_t next_placed_ = 0, first_reported_ = 0;
  std::unordered_map<uint32_t, std::vector<size_t>> without_axis_;  // findings by the place of their spec
  std::vector<bool> broken_, port_broken_;
  bool any_broken_ = false;
  std::unordered_map<std::string, std::string> reader_faults_;  // by node name
  CheckResult result_;
};

}  // namespace

FileVerdict file_verdict(const std::vector<NodeResult>& nodes, const std::vector<Finding>& findings) {
  FileVerdict verdict = FileVerdict::kAccepted;
  for (const Finding& f : findings)
    if (f.level == Level::kError) return FileVerdict::kRejected;
  for (const NodeResult& node : nodes) {
    if (node.verdict == NodeVerdict::kRejected) return FileVerdict::kRejected;
    if (node.verdict == NodeVerdict::kUnknown) verdict = FileVerdict::kIncomplete;
  }
  return verdict;
}

Gauge::Gauge(const Database& database, Target target)
    : database_(database), target_(std::move(target)), table_(database_, target_) {
  for (const FrontendRow& row : kFrontends) maps_.emplace_back(database_, row.frontend);
}

OpMaps& Gauge::maps_of(const Graph& graph) { return maps_[static_cast<size_t>(graph.frontend)]; }

Result<CheckResult> Gauge::check(const Graph& graph) {
  return Run(graph, target_, table_, maps_of(graph), reuse_, share_, selected_).run();
}

Result<std::string> Gauge::backend_text(const Graph& graph) {
  auto backend = translate_whole(graph, maps_of(graph), target_, {.share = share_});
  if (!backend) return backend.error();
  const std::string inserted = to_text(backend->ops, insertions(backend->ops, target_));
  return to_text(backend->ops) + (inserted.empty() ? "" : "\ninserted\n" + inserted);
}

Result<BackendGraph> Gauge::backend_graph(const Graph& graph) {
  return translate_whole(graph, maps_of(graph), target_, {.share = false});
}

}  // namespace snapgauge
