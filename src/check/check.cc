#include "check/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "check/memo.h"
#include "diag/rule.h"
#include "graph/sharing.h"
#include "rules/advice.h"
#include "rules/judge.h"
#include "rules/parameters.h"
#include "targets/view.h"

namespace snapgauge {
namespace {

constexpr RuleCode kAxisOutOfRange = 209;

/// One run over one graph.
class Run {
 public:
  Run(const Graph& graph, const Target& target, OpTable& table, OpMaps& maps, bool reuse,
      const std::vector<std::string>& selected)
      : graph_(graph),
        target_(target),
        table_(table),
        maps_(maps),
        sharing_(graph),
        staticness_(staticness(graph)),
        views_(graph, sharing_, staticness_, maps, target),
        judge_(graph, sharing_, staticness_, target),
        advisor_(graph, sharing_, target, selected),
        memo_(graph, sharing_, staticness_),
        reuse_(reuse && !advisor_.looks_around()) {}

  Result<CheckResult> run() {
    result_.findings = graph_.findings;
    report_obstacle();
    collect_broken_places();
    result_.nodes.reserve(static_cast<size_t>(std::count_if(graph_.nodes.begin(), graph_.nodes.end(),
                                                            [](const Node& n) { return n.kind == NodeKind::kCall; })));
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      report_placed(NodeId{n});
      if (graph_.nodes[n].kind != NodeKind::kCall) continue;
      if (auto done = judge(NodeId{n}); !done) return done.error();
    }
    if (target_.backend.full_delegation) report_full_delegation();
    if (target_.backend.float_first) report_quantized();
    result_.verdict = file_verdict(result_.nodes, result_.findings);
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

  /// Only a warning: the tables' answer holds for the backend wherever it exists.
  void report_obstacle() {
    const std::string obstacle = target_.obstacle();
    if (obstacle.empty()) return;
    result_.findings.push_back(
        make_finding(504, {{"soc", target_.soc.name}, {"backend", target_.backend.title}, {"obstacle", obstacle}}));
    Finding& f = result_.findings.back();
    f.level = Level::kWarning;
    f.expected = fmt::format("a SoC with {}", target_.backend.title);
    f.actual = obstacle;
  }

  /// A backend that takes whole graphs only: the nodes that keep this one off it, in one finding.
  void report_full_delegation() {
    std::vector<Related> culprits;
    for (const NodeResult& n : result_.nodes)
      if (n.verdict == NodeVerdict::kRejected) culprits.push_back({printable(graph_.name(n.node)), "", n.reason});
    if (culprits.empty() || culprits.size() == result_.nodes.size()) return;
    Finding f = make_finding(706, {{"backend", target_.backend.title},
                                   {"count", std::to_string(culprits.size())},
                                   {"total", std::to_string(result_.nodes.size())}});
    f.expected = "every node accepted";
    f.actual = fmt::format("{} of {} nodes rejected", culprits.size(), result_.nodes.size());
    f.related = std::move(culprits);
    result_.findings.push_back(std::move(f));
  }

  bool is_quantized(const Node& node) const {
    for (uint32_t u = node.uses.first; u < node.uses.end(); ++u)
      if (sharing_.spec(sharing_.place(UseId{u})) != nullptr) return true;
    for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v)
      if (sharing_.spec(sharing_.place(ValueId{v})) != nullptr) return true;
    return false;
  }

