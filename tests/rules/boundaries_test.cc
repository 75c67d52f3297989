// Walks the borders of every numeric `rank` and `value` row of every table: for values on both sides of
// a limit a node is built that the row binds, and the row must be reported exactly for those outside.
// The nodes follow from the tables: a search over datatype rows, operations and ranks finds one that
// fulfils the row's condition and is otherwise faultless at the port in question.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "api/session.h"
#include "graph/builder.h"
#include "plan.h"
#include "rules/op_table.h"

namespace snapgauge {
namespace {

using namespace boundaries;  // NOLINT(google-build-using-namespace): the test is about these

constexpr RuleCode kRankRule = 601;
constexpr RuleCode kValueRule = 604;

class Table {
 public:
  Table(const Database& database, const Target& target)
      : database_(database), target_(target), table_(database, target), gauge_(database, target) {}

  void walk() {
    auto ops = database_.ops(target_.backend.name, target_.sdk);
    ASSERT_TRUE(ops) << ops.error().message();
    for (const OpSummary& summary : *ops) {
      auto op = table_.find(summary.op);
      ASSERT_TRUE(op) << op.error().message();
      if (*op == nullptr) continue;
      for (const CompiledPredicate& row : (*op)->predicates) {
        const bool is_port = row.predicate.port.side != PortRef::Side::kParam;
        const bool rank = row.predicate.kind == PredicateKind::kRank;
        const bool value = row.predicate.kind == PredicateKind::kValue && !is_port;
        if ((!rank && !value) || !is_numeric(row.predicate.test)) continue;
        ++rows_;
        if (rank && !is_port) {  // the rank of a parameter, which a node of ours has no place for
          skip(**op, row);
          continue;
        }
        if (!walk_row(**op, row)) skip(**op, row);
      }
    }
  }

  size_t rows() const { return rows_; }
  size_t values() const { return values_; }
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  static std::string describe(const CompiledOp& op, const CompiledPredicate& row) {
    return fmt::format("{} {} {} {}", op.name, port_text(row.predicate.port), predicate_kind_name(row.predicate.kind),
                       row.predicate.body);
  }

  void skip(const CompiledOp& op, const CompiledPredicate& row) { skipped_.push_back(describe(op, row)); }

  // ---- finding a node

  bool walk_row(const CompiledOp& op, const CompiledPredicate& row) {
    for (const int base : {0, 4, 5, 3, 2})  // rank of the other ports; 0: that of the port in question
      for (const int64_t dim : {1, 2})
        for (Plan& plan : candidates(op, row)) {
          plan.dim = dim;
          if (walk_values(op, row, plan, base)) return true;
        }
    return false;
  }

  /// Every choice of datatypes, operation and number of members that could fulfil the row's condition.
  std::vector<Plan> candidates(const CompiledOp& op, const CompiledPredicate& row) {
    std::vector<Plan> plans = port_choices(op, row);
    std::set<std::string> names{"operation"};
    for (const auto& [name, test] : row.predicate.when->params) names.insert(name);
    for (const std::string& name : names) {
      const MasterParam* master = op.master.param(name);
      if (master == nullptr || master->values.empty()) continue;
      std::vector<Plan> more;
      for (const Plan& plan : plans)
        for (const auto& [enumerator, number] : master->values) {
          more.push_back(plan);
          more.back().params[name] = {{number}, false, enumerator};
        }
      plans = std::move(more);
    }
    return plans;
  }

  std::vector<Plan> port_choices(const CompiledOp& op, const CompiledPredicate& row) {
    std::vector<Plan> plans;
    for (const size_t members : {2, 3}) {
      const Plan bare = ports_of(op, row, members);
      for (const CompiledVariant& v : op.variants) {
        if ((v.config & row.configs) == 0) continue;
        // Per-port tables leave a choice: every port takes the same of its datatypes, as far as it can.
        DTypeSet leads = 0;
        for (const DTypeSet set : v.columns) leads |= set;
        for (int lead = 0; lead < kDTypeCount; ++lead) {
          if (!contains(leads, static_cast<DType>(lead))) continue;
          Plan plan = bare;
          if (choose(op, v, static_cast<DType>(lead), plan)) plans.push_back(std::move(plan));
          if (op.joint) break;
        }
      }
      const bool repeated = bare.in.size() != ports_of(op, row, 3).in.size();
      if (!repeated) break;
    }
    return plans;
  }

