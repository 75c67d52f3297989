#include <gtest/gtest.h>

#include "diag/rule.h"
#include "report/suppress.h"
#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;
using Scope = Waiver::Scope;

constexpr RuleCode kUnmapped = 701, kWholeGraphOnly = 706;

Waiver waiver(Scope scope, std::string node, std::string code, std::string reason = "measured") {
  Waiver w;
  w.scope = scope;
  w.node = std::move(node);
  w.code = std::move(code);
  w.reason = std::move(reason);
  return w;
}

Finding finding_of(RuleCode code, std::string node, Level level = Level::kError) {
  Finding f = finding_at(std::move(node));
  f.code = code;
  f.level = level;
  f.message = code_text(code) + " of " + f.node;
  return f;
}

NodeReport node_of(std::string name, NodeVerdict verdict) {
  return {std::move(name), "op", "Op", verdict, verdict == NodeVerdict::kAccepted ? "" : "because"};
}

/// A file with a rejected node for each name, each for one finding.
FileReport rejected(std::vector<std::string> names) {
  FileReport file;
  file.verdict = FileVerdict::kRejected;
  for (std::string& name : names) {
    file.findings.push_back(finding_of(201, name));
    file.nodes.push_back(node_of(std::move(name), NodeVerdict::kRejected));
  }
  return file;
}

FileReport applied(FileReport file, std::vector<Waiver> waivers) {
  Suppressor(std::move(waivers)).apply(file, SuppressedBy::kConfiguration);
  return file;
}

/// The nodes of suppressed findings, in order.
std::string hidden(const FileReport& file) {
  std::string out;
  for (const Suppressed& s : file.suppressed) out += (out.empty() ? "" : " ") + s.finding.node;
  return out;
}

TEST(ReportSuppress, MatchesByNodeCodeAndPattern) {
  const FileReport file = rejected({"a", "ab", "b", ""});
  const std::tuple<Waiver, std::string> rows[] = {
      {waiver(Scope::kNode, "a", "SG201"), "a"},       {waiver(Scope::kNode, "a", "SG2"), "a"},
      {waiver(Scope::kNode, "a", "SG202"), ""},        {waiver(Scope::kNode, "A", "SG201"), ""},
      {waiver(Scope::kNode, "a.*", "SG201"), ""},      {waiver(Scope::kPattern, "a", "SG201"), "a"},
      {waiver(Scope::kPattern, "a.*", "SG2"), "a ab"}, {waiver(Scope::kPattern, ".*b", "SG"), "ab b"},
      {waiver(Scope::kPattern, "c", "SG201"), ""},     {waiver(Scope::kPattern, "(", "SG201"), ""},
      {waiver(Scope::kFile, "", "SG201"), "a ab b "},  {waiver(Scope::kFile, "", "SG3"), ""},
  };
  for (const auto& [w, nodes] : rows) {
    const FileReport after = applied(file, {w});
    EXPECT_EQ(hidden(after), nodes) << w.node << " " << w.code;
    EXPECT_EQ(after.findings.size() + after.suppressed.size(), file.findings.size()) << "nothing is dropped";
  }
}

TEST(ReportSuppress, AFindingSaysWhoAcceptedItAndWhy) {
  FileReport file = rejected({"a", "b"});
  Suppressor first({waiver(Scope::kNode, "a", "SG201", "first"), waiver(Scope::kFile, "", "SG2", "second")});
  first.apply(file, SuppressedBy::kGraph);
  ASSERT_EQ(hidden(file), "a b");
  EXPECT_EQ(file.suppressed[0].reason, "first");
  EXPECT_EQ(file.suppressed[1].reason, "second");
  EXPECT_EQ(file.suppressed[1].by, SuppressedBy::kGraph);
  EXPECT_TRUE(file.findings.empty());
}

TEST(ReportSuppress, ANodeIsAcceptedWhenAllBehindItsVerdictIsSuppressed) {
  FileReport file = rejected({"a", "b"});
  file.findings.push_back(finding_of(202, "a"));
  file.findings.push_back(finding_of(201, "b", Level::kWarning));  // stands behind no verdict
  file.findings.push_back(finding_of(kUnmapped, "u", Level::kWarning));
  file.nodes.push_back(node_of("u", NodeVerdict::kUnknown));

  FileReport after = applied(file, {waiver(Scope::kFile, "", "SG201")});
  EXPECT_EQ(after.nodes[0].verdict, NodeVerdict::kRejected) << "SG202 is left";
  EXPECT_EQ(after.nodes[1].verdict, NodeVerdict::kAccepted);
  EXPECT_TRUE(after.nodes[1].suppressed);
  EXPECT_EQ(after.nodes[1].reason, "because") << "what would have kept it from that";
  EXPECT_EQ(after.verdict, FileVerdict::kRejected);

  after = applied(file, {waiver(Scope::kFile, "", "SG2")});
  EXPECT_EQ(after.verdict, FileVerdict::kIncomplete) << "the unknown node is left";
  EXPECT_EQ(after.nodes[2].verdict, NodeVerdict::kUnknown);
  EXPECT_FALSE(after.nodes[2].suppressed);

  after = applied(file, {waiver(Scope::kFile, "", "SG")});
  EXPECT_EQ(after.verdict, FileVerdict::kAccepted);
  EXPECT_TRUE(after.nodes[2].suppressed);
}

