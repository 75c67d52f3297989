#include "report/report.h"

#include <algorithm>
#include <array>

#include "diag/rule.h"
#include "report/common.h"

namespace snapgauge {
namespace {

constexpr std::array<std::string_view, 3> kNodeVerdicts{"accepted", "rejected", "unknown"};
constexpr std::array<std::string_view, 4> kFileVerdicts{"accepted", "incomplete", "rejected", "unreadable"};

}  // namespace

std::string_view verdict_name(NodeVerdict verdict) { return kNodeVerdicts[static_cast<size_t>(verdict)]; }
std::string_view verdict_name(FileVerdict verdict) { return kFileVerdicts[static_cast<size_t>(verdict)]; }

Counts count(const Report& report) {
  Counts counts;
  for (const FileReport& file : report.files) {
    counts.nodes += file.nodes.size();
    for (const NodeReport& node : file.nodes) {
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

FileVerdict worst_verdict(const Report& report) {
  FileVerdict worst = FileVerdict::kAccepted;  // the enumerators stand in order of severity
  for (const FileReport& file : report.files) worst = std::max(worst, file.verdict);
  return worst;
}

SourceView source_of(const Finding& finding) {
  if (finding.source.document.empty()) return {rule(finding.code).source, finding.source.sdk};
  return {finding.source.document, finding.source.sdk};
}

}  // namespace snapgauge