  /// The mandatory ports, those that the row speaks of, and `members` of a repeated one.
  Plan ports_of(const CompiledOp& op, const CompiledPredicate& row, size_t members) {
    Plan plan;
    const auto add = [&](const PortRef& p, bool repeated) {
      if (p.side == PortRef::Side::kParam) return;
      auto& ports = p.side == PortRef::Side::kIn ? plan.in : plan.out;
      const size_t last = repeated || p.last == PortRef::kToEnd ? p.first + members - 1 : p.first;
      if (ports.size() <= last) ports.resize(last + 1);
      for (size_t i = p.first; i <= last; ++i) ports[i].present = true;
    };
    auto master = database_.master(target_.sdk, op.name);
    if (master && master->has_value()) {
      for (const auto* side : {&(*master)->inputs, &(*master)->outputs})
        for (const MasterPort& port : *side)
          if (port.mandatory) add(parse_port(port.name), port.variadic);
    } else {
      for (const PortRef& column : op.columns) add(column, false);
    }
    add(row.predicate.port, false);
    for (const PortTest& test : row.predicate.when->ports) add(test.port, false);
    return plan;
  }

  static DTypeSet accepted(const CompiledOp& op, const CompiledVariant& v, PortRef::Side side, size_t index) {
    DTypeSet set = 0;
    for (size_t c = 0; c < op.columns.size(); ++c)
      if (op.column_covers(c, side, index)) set |= v.columns[c];
    return set;
  }

  bool choose(const CompiledOp& op, const CompiledVariant& v, DType lead, Plan& plan) const {
    for (const auto side : {PortRef::Side::kIn, PortRef::Side::kOut}) {
      auto& ports = side == PortRef::Side::kIn ? plan.in : plan.out;
      for (size_t i = 0; i < ports.size(); ++i) {
        if (!ports[i].present) continue;
        const DTypeSet set = accepted(op, v, side, i);
        if (set == 0 || contains(set, lead)) {
          ports[i].dtype = lead;
        } else {
          for (int t = kDTypeCount - 1; t >= 0; --t)
            if (contains(set, static_cast<DType>(t))) ports[i].dtype = static_cast<DType>(t);
        }
        if (is_fixed_point(ports[i].dtype) && !spec_of(ports[i].dtype)) return false;
      }
    }
    return true;
  }

  /// The configurations that a node of these datatypes belongs to.
  ConfigSet configs_of(const CompiledOp& op, const Plan& plan) const {
    ConfigSet all = 0;
    for (const CompiledVariant& v : op.variants) {
      bool fits = true;
      for (const auto side : {PortRef::Side::kIn, PortRef::Side::kOut}) {
        const auto& ports = side == PortRef::Side::kIn ? plan.in : plan.out;
        for (size_t i = 0; i < ports.size(); ++i) {
          const DTypeSet set = accepted(op, v, side, i);
          const DTypeSet seen =
              is_fixed_point(ports[i].dtype) ? dtype_bit(ports[i].dtype) : target_.plain_dtypes(ports[i].dtype);
          fits = fits && (!ports[i].present || set == 0 || (set & seen) != 0);
        }
      }
      if (fits) all |= v.config;
    }
    return all;
  }

  // ---- walking the border

  /// The node with the value in question put in. Lists keep their other elements at 1.
  static void put(const CompiledPredicate& row, double value, int base, Plan& plan) {
    const PortRef& ref = row.predicate.port;
    const bool is_port = ref.side != PortRef::Side::kParam;
    for (auto* ports : {&plan.in, &plan.out})
      for (Plan::Port& port : *ports) port.rank = base != 0 ? base : is_port ? static_cast<int>(value) : 4;
    if (is_port) {
      for (size_t i = ref.first; plan.port(ref.side, i) != nullptr && i <= ref.last; ++i)
        plan.port(ref.side, i)->rank = static_cast<int>(value);
      return;
    }
    Param param;
    param.numbers = {value};
    const Test& test = row.predicate.test;
    param.is_list = row.predicate.flag || !test.at.empty() || test.clauses[0].operand.kind == Operand::Kind::kList;
    if (!test.at.empty()) {
      param.numbers.assign(static_cast<size_t>(plan.in[0].rank), 1);
      param.numbers[static_cast<size_t>(test.at[0])] = value;
    }
    plan.params[ref.param] = param;
  }

