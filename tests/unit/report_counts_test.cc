#include <gtest/gtest.h>

#include <tuple>

#include "report/report.h"

namespace snapgauge {
namespace {

Report run_of(std::initializer_list<FileVerdict> verdicts, bool strict) {
  Report report;
  report.strict = strict;
  for (const FileVerdict verdict : verdicts) {
    FileReport file;
    file.verdict = verdict;
    report.files.push_back(file);
  }
  return report;
}

TEST(ReportCounts, NamesOfVerdicts) {
  EXPECT_EQ(verdict_name(NodeVerdict::kAccepted), "accepted");
  EXPECT_EQ(verdict_name(NodeVerdict::kRejected), "rejected");
  EXPECT_EQ(verdict_name(NodeVerdict::kUnknown), "unknown");
  EXPECT_EQ(verdict_name(FileVerdict::kAccepted), "accepted");
  EXPECT_EQ(verdict_name(FileVerdict::kIncomplete), "incomplete");
  EXPECT_EQ(verdict_name(FileVerdict::kRejected), "rejected");
  EXPECT_EQ(verdict_name(FileVerdict::kUnreadable), "unreadable");
}

TEST(ReportCounts, ExitCodeOfOneFile) {
  const std::tuple<FileVerdict, int, int> rows[] = {{FileVerdict::kAccepted, 0, 0},
                                                    {FileVerdict::kIncomplete, 1, 0},
                                                    {FileVerdict::kRejected, 1, 0},
                                                    {FileVerdict::kUnreadable, 2, 2}};
  for (const auto& [verdict, strict, warn] : rows) {
    EXPECT_EQ(exit_code(run_of({verdict}, true)), strict) << verdict_name(verdict);
    EXPECT_EQ(exit_code(run_of({verdict}, false)), warn) << verdict_name(verdict);
  }
}

TEST(ReportCounts, TheWorstFileOfABatchDecides) {
  using enum FileVerdict;
  EXPECT_EQ(exit_code(run_of({}, true)), 0);
  EXPECT_EQ(exit_code(run_of({kAccepted, kAccepted}, true)), 0);
  EXPECT_EQ(exit_code(run_of({kRejected, kAccepted}, true)), 1);
  EXPECT_EQ(exit_code(run_of({kAccepted, kIncomplete, kAccepted}, true)), 1);
  EXPECT_EQ(exit_code(run_of({kUnreadable, kRejected, kAccepted}, true)), 2);
  EXPECT_EQ(exit_code(run_of({kRejected, kUnreadable}, false)), 2);
  EXPECT_EQ(exit_code(run_of({kRejected, kIncomplete}, false)), 0);
}

TEST(ReportCounts, CountsOverAllFiles) {
  Report report = run_of({FileVerdict::kRejected, FileVerdict::kIncomplete}, true);
  report.files[0].nodes = {{"a", "", "", NodeVerdict::kAccepted, ""}, {"b", "", "", NodeVerdict::kRejected, "r"}};
  report.files[1].nodes = {{"c", "", "", NodeVerdict::kUnknown, "u"}, {"d", "", "", NodeVerdict::kAccepted, ""}};
  for (const Level level : {Level::kError, Level::kError, Level::kWarning, Level::kNote, Level::kNote, Level::kNote}) {
    Finding finding;
    finding.code = 2;
    finding.level = level;
    report.files[finding.level == Level::kNote].findings.push_back(finding);
  }
  const Counts counts = count(report);
  EXPECT_EQ(counts.nodes, 4u);
  EXPECT_EQ(counts.accepted, 2u);
  EXPECT_EQ(counts.rejected, 1u);
  EXPECT_EQ(counts.unknown, 1u);
  EXPECT_EQ(counts.errors, 2u);
  EXPECT_EQ(counts.warnings, 1u);
  EXPECT_EQ(counts.notes, 3u);
}

}  // namespace
}  // namespace snapgauge
