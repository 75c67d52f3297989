#include "rules/compile_op.h"

#include <algorithm>
#include <map>

#include "diag/rule.h"
#include "evaluate/master.h"
#include "rules/compiled_op.h"

namespace snapgauge {
namespace {

constexpr RuleCode kContradictoryShapes = 608;  // of rows that hold everywhere, not in the vendor's terms alone

/// "kind" and "kind/key" -> code, from the rule rows.
const std::map<std::string, RuleCode, std::less<>>& rules_by_predicate() {
  static const auto* const table = [] {
    auto* out = new std::map<std::string, RuleCode, std::less<>>();
    for (const Rule& r : all_rules()) {
      std::string_view rest = r.predicates;
      while (!rest.empty()) {
        const size_t comma = rest.find(',');
        out->emplace(std::string(rest.substr(0, comma)), r.code);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      }
    }
    return out;
  }();
  return *table;
}

ConfigSet bit_of(const std::string& config, std::vector<std::string>& known) {
  auto it = std::find(known.begin(), known.end(), config);
  if (it == known.end()) it = known.insert(known.end(), config);
  const auto index = static_cast<size_t>(it - known.begin());
  return ConfigSet{1} << std::min<size_t>(index, 63);
}

ConfigSet config_set(const std::vector<std::string>& configs, std::vector<std::string>& known) {
  ConfigSet set = 0;
  for (const std::string& c : configs) {
    if (c == "All") return ~ConfigSet{0};
    set |= bit_of(c, known);
  }
  return configs.empty() ? ~ConfigSet{0} : set;
}

/// Datatypes are the table's, sparse tensors and open sizes are judged elsewhere; a parameter without effect does
/// no harm, and pipelines set some always; backends state ranks themselves and take a Concat of one tensor.
bool is_left_out(PredicateKind kind) {
  using K = PredicateKind;
  constexpr K kLeftOut[] = {K::kSameDtype, K::kDynamicDims, K::kDataFormat, K::kSameDataFormat,
                            K::kIgnored,   K::kAppliesOnly, K::kRank,       K::kLastIndex};
  return std::find(std::begin(kLeftOut), std::end(kLeftOut), kind) != std::end(kLeftOut);
}

}  // namespace

RuleCode rule_of(const Predicate& predicate) {
  if (is_informational(predicate.kind)) return 0;
  const auto& rules = rules_by_predicate();
  const std::string kind(predicate_kind_name(predicate.kind));
  if (predicate.when->own.encodings != 0)
    if (auto it = rules.find(kind + "/encoding"); it != rules.end()) return it->second;
  if (predicate.when->own.bits != 0)
    if (auto it = rules.find(kind + "/bits"); it != rules.end()) return it->second;
  const auto it = rules.find(kind);
  return it == rules.end() ? RuleCode{0} : it->second;
}

Status OpCompiler::load_definitions() {
  if (defined_) return Done{};
  auto rows = definition_rows(database_);
  if (!rows) return rows.error();
  definitions_ = std::move(*rows);
  defined_ = true;
  return Done{};
}

Status OpCompiler::add_definition(CompiledOp& op, SdkVersion sdk) {
  auto master = database_.master(sdk, op.name);
  if (!master) return master.error();
  if (master->has_value()) {
    auto info = compile_master(**master);
    if (!info) return info.error();
    op.master = std::move(*info);
    for (const ConstraintRow& row : (*master)->constraints) {
      auto predicate = compile_predicate(row);
      if (!predicate) return predicate.error();
      const RuleCode code = rule_of(*predicate);
      if (predicate->kind == PredicateKind::kSameDtype)
        op.master_dtypes.push_back({std::move(*predicate), ~ConfigSet{0}, code});
      else if (!is_left_out(predicate->kind))
        op.facts.push_back({std::move(*predicate), ~ConfigSet{0}, code});
    }
  }
  if (Status s = load_definitions(); !s) return s;
  if (const auto rows = definitions_.find(op.name); rows != definitions_.end())
    for (const ConstraintRow& row : rows->second) {
      auto predicate = compile_predicate(row);
      if (!predicate) return predicate.error();
      op.facts.push_back({std::move(*predicate), ~ConfigSet{0}, kContradictoryShapes});
    }
  return Done{};
}

Result<std::unique_ptr<const CompiledOp>> OpCompiler::compile(const OpKey& key, SdkVersion sdk) {
  auto row = database_.op(key.backend, sdk, key.pipeline, key.op);
  if (!row) return row.error();
  if (!row->has_value()) return std::unique_ptr<const CompiledOp>();
  OpRow& rows = **row;
  auto op = std::make_unique<CompiledOp>();
  op->name = key.op;
  op->joint = rows.joint;
  for (const std::string& column : rows.columns) op->columns.push_back(parse_port(column));
  for (VariantRow& v : rows.variants)
    op->variants.push_back({.config = v.config == "All" ? ~ConfigSet{0} : bit_of(v.config, op->configs),
                            .columns = std::move(v.columns),
                            .accepts = {},
                            .source = std::move(v.source),
                            .strength = v.strength});
  for (const ConstraintRow& c : rows.constraints) {
    auto predicate = compile_predicate(c);
    if (!predicate) return predicate.error();
    CompiledPredicate compiled{std::move(*predicate), 0, 0};
    compiled.configs = config_set(c.configs, op->configs);
    compiled.code = rule_of(compiled.predicate);
    op->predicates.push_back(std::move(compiled));
  }
  if (Status s = add_definition(*op, sdk); !s) return s.error();
  op->settle();
  return std::unique_ptr<const CompiledOp>(std::move(op));
}

Status compile_ops(const Database& database, const TargetCatalog& catalog, CompiledWriter& out) {
  const auto ops = database.op_names();
  if (!ops) return ops.error();
  OpCompiler compiler(database);
  for (const std::string& name : ops.value()) {
    const auto turns = database.turns(name);
    if (!turns) return turns.error();
    for (const Backend& backend : catalog.backends())
      for (const Pipeline& pipeline : catalog.pipelines())
        for (const SdkVersion since : turns.value()) {
          const OpKey key{backend.name, pipeline.name, name};
          const auto op = compiler.compile(key, since);
          if (!op) return op.error();
          std::string bytes = op.value() == nullptr ? std::string() : encoded_op(*op.value());
          if (Status s = out.add(key.text(), since, std::move(bytes)); !s) return s;
        }
  }
  return Done{};
}

}  // namespace snapgauge