  /// True when the plan serves: the row binds it, and inside the limits the port has no fault.
  bool walk_values(const CompiledOp& op, const CompiledPredicate& row, Plan plan, int base) {
    const bool is_port = row.predicate.port.side != PortRef::Side::kParam;
    put(row, 4, base, plan);
    const ConfigSet configs = configs_of(op, plan);
    if (configs == 0 || (configs & ~row.configs) != 0) return false;
    std::vector<std::pair<double, bool>> cases;  // value, whether it must be reported
    for (const double value : borders(row.predicate.test, plan)) {
      if (is_port && value < 1) continue;  // a scalar is a tensor of one element
      put(row, value, base, plan);
      if (holds(*row.predicate.when, row.predicate.port, row.predicate.port.first, plan) != true) continue;
      const auto inside = accepts(row.predicate.test, value, plan);
      if (!inside) return false;
      if (*inside && !others_accept(op, row, configs, value, plan)) continue;
      cases.emplace_back(value, !*inside);
    }
    const auto inner = std::find_if(cases.begin(), cases.end(), [](const auto& c) { return !c.second; });
    if (inner == cases.end()) return false;
    put(row, inner->first, base, plan);
    if (has_foreign_fault(check(op, row, plan), row)) return false;
    for (const auto& [value, wanted] : cases) {
      put(row, value, base, plan);
      ++values_;
      const bool got = has_code(check(op, row, plan), row);
      EXPECT_EQ(got, wanted) << describe(op, row) << "\n  at " << value << ": " << describe(op, plan);
    }
    return true;
  }

  /// Whether the other rows of the same kind about the same port let this value pass.
  static bool others_accept(const CompiledOp& op, const CompiledPredicate& row, ConfigSet configs, double value,
                            const Plan& plan) {
    for (const CompiledPredicate& other : op.predicates) {
      if (&other == &row || other.predicate.kind != row.predicate.kind || (other.configs & configs) == 0) continue;
      const PortRef& a = row.predicate.port;
      const PortRef& b = other.predicate.port;
      const bool same =
          a.side == b.side && (a.side == PortRef::Side::kParam ? a.param == b.param : b.covers(a.side, a.first));
      if (!same || holds(*other.predicate.when, b, a.first, plan) == false) continue;
      if (accepts(other.predicate.test, value, plan) == false) return false;
    }
    return true;
  }

  std::vector<Finding> check(const CompiledOp& op, const CompiledPredicate& row, const Plan& plan) {
    const Graph graph = build(op, plan);
    auto result = gauge_.check(graph);
    EXPECT_TRUE(result) << describe(op, row) << ": " << result.error().message();
    return result ? std::move(result->findings) : std::vector<Finding>();
  }

  static std::string port_name(const CompiledPredicate& row) {
    const PortRef& p = row.predicate.port;
    return p.side == PortRef::Side::kParam ? p.param : port_text(p.side, p.first);
  }

  /// An error at the port that some other row reports.
  static bool has_foreign_fault(const std::vector<Finding>& findings, const CompiledPredicate& row) {
    return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) {
      return f.level == Level::kError && f.port == port_name(row) && f.source.document != row.predicate.source.document;
    });
  }

  static bool has_code(const std::vector<Finding>& findings, const CompiledPredicate& row) {
    const RuleCode code = row.predicate.kind == PredicateKind::kRank ? kRankRule : kValueRule;
    return std::any_of(findings.begin(), findings.end(),
                       [&](const Finding& f) { return f.code == code && f.port == port_name(row); });
  }

  // ---- building it

