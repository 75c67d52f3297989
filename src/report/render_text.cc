#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "diag/rule.h"
#include "report/common.h"
#include "report/excerpt.h"
#include "report/report.h"

namespace snapgauge {
namespace {

constexpr size_t kListedNames = 8;
constexpr int kLeastWidth = 40;

constexpr std::string_view kRed = "1;31", kGreen = "1;32", kYellow = "1;33", kBlue = "1;34", kCyan = "1;36",
                           kBold = "1";

std::string_view style_of(Level level) {
  return level == Level::kError ? kRed : level == Level::kWarning ? kYellow : kCyan;
}

std::string_view style_of(FileVerdict verdict) {
  return verdict == FileVerdict::kAccepted ? kGreen : verdict == FileVerdict::kIncomplete ? kYellow : kRed;
}

std::string plural(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

/// Findings that one change would cure: the first in full, the others by node.
struct Group {
  const Finding* first;
  std::vector<std::string_view> nodes;  // distinct, without the first finding's
  size_t same_node = 0;                 // further findings of nodes already named
  std::unordered_set<std::string_view> seen;
};

std::vector<Group> group_findings(const std::vector<Finding>& findings, bool verbose) {
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
    if (added || verbose) {
      groups.push_back({&f, {}, 0, {f.node}});
      continue;
    }
    Group& group = groups[it->second];
    if (group.seen.insert(f.node).second) {
      group.nodes.push_back(f.node);
    } else {
      ++group.same_node;
    }
  }
  return groups;
}

class TextWriter {
 public:
  explicit TextWriter(const TextOptions& options) : options_(options) {}
  std::string render(const Report& report);

 private:
  void file(const FileReport& file);
  void finding(const FileReport& file, const Lines& lines, const Group& group);
  void place(const FileReport& file, const Finding& finding);
  void excerpt(const Lines& lines, const Finding& finding);
  void related(const Finding& finding);
  void others(const Group& group);
  void unknown_nodes(const FileReport& file);
  void summary(const Report& report);

