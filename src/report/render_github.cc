// What GitHub Actions reads from a job's log, and the Markdown of a job's summary page.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/mouths.h"
#include "base/text.h"
#include "diag/rule.h"
#include "report/common.h"

namespace snapgauge {
namespace {

constexpr size_t kMostRows = 200;  // the page takes 1 MiB for the whole step

std::string_view command_of(Level level) { return level == Level::kNote ? "notice" : level_name(level); }

std::string command(const FileGroup& group) {
  const Finding& f = *group.findings.front();
  std::string place = "file=" + for_workflow(printable(group.file->path), true);
  if (f.location.line > 0) place += fmt::format(",line={}", f.location.line);
  if (f.location.line > 0 && f.location.column > 0) place += fmt::format(",col={}", f.location.column);
  std::string text;
  for (const std::string& line : describe(group.findings)) text += (text.empty() ? "" : "\n") + printable(line);
  return fmt::format("::{} {},title={}::{}\n", command_of(f.level), place,
                     for_workflow(fmt::format("{} {}", code_text(f.code), rule(f.code).name), true),
                     for_workflow(text));
}

void append_row(std::string& out, std::initializer_list<std::string_view> cells) {
  for (const std::string_view text : cells) out += fmt::format("| {} ", for_markdown(text));
  out += "|\n";
}

void append_header(std::string& out, std::initializer_list<std::string_view> cells) {
  append_row(out, cells);
  for (size_t i = 0; i < cells.size(); ++i) out += "| --- ";
  out += "|\n";
}

std::string number_of(const FileReport& file, NodeVerdict verdict) {
  return std::to_string(std::count_if(file.nodes.begin(), file.nodes.end(),
                                      [&](const NodeReport& node) { return node.verdict == verdict; }));
}

void append_files(std::string& out, const Report& report) {
  append_header(out, {"file", "verdict", "accepted", "rejected", "unknown"});
  for (size_t i = 0; i < std::min(report.files.size(), kMostRows); ++i) {
    const FileReport& file = report.files[i];
    append_row(out, {file.path, verdict_name(file.verdict), number_of(file, NodeVerdict::kAccepted),
                     number_of(file, NodeVerdict::kRejected), number_of(file, NodeVerdict::kUnknown)});
  }
  if (report.files.size() > kMostRows)
    out += fmt::format("\nand {}\n", plural(report.files.size() - kMostRows, "more file"));
}

void append_findings(std::string& out, const std::vector<FileGroup>& groups) {
  if (groups.empty()) return;
  out += '\n';
  append_header(out, {"level", "rule", "place", "finding", "what to do", "nodes"});
  for (size_t i = 0; i < std::min(groups.size(), kMostRows); ++i) {
    const auto& [file, findings] = groups[i];
    const Finding& f = *findings.front();
    const std::string place = place_text(f);
    append_row(out, {level_name(f.level), fmt::format("{} {}", code_text(f.code), rule(f.code).name),
                     place.empty() ? file->path : file->path + ", " + place, f.message, advice_of(f),
                     std::to_string(f.node.empty() ? 0 : distinct_nodes(findings).size())});
  }
  if (groups.size() > kMostRows) out += fmt::format("\nand {}\n", plural(groups.size() - kMostRows, "more finding"));
}

}  // namespace

std::string render_github(const Report& report) {
  std::string out;
  for (const FileGroup& group : groups_by_severity(report)) out += command(group);
  for (const ConfigurationUse& use : report.configurations)
    if (is_notable(use))
      out += fmt::format("::notice title=configuration::{}\n", for_workflow(printable(configuration_text(use))));
  return out;
}

std::string render_github_summary(const Report& report) {
  std::string out = fmt::format("### snapgauge: {}\n\n{}\n\n", verdict_name(worst_verdict(report)),
                                for_markdown(summary_text(report)));
  for (const ConfigurationUse& use : report.configurations)
    out += fmt::format("Configuration {}\n\n", for_markdown(configuration_text(use)));
  append_files(out, report);
  append_findings(out, groups_by_severity(report));
  return out + '\n';
}

}  // namespace snapgauge