TEST(ReportSuppress, WhatIsLeftOfARejectedNodeMayBeThatNobodyCouldTell) {
  FileReport file = rejected({"a"});
  file.findings.push_back(finding_of(kUnmapped, "a", Level::kWarning));
  const FileReport after = applied(file, {waiver(Scope::kNode, "a", "SG201")});
  EXPECT_EQ(after.nodes[0].verdict, NodeVerdict::kUnknown);
  EXPECT_EQ(after.nodes[0].reason, "SG701 of a") << "not the error that was accepted";
  EXPECT_EQ(after.verdict, FileVerdict::kIncomplete);
}

TEST(ReportSuppress, ANodeRefusedForAnothersFaultFollowsTheLastError) {
  FileReport file = rejected({"a", "b"});
  file.nodes.push_back(node_of("neighbour", NodeVerdict::kRejected));  // no finding of its own
  FileReport after = applied(file, {waiver(Scope::kNode, "a", "SG201")});
  EXPECT_EQ(after.nodes[2].verdict, NodeVerdict::kRejected);
  after = applied(file, {waiver(Scope::kPattern, "a|b", "SG201")});
  EXPECT_EQ(after.nodes[2].verdict, NodeVerdict::kAccepted);
  EXPECT_EQ(after.verdict, FileVerdict::kAccepted);
  // A suppressed warning refused nobody.
  file = rejected({});
  file.nodes = {node_of("neighbour", NodeVerdict::kRejected)};
  file.findings = {finding_of(201, "w", Level::kWarning)};
  after = applied(file, {waiver(Scope::kNode, "w", "SG201")});
  EXPECT_EQ(after.nodes[0].verdict, NodeVerdict::kRejected);
  EXPECT_EQ(after.verdict, FileVerdict::kRejected);
}

TEST(ReportSuppress, AWarningThatIsSuppressedChangesNoVerdict) {
  FileReport file = rejected({"a"});
  file.findings.push_back(finding_of(301, "b", Level::kWarning));
  file.nodes.push_back(node_of("b", NodeVerdict::kAccepted));
  const FileReport after = applied(file, {waiver(Scope::kNode, "b", "SG301")});
  EXPECT_EQ(after.verdict, FileVerdict::kRejected);
  EXPECT_FALSE(after.nodes[1].suppressed) << "it was accepted anyway";
}

TEST(ReportSuppress, AnErrorAboutNoNodeKeepsTheFileRejected) {
  FileReport file = rejected({"a"});
  file.findings.push_back(finding_of(101, ""));
  FileReport after = applied(file, {waiver(Scope::kNode, "a", "SG201")});
  EXPECT_EQ(after.nodes[0].verdict, NodeVerdict::kAccepted);
  EXPECT_EQ(after.verdict, FileVerdict::kRejected);
  after = applied(file, {waiver(Scope::kFile, "", "SG")});
  EXPECT_EQ(after.verdict, FileVerdict::kAccepted);
}

TEST(ReportSuppress, TheSummaryOfAWholeGraphBackendFallsWithItsLastNode) {
  FileReport file = rejected({"a", "b"});
  for (const Level level : {Level::kWarning, Level::kError}) {
    FileReport one = file;
    one.findings.push_back(finding_of(kWholeGraphOnly, "", level));
    FileReport after = applied(one, {waiver(Scope::kNode, "a", "SG201")});
    EXPECT_EQ(after.findings.back().code, kWholeGraphOnly);
    after = applied(one, {waiver(Scope::kPattern, "a|b", "SG201")});
    EXPECT_TRUE(after.findings.empty());
    EXPECT_EQ(after.suppressed.back().finding.code, kWholeGraphOnly);
    EXPECT_EQ(after.verdict, FileVerdict::kAccepted);
    // Accepting the summary alone mends no node.
    after = applied(one, {waiver(Scope::kFile, "", "SG706")});
    EXPECT_EQ(after.verdict, FileVerdict::kRejected);
    EXPECT_EQ(after.nodes[0].verdict, NodeVerdict::kRejected);
  }
}

