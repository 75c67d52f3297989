// Choices that every rendering of a report shares.
#pragma once

#include <string_view>

#include "report/report.h"

namespace snapgauge {

struct SourceView {
  std::string_view document, sdk;
};
/// The document a finding rests on: its own, else the one that its rule's row names.
SourceView source_of(const Finding& finding);

/// The worst verdict of the run's files; accepted when there are none.
FileVerdict worst_verdict(const Report& report);

}  // namespace snapgauge
