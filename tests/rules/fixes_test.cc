// What `fix` promises, held against the examples of every rule: a rule says that it has a fix exactly when
// one of its bad examples can be fixed.
#include <gtest/gtest.h>

#include "api/fixer.h"
#include "diag/rule.h"
#include "fixture.h"

namespace snapgauge {
namespace {

using fixtures::Section;

std::string database_path() { return std::string(SNAPGAUGE_BINARY_DIR) + "/share/snapgauge/opinfo.db"; }

size_t count(const FileReport& report, RuleCode code) {
  return static_cast<size_t>(
      std::count_if(report.findings.begin(), report.findings.end(), [&](const Finding& f) { return f.code == code; }));
}

/// Findings of `code` that fixing an example removes, and what else it must do.
size_t removed(const Section& s, RuleCode code) {
  auto session = Session::open({database_path(), s.opinfo}, s.target);
  EXPECT_TRUE(session) << s.rule;
  if (!session) return 0;
  (*session)->set_selected({code_text(code)});
  FixOptions options;
  options.unsafe = true;
  options.judge = [&](const Graph& graph) { return (*session)->report(graph, s.rule); };
  const auto graph = read_graph(s.text, s.rule);
  if (!graph) return 0;
  const auto before = options.judge(graph.value());
  EXPECT_TRUE(before.ok());
  const auto result = fix(s.text, s.rule, options);
  EXPECT_TRUE(result.ok()) << s.rule << ": " << s.title;
  if (!before || !result) return 0;
  EXPECT_LE(result.value().left.findings.size(), before.value().findings.size()) << s.rule << ": " << s.title;
  const auto again = fix(result.value().bytes, s.rule, options);
  EXPECT_TRUE(again && again.value().fixed.empty()) << s.rule << ": " << s.title;
  return count(before.value(), code) - count(result.value().left, code);
}

TEST(Fix, RulesWithAFixSaySo) {
  for (const Rule& r : all_rules()) {
    size_t gone = 0;
    for (const Section& s : fixtures::read_fixture(fixtures::directory() / (std::string(r.name) + ".md")))
      if (s.bad) gone += removed(s, r.code);
    EXPECT_EQ(gone > 0, !r.fix.empty()) << code_text(r.code) << ' ' << r.name;
  }
}

TEST(Fix, WhatHasNothingToFixStaysAsItIs) {
  size_t stayed = 0;
  for (const Section& s : fixtures::all_sections()) {
    auto session = Session::open({database_path(), s.opinfo}, s.target);
    ASSERT_TRUE(session);
    const auto graph = read_graph(s.text, s.rule);
    if (!graph) continue;
    FixOptions options;
    options.judge = [&](const Graph& g) { return (*session)->report(g, s.rule); };
    const auto before = options.judge(graph.value());
    ASSERT_TRUE(before.ok());
    const auto& findings = before.value().findings;
    if (std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return f.fix.change != nullptr; }))
      continue;
    const auto result = fix(s.text, s.rule, options);
    ASSERT_TRUE(result.ok()) << s.rule;
    EXPECT_EQ(result.value().bytes, s.text) << s.rule;
    ++stayed;
  }
  EXPECT_GT(stayed, 100U);
}

}  // namespace
}  // namespace snapgauge
