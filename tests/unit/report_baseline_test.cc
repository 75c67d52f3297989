#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "report/baseline.h"
#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;

std::string same_name(const std::string& path) { return path; }

/// A rejected file with one error a node, all alike otherwise.
FileReport file_of(std::string path, const std::vector<std::string>& nodes) {
  FileReport file;
  file.path = std::move(path);
  file.verdict = nodes.empty() ? FileVerdict::kAccepted : FileVerdict::kRejected;
  for (const std::string& name : nodes) {
    file.nodes.push_back({name, "aten.conv2d", "Conv2d", NodeVerdict::kRejected, "because"});
    file.findings.push_back(finding_at(name));
  }
  return file;
}

Report report_with(std::vector<FileReport> files) {
  Report report = report_of({});
  report.files = std::move(files);
  return report;
}

Comparison compare(const Baseline& baseline, Report& report, const Baseline::FileNames& names = same_name) {
  return baseline.apply(report, SuppressedBy::kBaseline, "known", names);
}

std::string numbers(const Comparison& c) { return fmt::format("{} = {} + {}", c.before, c.known, c.gone); }

Baseline reread(const Baseline& baseline) {
  auto read = Baseline::parse(baseline.text(), "again.json");
  EXPECT_TRUE(read) << read.error().message();
  return read ? std::move(*read) : Baseline();
}

/// The text of the error that `text` is refused with; empty when it is taken.
std::string refusal(std::string_view text) {
  const auto parsed = Baseline::parse(text, "base.json");
  if (parsed) return "";
  EXPECT_EQ(parsed.error().subject, "base.json");
  EXPECT_EQ(parsed.error().text.find('\n'), std::string::npos) << parsed.error().text;
  return parsed.error().text;
}

std::string with_findings(std::string_view findings) {
  return fmt::format(R"({{"schema":"snapgauge-baseline/1","files":[{{"path":"m","findings":[{}]}}]}})", findings);
}

std::string with_count(std::string_view count) {
  return with_findings(fmt::format(R"({{"code":"SG201","node":"a","op":"o","port":"","value":"","count":{}}})", count));
}

TEST(ReportBaseline, WhatWasRecordedIsKnownAgain) {
  Report report = report_with({file_of("m", {"a", "b"}), file_of("clean", {})});
  const Baseline baseline = Baseline::of(report, same_name);
  EXPECT_EQ(baseline.text(), reread(baseline).text());
  EXPECT_EQ(numbers(compare(reread(baseline), report)), "2 = 2 + 0");
  EXPECT_TRUE(report.files[0].findings.empty());
  ASSERT_EQ(report.files[0].suppressed.size(), 2u);
  EXPECT_EQ(report.files[0].suppressed[0].by, SuppressedBy::kBaseline);
  EXPECT_EQ(report.files[0].suppressed[0].reason, "known");
  EXPECT_EQ(report.files[0].verdict, FileVerdict::kAccepted);
  EXPECT_EQ(exit_code(report), 0);
}

TEST(ReportBaseline, TheTextToTheByte) {
  EXPECT_EQ(Baseline().text(), "{\"schema\":\"snapgauge-baseline/1\",\"files\":[]}\n");
  EXPECT_EQ(Baseline::of(report_with({file_of("clean", {})}), same_name).text(), Baseline().text());
  EXPECT_EQ(Baseline::of(report_with({file_of("n", {"a"}), file_of("m", {"b", "b"})}), same_name).text(),
            R"({"schema":"snapgauge-baseline/1","files":[
{"path":"m","findings":[
{"code":"SG201","node":"b","op":"aten.conv2d","port":"in[1]","value":"w","count":2}]},
{"path":"n","findings":[
{"code":"SG201","node":"a","op":"aten.conv2d","port":"in[1]","value":"w","count":1}]}]}
)");
}

TEST(ReportBaseline, LinesAndNumbersMayMoveTheRestIsAnotherFinding) {
  const Baseline baseline = Baseline::of(report_with({file_of("m", {"a"})}), same_name);
  Report moved = report_with({file_of("m", {"a"})});
  Finding& f = moved.files[0].findings[0];
  f.location = {99, 9};
  f.message = f.expected = f.actual = f.source.document = f.fix.title = "other";
  f.level = Level::kWarning;
  EXPECT_EQ(numbers(compare(baseline, moved)), "1 = 1 + 0");

  const std::vector<std::function<void(FileReport&)>> changes = {
      [](FileReport& file) { file.findings[0].code = 202; },
      [](FileReport& file) { file.findings[0].node = file.nodes[0].name = "b"; },
      [](FileReport& file) { file.nodes[0].op = "aten.linear"; },
      [](FileReport& file) { file.findings[0].port = "in[2]"; },
      [](FileReport& file) { file.findings[0].value = "v"; },
  };
  for (const auto& change : changes) {
    Report report = report_with({file_of("m", {"a"})});
    change(report.files[0]);
    EXPECT_EQ(numbers(compare(baseline, report)), "1 = 0 + 1");
    EXPECT_EQ(report.files[0].findings.size(), 1u);
  }
  Report renamed = report_with({file_of("other", {"a"})});
  EXPECT_EQ(numbers(compare(baseline, renamed)), "0 = 0 + 0") << "a file that is not in the run says nothing";
}

