// Every row of the tables, by SDK and pipeline, is reported on some node and holds on another that it binds. Nodes are
// drawn at random around what the row names (datatypes, limits, parameters), from a fixed seed. A row
// counts as exercised when there is a node on which it does not hold and the whole check refuses the port
// for it or for a fault met before, and another that it binds, holds on, and is not reported for. A row
// that no node can break, or none can be bound by, needs a proof from its own content instead; the draws
// then try to refute it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "api/session.h"
#include "backend/translate.h"
#include "draw.h"
#include "evaluate/evaluate.h"
#include "proof.h"
#include "rules/judge.h"
#include "rules/shapes.h"

namespace snapgauge {
namespace {

using pairs::build;
using pairs::Drawer;
using pairs::Found;
using pairs::Proof;

constexpr int kQuickTries = 300;  // enough for most rows, and to refute a proof
constexpr int kTries = 20000;     // for rows that are still open on every target
constexpr int kOwnTries = 2000;   // of those, once a fault was found that another rule reports

struct Row {
  Found found;
  std::optional<Proof> proof;
};

/// What a row says of the node: of the first place where it does not hold, else of the last that it binds.
struct Answer {
  Truth truth;
  std::string port;
};

class Pairs {
 public:
  Pairs(const Database& database, Target target)
      : database_(database),
        target_(std::move(target)),
        table_(database, target_),
        gauge_(database, target_),
        maps_(database, Frontend::kTorch) {}

  void search(const std::string& name, int tries, std::map<std::string, Row>& rows) {
    auto op = table_.find(name);
    ASSERT_TRUE(op) << op.error().message();
    if (*op == nullptr) return;
    auto master = database_.master(target_.sdk, name);
    ASSERT_TRUE(master) << master.error().message();
    const MasterOp* known = master->has_value() ? &**master : nullptr;
    for (const CompiledPredicate& row : (*op)->predicates) {
      if (is_informational(row.predicate.kind) || row.predicate.pipeline != target_.pipeline.name) continue;
      ASSERT_NE(row.code, 0) << describe(**op, row);
      Row& entry = rows[describe(**op, row)];
      if (!entry.proof) entry.proof = pairs::prove(row.predicate, target_);
      if (!entry.proof || tries == kQuickTries) search(**op, row, known, tries, entry);
    }
  }

 private:
  static std::string describe(const CompiledOp& op, const CompiledPredicate& row) {
    return fmt::format("{} {} {} {} {} {}", predicate_kind_name(row.predicate.kind), op.name,
                       port_text(row.predicate.port), row.predicate.body, row.configs, row.predicate.source.document);
  }

  void search(const CompiledOp& op, const CompiledPredicate& row, const MasterOp* master, int tries, Row& entry) {
    Drawer drawer(op, row, master, 1);
    Found& found = entry.found;
    for (int i = 0; i < tries; ++i) {
      if (found.good && found.bad && (found.own || i >= kOwnTries)) return;
      const Graph graph = build(op, drawer.draw());
      const auto answer = answer_of(graph, op, row);
      if (!answer) continue;
      if (answer->truth == Truth::kTrue && !found.good)
        found.good = !reported(graph, row);
      else if (answer->truth == Truth::kFalse && !(found.bad && found.own))
        refuse(graph, row, answer->port, found);
      else if (answer->truth == Truth::kUnknown && entry.proof && !found.withheld)
        found.withheld = withheld(graph, answer->port);
    }
  }

  /// Nothing: the row binds no place of the graph's last node.
  std::optional<Answer> answer_of(const Graph& graph, const CompiledOp& op, const CompiledPredicate& row) {
    const Sharing sharing(graph);
    const auto kinds = staticness(graph);
    auto ops = translate(graph, sharing, kinds, maps_, target_);
    EXPECT_TRUE(ops) << ops.error().message();
    if (!ops || ops->ops.empty() || ops->classes.back().mapped != Mapped::kOp) return std::nullopt;
    const OpView view(*ops, ops->ops.back());
    const EvalContext context{view, target_, &op.master};
    const Predicate& p = row.predicate;
    const auto truth_at = [&](const Subject& self, const Port* port) -> std::optional<Truth> {
      if (p.kind != PredicateKind::kAppliesOnly && evaluate(*p.when, context, &self, nullptr) != Truth::kTrue)
        return std::nullopt;
      Outcome outcome;
      check_shape({p, self, port, context, sharing}, outcome);
      return outcome.truth;
    };
    if (p.port.side == PortRef::Side::kParam) {
      const auto truth = truth_at({p.port.side, 0, p.port.param}, nullptr);
      return truth ? std::optional(Answer{*truth, p.port.param}) : std::nullopt;
    }
    std::optional<Answer> worst;
    const auto ports = p.port.side == PortRef::Side::kIn ? view.in : view.out;
    bool present = false;
    for (size_t i = p.port.first; i < ports.size() && i <= p.port.last; ++i) {
      if (!ports[i].present) continue;
      present = true;
      const auto truth = truth_at({p.port.side, i, {}}, &ports[i]);
      if (truth && (!worst || *truth < worst->truth)) worst = Answer{*truth, port_text(p.port.side, i)};
    }
    // What must not be there holds where it is not.
    const bool absence = p.kind == PredicateKind::kUnsupported || p.kind == PredicateKind::kDefaultOnly;
    if (!present && absence) return Answer{Truth::kTrue, {}};
    return worst;
  }

