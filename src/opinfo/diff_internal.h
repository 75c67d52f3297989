// What the parts of the comparison share.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "opinfo/diff.h"

namespace snapgauge::opinfo {

/// Takes pairs with equal keys out of both lists and hands them to `use`. Where several rows of a side
/// share a key, which became which would be a guess: they stay.
template <class Row, class Key, class Use>
void pair_up(std::vector<Row>& before, std::vector<Row>& after, Key key, Use use) {
  std::map<decltype(key(before.front())), std::pair<std::vector<size_t>, std::vector<size_t>>> places;
  for (size_t i = 0; i < before.size(); ++i) places[key(before[i])].first.push_back(i);
  for (size_t i = 0; i < after.size(); ++i) places[key(after[i])].second.push_back(i);
  std::set<size_t> old_gone, new_gone;
  for (const auto& [k, both] : places) {
    if (both.first.size() != 1 || both.second.size() != 1) continue;
    use(before[both.first.front()], after[both.second.front()]);
    old_gone.insert(both.first.front());
    new_gone.insert(both.second.front());
  }
  const auto leave = [](std::vector<Row>& rows, const std::set<size_t>& gone) {
    std::vector<Row> left;
    for (size_t i = 0; i < rows.size(); ++i)
      if (!gone.contains(i)) left.push_back(std::move(rows[i]));
    rows = std::move(left);
  };
  leave(before, old_gone);
  leave(after, new_gone);
}

/// The older of the two where both stand.
template <class Row>
const Row& shown(const RowDiff<Row>& diff) {
  return diff.before ? *diff.before : *diff.after;
}

std::vector<RowDiff<ConstraintRow>> compare_constraints(const OpRow& before, const OpRow& after);
/// Fills the columns and all that is about datatypes; the forms are known.
void compare_variants(const OpRow& before, const OpRow& after, OpDiff& out);

}  // namespace snapgauge::opinfo