TEST(ReportSuppress, AnUnreadableFileStaysUnreadable) {
  FileReport file;
  file.verdict = FileVerdict::kUnreadable;
  file.findings = {finding_of(1, "")};
  const FileReport after = applied(file, {waiver(Scope::kFile, "", "SG")});
  EXPECT_EQ(after.verdict, FileVerdict::kUnreadable);
  EXPECT_EQ(after.findings.size(), 1u);
}

TEST(ReportSuppress, SeveralListsAddUp) {
  FileReport file = rejected({"a"});
  file.findings.push_back(finding_of(202, "a"));
  file = applied(file, {waiver(Scope::kNode, "a", "SG201")});
  EXPECT_EQ(file.nodes[0].verdict, NodeVerdict::kRejected);
  file = applied(file, {waiver(Scope::kNode, "a", "SG202")});
  EXPECT_EQ(file.nodes[0].verdict, NodeVerdict::kAccepted);
  EXPECT_EQ(hidden(file), "a a");
}

TEST(ReportSuppress, AnEntryThatDoesNothingIsTold) {
  Suppressor suppressor({waiver(Scope::kNode, "a", "SG201"), waiver(Scope::kNode, "gone", "SG201"),
                         waiver(Scope::kPattern, "x.*", "SG2"), waiver(Scope::kFile, "", "SG502"),
                         waiver(Scope::kFile, "", "SG2")});
  FileReport file = rejected({"a"});
  suppressor.apply(file, SuppressedBy::kGraph);
  const std::vector<Finding> idle = suppressor.unused({});
  ASSERT_EQ(idle.size(), 3u) << "an entry that another one forestalled did its work";
  EXPECT_EQ(idle[0].message, "the suppression of SG201 for 'gone' hides nothing");
  EXPECT_EQ(idle[0].node, "gone");
  EXPECT_EQ(idle[1].message, "the suppression of SG2 for 'x.*' hides nothing");
  EXPECT_EQ(idle[1].node, "");
  EXPECT_EQ(idle[2].message, "the suppression of SG502 for the file hides nothing");
  for (const Finding& f : idle) EXPECT_EQ(code_text(f.code) + std::string(level_name(f.level)), "SG010note");

  file = rejected({"gone"});  // a later file needs it
  suppressor.apply(file, SuppressedBy::kGraph);
  EXPECT_EQ(suppressor.unused({}).size(), 2u);
}

TEST(ReportSuppress, AnEntryForRulesThatDidNotRunIsNotIdle) {
  const Suppressor suppressor({waiver(Scope::kFile, "", "SG9"), waiver(Scope::kFile, "", "SG901")});
  EXPECT_TRUE(suppressor.unused({}).empty());
  EXPECT_EQ(suppressor.unused({"SG9"}).size(), 2u);
  EXPECT_EQ(suppressor.unused({"SG902"}).size(), 1u) << "of SG9 one rule ran";
}

TEST(ReportSuppress, AnIdleEntrySaysWhereItStands) {
  Waiver here = waiver(Scope::kNode, "a\n", "SG201");
  here.location = {7, 3};
  Waiver elsewhere = waiver(Scope::kPattern, "b", "SG201");
  elsewhere.location = {4, 1};
  elsewhere.origin = "snapgauge.toml";
  const std::vector<Finding> idle = Suppressor({here, elsewhere}).unused({});
  ASSERT_EQ(idle.size(), 2u);
  EXPECT_EQ(idle[0].location.line, 7u);
  EXPECT_EQ(idle[0].message.find('\n'), std::string::npos);
  EXPECT_EQ(idle[1].location.line, 0u) << "a place in another file";
  EXPECT_NE(idle[1].message.find("'b' (snapgauge.toml:4)"), std::string::npos) << idle[1].message;
}

TEST(ReportSuppress, WhatSaysThatAnEntryIsIdleCannotBeSuppressed) {
  FileReport file;
  file.findings = {finding_of(10, "a", Level::kNote)};
  file = applied(file, {waiver(Scope::kFile, "", "SG"), waiver(Scope::kNode, "a", "SG010")});
  EXPECT_EQ(file.findings.size(), 1u);
}

TEST(ReportSuppress, CountsTellWhatWasAccepted) {
  Report report = report_of({});
  report.files = {applied(rejected({"a", "b", "c"}), {waiver(Scope::kPattern, "a|b", "SG201")})};
  const Counts counts = count(report);
  EXPECT_EQ(counts.nodes, 3u);
  EXPECT_EQ(counts.accepted, 2u);
  EXPECT_EQ(counts.rejected, 1u);
  EXPECT_EQ(counts.errors, 1u);
  EXPECT_EQ(counts.suppressed, 2u);
  EXPECT_EQ(counts.by_suppression, 2u);
  EXPECT_EQ(exit_code(report), 1);
}

}  // namespace
}  // namespace snapgauge
