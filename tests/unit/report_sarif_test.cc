#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;
using Json = nlohmann::ordered_json;

Json run_of(const Report& report) { return Json::parse(render_sarif(report))["runs"][0]; }
Json result_of(const Finding& finding) { return run_of(report_of({finding}))["results"][0]; }
std::string fingerprint_of(const Json& result) { return result["partialFingerprints"]["primaryLocationLineHash"]; }
std::string uri_of(const Json& location) { return location["physicalLocation"]["artifactLocation"]["uri"]; }

TEST(ReportSarif, NothingFoundIsAnEmptyList) {
  Report report = report_of({});
  report.files[0].verdict = FileVerdict::kAccepted;
  EXPECT_EQ(
      render_sarif(report),
      R"({"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",)"
      R"("version":"2.1.0","runs":[{"tool":{"driver":{"name":"snapgauge","version":"0.1.0","rules":[]}},
"automationDetails":{"id":"snapgauge/htp/SM8750/"},
"invocations":[{"executionSuccessful":true,"exitCode":0,"toolExecutionNotifications":[]}],
"columnKind":"utf16CodeUnits",
"properties":{"target":{"backend":"htp","soc":"SM8750","arch":"V79","sdk":"latest","pipeline":"ort-qnn"}},
"results":[]}]}
)");
}

TEST(ReportSarif, AResultToTheByte) {
  Finding finding = finding_at("conv1", 12);
  finding.related = {{"relu", "out[0]", "here"}};
  EXPECT_EQ(result_of(finding).dump(),
            R"({"ruleId":"SG201","ruleIndex":0,"level":"error","message":{"text":"in[1] of Conv2d must be quantized )"
            R"(symmetrically. At: node conv1, port in[1] (value w). Expected: symmetric quantization. Actual: affine. )"
            R"(Source: op definition (SDK 2.25.0). What to do: Use a symmetric scheme. Related: relu out[0]: here."},)"
            R"("locations":[{"physicalLocation":{"artifactLocation":{"uri":"m.onnx"},"region":{"startLine":12}},)"
            R"("logicalLocations":[{"name":"in[1]","fullyQualifiedName":"conv1/in[1]","kind":"port"},)"
            R"({"name":"w","fullyQualifiedName":"w","kind":"value"}]}],)"
            R"("relatedLocations":[{"physicalLocation":{"artifactLocation":{"uri":"m.onnx"}},)"
            R"("logicalLocations":[{"name":"out[0]","fullyQualifiedName":"relu/out[0]","kind":"port"}],)"
            R"("message":{"text":"here"},"id":1}],)"
            R"("partialFingerprints":{"primaryLocationLineHash":"SG201:m.onnx:conv1:in%5B1%5D:w:1"}})");
}

TEST(ReportSarif, WhatAFixChangesIsGivenInUtf16Columns) {
  Report report = report_of({finding_at("conv", 1)});
  FileReport& file = report.files[0];
  file.text = "{\"\xC3\xB6\": 1,\n \"axis\": 1}\n";
  auto change = std::make_shared<SpecChange>();
  file.findings[0].fix.change = change;
  file.replacements[change.get()] = {{{1, 8}, {1, 9}, "2"}, {{1, 9}, {2, 3}, ""}};
  const auto result = nlohmann::json::parse(render_sarif(report))["runs"][0]["results"][0];
  ASSERT_EQ(result["fixes"].size(), 1u);
  const auto changes = result["fixes"][0]["artifactChanges"];
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0]["artifactLocation"]["uri"], "m.onnx");
  const auto expected = nlohmann::json::parse(R"([
    {"deletedRegion": {"startLine": 1, "startColumn": 7, "endLine": 1, "endColumn": 8}, "insertedContent": {"text": "2"}},
    {"deletedRegion": {"startLine": 1, "startColumn": 8, "endLine": 2, "endColumn": 3}, "insertedContent": {"text": ""}}
  ])");
  EXPECT_EQ(changes[0]["replacements"], expected);
  EXPECT_EQ(result["fixes"][0]["description"]["text"].get<std::string>().find("node conv, port in[1]"), 0u);

  file.replacements.clear();
  EXPECT_FALSE(nlohmann::json::parse(render_sarif(report))["runs"][0]["results"][0].contains("fixes"));
}

TEST(ReportSarif, RulesAreThoseThatOccurAndResultsPointToThem) {
  Finding first = finding_at("a");
  Finding second = finding_at("b");
  second.code = 3;
  Finding third = finding_at("c");
  third.code = 703;
  third.level = Level::kNote;
  const Json run = run_of(report_of({third, first, second}));
  const Json& rules = run["tool"]["driver"]["rules"];
  ASSERT_EQ(rules.size(), 3u);
  for (const Json& result : run["results"]) EXPECT_EQ(rules[result["ruleIndex"].get<size_t>()]["id"], result["ruleId"]);
  EXPECT_EQ(rules[1]["id"], "SG201");
  EXPECT_EQ(rules[1]["name"], "asymmetric-weight");
  EXPECT_EQ(rules[1]["shortDescription"]["text"], "Asymmetric weight.");
  EXPECT_EQ(rules[1]["defaultConfiguration"]["level"], "error");
  EXPECT_EQ(rules[1]["properties"]["tags"], Json::array({"unsupported"}));
  EXPECT_EQ(rules[1]["properties"]["precision"], "high");
  EXPECT_EQ(rules[2]["properties"]["problem.severity"], "recommendation");
  for (const char* key : {"text", "markdown"}) EXPECT_NE(rules[1]["help"][key].get<std::string>(), "");
}