TEST(ReportBaseline, AsOftenAsItWasRecorded) {
  const Baseline once = Baseline::of(report_with({file_of("m", {"a"})}), same_name);
  const Baseline thrice = Baseline::of(report_with({file_of("m", {"a", "a", "a"})}), same_name);
  Report twice = report_with({file_of("m", {"a", "a"})});
  Report again = twice;
  EXPECT_EQ(numbers(compare(once, twice)), "1 = 1 + 0");
  EXPECT_EQ(twice.files[0].findings.size(), 1u);
  EXPECT_EQ(exit_code(twice), 1);
  EXPECT_EQ(numbers(compare(thrice, again)), "3 = 2 + 1");
  EXPECT_EQ(exit_code(again), 0);
}

TEST(ReportBaseline, AFileThatARunNamesTwiceIsKnownBothTimes) {
  Report report = report_with({file_of("m", {"a"}), file_of("m", {"a"})});
  const Baseline baseline = Baseline::of(report, same_name);
  EXPECT_EQ(baseline.text(), Baseline::of(report_with({file_of("m", {"a"})}), same_name).text());
  compare(baseline, report);
  EXPECT_TRUE(report.files[0].findings.empty());
  EXPECT_TRUE(report.files[1].findings.empty());
  EXPECT_EQ(exit_code(report), 0);
}

TEST(ReportBaseline, WhatIsSuppressedOrUnreadableTakesNoPart) {
  Report report = report_with({file_of("m", {"a", "b"}), file_of("broken", {"x"})});
  report.files[0].suppressed.push_back({report.files[0].findings[1], SuppressedBy::kGraph, "measured"});
  report.files[0].findings.pop_back();
  report.files[1].verdict = FileVerdict::kUnreadable;
  const Baseline baseline = Baseline::of(report, same_name);
  EXPECT_EQ(count_of(baseline.text(), "\"code\""), 1u);
  EXPECT_EQ(count_of(baseline.text(), "broken"), 0u);

  const Baseline both = Baseline::of(report_with({file_of("m", {"a"}), file_of("broken", {"x"})}), same_name);
  EXPECT_EQ(numbers(compare(both, report)), "1 = 1 + 0") << "what is gone from an unreadable file is not known";
  EXPECT_EQ(report.files[1].findings.size(), 1u);
  EXPECT_EQ(exit_code(report), 2);
}

TEST(ReportBaseline, UpdateTakesOverTheFilesOfTheRunAndKeepsTheOthers) {
  Baseline baseline =
      Baseline::of(report_with({file_of("gone", {"x"}), file_of("m", {"a", "b"}), file_of("stays", {"s"})}), same_name);
  baseline.update(Baseline::of(report_with({file_of("gone", {}), file_of("m", {"b", "c"})}), same_name));
  const std::string text = baseline.text();
  EXPECT_EQ(count_of(text, "\"path\":\"stays\""), 1u);
  EXPECT_EQ(count_of(text, "\"path\":\"gone\""), 0u) << "nothing is left to record of it";
  EXPECT_EQ(count_of(text, "\"node\":\"a\""), 0u);
  EXPECT_EQ(count_of(text, "\"node\":\"c\""), 1u);
  EXPECT_EQ(reread(baseline).text(), text);
}

TEST(ReportBaseline, AnyNameSurvivesWritingAndReading) {
  // Paths are bytes; names in findings were made printable when the graph was read.
  for (const std::string& name :
       {kHostile, std::string("m\xFF.onnx"), std::string("m\n.onnx"), std::string("\xC3\xA9")}) {
    Report report = report_with({file_of(name, {"a\"\\"})});
    const Baseline baseline = reread(Baseline::of(report, same_name));
    EXPECT_EQ(numbers(compare(baseline, report)), "1 = 1 + 0") << name;
  }
  // Names that differ in such bytes only stay apart.
  Report report = report_with({file_of("\xFF", {"a"}), file_of("\xFE", {"a", "b"})});
  EXPECT_EQ(numbers(compare(reread(Baseline::of(report, same_name)), report)), "3 = 3 + 0");
}

