// Annotate, judge, give way where the target refuses, and again: each round some node gets coarser, so it ends.
#include "api/annotator.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "api/session.h"
#include "backend/translate.h"
#include "base/text.h"
#include "diag/rule.h"
#include "quantize/prepare.h"

namespace snapgauge {
namespace {

// Three steps back for each of a few configs, one to what was asked, and some because neighbours gave way.
constexpr size_t kMostRounds = 24;

class Annotation {
 public:
  Annotation(Session& session, Graph& graph, const Annotator& annotator)
      : session_(session), graph_(graph), annotator_(annotator), edit_(graph), retreats_(graph.nodes.size()) {}

  Status run() {
    auto backend = session_.backend_graph(graph_);
    if (!backend) return backend.error();
    for (size_t round = 1;; ++round) {
      choices_ = annotator_.annotate(edit_, backend->ops, retreats_);
      if (round == kMostRounds) return Done{};
      auto checked = session_.check(graph_);
      if (!checked) return checked.error();
      if (!give_way(*checked)) return Done{};
      edit_.undo();
    }
  }

  NodeChoice in_words(const QuantChoice& choice) const {
    const Node& node = graph_.node(choice.node);
    NodeChoice out{printable(graph_.text(node.name)),
                   printable(graph_.text(node.op)),
                   choice.kind,
                   {},
                   {},
                   {},
                   {},
                   {},
                   choice.note};
    out.decided_by = choice.rule != nullptr ? choice.rule->where : "default";
    if (choice.kind != QuantChoice::Kind::kAnnotated) return out;
    out.style = style_name(choice.row->style);
    out.config = choice.config->name;
    out.granularity = granularity_name(choice.granularity);
    out.block = choice.block;
    return out;
  }
  const std::vector<QuantChoice>& choices() const { return choices_; }

 private:
  /// Whether some annotated node that is not accepted has something else to try.
  bool give_way(const CheckResult& result) {
    std::unordered_map<std::string_view, const Finding*> causes;
    for (const Finding& f : result.findings)
      if (rule(f.code).kind != RuleKind::kAdvice) causes.try_emplace(f.node, &f);
    bool any = false;
    size_t c = 0;
    for (const NodeResult& n : result.nodes) {
      while (c < choices_.size() && choices_[c].node.index < n.node.index) ++c;
      if (c == choices_.size() || choices_[c].node != n.node) continue;
      if (n.verdict == NodeVerdict::kAccepted) continue;
      const auto cause = causes.find(printable(graph_.name(n.node)));
      any = step_back(choices_[c], cause == causes.end() ? result.reason_of(n) : cause->second->message) || any;
    }
    return any;
  }

  bool step_back(const QuantChoice& choice, const std::string& why) {
    Retreat& retreat = retreats_[choice.node.index];
    if (retreat.exhausted) return false;
    if (choice.kind == QuantChoice::Kind::kRefused) {
      // In float neither: what was asked for stays, and the gate says what is wrong with it.
      retreat = {Retreat::Step::kNone, retreat.why, 0, true};
      return true;
    }
    if (choice.kind != QuantChoice::Kind::kAnnotated) return false;
    const bool first = retreat.step == Retreat::Step::kNone && retreat.skipped == 0;
    if (choice.granularity == Granularity::kPerBlock)
      retreat.step = Retreat::Step::kPerChannel;
    else if (choice.granularity == Granularity::kPerChannel)
      retreat.step = Retreat::Step::kPerTensor;
    else if (choice.further)
      retreat = {Retreat::Step::kNone, retreat.why, retreat.skipped + 1, false};
    else
      retreat.step = Retreat::Step::kFloat;
    if (first) retreat.why = why;
    return true;
  }

  Session& session_;
  Graph& graph_;
  const Annotator& annotator_;
  GraphEdit edit_;
  std::vector<Retreat> retreats_;
  std::vector<QuantChoice> choices_;
};

Status must_be_float(const Graph& graph) {
  for (const Node& node : graph.nodes)
    if (node.kind == NodeKind::kFolded)
      return Error{
          ErrorCode::kUsage, graph.file,
          fmt::format("'{}' quantizes already; models are annotated in float", printable(graph.text(node.name)))};
  return Done{};
}

Result<AnnotationRows> rows_for(Session& session, const Target& target, Frontend frontend) {
  if (target.backend.float_first)
    return Error{ErrorCode::kUsage, target.backend.name, "takes graphs in float; there is nothing to annotate"};
  return AnnotationRows::load(session.database(), target.backend.name, frontend);
}

}  // namespace

Result<AnnotatedGraph> annotate(Session& session, Graph& graph, const Recipe& recipe,
                                const std::function<Result<FileReport>(const Graph&)>& judge,
                                const std::function<Status(const Graph&)>& in_float) {
  if (Status s = must_be_float(graph); !s) return s.error();
  const auto target = session.target_for(graph.frontend);
  if (!target) return target.error();
  const auto configs = QuantConfigs::load(session.database());
  if (!configs) return configs.error();
  const auto rows = rows_for(session, target.value(), graph.frontend);
  if (!rows) return rows.error();
  const auto annotator = Annotator::create(configs.value(), rows.value(), recipe);
  if (!annotator) return annotator.error();
  OpMaps maps(session.database(), graph.frontend);
  for (const auto& [op, row] : rows.value().own_decompositions())
    if (Status s = maps.replace(op, row); !s) return s.error();
  auto prepared = prepare_for_annotation(std::move(graph), rows.value(), maps, target.value());
  if (!prepared) return prepared.error();
  graph = std::move(prepared->graph);
  graph.backend_hint = target.value().backend.name;
  graph.soc_hint = target.value().soc.name;

  if (in_float)
    if (Status s = in_float(graph); !s) return s.error();
  Annotation annotation(session, graph, annotator.value());
  if (Status s = annotation.run(); !s) return s.error();
  AnnotatedGraph out;
  out.changes = std::move(prepared->changes);
  for (const QuantChoice& choice : annotation.choices()) out.nodes.push_back(annotation.in_words(choice));
  auto gate = judge(graph);
  if (!gate) return gate.error();
  out.gate = std::move(*gate);
  out.text = write_graph(graph);
  return out;
}

}  // namespace snapgauge
