#include "report/common.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "diag/rule.h"

namespace snapgauge {

SourceView source_of(const Finding& finding) {
  if (finding.source.document.empty()) return {rule(finding.code).source, finding.source.sdk};
  return {finding.source.document, finding.source.sdk};
}

std::string source_text(const Finding& finding) {
  const SourceView source = source_of(finding);
  return source.sdk.empty() ? std::string(source.document) : fmt::format("{} (SDK {})", source.document, source.sdk);
}

std::string_view advice_of(const Finding& finding) {
  return finding.fix.title.empty() ? rule(finding.code).action : std::string_view(finding.fix.title);
}

std::string place_text(const Finding& finding) {
  std::string what;
  if (!finding.node.empty()) what = "node " + finding.node;
  if (!finding.port.empty()) what += (what.empty() ? "port " : ", port ") + finding.port;
  if (finding.value.empty()) return what;
  const std::string value = "value " + finding.value;
  return what.empty() ? value : what + " (" + value + ")";
}

std::vector<std::string> related_lines(const Finding& finding, size_t shown) {
  std::vector<std::string> lines;
  for (const Related& other : finding.related) {
    if (lines.size() == shown) {
      lines.push_back(fmt::format("and {}", plural(finding.related.size() - shown, "more place")));
      break;
    }
    std::string where = other.node;
    if (!other.port.empty()) where += (where.empty() ? "" : " ") + other.port;
    lines.push_back(where.empty() ? other.message : where + ": " + other.message);
  }
  return lines;
}

FileVerdict worst_verdict(const Report& report) {
  FileVerdict worst = FileVerdict::kAccepted;  // the enumerators stand in order of severity
  for (const FileReport& file : report.files) worst = std::max(worst, file.verdict);
  return worst;
}

std::string target_text(const Report& report) {
  std::string target = report.backend;
  if (!report.soc.empty()) target += ' ' + report.soc;
  if (!report.arch.empty()) target += fmt::format(" ({})", report.arch);
  if (!report.sdk.empty()) target += ", SDK " + report.sdk;
  if (!report.pipeline.empty()) target += ", pipeline " + report.pipeline;
  return target;
}

std::string summary_text(const Report& report) {
  const Counts counts = count(report);
  std::string text =
      fmt::format("{} of {} rejected, {} accepted, {} unknown; {}, {}, {}", counts.rejected,
                  plural(counts.nodes, "node"), counts.accepted, counts.unknown, plural(counts.errors, "error"),
                  plural(counts.warnings, "warning"), plural(counts.notes, "note"));
  if (counts.suppressed > 0)
    text += fmt::format("; {} suppressed, and {} accepted only for that", plural(counts.suppressed, "finding"),
                        plural(counts.by_suppression, "node"));
  if (const auto& c = report.compared)
    text += fmt::format("; of {} in {}, {} still there and {} gone", plural(c->before, "finding"), c->with, c->known,
                        c->gone);
  const auto unreadable = std::count_if(report.files.begin(), report.files.end(),
                                        [](const FileReport& f) { return f.verdict == FileVerdict::kUnreadable; });
  if (unreadable > 0) text += fmt::format("; {} of {} unreadable", unreadable, plural(report.files.size(), "file"));
  const std::string target = target_text(report);
  return target.empty() ? text : text + "; " + target;
}

bool is_notable(const ConfigurationUse& use) {
  return !use.unused_because.empty() || use.warn || !use.tables.empty() ||
         use.suppressed + use.ignored + use.unselected + use.off + use.lowered > 0;
}

std::string configuration_text(const ConfigurationUse& use) {
  if (!use.unused_because.empty())
    return fmt::format("{} is not used: {}; --config {} uses it", use.path, use.unused_because, use.path);
  std::string text;
  const auto add = [&text](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  const std::pair<uint64_t, std::string_view> counts[] = {{use.suppressed, "suppressed"},
                                                          {use.ignored, "ignored"},
                                                          {use.unselected, "not selected"},
                                                          {use.off, "off"},
                                                          {use.lowered, "lowered"}};
  for (const auto& [number, what] : counts)
    if (number > 0) add(fmt::format("{} {}", plural(number, "finding"), what));
  if (use.warn) add("exit code 0 for what is not accepted");
  if (!use.tables.empty()) add(fmt::format("tables from {}", fmt::join(use.tables, ", ")));
  return fmt::format("{}: {}", use.path, text.empty() ? "waives nothing" : text);
}

std::string plural(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

std::string name_list(const std::vector<std::string_view>& names, size_t shown) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), shown); ++i) {
    if (i > 0) text += ", ";
    text += names[i];
  }
  return shown < names.size() ? text + ", ..." : text;
}

std::vector<Group> group_findings(const std::vector<Finding>& findings, bool fold) {
  // A finding without a node has only its message to tell it from others.
  using Cause = std::tuple<RuleCode, Level, std::string_view, std::string_view, std::string_view, std::string_view,
                           std::string_view, std::string_view>;
  std::vector<Group> groups;
  std::map<Cause, size_t> index;
  for (const Finding& f : findings) {
    const SourceView source = source_of(f);
    const std::string_view message = f.node.empty() ? std::string_view(f.message) : std::string_view();
    const Cause cause{f.code, f.level, f.expected, f.actual, f.port, source.document, source.sdk, message};
    const auto [it, added] = index.try_emplace(cause, groups.size());
    if (added || !fold) {
      groups.push_back({&f});
    } else {
      groups[it->second].push_back(&f);
    }
  }
  return groups;
}

std::vector<std::string_view> distinct_nodes(const Group& group) {
  std::vector<std::string_view> nodes;
  std::unordered_set<std::string_view> seen;
  for (const Finding* f : group)
    if (seen.insert(f->node).second) nodes.push_back(f->node);
  return nodes;
}

std::vector<std::string> describe(const Group& group) {
  const Finding& f = *group.front();
  std::vector<std::string> lines{f.message};
  const auto add = [&](std::string_view label, std::string_view text) {
    if (!text.empty()) lines.push_back(fmt::format("{}: {}", label, text));
  };
  add("At", place_text(f));
  add("Expected", f.expected);
  add("Actual", f.actual);
  add("Source", source_text(f));
  add("What to do", advice_of(f));
  for (const std::string& line : related_lines(f)) add("Related", line);
  const std::vector<std::string_view> nodes = distinct_nodes(group);
  if (nodes.size() > 1)
    add(fmt::format("Same cause at {}", plural(nodes.size() - 1, "more node")),
        name_list({nodes.begin() + 1, nodes.end()}));
  if (group.size() > nodes.size())
    lines.push_back(
        fmt::format("Same cause in {} of the nodes named here", plural(group.size() - nodes.size(), "more finding")));
  return lines;
}

std::vector<FileGroup> groups_by_severity(const Report& report) {
  std::vector<FileGroup> all;
  for (const FileReport& file : report.files)
    for (Group& group : group_findings(file.findings)) all.push_back({&file, std::move(group)});
  std::stable_sort(all.begin(), all.end(), [](const FileGroup& a, const FileGroup& b) {
    return a.findings.front()->level > b.findings.front()->level;
  });
  return all;
}

}  // namespace snapgauge