TEST(ReportBaseline, HostileTextIsRefusedWithItsPlace) {
  const std::string good = with_count("1");
  ASSERT_EQ(refusal(good), "");
  for (size_t length = 0; length < good.size(); ++length) EXPECT_NE(refusal(good.substr(0, length)), "") << length;
  EXPECT_NE(refusal(good + good), "");
  const std::pair<std::string, std::string> rows[] = {
      {"[]", "the baseline must be an object"},
      {"null", "the baseline must be an object"},
      {"{}", "the baseline has no \"schema\""},
      {R"({"schema":1,"files":[]})", "\"schema\" of the baseline has the wrong type"},
      {R"({"schema":"snapgauge-baseline/2","files":[]})", "\"schema\" must be snapgauge-baseline/1"},
      {R"({"schema":"snapgauge-baseline/1"})", "the baseline has no \"files\""},
      {R"({"schema":"snapgauge-baseline/1","files":{}})", "\"files\" of the baseline has the wrong type"},
      {R"({"schema":"snapgauge-baseline/1","files":[[]]})", "files[0] must be an object"},
      {R"({"schema":"snapgauge-baseline/1","files":[{"path":null,"findings":[]}]})",
       "\"path\" of files[0] has the wrong type"},
      {R"({"schema":"snapgauge-baseline/1","files":[{"path":"m"}]})", "files[0] has no \"findings\""},
      {with_findings("7"), "files[0].findings[0] must be an object"},
      {with_findings("{}"), "files[0].findings[0] has no \"count\""},
      {with_findings(R"({"code":"SG201","node":7,"op":"","port":"","value":"","count":1})"),
       "\"node\" of files[0].findings[0] has the wrong type"},
      {with_findings(R"({"code":"SG201","node":"a","op":"","port":"","count":1})"),
       "files[0].findings[0] has no \"value\""},
      {with_count("0"), "\"count\" of files[0].findings[0] is out of range"},
      {with_count("4294967296"), "\"count\" of files[0].findings[0] is out of range"},
      {with_count("18446744073709551615"), "\"count\" of files[0].findings[0] is out of range"},
      {with_count("18446744073709551616"), "\"count\" of files[0].findings[0] has the wrong type"},
      {with_count("-1"), "\"count\" of files[0].findings[0] has the wrong type"},
      {with_count("1.0"), "\"count\" of files[0].findings[0] has the wrong type"},
      {with_count("\"1\""), "\"count\" of files[0].findings[0] has the wrong type"},
      {with_count("true"), "\"count\" of files[0].findings[0] has the wrong type"},
  };
  for (const auto& [text, wanted] : rows) EXPECT_EQ(refusal(text), wanted) << text;
  for (const std::string& text :
       {with_count("1e999"), with_count("01"), with_count("NaN"), good + "x", with_findings("{\"code\":\"\xFF\"}"),
        std::string(1000000, '['), std::string(1, '\0')})
    EXPECT_NE(refusal(text), "") << text.substr(0, 80);
}

TEST(ReportBaseline, HugeCountsNeitherOverflowNorTakeTime) {
  const std::string one =
      R"({"code":"SG201","node":"a","op":"aten.conv2d","port":"in[1]","value":"w","count":4294967295})";
  auto parsed = Baseline::parse(with_findings(one + "," + one), "base.json");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(refusal(parsed->text()), "") << "what was written is read again";
  Report report = report_with({file_of("m", {"a", "a"})});
  EXPECT_EQ(numbers(compare(*parsed, report)), "4294967295 = 2 + 4294967293");
}

TEST(ReportBaseline, UnknownKeysAndCodesAreFromANewerVersion) {
  EXPECT_EQ(
      refusal(with_findings(R"({"code":"SG999","node":"a","op":"","port":"","value":"","count":1,"since":"2.0"})")),
      "");
}

TEST(ReportBaseline, PathsAreRelativeToTheBaseline) {
  const Baseline::FileNames names = names_beside("/srv/ci/base.json");
  EXPECT_EQ(names("/srv/ci/m.onnx"), "m.onnx");
  EXPECT_EQ(names("/srv/models/./a/../m.onnx"), "../models/m.onnx");
  const Baseline::FileNames here = names_beside("base.json");
  EXPECT_EQ(here("m.onnx"), "m.onnx");
  EXPECT_EQ(here("./m.onnx"), "m.onnx");
  EXPECT_EQ(names_beside("ci/base.json")("m.onnx"), "../m.onnx");
}

}  // namespace
}  // namespace snapgauge