  static std::string describe(const CompiledOp& op, const Plan& plan) {
    std::string out = op.name;
    for (const auto* ports : {&plan.in, &plan.out})
      for (const Plan::Port& p : *ports)
        out += p.present ? fmt::format(" {}x{}", dtype_name(p.dtype), p.rank) : std::string(" -");
    for (const auto& [name, p] : plan.params)
      out += fmt::format(" {}={}", name, p.name.empty() ? fmt::format("{}", fmt::join(p.numbers, ",")) : p.name);
    return out;
  }

  static DType storage_of(DType dtype) { return is_fixed_point(dtype) ? DType::kFloat32 : dtype; }

  static void add_value(GraphBuilder& b, const std::string& name, const Plan::Port& port, int64_t dim) {
    const std::vector<int64_t> shape(static_cast<size_t>(port.rank), dim);
    const ValueId id = b.add_output(name, storage_of(port.dtype), shape);
    if (is_fixed_point(port.dtype)) b.set_output_spec(id, b.add_spec(*spec_of(port.dtype)));
  }

  static Arg argument(GraphBuilder& b, const Param& p) {
    if (!p.name.empty()) return b.make_string(p.name);
    std::vector<Arg> elements;
    for (const double n : p.numbers)
      elements.push_back(n == std::floor(n) ? GraphBuilder::make_int(static_cast<int64_t>(n))
                                            : GraphBuilder::make_real(n));
    return p.is_list ? b.make_list(elements) : elements[0];
  }

  static Graph build(const CompiledOp& op, const Plan& plan) {
    GraphBuilder b("node", Frontend::kTorch);
    for (size_t i = 0; i < plan.in.size(); ++i) {
      if (!plan.in[i].present) continue;
      const std::string name = "x" + std::to_string(i);
      b.begin_node(i == 0 ? NodeKind::kInput : NodeKind::kConstant, name, "");
      add_value(b, name, plan.in[i], plan.dim);
    }
    b.begin_node(NodeKind::kCall, "node", "qnn." + op.name);
    for (size_t i = 0; i < plan.in.size(); ++i)
      b.add_arg(plan.in[i].present ? b.make_use("x" + std::to_string(i)) : Arg());
    for (const auto& [name, p] : plan.params) b.add_named(name, argument(b, p));
    for (size_t i = 0; i < plan.out.size(); ++i)
      add_value(b, i == 0 ? "node" : "node:" + std::to_string(i), plan.out[i], plan.dim);
    return b.finish();
  }

  const Database& database_;
  const Target& target_;
  OpTable table_;
  Gauge gauge_;
  size_t rows_ = 0;
  size_t values_ = 0;
  std::vector<std::string> skipped_;
};

using Page = std::tuple<std::string, std::string>;  // backend, SDK

class Boundaries : public testing::TestWithParam<Page> {};

TEST_P(Boundaries, AreWhereTheRowsSay) {
  const auto& [backend, sdk] = GetParam();
  auto database = Database::open(std::string(SNAPGAUGE_BINARY_DIR) + "/share/snapgauge/opinfo.db");
  ASSERT_TRUE(database) << database.error().message();
  auto catalog = TargetCatalog::load(*database);
  ASSERT_TRUE(catalog) << catalog.error().message();
  auto target = catalog->resolve({backend, "SM8850", sdk, ""}, Frontend::kTorch);
  ASSERT_TRUE(target) << target.error().message();
  target->pipeline = {};  // no pipeline's casts and rows
  Table table(*database, *target);
  table.walk();
  fmt::print("{} {}: {} rows, {} values, {} rows not constructible\n", backend, sdk, table.rows(), table.values(),
             table.skipped().size());
  for (const std::string& row : table.skipped()) fmt::print("  {}\n", row);
  EXPECT_LE(table.skipped().size() * 100, table.rows() * 15);
  const bool has_page = backend != "lpai" || sdk != "2.13.0";
  EXPECT_EQ(table.rows() > 0, has_page);
}

std::string page_name(const testing::TestParamInfo<Page>& page) {
  std::string name = std::get<0>(page.param) + "_" + std::get<1>(page.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Tables, Boundaries,
                         testing::Combine(testing::Values("htp", "lpai", "gpu", "cpu", "dsp", "hta"),
                                          testing::Values("2.25.0", "2.13.0")),
                         page_name);

}  // namespace
}  // namespace snapgauge
