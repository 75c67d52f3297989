#include <gtest/gtest.h>

#include "report/levels.h"
#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;

Finding finding_of(RuleCode code, std::string node, Level level) {
  Finding f = finding_at(std::move(node));
  f.code = code;
  f.level = level;
  return f;
}

FileReport leveled(FileReport file, const std::vector<LevelRule>& levels) {
  apply_levels(file, levels);
  return file;
}

/// One rejected, one unknown and one accepted node, with a finding each, and a note about the file.
FileReport mixed() {
  FileReport file;
  file.verdict = FileVerdict::kRejected;
  file.nodes = {{"r", "op", "Op", NodeVerdict::kRejected, "of old"},
                {"u", "op", "", NodeVerdict::kUnknown, "no table"},
                {"a", "op", "Op", NodeVerdict::kAccepted, ""}};
  file.findings = {finding_of(201, "r", Level::kError), finding_of(701, "u", Level::kWarning),
                   finding_of(703, "a", Level::kNote), finding_of(504, "", Level::kWarning)};
  return file;
}

std::string levels_of(const FileReport& file) {
  std::string out;
  for (const Finding& f : file.findings) out += "nwe"[static_cast<size_t>(f.level)];
  return out;
}

std::string verdicts_of(const FileReport& file) {
  std::string out;
  for (const NodeReport& n : file.nodes) out += verdict_name(n.verdict)[0];
  return out + " " + std::string(verdict_name(file.verdict));
}

TEST(ReportLevels, TheLongestPrefixCountsWhateverTheOrder) {
  const LevelRule all{"SG", Level::kNote}, family{"SG2", Level::kWarning}, one{"SG201", Level::kError};
  EXPECT_EQ(levels_of(mixed()), "ewnw");
  EXPECT_EQ(levels_of(leveled(mixed(), {})), "ewnw");
  EXPECT_EQ(levels_of(leveled(mixed(), {all})), "nnnn");
  EXPECT_EQ(levels_of(leveled(mixed(), {all, family})), "wnnn");
  EXPECT_EQ(levels_of(leveled(mixed(), {family, all})), "wnnn");
  EXPECT_EQ(levels_of(leveled(mixed(), {one, all, family})), "ennn");
  EXPECT_EQ(levels_of(leveled(mixed(), {{"SG9", Level::kError}})), "ewnw");
}

TEST(ReportLevels, LoweringAndHidingChangeNoVerdict) {
  for (const std::optional<Level> level :
       {std::optional(Level::kNote), std::optional(Level::kWarning), std::optional<Level>()})
    EXPECT_EQ(verdicts_of(leveled(mixed(), {{"SG", level}})), "rua rejected");
  EXPECT_TRUE(leveled(mixed(), {{"SG", {}}}).findings.empty());
  EXPECT_EQ(leveled(mixed(), {{"SG", {}}, {"SG703", Level::kNote}}).findings.size(), 1u);
}

TEST(ReportLevels, AFindingRaisedToAnErrorRejectsItsNode) {
  FileReport after = leveled(mixed(), {{"SG7", Level::kError}});
  EXPECT_EQ(verdicts_of(after), "rrr rejected");
  EXPECT_EQ(after.nodes[0].reason, "of old");
  EXPECT_EQ(after.nodes[1].reason, after.findings[1].message);
  EXPECT_EQ(after.nodes[2].reason, after.findings[2].message);

  FileReport accepted = mixed();
  accepted.verdict = FileVerdict::kAccepted;
  accepted.nodes = {accepted.nodes[2]};
  accepted.findings = {finding_of(703, "a", Level::kNote), finding_of(705, "a", Level::kNote)};
  EXPECT_EQ(verdicts_of(leveled(accepted, {{"SG703", Level::kWarning}})), "a accepted");
  after = leveled(accepted, {{"SG703", Level::kError}});
  EXPECT_EQ(verdicts_of(after), "r rejected");
  EXPECT_EQ(levels_of(after), "en");
}

TEST(ReportLevels, AnErrorThatStaysOneRaisesNothing) {
  FileReport file = mixed();
  file.nodes[0].verdict = NodeVerdict::kAccepted;  // an error about a place, which rejects other nodes
  EXPECT_EQ(verdicts_of(leveled(file, {{"SG2", Level::kError}})), "aua rejected");
}

TEST(ReportLevels, AFindingAboutTheFileRejectsTheFileAlone) {
  FileReport file = mixed();
  file.verdict = FileVerdict::kIncomplete;
  file.nodes.erase(file.nodes.begin());
  EXPECT_EQ(verdicts_of(leveled(file, {{"SG504", Level::kError}})), "ua rejected");
}

TEST(ReportLevels, ASuppressedFindingIsNotRaised) {
  FileReport file = mixed();
  file.suppressed.push_back({file.findings[2], SuppressedBy::kConfiguration, "measured"});
  file.findings.erase(file.findings.begin() + 2);
  const FileReport after = leveled(file, {{"SG703", Level::kError}});
  EXPECT_EQ(verdicts_of(after), "rua rejected");
  EXPECT_EQ(after.suppressed[0].finding.level, Level::kNote);
}

TEST(ReportLevels, ANodeAcceptedBySuppressionLosesThatWhenAnotherFindingRejectsIt) {
  FileReport file = mixed();
  file.nodes[2].suppressed = true;
  const FileReport after = leveled(file, {{"SG703", Level::kError}});
  EXPECT_EQ(after.nodes[2].verdict, NodeVerdict::kRejected);
  EXPECT_FALSE(after.nodes[2].suppressed);
}

TEST(ReportLevels, AnUnreadableFileStaysAsItIs) {
  FileReport file;
  file.verdict = FileVerdict::kUnreadable;
  file.findings = {finding_of(1, "", Level::kError)};
  for (const std::optional<Level> level : {std::optional(Level::kNote), std::optional<Level>()})
    EXPECT_EQ(levels_of(leveled(file, {{"SG", level}})), "e");
}

}  // namespace
}  // namespace snapgauge
