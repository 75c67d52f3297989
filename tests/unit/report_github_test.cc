#include <fmt/format.h>
#include <gtest/gtest.h>

#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;

TEST(ReportGithub, ACommandToTheByte) {
  Finding finding = finding_at("conv1", 12);
  finding.location.column = 5;
  EXPECT_EQ(render_github(report_of({finding})),
            "::error file=m.onnx,line=12,col=5,title=SG201 asymmetric-weight::"
            "in[1] of Conv2d must be quantized symmetrically%0AAt: node conv1, port in[1] (value w)%0A"
            "Expected: symmetric quantization%0AActual: affine%0ASource: op definition (SDK 2.25.0)%0A"
            "What to do: Use a symmetric scheme.\n");
  EXPECT_TRUE(render_github(report_of({finding_at("a")})).starts_with("::error file=m.onnx,title="));
  EXPECT_EQ(render_github(report_of({})), "");
}

TEST(ReportGithub, SevereOnesComeFirstAndOneCauseIsOneCommand) {
  Finding note = finding_at("n");
  note.level = Level::kNote;
  Finding warning = finding_at("w");
  warning.level = Level::kWarning;
  const std::string text = render_github(report_of({note, warning, finding_at("a"), finding_at("b")}));
  EXPECT_EQ(count_of(text, "\n"), 3u);
  EXPECT_TRUE(text.starts_with("::error "));
  EXPECT_LT(text.find("\n::warning "), text.find("\n::notice "));
  EXPECT_NE(text.find("%0ASame cause at 1 more node: b\n"), std::string::npos);
}

TEST(ReportGithub, FurtherFindingsOfOneNodeAreCounted) {
  const std::string text = render_github(report_of({finding_at("a"), finding_at("a"), finding_at("a")}));
  EXPECT_TRUE(text.ends_with("%0ASame cause in 2 more findings of the nodes named here\n")) << text;
}

TEST(ReportGithub, PropertiesAndMessagesAreEscaped) {
  Finding finding = finding_at("50%");
  finding.message = "a,b:c";
  Report report = report_of({finding});
  report.files[0].path = "a,b:c%.onnx";
  const std::string text = render_github(report);
  EXPECT_TRUE(text.starts_with("::error file=a%2Cb%3Ac%25.onnx,title=")) << text;
  EXPECT_NE(text.find("::a,b:c%0AAt: node 50%25, port"), std::string::npos) << text;
}

TEST(ReportGithub, HostileNamesStartNoCommandOfTheirOwn) {
  const std::string text = render_github(hostile_report());
  EXPECT_EQ(count_of(text, "\n"), 1u);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
}

TEST(ReportGithubSummary, WholePage) {
  Report report = report_of({finding_at("conv1"), finding_at("conv_2")},
                            {{"conv1", "", "", NodeVerdict::kRejected, ""}, {"r", "", "", NodeVerdict::kAccepted, ""}});
  EXPECT_EQ(render_github_summary(report),
            R"(### snapgauge: rejected

1 of 2 nodes rejected, 1 accepted, 0 unknown; 2 errors, 0 warnings, 0 notes; htp SM8750 \(V79\), SDK latest, pipeline ort-qnn

| file | verdict | accepted | rejected | unknown |
| --- | --- | --- | --- | --- |
| m.onnx | rejected | 1 | 1 | 0 |

| level | rule | place | finding | what to do | nodes |
| --- | --- | --- | --- | --- | --- |
| error | SG201 asymmetric-weight | m.onnx, node conv1, port in\[1\] \(value w\) | in\[1\] of Conv2d must be quantized symmetrically | Use a symmetric scheme. | 2 |

)");
}

TEST(ReportGithubSummary, LongListsAreCutAndCounted) {
  std::vector<Finding> findings;
  for (int i = 0; i < 250; ++i) {
    findings.push_back(finding_at(fmt::format("n{}", i)));
    findings.back().actual = fmt::format("{}", i);
  }
  Report report = report_of(findings);
  report.files.resize(202, {"accepted.onnx", FileVerdict::kAccepted, {}, {}, {}});
  const std::string text = render_github_summary(report);
  EXPECT_EQ(count_of(text, "| error |"), 200u);
  EXPECT_NE(text.find("\nand 50 more findings\n"), std::string::npos);
  EXPECT_NE(text.find("\nand 2 more files\n"), std::string::npos);
}

TEST(ReportGithubSummary, HostileNamesStayInTheirCell) {
  const std::string text = render_github_summary(hostile_report());
  const size_t table = text.find("| level |");
  ASSERT_NE(table, std::string::npos);
  EXPECT_EQ(count_of(text.substr(table), "\n"), 4u);  // header, rule, one row, the end
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  for (const std::string_view markup : {"</failure>", "<![", "[x](", "]("})
    EXPECT_EQ(text.find(markup), std::string::npos) << markup;
}

}  // namespace
}  // namespace snapgauge
