// JUnit XML as Jenkins, GitLab and others read it: a suite per file, a case per node, and one case for
// what concerns the file as a whole.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_map>

#include "base/mouths.h"
#include "diag/rule.h"
#include "report/common.h"

namespace snapgauge {
namespace {

struct Case {
  std::string_view name;
  std::string_view outcome;  // element that says it; empty: passed
  std::string_view message;
  std::vector<const Finding*> findings;
};

struct Suite {
  std::string name;
  std::string_view file;
  std::vector<Case> cases;

  size_t number_of(std::string_view outcome) const {
    return static_cast<size_t>(
        std::count_if(cases.begin(), cases.end(), [&](const Case& c) { return c.outcome == outcome; }));
  }
};

std::string_view outcome_of(NodeVerdict verdict) {
  switch (verdict) {
    case NodeVerdict::kAccepted: return "";
    case NodeVerdict::kRejected: return "failure";
    case NodeVerdict::kUnknown: break;
  }
  return "skipped";
}

bool is_error(const Finding* f) { return f->level == Level::kError; }

/// There is one whenever the file is unreadable or findings belong to none of its nodes.
void add_file_case(Suite& suite, const FileReport& file, std::vector<const Finding*> findings) {
  const bool unreadable = file.verdict == FileVerdict::kUnreadable;
  if (findings.empty() && !unreadable) return;
  const auto worst = std::find_if(findings.begin(), findings.end(), is_error);
  const std::string_view outcome = unreadable ? "error" : worst != findings.end() ? "failure" : "";
  const std::string_view message = worst != findings.end() ? std::string_view((*worst)->message) : "cannot be read";
  suite.cases.push_back({"(file)", outcome, message, std::move(findings)});
}

Suite suite_of(const Report& report, const FileReport& file) {
  Suite suite{fmt::format("{} [{}]", file.path, target_text(report)), file.path, {}};
  std::unordered_map<std::string_view, std::vector<const Finding*>> by_node;
  for (const NodeReport& node : file.nodes) by_node[node.name];
  std::vector<const Finding*> of_file;
  for (const Finding& f : file.findings) {
    const auto node = by_node.find(f.node);
    (f.node.empty() || node == by_node.end() ? of_file : node->second).push_back(&f);
  }
  add_file_case(suite, file, std::move(of_file));
  for (const NodeReport& node : file.nodes)
    suite.cases.push_back({node.name, outcome_of(node.verdict), node.reason, by_node[node.name]});
  return suite;
}

std::string text_of(const Case& c) {
  std::string text;
  for (const Finding* f : c.findings) {
    text += fmt::format("{}[{}] {}: ", level_name(f->level), code_text(f->code), rule(f->code).name);
    for (const std::string& line : describe({f})) text += line + '\n';
  }
  return text;
}

void append_case(std::string& out, const Suite& suite, const Case& c) {
  out += fmt::format("<testcase name=\"{}\" classname=\"{}\"", for_xml(c.name), for_xml(suite.file));
  const std::string text = for_xml(text_of(c));
  if (c.outcome.empty()) {
    out += text.empty() ? "/>\n" : fmt::format("><system-out>{}</system-out></testcase>\n", text);
    return;
  }
  const auto worst = std::find_if(c.findings.begin(), c.findings.end(), is_error);
  const std::string type = worst == c.findings.end() ? "" : fmt::format(" type=\"{}\"", rule((*worst)->code).name);
  out += fmt::format("><{0} message=\"{1}\"{2}>{3}</{0}></testcase>\n", c.outcome, for_xml(c.message), type, text);
}

/// The configuration files of the run: a suite is read by itself.
void append_properties(std::string& out, const Report& report) {
  if (report.configurations.empty()) return;
  out += "<properties>\n";
  for (const ConfigurationUse& use : report.configurations)
    out += fmt::format("<property name=\"configuration\" value=\"{}\"/>\n", for_xml(configuration_text(use)));
  out += "</properties>\n";
}

std::string counts_of(std::span<const Suite> suites) {
  size_t tests = 0, failures = 0, errors = 0, skipped = 0;
  for (const Suite& suite : suites) {
    tests += suite.cases.size();
    failures += suite.number_of("failure");
    errors += suite.number_of("error");
    skipped += suite.number_of("skipped");
  }
  return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", tests, failures, errors, skipped);
}

}  // namespace

std::string render_junit(const Report& report) {
  std::vector<Suite> suites;
  for (const FileReport& file : report.files) suites.push_back(suite_of(report, file));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites name=\"snapgauge\" {}>\n", counts_of(suites));
  for (const Suite& suite : suites) {
    out += fmt::format("<testsuite name=\"{}\" {}>\n", for_xml(suite.name), counts_of({&suite, 1}));
    append_properties(out, report);
    for (const Case& c : suite.cases) append_case(out, suite, c);
    out += "</testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace snapgauge
