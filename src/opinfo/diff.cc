#include "opinfo/diff.h"

#include "opinfo/diff_internal.h"

namespace snapgauge {
namespace {

Result<std::vector<std::string>> op_names(const Database& database, const std::string& backend, SdkVersion sdk) {
  auto ops = database.ops(backend, sdk);
  if (!ops) return ops.error();
  std::vector<std::string> names;
  for (OpSummary& op : *ops) names.push_back(std::move(op.op));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

OpDiff compare_op(const std::string& name, const OpRow* before, const OpRow* after) {
  OpDiff out;
  out.op = name;
  out.known_before = before != nullptr;
  out.known_after = after != nullptr;
  if (before != nullptr && after != nullptr) {
    // A table without rows has no form.
    out.joint_after = after->variants.empty() ? before->joint : after->joint;
    out.joint_before = before->variants.empty() ? out.joint_after : before->joint;
    opinfo::compare_variants(*before, *after, out);
    out.constraints = opinfo::compare_constraints(*before, *after);
  } else if (const OpRow* only = before != nullptr ? before : after; only != nullptr) {
    out.joint_before = out.joint_after = only->joint;
    out.variant_count = only->variants.size();
    out.constraint_count = only->constraints.size();
  }
  return out;
}

Result<TableDiff> compare_tables(const Database& database, const std::string& backend, const std::string& pipeline,
                                 SdkVersion before, SdkVersion after) {
  auto old_names = op_names(database, backend, before);
  if (!old_names) return old_names.error();
  auto new_names = op_names(database, backend, after);
  if (!new_names) return new_names.error();
  TableDiff out{std::move(*old_names), std::move(*new_names), {}};
  std::set<std::string> names(out.before.begin(), out.before.end());
  names.insert(out.after.begin(), out.after.end());
  for (const std::string& name : names) {
    const auto old_op = database.op(backend, before, pipeline, name);
    if (!old_op) return old_op.error();
    const auto new_op = database.op(backend, after, pipeline, name);
    if (!new_op) return new_op.error();
    const auto pointer = [](const std::optional<OpRow>& op) { return op ? &*op : nullptr; };
    OpDiff diff = compare_op(name, pointer(old_op.value()), pointer(new_op.value()));
    if (diff.differs()) out.ops.push_back(std::move(diff));
  }
  return out;
}

}  // namespace snapgauge
