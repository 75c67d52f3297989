// The output formats of a report by name: the only list of them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "report/report.h"

namespace snapgauge {

struct Format {
  std::string_view name;
  std::string (*render)(const Report&, const TextOptions&);
  /// Markdown for the summary page of the CI job that reads this format; null: it has none.
  std::string (*job_summary)(const Report&);
  bool has_replacements = false;  // it shows FileReport::replacements
};

std::span<const Format> output_formats();
/// Null when there is none of this name.
const Format* find_format(std::string_view name);

}  // namespace snapgauge