  void label(std::string_view name, std::string_view text);
  std::string names(const std::vector<std::string_view>& all) const;
  std::string paint(std::string_view style, std::string_view text) const {
    return options_.colour ? fmt::format("\x1b[{}m{}\x1b[0m", style, text) : std::string(text);
  }
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  const TextOptions& options_;
  std::string out_;
};

std::string TextWriter::render(const Report& report) {
  for (const FileReport& f : report.files) file(f);
  summary(report);
  return std::move(out_);
}

void TextWriter::file(const FileReport& file) {
  add("{}: {}\n", paint(kBold, printable(file.path)), paint(style_of(file.verdict), verdict_name(file.verdict)));
  const size_t header_end = out_.size();
  const std::vector<Group> groups = group_findings(file.findings, options_.verbose);
  std::vector<uint32_t> wanted;
  for (const Group& group : groups)
    if (group.first->location.line > 0) wanted.push_back(group.first->location.line);
  const Lines lines(file.text, std::move(wanted));
  for (const Group& group : groups) finding(file, lines, group);
  unknown_nodes(file);
  if (out_.size() > header_end) out_ += '\n';
}

void TextWriter::finding(const FileReport& file, const Lines& lines, const Group& group) {
  const Finding& f = *group.first;
  const Rule& row = rule(f.code);
  const std::string head = fmt::format("{}[{}]", level_name(f.level), code_text(f.code));
  add("\n{} {}\n", paint(style_of(f.level), head), paint(kBold, fmt::format("{}: {}", row.name, printable(f.message))));
  place(file, f);
  excerpt(lines, f);
  label("expected", f.expected);
  label("actual", f.actual);
  const SourceView source = source_of(f);
  label("source",
        source.sdk.empty() ? std::string(source.document) : fmt::format("{} (SDK {})", source.document, source.sdk));
  label("fix", f.fix.title.empty() ? row.action : std::string_view(f.fix.title));
  related(f);
  others(group);
}

void TextWriter::place(const FileReport& file, const Finding& finding) {
  add("  {} {}", paint(kBlue, "-->"), printable(file.path));
  if (finding.location.line > 0) add(":{}", finding.location.line);
  if (finding.location.line > 0 && finding.location.column > 0) add(":{}", finding.location.column);
  std::string what;
  if (!finding.node.empty()) what = "node " + printable(finding.node);
  if (!finding.port.empty()) what += (what.empty() ? "port " : ", port ") + printable(finding.port);
  if (!finding.value.empty()) {
    const std::string value = "value " + printable(finding.value);
    what += what.empty() ? value : " (" + value + ")";
  }
  add("{}{}\n", what.empty() ? "" : "  ", what);
}

void TextWriter::excerpt(const Lines& lines, const Finding& finding) {
  const std::optional<std::string_view> line = lines.find(finding.location.line);
  if (!line) return;
  const std::string number = fmt::format("{:>2}", finding.location.line);
  const int room = std::max(options_.width, kLeastWidth) - static_cast<int>(number.size()) - 3;
  const Excerpt part = cut_line(*line, finding.location.column, room);
  const std::string blank = paint(kBlue, std::string(number.size(), ' ') + " |");
  add("{}\n{} {}\n", blank, paint(kBlue, number + " |"), part.line);
  if (finding.location.column > 0)
    add("{} {}{}\n", blank, std::string(static_cast<size_t>(part.caret), ' '), paint(style_of(finding.level), "^"));
}

void TextWriter::label(std::string_view name, std::string_view text) {
  if (!text.empty()) add("  {} {}\n", paint(kBold, fmt::format("{:<9}", name)), printable(text));
}

void TextWriter::related(const Finding& finding) {
  size_t left = finding.related.size();
  for (const Related& other : finding.related) {
    if (!options_.verbose && finding.related.size() - left == kListedNames) break;
    std::string where = other.node;
    if (!other.port.empty()) where += (where.empty() ? "" : " ") + other.port;
    label("related", where.empty() ? other.message : where + ": " + other.message);
    --left;
  }
  if (left > 0) label("related", fmt::format("and {}", plural(left, "more place")));
}

void TextWriter::others(const Group& group) {
  if (!group.nodes.empty()) add("  and {}: {}\n", plural(group.nodes.size(), "more node"), names(group.nodes));
  if (group.same_node > 0) add("  and {} of the nodes named here\n", plural(group.same_node, "more finding"));
}

void TextWriter::unknown_nodes(const FileReport& file) {
  std::map<std::string_view, size_t> index;
  std::vector<std::pair<std::string_view, std::vector<std::string_view>>> reasons;
  for (const NodeReport& node : file.nodes) {
    if (node.verdict != NodeVerdict::kUnknown) continue;
    const auto [it, added] = index.try_emplace(node.reason, reasons.size());
    if (added) reasons.push_back({node.reason, {}});
    reasons[it->second].second.push_back(node.name);
  }
  for (const auto& [reason, nodes] : reasons) {
    add("\n{}: {}\n", paint(kYellow, "unknown"), reason.empty() ? "no reason given" : printable(reason));
    add("  {}: {}\n", plural(nodes.size(), "node"), names(nodes));
  }
}

std::string TextWriter::names(const std::vector<std::string_view>& all) const {
  const size_t shown = options_.verbose ? all.size() : std::min(all.size(), kListedNames);
  std::string text;
  for (size_t i = 0; i < shown; ++i) text += (i > 0 ? ", " : "") + printable(all[i]);
  return shown < all.size() ? text + ", ..." : text;
}

void TextWriter::summary(const Report& report) {
  const Counts counts = count(report);
  const FileVerdict worst = worst_verdict(report);
  if (!report.files.empty() && !out_.ends_with("\n\n")) out_ += '\n';
  add("{}: {} of {} rejected, {} accepted, {} unknown; ", paint(style_of(worst), verdict_name(worst)), counts.rejected,
      plural(counts.nodes, "node"), counts.accepted, counts.unknown);
  add("{}, {}, {}", plural(counts.errors, "error"), plural(counts.warnings, "warning"), plural(counts.notes, "note"));
  const auto unreadable = std::count_if(report.files.begin(), report.files.end(),
                                        [](const FileReport& f) { return f.verdict == FileVerdict::kUnreadable; });
  if (unreadable > 0) add("; {} of {} unreadable", unreadable, plural(report.files.size(), "file"));

  std::string target = printable(report.backend);
  if (!report.soc.empty()) target += ' ' + printable(report.soc);
  if (!report.arch.empty()) target += fmt::format(" ({})", printable(report.arch));
  if (!report.sdk.empty()) target += ", SDK " + printable(report.sdk);
  if (!report.pipeline.empty()) target += ", pipeline " + printable(report.pipeline);
  add("{}{}\n", target.empty() ? "" : "; ", target);
}

}  // namespace

std::string render_text(const Report& report, const TextOptions& options) { return TextWriter(options).render(report); }

}  // namespace snapgauge
