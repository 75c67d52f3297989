// Compiles ops from the rows of the op-info database. The tables that are stored with it when it is built, and those
// of users, which are not, come from here alike.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "opinfo/compiled.h"
#include "opinfo/database.h"
#include "opinfo/predicate.h"
#include "targets/target.h"

namespace snapgauge {

struct CompiledOp;

/// Which table a row is looked up in. Nothing else of a target matters to it.
struct OpKey {
  std::string backend, pipeline, op;

  /// The name it is stored under.
  std::string text() const { return "op " + backend + " " + pipeline + " " + op; }
};

/// Not thread safe; `database` outlives it.
class OpCompiler {
 public:
  explicit OpCompiler(const Database& database) : database_(database) {}

  /// Null when the table has no such op.
  Result<std::unique_ptr<const CompiledOp>> compile(const OpKey& key, SdkVersion sdk);

 private:
  Status add_definition(CompiledOp& op, SdkVersion sdk);
  Status load_definitions();

  const Database& database_;
  std::unordered_map<std::string, std::vector<ConstraintRow>> definitions_;  // by op; of rules/definitions
  bool defined_ = false;
};

/// Every op of every backend, pipeline and SDK version, under OpKey::text(); no bytes where a table lacks the op.
Status compile_ops(const Database& database, const TargetCatalog& catalog, CompiledWriter& out);

/// The rule that reports violations of a predicate: the row of rules/*.toml whose `predicates` names
/// its kind, or its kind and a key of its condition ("min_arch/encoding"). 0 when it is informational.
RuleCode rule_of(const Predicate& predicate);

}  // namespace snapgauge
