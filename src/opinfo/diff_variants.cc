#include <bit>
#include <tuple>

#include "opinfo/diff_internal.h"

namespace snapgauge::opinfo {
namespace {

/// The rows with their cells parallel to `columns`; those that say the same once.
std::vector<VariantRow> aligned(const OpRow& op, const std::vector<std::string>& columns) {
  std::vector<VariantRow> rows;
  for (const VariantRow& given : op.variants) {
    VariantRow row = given;
    row.columns.assign(columns.size(), 0);
    for (size_t c = 0; c < op.columns.size(); ++c) {
      const auto at = std::find(columns.begin(), columns.end(), op.columns[c]) - columns.begin();
      row.columns[static_cast<size_t>(at)] = given.columns[c];
    }
    const auto equal = [&](const VariantRow& other) {
      return std::tie(other.config, other.columns, other.strength) == std::tie(row.config, row.columns, row.strength);
    };
    if (std::none_of(rows.begin(), rows.end(), equal)) rows.push_back(std::move(row));
  }
  return rows;
}

/// Datatypes of a column over all rows.
DTypeSet united(const std::vector<VariantRow>& rows, size_t column) {
  DTypeSet set = 0;
  for (const VariantRow& row : rows) set |= row.columns[column];
  return set;
}

bool allows(const VariantRow& per_port, const VariantRow& combination) {
  for (size_t c = 0; c < per_port.columns.size(); ++c)
    if (per_port.columns[c] != 0 && (combination.columns[c] & ~per_port.columns[c]) != 0) return false;
  return true;
}

/// Whether every combination of a row per port is among `listed`. By counting: there may be billions.
bool all_listed(const VariantRow& per_port, const std::vector<VariantRow>& listed) {
  const auto combinations = [&](const VariantRow* fixed) {
    double count = 1;
    for (size_t c = 0; c < per_port.columns.size(); ++c)
      if (per_port.columns[c] != 0 && (fixed == nullptr || fixed->columns[c] == 0))
        count *= std::popcount(per_port.columns[c]);
    return count;
  };
  std::set<std::vector<DTypeSet>> told;
  double found = 0;
  for (const VariantRow& row : listed)
    if (allows(per_port, row) && told.insert(row.columns).second) found += combinations(&row);
  return found >= combinations(nullptr);
}

/// One table is per port, the other of whole combinations: see OpDiff::datatypes.
void compare_forms(const std::vector<VariantRow>& before, const std::vector<VariantRow>& after, OpDiff& out) {
  const std::vector<VariantRow>& per_port = out.joint_before ? after : before;
  const std::vector<VariantRow>& joint = out.joint_before ? before : after;
  for (const VariantRow& combination : joint) {
    if (std::any_of(per_port.begin(), per_port.end(), [&](const auto& row) { return allows(row, combination); }))
      continue;
    RowDiff<VariantRow>& diff = out.variants.emplace_back();
    (out.joint_before ? diff.before : diff.after) = combination;
  }
  for (size_t c = 0; c < out.columns.size(); ++c) {
    const DTypeSet only = united(per_port, c) & ~united(joint, c);
    if (only == 0) continue;
    ColumnDiff& diff = out.datatypes.emplace_back(ColumnDiff{out.columns[c]});
    (out.joint_before ? diff.added : diff.removed) = only;
  }
  out.unlisted =
      !std::all_of(per_port.begin(), per_port.end(), [&](const auto& row) { return all_listed(row, joint); });
}

/// Of whole combinations the combination is the row, whatever its label; of rows per port the label.
void compare_rows(std::vector<VariantRow> before, std::vector<VariantRow> after, bool joint, OpDiff& out) {
  const auto same = [](const VariantRow& v) { return std::tie(v.config, v.columns, v.strength); };
  const auto thing = [&](const VariantRow& v) {
    return joint ? std::tuple(std::string(), v.columns) : std::tuple(v.config, std::vector<DTypeSet>());
  };
  pair_up(before, after, same, [](const VariantRow&, const VariantRow&) {});
  pair_up(before, after, thing, [&](const VariantRow& a, const VariantRow& b) { out.variants.push_back({a, b}); });
  for (VariantRow& v : before) out.variants.push_back({std::move(v), std::nullopt});
  for (VariantRow& v : after) out.variants.push_back({std::nullopt, std::move(v)});
}

}  // namespace

void compare_variants(const OpRow& old_op, const OpRow& new_op, OpDiff& out) {
  out.columns = new_op.columns;
  for (const std::string& column : old_op.columns)
    if (std::find(out.columns.begin(), out.columns.end(), column) == out.columns.end()) out.columns.push_back(column);
  std::vector<VariantRow> before = aligned(old_op, out.columns), after = aligned(new_op, out.columns);
  if (out.joint_before != out.joint_after)
    compare_forms(before, after, out);
  else
    compare_rows(std::move(before), std::move(after), out.joint_before, out);
  const auto place = [](const RowDiff<VariantRow>& d) { return std::tie(shown(d).config, shown(d).columns); };
  std::stable_sort(out.variants.begin(), out.variants.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

}  // namespace snapgauge::opinfo
