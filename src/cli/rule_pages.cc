#include "cli/rule_pages.h"

#include <algorithm>

namespace snapgauge::cli {
namespace {

#include "cli/rule_pages.inc"

}  // namespace

std::string_view rule_page(RuleCode code) {
  const auto* const page =
      std::find_if(std::begin(kRulePages), std::end(kRulePages), [&](const RulePage& p) { return p.code == code; });
  return page == std::end(kRulePages) ? std::string_view() : page->text;
}

}  // namespace snapgauge::cli
