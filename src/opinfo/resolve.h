// Precedence: which of the rows in force bind.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "opinfo/model.h"

namespace snapgauge::opinfo {

/// How new a row is. An overlay is newer than the page of the same version.
struct Rank {
  int64_t since = 0;
  bool overlay = false;
  auto operator<=>(const Rank&) const = default;
};

struct RankedVariant {
  VariantRow row;
  Rank rank;
  Effect effect = Effect::kBinds;
};

struct RankedConstraint {
  ConstraintRow row;
  std::string binds_on;
  Rank rank;
  Effect effect = Effect::kBinds;
};

/// A newer row displaces an older one for the same combination (joint) or the same label (per port).
/// All `columns` have the same size.
std::vector<VariantRow> resolve_variants(const std::vector<RankedVariant>& rows, bool joint);

/// A newer row displaces an older one with the same port, kind and condition for the labels that both
/// name. `labels`: all labels of the op, needed to narrow a row that holds for all of them.
std::vector<ConstraintRow> resolve_constraints(const std::vector<RankedConstraint>& rows,
                                               const std::vector<std::string>& labels);

}  // namespace snapgauge::opinfo