  CheckResult check(const Graph& graph) {
    auto result = gauge_.check(graph);
    EXPECT_TRUE(result) << result.error().message();
    return result ? std::move(*result) : CheckResult();
  }

  bool reported(const Graph& graph, const CompiledPredicate& row) {
    const CheckResult result = check(graph);
    const PortRef ref = row.predicate.port;
    return std::any_of(result.findings.begin(), result.findings.end(), [&](const Finding& f) {
      const PortRef at = parse_port(f.port.empty() ? "-" : f.port);
      const bool here = ref.side == PortRef::Side::kParam ? at == ref : ref.covers(at.side, at.first);
      return here && f.code == row.code && f.source.document == row.predicate.source.document;
    });
  }

  /// A port has one finding: where an earlier rule met the same fault, it speaks for this row.
  void refuse(const Graph& graph, const CompiledPredicate& row, const std::string& port, Found& found) {
    for (const Finding& f : check(graph).findings) {
      if (f.port != port) continue;
      const bool own = f.code == row.code && f.source.document == row.predicate.source.document;
      found.bad = found.bad || own || f.level == Level::kError;
      found.own = found.own || own;
    }
  }

  /// Nobody could look, and the node is not accepted.
  bool withheld(const Graph& graph, const std::string& port) {
    const CheckResult result = check(graph);
    return result.verdict != FileVerdict::kAccepted &&
           std::any_of(result.findings.begin(), result.findings.end(),
                       [&](const Finding& f) { return f.port == port && f.code == 702; });
  }

  const Database& database_;
  Target target_;
  OpTable table_;
  Gauge gauge_;
  OpMaps maps_;
};

/// Rows with a pair that a backend's table must keep, and those of them that their own rule reports.
struct Floor {
  const char *backend, *sdk;
  size_t pairs, own;
};

void PrintTo(const Floor& floor, std::ostream* out) { *out << floor.backend << " " << floor.sdk; }

class PairsOf : public testing::TestWithParam<Floor> {};

void search_tables(const Floor& floor, std::map<std::string, Row>& rows) {
  auto database = Database::open(std::string(SNAPGAUGE_BINARY_DIR) + "/share/snapgauge/opinfo.db");
  ASSERT_TRUE(database) << database.error().message();
  auto catalog = TargetCatalog::load(*database);
  ASSERT_TRUE(catalog) << catalog.error().message();
  std::vector<std::unique_ptr<Pairs>> targets;
  std::vector<OpSummary> ops;
  // An old architecture too, for the rows that gate on it; of a pipeline its rows, not what it does to nodes.
  for (const char* soc : {"SM8850", "SM8350"})
    for (const char* pipeline : {"", "executorch", "ort-qnn", "qairt"}) {
      auto target = catalog->resolve({floor.backend, soc, floor.sdk, ""}, Frontend::kTorch);
      ASSERT_TRUE(target) << target.error().message();
      target->pipeline = {};
      target->pipeline.name = pipeline;
      targets.push_back(std::make_unique<Pairs>(*database, *target));
      auto listed = database->ops(floor.backend, target->sdk);
      ASSERT_TRUE(listed) << listed.error().message();
      ops = *listed;
    }
  for (const int tries : {kQuickTries, kTries})
    for (const auto& pairs : targets)
      for (const OpSummary& op : ops) pairs->search(op.op, tries, rows);
}

TEST_P(PairsOf, EveryRowIsReportedAndHolds) {
  std::map<std::string, Row> rows;
  search_tables(GetParam(), rows);
  size_t both = 0, own = 0;
  std::map<std::string_view, size_t> proofs;
  for (const auto& [text, row] : rows) {
    const Found& found = row.found;
    if (row.proof) {
      ++proofs[row.proof->reason];
      const bool refuted = found.bad || (row.proof->shown == nullptr && found.good);
      EXPECT_FALSE(refuted) << "a node refutes that " << row.proof->reason << ": " << text;
      EXPECT_TRUE(row.proof->shown == nullptr || found.*row.proof->shown) << "no node shows it: " << text;
      continue;
    }
    both += found.good && found.bad;
    own += found.good && found.own;
    if (!found.own) fmt::print("  another rule speaks first: {}\n", text);
    EXPECT_TRUE(found.good) << "without a good node: " << text;
    EXPECT_TRUE(found.bad) << "without a bad node: " << text;
  }
  fmt::print("{} {}: {} of {} rows with a good and a bad node, {} of them reported by their own rule\n",
             GetParam().backend, GetParam().sdk, both, rows.size(), own);
  for (const auto& [reason, count] : proofs) fmt::print("  {} without: {}\n", count, reason);
  EXPECT_GE(both, GetParam().pairs);
  EXPECT_GE(own, GetParam().own);
}

INSTANTIATE_TEST_SUITE_P(Tables, PairsOf,
                         testing::Values(Floor{"htp", "2.25.0", 476, 468}, Floor{"lpai", "2.25.0", 106, 106},
                                         Floor{"gpu", "2.25.0", 128, 128}, Floor{"cpu", "2.25.0", 72, 72},
                                         Floor{"dsp", "2.25.0", 198, 193}, Floor{"hta", "2.25.0", 50, 49},
                                         Floor{"htp", "latest", 492, 484}, Floor{"lpai", "latest", 113, 113}),
                         [](const auto& row) {
                           std::string name = fmt::format("{}_{}", row.param.backend, row.param.sdk);
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace snapgauge
