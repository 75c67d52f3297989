#include "opinfo/resolve.h"

#include <algorithm>

namespace snapgauge::opinfo {
namespace {

bool displaces(const Rank& newer, Strength strength, Effect effect, const Rank& older) {
  return older < newer && (strength == Strength::kBinding || effect != Effect::kBinds);
}

bool has(const std::vector<std::string>& labels, const std::string& label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

/// Takes the labels of `newer` out of `older`; false when none is left.
bool narrow(ConstraintRow& older, const ConstraintRow& newer, const std::vector<std::string>& labels) {
  if (newer.configs.empty()) return false;
  std::vector<std::string> left;
  for (const std::string& label : older.configs.empty() ? labels : older.configs)
    if (!has(newer.configs, label)) left.push_back(label);
  if (left.empty()) return false;
  // A row for all labels stays one when the newer row's labels do not occur in this op.
  if (!older.configs.empty() || left.size() < labels.size()) older.configs = std::move(left);
  return true;
}

bool same_thing(const RankedConstraint& a, const RankedConstraint& b) {
  return a.row.port == b.row.port && a.row.kind == b.row.kind && a.binds_on == b.binds_on;
}

bool survives(RankedConstraint& row, const std::vector<RankedConstraint>& all, const std::vector<std::string>& labels) {
  return std::all_of(all.begin(), all.end(), [&](const RankedConstraint& other) {
    return !displaces(other.rank, other.row.strength, other.effect, row.rank) || !same_thing(other, row) ||
           narrow(row.row, other.row, labels);
  });
}

}  // namespace

std::vector<VariantRow> resolve_variants(const std::vector<RankedVariant>& rows, bool joint) {
  std::vector<VariantRow> out;
  for (const RankedVariant& row : rows) {
    const auto displaced_by = [&](const RankedVariant& other) {
      return displaces(other.rank, other.row.strength, other.effect, row.rank) &&
             (joint ? other.row.columns == row.row.columns : other.row.config == row.row.config);
    };
    if (row.effect != Effect::kRemoves && std::none_of(rows.begin(), rows.end(), displaced_by)) out.push_back(row.row);
  }
  return out;
}

std::vector<ConstraintRow> resolve_constraints(const std::vector<RankedConstraint>& rows,
                                               const std::vector<std::string>& labels) {
  std::vector<ConstraintRow> out;
  for (const RankedConstraint& given : rows) {
    if (given.effect == Effect::kRemoves) continue;
    RankedConstraint row = given;
    if (survives(row, rows, labels)) out.push_back(std::move(row.row));
  }
  return out;
}

}  // namespace snapgauge::opinfo
