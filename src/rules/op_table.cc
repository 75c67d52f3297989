#include "rules/op_table.h"

#include <utility>

namespace snapgauge {

Result<const CompiledOp*> OpTable::find(std::string_view op) {
  const std::string name(op);
  if (auto it = ops_.find(name); it != ops_.end()) return it->second.get();
  auto loaded = load(name);
  if (!loaded) return loaded.error();
  return ops_.emplace(name, std::move(*loaded)).first->second.get();
}

Result<std::unique_ptr<const CompiledOp>> OpTable::load(const std::string& op) {
  const OpKey key{target_.backend.name, target_.pipeline.name, op};
  const auto stored = database_.compiled(key.text(), target_.sdk);
  if (!stored) return compiler_.compile(key, target_.sdk);
  if (stored->empty()) return std::unique_ptr<const CompiledOp>();
  auto decoded = decoded_op(*stored);
  if (decoded == nullptr) return database_.damaged(key.text());
  return decoded;
}

}  // namespace snapgauge