  /// A backend for floating point: the one cause behind the rejections of quantized nodes.
  void report_quantized() {
    const auto refused = std::count_if(result_.nodes.begin(), result_.nodes.end(), [&](const NodeResult& n) {
      return n.verdict == NodeVerdict::kRejected && is_quantized(graph_.node(n.node));
    });
    if (refused == 0) return;
    Finding f = make_finding(708, {{"backend", target_.backend.title},
                                   {"count", std::to_string(refused)},
                                   {"total", std::to_string(result_.nodes.size())}});
    f.expected = "floating-point tensors";
    f.actual = fmt::format("{} quantized nodes refused", refused);
    result_.findings.push_back(std::move(f));
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

  /// Faults of places were found before the node had ports; now they can be named.
  void name_ports(const OpView& view) {
    for (size_t p = first_reported_; p < next_placed_; ++p) {
      Finding& finding = result_.findings[result_.findings.size() - (next_placed_ - p)];
      const auto named = [&](const std::vector<PortView>& ports, PortRef::Side side) {
        for (size_t i = 0; i < ports.size() && finding.port.empty(); ++i)
          if (ports[i].present && ports[i].place == placed_[p].place) finding.port = port_text(side, i);
      };
      named(view.in, PortRef::Side::kIn);
      named(view.out, PortRef::Side::kOut);
    }
  }

  /// Which axis was meant is known only when an op that reads the tensor says so in its rows.
  void propose_axes(const CompiledOp& op) {
    if (without_axis_.empty()) return;
    for (const auto* ports : {&view_.in, &view_.out})
      for (const PortView& port : *ports) {
        const PlaceId root = port.present ? sharing_.root(port.place) : PlaceId{};
        const auto open = without_axis_.find(root.index);
        if (open == without_axis_.end()) continue;
        const Proposal proposal = judge_.propose_axis(view_, op, root);
        if (proposal.change == nullptr) continue;
        for (const size_t finding : open->second) proposal.attach_to(result_.findings[finding]);
        without_axis_.erase(open);
      }
  }

  bool is_broken(PlaceId place) const {
    if (broken_[place.index]) return true;
    const PlaceId root = sharing_.root(place);
    return root.valid() && broken_[root.index];
  }

  /// Marks ports that an earlier stage found broken, and rejects the node for them.
  void mark_broken(const OpView& view, Judgement& judgement) {
    port_broken_.assign(view.in.size() + view.out.size(), false);
    if (!any_broken_) return;
    for (size_t i = 0; i < port_broken_.size(); ++i) {
      const PortView& port = i < view.in.size() ? view.in[i] : view.out[i - view.in.size()];
      if (!port.present || !is_broken(port.place)) continue;
      port_broken_[i] = true;
      const bool input = i < view.in.size();
      judgement.reject(
          fmt::format("{}: its quantization is faulty",
                      port_text(input ? PortRef::Side::kIn : PortRef::Side::kOut, input ? i : i - view.in.size())));
    }
  }

  Status judge(NodeId id) {
    // Faults found before belong to one node, not to all that look like it.
    const bool reuse = reuse_ && !any_broken_ && reader_faults_.empty();
    if (const std::string_view* op = reuse ? memo_.find(id) : nullptr; op != nullptr) {
      result_.nodes.push_back({id, NodeVerdict::kAccepted, *op, {}});
      return Done{};
    }
    const size_t findings = result_.findings.size();
    if (auto done = judge_alone(id); !done) return done;
    const bool clean = !result_.nodes.empty() && result_.nodes.back().node == id &&
                       result_.nodes.back().verdict == NodeVerdict::kAccepted && result_.findings.size() == findings;
    if (reuse && clean) memo_.accept(result_.nodes.back().backend_op);
    return Done{};
  }

  Status judge_alone(NodeId id) {
    auto mapped = views_.build(id, view_);
    if (!mapped) return mapped.error();
    if (*mapped == Mapped::kIdentity || *mapped == Mapped::kConstant) return Done{};
    NodeResult& out = result_.nodes.emplace_back();
    out.node = id;
    Judgement judgement;
    if (!reader_faults_.empty())
      if (const auto fault = reader_faults_.find(printable(graph_.name(id))); fault != reader_faults_.end())
        judgement.reject(fault->second);
    if (*mapped == Mapped::kUnknown) {
      judge_.report_unmapped(id, maps_.similar(std::string(graph_.text(graph_.node(id).op))), judgement,
                             result_.findings);
    } else if (*mapped == Mapped::kRefused) {
      judge_.report_refused(view_, judgement, result_.findings);
    } else {
      name_ports(view_);
      mark_broken(view_, judgement);
      if (auto done = judge_op(*mapped, out, judgement); !done) return done;
    }
    out.verdict = judgement.verdict;
    out.reason = std::move(judgement.reason);
    return Done{};
  }

  Status judge_op(Mapped mapped, NodeResult& out, Judgement& judgement) {
    if (mapped == Mapped::kEmits) {
      // A decomposition: every op must exist; the tensors between them are the lowering's own.
      for (const std::string& name : view_.mapping->emits) {
        auto op = table_.find(name);
        if (!op) return op.error();
        out.backend_op = view_.mapping->emits.front();
        if (*op == nullptr) judge_.report_unsupported_op(view_, name, judgement, result_.findings);
      }
      return Done{};
    }
    out.backend_op = view_.op();
    const size_t first = result_.findings.size();
    const auto known = ops_.find(view_.mapping);
    auto op = known != ops_.end() ? Result<const CompiledOp*>(known->second) : table_.find(view_.op());
    if (!op) return op.error();
    if (known == ops_.end()) ops_.emplace(view_.mapping, *op);
    if (*op == nullptr) {
      judge_.report_unsupported_op(view_, view_.op(), judgement, result_.findings);
    } else {
      propose_axes(**op);
      judge_.judge(view_, **op, port_broken_, judgement, result_.findings);
    }
    advisor_.advise(view_, *op, first, judgement, result_.findings);
    return Done{};
  }

  const Graph& graph_;
  const Target& target_;
  OpTable& table_;
  OpMaps& maps_;
  Sharing sharing_;
  std::vector<Staticness> staticness_;
  ViewBuilder views_;
  NodeJudge judge_;
  OpView view_;
  Advisor advisor_;
  JudgementMemo memo_;
  bool reuse_;
  std::unordered_map<const OpMapping*, const CompiledOp*> ops_;  // spares hashing the op's name
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
    : database_(database),
      target_(std::move(target)),
      table_(database_, target_),
      aten_(database_, Frontend::kTorch),
      onnx_(database_, Frontend::kOnnx) {}

Result<CheckResult> Gauge::check(const Graph& graph) {
  return Run(graph, target_, table_, graph.frontend == Frontend::kOnnx ? onnx_ : aten_, reuse_, selected_).run();
}

}  // namespace snapgauge
