#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;
using Json = nlohmann::ordered_json;

std::vector<Json> lines_of(const Report& report) {
  std::vector<Json> lines;
  std::istringstream text(render_json_lines(report));
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

TEST(ReportJsonLines, WholeReportToTheByte) {
  const Report report = report_of({finding_at("conv1", 12)}, {{"conv1", "Conv", "Conv2d", NodeVerdict::kRejected, "r"},
                                                              {"a", "Add", "", NodeVerdict::kUnknown, "u"}});
  EXPECT_EQ(
      render_json_lines(report),
      R"({"type":"run","schema":"snapgauge-lines/1","tool":{"name":"snapgauge","version":"0.1.0"},)"
      R"("target":{"backend":"htp","soc":"SM8750","arch":"V79","sdk":"latest","pipeline":"ort-qnn"},"mode":"strict"}
{"type":"finding","path":"m.onnx","code":"SG201","rule":"asymmetric-weight","kind":"unsupported","level":"error",)"
      R"("node":"conv1","port":"in[1]","value":"w","message":"in[1] of Conv2d must be quantized symmetrically",)"
      R"("expected":"symmetric quantization","actual":"affine","source":{"document":"op definition","sdk":"2.25.0"},)"
      R"("location":{"line":12,"column":1},"fix":{"title":"Use a symmetric scheme.","safety":"show"}}
{"type":"file","path":"m.onnx","verdict":"rejected","nodes":2,"accepted":0,"rejected":1,"unknown":1}
{"type":"summary","nodes":2,"accepted":0,"rejected":1,"unknown":1,"errors":1,"warnings":0,"notes":0}
)");
}

TEST(ReportJsonLines, FindingsAreNotFoldedAndStandBeforeTheirFile) {
  Report report = report_of({finding_at("a"), finding_at("b")});
  report.files.push_back({"second", FileVerdict::kAccepted, {}, {}, {}});
  std::string types;
  for (const Json& line : lines_of(report)) types += line["type"].get<std::string>() + " ";
  EXPECT_EQ(types, "run finding finding file file summary ");
}

TEST(ReportJsonLines, HostileNamesKeepToTheirLine) {
  const std::vector<Json> lines = lines_of(hostile_report());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[1]["type"], "finding");
  EXPECT_EQ(lines[1]["path"], lines[2]["path"]);
}

}  // namespace
}  // namespace snapgauge
