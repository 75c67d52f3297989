#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/report.h"

namespace snapgauge {
namespace {

using Json = nlohmann::ordered_json;
using Keys = std::vector<std::string>;

Keys keys_of(const Json& object) {
  Keys keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

Finding full_finding() {
  Finding finding;
  finding.code = 3;
  finding.node = "conv1";
  finding.port = "in[1]";
  finding.value = "w";
  finding.message = "m";
  finding.expected = "e";
  finding.actual = "a";
  finding.source = {"a document", "2.25.0"};
  finding.location = {12, 5};
  finding.related = {{"relu", "out[0]", "here"}, {"", "", "there"}};
  finding.fix = {"Do it", FixSafety::kSafe};
  return finding;
}

Report one_file(std::vector<NodeReport> nodes, std::vector<Finding> findings) {
  Report report{"0.1.0", "htp", "SM8750", "V79", "latest", "ort-qnn", true, {}};
  report.files.push_back({"m.onnx", FileVerdict::kRejected, std::move(nodes), std::move(findings), {}});
  return report;
}

TEST(ReportJson, WholeObjectToTheByte) {
  const Report report = one_file({{"conv1", "Conv", "Conv2d", NodeVerdict::kRejected, "SG003"}}, {full_finding()});
  EXPECT_EQ(render_json(report),
            R"({"schema":"snapgauge-report/1","tool":{"name":"snapgauge","version":"0.1.0"},
"target":{"backend":"htp","soc":"SM8750","arch":"V79","sdk":"latest","pipeline":"ort-qnn"},"mode":"strict",
"files":[{"path":"m.onnx","verdict":"rejected","nodes":[
{"name":"conv1","op":"Conv","backend_op":"Conv2d","verdict":"rejected","reason":"SG003"}],
"findings":[
{"code":"SG003","rule":"dangling-shared-spec","kind":"invalid","level":"error",)"
            R"("node":"conv1","port":"in[1]","value":"w","message":"m","expected":"e","actual":"a",)"
            R"("source":{"document":"a document","sdk":"2.25.0"},"location":{"line":12,"column":5},)"
            R"("related":[{"node":"relu","port":"out[0]","message":"here"},{"node":"","port":"","message":"there"}],)"
            R"("fix":{"title":"Do it","safety":"safe"}}]}],
"summary":{"nodes":1,"accepted":0,"rejected":1,"unknown":0,"errors":1,"warnings":0,"notes":0}}
)");
}

TEST(ReportJson, KeyOrder) {
  const Json json = Json::parse(render_json(one_file({}, {full_finding()})));
  EXPECT_EQ(keys_of(json), (Keys{"schema", "tool", "target", "mode", "files", "summary"}));
  EXPECT_EQ(keys_of(json["files"][0]), (Keys{"path", "verdict", "nodes", "findings"}));
  EXPECT_EQ(keys_of(json["files"][0]["findings"][0]),
            (Keys{"code", "rule", "kind", "level", "node", "port", "value", "message", "expected", "actual", "source",
                  "location", "related", "fix"}));
  EXPECT_EQ(keys_of(json["summary"]),
            (Keys{"nodes", "accepted", "rejected", "unknown", "errors", "warnings", "notes"}));
}

TEST(ReportJson, EmptyPartsAreAbsentAndTheSourceIsTheRules) {
  Finding finding;
  finding.code = 1;
  finding.message = "cut off";
  const Json json = Json::parse(render_json(one_file({}, {finding})))["files"][0]["findings"][0];
  EXPECT_EQ(keys_of(json), (Keys{"code", "rule", "kind", "level", "node", "message", "expected", "actual", "source"}));
  EXPECT_EQ(json["kind"], "malformed");
  EXPECT_EQ(json["source"]["document"], "snapgauge file formats");
  EXPECT_EQ(json["source"]["sdk"], "");
}

TEST(ReportJson, EmptyRunAndWarnMode) {
  Report report;
  report.strict = false;
  const std::string text = render_json(report);
  const Json json = Json::parse(text);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(json["mode"], "warn");
  EXPECT_TRUE(json["files"].is_array());
  EXPECT_TRUE(json["files"].empty());
}

TEST(ReportJson, SeveralFilesStaySeparate) {
  Report report = one_file({{"a", "", "", NodeVerdict::kAccepted, ""}, {"b", "", "", NodeVerdict::kUnknown, "?"}}, {});
  report.files.push_back({"second", FileVerdict::kUnreadable, {}, {full_finding(), full_finding()}, {}});
  const Json json = Json::parse(render_json(report));
  ASSERT_EQ(json["files"].size(), 2u);
  EXPECT_EQ(json["files"][0]["nodes"][1]["verdict"], "unknown");
  EXPECT_TRUE(json["files"][0]["findings"].is_array());
  EXPECT_EQ(json["files"][1]["findings"].size(), 2u);
  EXPECT_EQ(json["files"][1]["verdict"], "unreadable");
}

TEST(ReportJson, HostileNamesStayInTheirString) {
  const std::string quote = "\",\"verdict\":\"accepted\"}\n\x1b[0m";
  const std::string broken = "\xFF\xED\xA0\x80 \xC0\x80";
  const std::string nul("a\0b", 3);
  Report report = one_file({{quote, broken, nul, NodeVerdict::kRejected, broken}}, {full_finding()});
  report.files[0].path = report.files[0].findings[0].node = report.soc = broken;
  const std::string text = render_json(report);
  const Json json = Json::parse(text);
  EXPECT_EQ(json["files"][0]["nodes"].size(), 1u);
  EXPECT_EQ(json["files"][0]["nodes"][0]["name"], quote);
  EXPECT_EQ(json["files"][0]["nodes"][0]["backend_op"], nul);
  EXPECT_NE(json["files"][0]["path"].get<std::string>().find("\xEF\xBF\xBD"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace snapgauge
