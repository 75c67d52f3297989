// The pages of docs/rules/, one a rule, as the program carries them.
#pragma once

#include <string_view>

#include "diag/finding.h"

namespace snapgauge::cli {

struct RulePage {
  RuleCode code;
  std::string_view text;  // Markdown
};

/// Every rule has one.
std::string_view rule_page(RuleCode code);

}  // namespace snapgauge::cli
