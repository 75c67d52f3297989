#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/mouths.h"
#include "base/text.h"
#include "diag/rule.h"
#include "report/common.h"
#include "report/excerpt.h"
#include "report/report.h"

namespace snapgauge {
namespace {

constexpr int kLeastWidth = 40;

constexpr std::string_view kRed = "1;31", kGreen = "1;32", kYellow = "1;33", kBlue = "1;34", kCyan = "1;36",
                           kBold = "1";

std::string_view style_of(Level level) {
  return level == Level::kError ? kRed : level == Level::kWarning ? kYellow : kCyan;
}

std::string_view style_of(FileVerdict verdict) {
  return verdict == FileVerdict::kAccepted ? kGreen : verdict == FileVerdict::kIncomplete ? kYellow : kRed;
}

/// The command that makes the finding's fix; empty when none does.
std::string_view fix_command(const Finding& finding) {
  if (finding.fix.change == nullptr) return "";
  return finding.fix.safety == FixSafety::kSafe ? " [snapgauge fix]" : " [snapgauge fix --unsafe]";
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
  if (!file.reason.empty()) add("  {}\n", printable(file.reason));
  const size_t header_end = out_.size();
  const std::vector<Group> groups = group_findings(file.findings, !options_.verbose);
  std::vector<uint32_t> wanted;
  for (const Group& group : groups)
    if (group.front()->location.line > 0) wanted.push_back(group.front()->location.line);
  const Lines lines(file.text, std::move(wanted));
  for (const Group& group : groups) finding(file, lines, group);
  unknown_nodes(file);
  if (out_.size() > header_end) out_ += '\n';
}

void TextWriter::finding(const FileReport& file, const Lines& lines, const Group& group) {
  const Finding& f = *group.front();
  const Rule& row = rule(f.code);
  const std::string head = fmt::format("{}[{}]", level_name(f.level), code_text(f.code));
  add("\n{} {}\n", paint(style_of(f.level), head), paint(kBold, fmt::format("{}: {}", row.name, printable(f.message))));
  place(file, f);
  excerpt(lines, f);
  label("expected", f.expected);
  label("actual", f.actual);
  label("source", source_text(f));
  label("fix", fmt::format("{}{}", advice_of(f), fix_command(f)));
  related(f);
  others(group);
}

void TextWriter::place(const FileReport& file, const Finding& finding) {
  add("  {} {}", paint(kBlue, "-->"), printable(file.path));
  if (finding.location.line > 0) add(":{}", finding.location.line);
  if (finding.location.line > 0 && finding.location.column > 0) add(":{}", finding.location.column);
  const std::string what = printable(place_text(finding));
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
  for (const std::string& line : related_lines(finding, options_.verbose ? finding.related.size() : kListedNames))
    label("related", line);
}

void TextWriter::others(const Group& group) {
  const std::vector<std::string_view> nodes = distinct_nodes(group);
  if (nodes.size() > 1)
    add("  and {}: {}\n", plural(nodes.size() - 1, "more node"), names({nodes.begin() + 1, nodes.end()}));
  if (group.size() > nodes.size())
    add("  and {} of the nodes named here\n", plural(group.size() - nodes.size(), "more finding"));
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
  return printable(name_list(all, options_.verbose ? all.size() : kListedNames));
}

void TextWriter::summary(const Report& report) {
  const FileVerdict worst = worst_verdict(report);
  if (!report.files.empty() && !out_.ends_with("\n\n")) out_ += '\n';
  for (const ConfigurationUse& use : report.configurations)
    add("{}: {}\n", paint(is_notable(use) ? kYellow : kBold, "configuration"), printable(configuration_text(use)));
  add("{}: {}\n", paint(style_of(worst), verdict_name(worst)), printable(summary_text(report)));
}

}  // namespace

std::string render_text(const Report& report, const TextOptions& options) {
  return for_log(TextWriter(options).render(report));
}

}  // namespace snapgauge
