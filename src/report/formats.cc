#include "report/formats.h"

#include <algorithm>
#include <iterator>

namespace snapgauge {
namespace {

template <std::string (*kRender)(const Report&)>
std::string without_options(const Report& report, const TextOptions&) {
  return kRender(report);
}

constexpr Format kFormats[] = {
    {"text", render_text, nullptr},
    {"json", without_options<render_json>, nullptr},
    {"json-lines", without_options<render_json_lines>, nullptr},
    {"sarif", without_options<render_sarif>, nullptr, true},
    {"github", without_options<render_github>, render_github_summary},
    {"junit", without_options<render_junit>, nullptr},
};

}  // namespace

std::span<const Format> output_formats() { return kFormats; }

const Format* find_format(std::string_view name) {
  const auto* it =
      std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& format) { return format.name == name; });
  return it == std::end(kFormats) ? nullptr : it;
}

}  // namespace snapgauge
