// SARIF 2.1.0 (docs/formats.md). Written piece by piece like the JSON report, one rule or result a line.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "diag/rule.h"
#include "report/columns.h"
#include "report/common.h"
#include "report/json_parts.h"

namespace snapgauge {
namespace {

// What GitHub keeps of an upload (https://docs.github.com, "SARIF support for code scanning").
constexpr size_t kMostResults = 5000;
constexpr size_t kMostLocations = 1000;  // of one result
// It takes 10 MB of gzip. Logs shrink to a seventh or less; their own size does not depend on the compressor.
constexpr size_t kMostBytes = 50'000'000;  // of all results

/// For an URI's path, and for fingerprints: ':' never stays.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte < 0x80 && (std::isalnum(byte) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

/// Relative paths stay relative: readers resolve them against the checkout.
std::string uri_of(const std::string& path) {
  const std::string encoded = percent_encoded(std::filesystem::path(path).lexically_normal().generic_string());
  return encoded.starts_with('/') ? "file://" + encoded : encoded;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

/// A message in plain text: braces would be placeholders (section 3.11.5), and a name of the shape
/// [text](target) a link (3.11.6).
Json message(std::string text) {
  replace_all(text, "{", "{{");
  replace_all(text, "}", "}}");
  replace_all(text, "](", "\\](");
  return {{"text", std::move(text)}};
}

std::string sentences(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : " ") + part;
    if (!part.ends_with('.')) text += '.';
  }
  return text;
}

std::string_view severity_name(Level level) { return level == Level::kNote ? "recommendation" : level_name(level); }

/// How sure a finding of the kind is to be true: read off the file, resting on tables, or a hint.
std::string_view precision_name(RuleKind kind) {
  switch (kind) {
    case RuleKind::kMalformed:
    case RuleKind::kInvalid: return "very-high";
    case RuleKind::kUnsupported: return "high";
    case RuleKind::kUnjudged:
    case RuleKind::kAdvice: break;
  }
  return "medium";
}

/// "asymmetric-weight" -> "Asymmetric weight".
std::string title_of(const Rule& row) {
  std::string title(row.name);
  std::replace(title.begin(), title.end(), '-', ' ');
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

Json rule_json(const Rule& row) {
  const Level level = default_level(row.kind);
  Json help = message(fmt::format("{} {}", row.action, row.why));
  help["markdown"] = fmt::format("**What to do:** {}\n\n**Why:** {}", row.action, row.why);
  return {{"id", code_text(row.code)},
          {"name", row.name},
          {"shortDescription", message(title_of(row) + ".")},
          {"fullDescription", message(std::string(row.why))},
          {"help", std::move(help)},
          {"defaultConfiguration", {{"level", level_name(level)}}},
          {"properties",
           {{"tags", Json::array({kind_name(row.kind)})},
            {"precision", precision_name(row.kind)},
            {"problem.severity", severity_name(level)}}}};
}

Json logical_location(const std::string& node, const std::string& port) {
  if (port.empty()) return {{"name", node}, {"fullyQualifiedName", node}, {"kind", "node"}};
  return {{"name", port}, {"fullyQualifiedName", node.empty() ? port : node + "/" + port}, {"kind", "port"}};
}

/// A location that names the file only.
Json artifact(const std::string& uri) {
  Json json;
  json["physicalLocation"]["artifactLocation"]["uri"] = uri;
  return json;
}

/// Formats without lines get line 1: GitHub shows only results that have one.
Json location(const std::string& uri, const Finding& f, const Utf16Columns& columns) {
  Json region{{"startLine", std::max(f.location.line, 1u)}};
  if (const uint32_t column = columns.find(f.location); column > 0) region["startColumn"] = column;
  Json json = artifact(uri);
  json["physicalLocation"]["region"] = std::move(region);
  if (!f.node.empty() || !f.port.empty()) json["logicalLocations"].push_back(logical_location(f.node, f.port));
  if (!f.value.empty())
    json["logicalLocations"].push_back({{"name", f.value}, {"fullyQualifiedName", f.value}, {"kind", "value"}});
  return json;
}

Json related_location(const std::string& uri, const Related& other) {
  Json json = artifact(uri);
  if (!other.node.empty() || !other.port.empty())
    json["logicalLocations"].push_back(logical_location(other.node, other.port));
  json["message"] = message(other.message);
  return json;
}

class SarifWriter {
 public:
  explicit SarifWriter(const Report& report) : report_(report), groups_(groups_by_severity(report)) {
    for (const FileReport& file : report.files) {
      columns_.try_emplace(&file, file.text, places_of(file));
      for (const Suppressed& s : file.suppressed) codes_.insert(s.finding.code);
    }
    for (const FileGroup& group : groups_) codes_.insert(group.findings.front()->code);
  }

  std::string render() {
    append_results();
    const std::string results = std::exchange(out_, {});
    out_ =
        "{\"$schema\":\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json\",";
    out_ += "\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"snapgauge\",\"version\":";
    out_ += dumped(report_.tool_version) + ",\"rules\":[" + rules() +
            "]}},\n\"automationDetails\":{\"id\":" + dumped(category()) + "},\n\"invocations\":[";
    out_ += dumped(invocation()) + "],\n\"columnKind\":\"utf16CodeUnits\",\n\"properties\":";
    out_ += dumped(properties()) + ",\n\"results\":[" + results + "]}]}\n";
    return std::move(out_);
  }

 private:
  /// Those that count, severe ones first, then those that do not, until the log is full.
  void append_results() {
    for (const FileGroup& group : groups_) append([&] { return result(group); });
    for (const FileReport& file : report_.files)
      for (const Suppressed& s : file.suppressed) append([&] { return suppressed_result(file, s); });
  }

  template <class MakeResult>
  void append(MakeResult make_result) {
    if (left_out_ == 0 && listed_ < kMostResults) {
      const std::string text = (listed_ > 0 ? ",\n" : "\n") + dumped(make_result());
      if (out_.size() + text.size() <= kMostBytes) {
        out_ += text;
        ++listed_;
        return;
      }
    }
    ++left_out_;  // and all after it, so that what is listed is the most severe
  }

  /// Keeps the uploads for several targets apart.
  std::string category() const {
    return fmt::format("snapgauge/{}/{}", report_.backend, report_.soc.empty() ? "" : report_.soc + "/");
  }

  Json properties() const {
    Json json{{"target", target_json(report_)}};
    if (!report_.configurations.empty()) json["configurations"] = configurations_json(report_);
    if (report_.compared) json["compared"] = compared_json(report_);
    return json;
  }

  Json invocation() const {
    Json notes = Json::array();
    for (const FileReport& file : report_.files)
      if (file.verdict == FileVerdict::kUnreadable) notes.push_back(unreadable(file));
    const bool successful = notes.empty();
    if (left_out_ > 0)
      notes.push_back({{"level", "warning"},
                       {"message", message(fmt::format("Only the {} most severe results are listed; {} left out: a log "
                                                       "holds at most {} results and {} MB of them.",
                                                       listed_, plural(left_out_, "other"), kMostResults,
                                                       kMostBytes / 1'000'000))}});
    return {{"executionSuccessful", successful},
            {"exitCode", exit_code(report_)},
            {"toolExecutionNotifications", std::move(notes)}};
  }

  Json unreadable(const FileReport& file) const {
    const std::string text = file.findings.empty() ? "cannot be read" : file.findings.front().message;
    return {{"level", "error"},
            {"message", message(sentences({file.path + ": " + text}))},
            {"locations", Json::array({artifact(uri_of(file.path))})}};
  }

  Json result(const FileGroup& group) {
    const Finding& first = *group.findings.front();
    const std::string uri = uri_of(group.file->path);
    const Utf16Columns& columns = columns_.at(group.file);
    const Json others = other_locations(group, uri, columns);
    std::vector<std::string> text = describe(group.findings);
    if (const size_t all = first.related.size() + group.findings.size() - 1; all > others.size())
      text.push_back(fmt::format("{} related places are listed, {} left out", others.size(), all - others.size()));
    Json json{{"ruleId", code_text(first.code)},
              {"ruleIndex", std::distance(codes_.begin(), codes_.find(first.code))},
              {"level", level_name(first.level)},
              {"message", message(sentences(text))}};
    json["locations"].push_back(location(uri, first, columns));
    if (!others.empty()) json["relatedLocations"] = others;
    if (Json fix = fixes(*group.file, first, uri, columns); !fix.empty()) json["fixes"] = std::move(fix);
    json["partialFingerprints"] = {{"primaryLocationLineHash", fingerprint(uri, first)}};
    if (report_.compared) json["baselineState"] = "new";
    return json;
  }

  /// Readers hide suppressed results unless asked; each stands alone, because each has its reason.
  Json suppressed_result(const FileReport& file, const Suppressed& suppressed) {
    Json json = result({&file, {&suppressed.finding}});
    const bool earlier = suppressed.by == SuppressedBy::kBaseline || suppressed.by == SuppressedBy::kOldVersion;
    if (report_.compared) json["baselineState"] = earlier ? "unchanged" : "new";
    json["suppressions"].push_back({{"kind", suppressed.by == SuppressedBy::kGraph ? "inSource" : "external"},
                                    {"status", "accepted"},
                                    {"justification", suppressed.reason}});
    return json;
  }

  static std::vector<Location> places_of(const FileReport& file) {
    std::vector<Location> all;
    for (const Finding& f : file.findings) all.push_back(f.location);
    for (const Suppressed& s : file.suppressed) all.push_back(s.finding.location);
    for (const auto& [change, replacements] : file.replacements)
      for (const Replacement& r : replacements) all.insert(all.end(), {r.from, r.to});
    return all;
  }

  /// Of the first of findings with one cause: fixes that are made one by one need not go together.
  static Json fixes(const FileReport& file, const Finding& f, const std::string& uri, const Utf16Columns& columns) {
    Json replaced = Json::array();
    if (const auto own = file.replacements.find(f.fix.change.get()); own != file.replacements.end())
      for (const Replacement& r : own->second)
        replaced.push_back({{"deletedRegion",
                             {{"startLine", r.from.line},
                              {"startColumn", columns.find(r.from)},
                              {"endLine", r.to.line},
                              {"endColumn", columns.find(r.to)}}},
                            {"insertedContent", {{"text", r.text}}}});
    if (replaced.empty()) return Json::array();
    const Json change{{"artifactLocation", {{"uri", uri}}}, {"replacements", std::move(replaced)}};
    const std::string what = sentences({fmt::format("{}: {}", place_text(f), rule(f.code).action)});
    return Json::array({{{"description", message(what)}, {"artifactChanges", Json::array({change})}}});
  }

  /// The finding's own related places, then those of the findings folded into it.
  static Json other_locations(const FileGroup& group, const std::string& uri, const Utf16Columns& columns) {
    Json all = Json::array();
    const auto add = [&](Json place) {
      place["id"] = all.size() + 1;
      all.push_back(std::move(place));
    };
    const Finding& first = *group.findings.front();
    for (auto it = first.related.begin(); it != first.related.end() && all.size() + 1 < kMostLocations; ++it)
      add(related_location(uri, *it));
    for (auto it = group.findings.begin() + 1; it != group.findings.end() && all.size() + 1 < kMostLocations; ++it) {
      Json place = location(uri, **it, columns);
      place["message"] = message((*it)->message);
      add(std::move(place));
    }
    return all;
  }

  /// What stays the same when lines move or numbers change, in readable form; SARIF asks for no hash.
  /// The counter tells several findings of one rule at one place apart.
  std::string fingerprint(const std::string& uri, const Finding& f) {
    const std::string identity = fmt::format("{}:{}:{}:{}:{}", code_text(f.code), uri, percent_encoded(f.node),
                                             percent_encoded(f.port), percent_encoded(f.value));
    return fmt::format("{}:{}", identity, ++seen_[identity]);
  }

  std::string rules() const {
    std::string text;
    for (const RuleCode code : codes_) text += (text.empty() ? "\n" : ",\n") + dumped(rule_json(rule(code)));
    return text;
  }

  const Report& report_;
  std::vector<FileGroup> groups_;
  size_t listed_ = 0, left_out_ = 0;  // results
  std::map<const FileReport*, Utf16Columns> columns_;
  std::set<RuleCode> codes_;  // of the rules that occur
  std::map<std::string, int> seen_;
  std::string out_;
};

}  // namespace

std::string render_sarif(const Report& report) { return SarifWriter(report).render(); }

}  // namespace snapgauge
