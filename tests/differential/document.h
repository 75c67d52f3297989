// docs/upstream-verdicts.md, written from a comparison.
#pragma once

#include <string>

#include "differential/upstream.h"

namespace snapgauge::differential {

/// The tables of counts alone.
std::string counts_document(const Comparisons& all);
std::string verdicts_document(const Comparisons& all);

}  // namespace snapgauge::differential
