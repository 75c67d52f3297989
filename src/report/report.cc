#include "report/report.h"

#include <algorithm>

#include "diag/rule.h"
#include "report/common.h"

namespace snapgauge {

std::string_view suppressed_by_name(SuppressedBy by) {
  switch (by) {
    case SuppressedBy::kGraph: return "graph";
    case SuppressedBy::kConfiguration: return "configuration";
    case SuppressedBy::kBaseline: return "baseline";
    case SuppressedBy::kOldVersion: break;
  }
  return "old-version";
}

Counts count(std::span<const FileReport> files) {
  Counts counts;
  for (const FileReport& file : files) {
    counts.nodes += file.nodes.size();
    counts.suppressed += file.suppressed.size();
    for (const NodeReport& node : file.nodes) {
      counts.by_suppression += node.suppressed ? 1 : 0;
      switch (node.verdict) {
        case NodeVerdict::kAccepted: ++counts.accepted; break;
        case NodeVerdict::kRejected: ++counts.rejected; break;
        case NodeVerdict::kUnknown: ++counts.unknown; break;
      }
    }
    for (const Finding& finding : file.findings) {
      switch (finding.level) {
        case Level::kNote: ++counts.notes; break;
        case Level::kWarning: ++counts.warnings; break;
        case Level::kError: ++counts.errors; break;
      }
    }
  }
  return counts;
}

int exit_code(const Report& report) {
  const FileVerdict worst = worst_verdict(report);
  if (worst == FileVerdict::kUnreadable) return 2;
  return report.strict && worst != FileVerdict::kAccepted ? 1 : 0;
}

}  // namespace snapgauge