TEST(ReportSarif, SevereOnesComeFirstOtherwiseInFileOrder) {
  std::vector<Finding> findings;
  for (const Level level : {Level::kNote, Level::kError, Level::kWarning, Level::kError}) {
    findings.push_back(finding_at(fmt::format("n{}", findings.size())));
    findings.back().actual = findings.back().node;  // causes of their own
    findings.back().level = level;
  }
  Report report = report_of(findings);
  report.files.push_back(report.files[0]);
  report.files[1].path = "n.onnx";
  std::string order;
  const Json run = run_of(report);
  for (const Json& result : run["results"])
    order += uri_of(result["locations"][0]).substr(0, 1) +
             result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].get<std::string>().substr(1, 1) + " ";
  EXPECT_EQ(order, "m1 m3 n1 n3 m2 n2 m0 n0 ");
}

TEST(ReportSarif, OneCauseIsOneResultWithAtMostAThousandLocations) {
  std::vector<Finding> findings;
  for (uint32_t i = 0; i < 1000; ++i) findings.push_back(finding_at(fmt::format("n{}", i), i + 1));
  Json results = run_of(report_of(findings))["results"];
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0]["relatedLocations"].size(), 999u);
  EXPECT_EQ(results[0]["relatedLocations"][998]["physicalLocation"]["region"]["startLine"], 1000);
  EXPECT_EQ(results[0]["message"]["text"].get<std::string>().find("left out"), std::string::npos);

  findings[0].related.assign(200, {"r", "", "r"});
  results = run_of(report_of(findings))["results"];
  EXPECT_EQ(results[0]["locations"].size() + results[0]["relatedLocations"].size(), 1000u);
  const std::string text = results[0]["message"]["text"];
  EXPECT_NE(text.find("Same cause at 999 more nodes: n1, n2,"), std::string::npos) << text;
  EXPECT_NE(text.find("999 related places are listed, 200 left out."), std::string::npos) << text;
}

TEST(ReportSarif, AtMostFiveThousandResultsTheMostSevere) {
  std::vector<Finding> findings;
  for (int i = 0; i < 6001; ++i) {
    findings.push_back(finding_at(fmt::format("n{}", i)));
    findings.back().actual = fmt::format("{}", i);
    findings.back().level = i < 3000 ? Level::kNote : Level::kError;
  }
  const Json run = run_of(report_of(findings));
  const Json& results = run["results"];
  ASSERT_EQ(results.size(), 5000u);
  for (size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i]["level"], i < 3001 ? "error" : "note");
  const Json& invocation = run["invocations"][0];
  EXPECT_EQ(invocation["executionSuccessful"], true);
  ASSERT_EQ(invocation["toolExecutionNotifications"].size(), 1u);
  EXPECT_EQ(invocation["toolExecutionNotifications"][0]["level"], "warning");
  EXPECT_EQ(
      invocation["toolExecutionNotifications"][0]["message"]["text"],
      "Only the 5000 most severe results are listed; 1001 others left out: a log holds at most 5000 results and 50 "
      "MB of them.");
}

TEST(ReportSarif, AtMostFiftyMegabytesOfResultsTheMostSevere) {
  std::vector<Finding> findings;
  for (int i = 0; i < 1200; ++i) {
    findings.push_back(finding_at(fmt::format("n{}", i)));
    findings.back().actual = fmt::format("{}{}", i, std::string(50000, '\x01'));  // six bytes each when escaped
    findings.back().level = i < 1100 ? Level::kNote : Level::kError;
  }
  findings[1099].code = 3;  // of a rule whose only result does not fit
  Report report = report_of(findings);
  report.files[0].suppressed.push_back({finding_at("s"), SuppressedBy::kGraph, "measured"});
  const std::string text = render_sarif(report);
  EXPECT_EQ(text, render_sarif(report));
  const Json run = Json::parse(text)["runs"][0];
  const Json& results = run["results"];
  EXPECT_GT(text.size(), 49'500'000u);
  EXPECT_LT(text.size(), 50'010'000u);
  ASSERT_EQ(results.size(), 166u);
  for (size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i]["level"], i < 100 ? "error" : "note");
  for (const Json& result : results)
    EXPECT_EQ(run["tool"]["driver"]["rules"][result["ruleIndex"].get<size_t>()]["id"], result["ruleId"]);
  EXPECT_EQ(
      run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
      "Only the 166 most severe results are listed; 1035 others left out: a log holds at most 5000 results and 50 MB "
      "of them.");
}

