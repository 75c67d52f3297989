// Reports as include/snapgauge/check.h has them.
#pragma once

#include <string>

#include "report/report.h"
#include "snapgauge/check.h"

namespace snapgauge {

CheckFinding public_finding(const Finding& finding);
CheckedFile public_file(const FileReport& report);

}  // namespace snapgauge
