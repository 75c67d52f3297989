#include "cli/diff.h"

#include <fmt/format.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <dtl/dtl.hpp>
#pragma GCC diagnostic pop

#include <sstream>
#include <vector>

namespace snapgauge::cli {
namespace {

/// Lines without their ends; the last one of a text that does not end in one says so, as patch(1) expects.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      lines.push_back(std::string(text) + "\n\\ No newline at end of file");
      break;
    }
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, const std::string& path) {
  if (before == after) return {};
  const std::vector<std::string> old_lines = lines_of(before), new_lines = lines_of(after);
  dtl::Diff<std::string> diff(old_lines, new_lines);
  diff.onHuge();
  diff.compose();
  diff.composeUnifiedHunks();
  std::ostringstream out;
  diff.printUnifiedFormat(out);
  return fmt::format("--- {}\n+++ {}\n{}", path, path, out.str());
}

}  // namespace snapgauge::cli