TEST(ReportSarif, SuppressedResultsThatAreLeftOutAreCounted) {
  Report report = report_of({finding_at("a")});
  for (int i = 0; i < 5003; ++i)
    report.files[0].suppressed.push_back({finding_at(fmt::format("s{}", i)), SuppressedBy::kGraph, "measured"});
  const Json run = run_of(report);
  EXPECT_EQ(run["results"].size(), 5000u);
  const std::string text = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
  EXPECT_NE(text.find("Only the 5000 most severe results are listed; 4 others left out"), std::string::npos) << text;
}

TEST(ReportSarif, FingerprintsKeepWhenLinesAndNumbersMove) {
  const Finding before = finding_at("conv1", 10);
  Finding after = finding_at("conv1", 99);
  after.message = after.actual = "scale 0.25";
  EXPECT_EQ(fingerprint_of(result_of(before)), fingerprint_of(result_of(after)));
  std::vector<Finding> others(5, before);
  others[0].code = 202;
  others[1].node = "conv2";
  others[2].port = "in[2]";
  others[3].value = "v";
  others[4].node = "conv1:in[1]", others[4].port = "";
  for (const Finding& other : others) EXPECT_NE(fingerprint_of(result_of(other)), fingerprint_of(result_of(before)));

  after.source.document = "another";  // a second row of the table about the same place
  const Json results = run_of(report_of({before, after}))["results"];
  EXPECT_EQ(fingerprint_of(results[0]), "SG201:m.onnx:conv1:in%5B1%5D:w:1");
  EXPECT_EQ(fingerprint_of(results[1]), "SG201:m.onnx:conv1:in%5B1%5D:w:2");
}

TEST(ReportSarif, PathsBecomeUris) {
  const std::pair<std::string, std::string> rows[] = {
      {"m.onnx", "m.onnx"},
      {"./a/../b/m.onnx", "b/m.onnx"},
      {"../m.onnx", "../m.onnx"},
      {"a b#c?d%e:f[g].onnx", "a%20b%23c%3Fd%25e%3Af%5Bg%5D.onnx"},
      {"gr\xC3\xB6\xC3\x9F"
       "e",
       "gr%C3%B6%C3%9Fe"},
      {"\xFF", "%FF"},
      {"/models/m 1.onnx", "file:///models/m%201.onnx"},
  };
  for (const auto& [path, uri] : rows) {
    Report report = report_of({finding_at("a")});
    report.files[0].path = path;
    EXPECT_EQ(uri_of(run_of(report)["results"][0]["locations"][0]), uri);
  }
}

TEST(ReportSarif, PlacesWithoutALineAreOnLineOneAndColumnsCountUtf16) {
  EXPECT_EQ(result_of(finding_at("a"))["locations"][0]["physicalLocation"]["region"], Json({{"startLine", 1}}));
  Finding finding = finding_at("a");
  finding.location = {2, 12};
  Report report = report_of({finding});
  report.files[0].text = "x\n\xC3\xB6\xE9\x87\x8F\xF0\x9F\x98\x80 {\"a\"}";  // 2, 3 and 4 bytes: 1, 1 and 2 units
  EXPECT_EQ(run_of(report)["results"][0]["locations"][0]["physicalLocation"]["region"],
            Json({{"startLine", 2}, {"startColumn", 7}}));
}

TEST(ReportSarif, AnUnreadableFileIsAResultAndANotification) {
  Finding finding;
  finding.code = 1;
  finding.message = "cut off";
  Report report = report_of({finding});
  report.files[0].verdict = FileVerdict::kUnreadable;
  const Json run = run_of(report);
  EXPECT_EQ(run["invocations"][0].dump(),
            R"({"executionSuccessful":false,"exitCode":2,"toolExecutionNotifications":[{"level":"error",)"
            R"("message":{"text":"m.onnx: cut off."},"locations":[{"physicalLocation":)"
            R"({"artifactLocation":{"uri":"m.onnx"}}}]}]})");
  EXPECT_EQ(run["results"].size(), 1u);
  EXPECT_FALSE(run["results"][0]["locations"][0].contains("logicalLocations"));

  report.files[0].findings.clear();  // the user left the rule out; the file still cannot be read
  EXPECT_EQ(run_of(report)["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
            "m.onnx: cannot be read.");
}

TEST(ReportSarif, HostileNamesNeitherBreakTheObjectNorMakeLinksOrPlaceholders) {
  const std::string text = render_sarif(hostile_report());
  const Json run = Json::parse(text)["runs"][0];
  const std::string message = run["results"][0]["message"]["text"];
  EXPECT_NE(message.find("{{0}}"), std::string::npos);
  EXPECT_NE(message.find("[x\\](http"), std::string::npos);
  EXPECT_NE(message.find("\xEF\xBF\xBD"), std::string::npos);
  for (const char c : uri_of(run["results"][0]["locations"][0])) EXPECT_TRUE(c > 0x20 && c < 0x7F && c != ':') << c;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace snapgauge
