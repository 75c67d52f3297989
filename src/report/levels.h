// Levels that a project sets for rules, and which findings a report shows.
#pragma once

#include <vector>

#include "diag/waiver.h"
#include "report/report.h"

namespace snapgauge {

/// What levels of a configuration took from a report.
struct LevelEffect {
  uint64_t off = 0, lowered = 0;  // findings
};

/// Gives findings the level of the longest prefix that begins their code. A finding raised to an error
/// rejects its node and file. Lowering one changes what is shown, never a verdict: for that there are
/// suppressions, which need a reason.
LevelEffect apply_levels(FileReport& file, const std::vector<LevelRule>& levels);

}  // namespace snapgauge
