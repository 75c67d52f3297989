// The table of one backend for one target: its ops, loaded on demand from the op-info database.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "rules/compile_op.h"
#include "rules/compiled_op.h"

namespace snapgauge {

/// Not thread safe; database and target outlive it.
class OpTable {
 public:
  OpTable(const Database& database, const Target& target) : database_(database), target_(target), compiler_(database) {}

  /// Null when the backend's table has no such op.
  Result<const CompiledOp*> find(std::string_view op);
  const Target& target() const { return target_; }

 private:
  Result<std::unique_ptr<const CompiledOp>> load(const std::string& op);

  const Database& database_;
  const Target& target_;
  OpCompiler compiler_;
  std::unordered_map<std::string, std::unique_ptr<const CompiledOp>> ops_;
};

}  // namespace snapgauge
