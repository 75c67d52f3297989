#include <gtest/gtest.h>

#include "report_fixture.h"

namespace snapgauge {
namespace {

using namespace testing;

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(ReportJunit, WholeReport) {
  Finding warning = finding_at("relu");
  warning.level = Level::kWarning;
  const Report report =
      report_of({finding_at("conv1"), warning}, {{"conv1", "", "", NodeVerdict::kRejected, "a reason"},
                                                 {"relu", "", "", NodeVerdict::kAccepted, ""},
                                                 {"odd", "", "", NodeVerdict::kUnknown, "no map"},
                                                 {"add", "", "", NodeVerdict::kAccepted, ""}});
  EXPECT_EQ(render_junit(report),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="snapgauge" tests="4" failures="1" errors="0" skipped="1">
<testsuite name="m.onnx [htp SM8750 (V79), SDK latest, pipeline ort-qnn]" tests="4" failures="1" errors="0" skipped="1">
<testcase name="conv1" classname="m.onnx"><failure message="a reason" type="asymmetric-weight">)"
            "error[SG201] asymmetric-weight: in[1] of Conv2d must be quantized symmetrically&#10;"
            "At: node conv1, port in[1] (value w)&#10;Expected: symmetric quantization&#10;Actual: affine&#10;"
            "Source: op definition (SDK 2.25.0)&#10;What to do: Use a symmetric scheme.&#10;</failure></testcase>\n"
            "<testcase name=\"relu\" classname=\"m.onnx\"><system-out>"
            "warning[SG201] asymmetric-weight: in[1] of Conv2d must be quantized symmetrically&#10;"
            "At: node relu, port in[1] (value w)&#10;Expected: symmetric quantization&#10;Actual: affine&#10;"
            "Source: op definition (SDK 2.25.0)&#10;What to do: Use a symmetric scheme.&#10;</system-out></testcase>\n"
            R"(<testcase name="odd" classname="m.onnx"><skipped message="no map"></skipped></testcase>
<testcase name="add" classname="m.onnx"/>
</testsuite>
</testsuites>
)");
}

TEST(ReportJunit, WhatConcernsNoJudgedNodeIsACaseOfItsOwn) {
  Finding of_file = finding_at("");
  of_file.message = "of the file";
  Finding of_other = finding_at("an input");
  of_other.level = Level::kNote;
  Report report = report_of({of_other, of_file}, {{"a", "", "", NodeVerdict::kAccepted, ""}});
  const std::string failed = render_junit(report);
  EXPECT_TRUE(contains(failed, "tests=\"2\" failures=\"1\" errors=\"0\""));
  EXPECT_TRUE(contains(failed, "<testcase name=\"(file)\" classname=\"m.onnx\"><failure message=\"of the file\""));
  EXPECT_TRUE(contains(failed, "At: node an input, port"));
  report.files[0].findings.pop_back();
  EXPECT_TRUE(contains(render_junit(report), "<testcase name=\"(file)\" classname=\"m.onnx\"><system-out>note[SG201]"));
  report.files[0].findings.clear();
  EXPECT_FALSE(contains(render_junit(report), "(file)"));
}

TEST(ReportJunit, AnUnreadableFileIsAnErrorWithOrWithoutItsFinding) {
  Finding finding;
  finding.code = 1;
  finding.message = "cut off";
  Report report = report_of({finding});
  report.files[0].verdict = FileVerdict::kUnreadable;
  EXPECT_TRUE(contains(render_junit(report), "tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\""));
  EXPECT_TRUE(contains(render_junit(report), "><error message=\"cut off\" type=\"unreadable-file\">error[SG001]"));
  report.files[0].findings.clear();
  EXPECT_TRUE(contains(render_junit(report), "><error message=\"cannot be read\"></error></testcase>"));
}

TEST(ReportJunit, EveryFileIsASuite) {
  Report report = report_of({finding_at("a")}, {{"a", "", "", NodeVerdict::kRejected, "r"}});
  report.files.push_back(report.files[0]);
  const std::string text = render_junit(report);
  EXPECT_TRUE(contains(text, "<testsuites name=\"snapgauge\" tests=\"2\" failures=\"2\""));
  EXPECT_EQ(count_of(text, "<testsuite name=\"m.onnx [htp"), 2u);
}

TEST(ReportJunit, AnyBytesBecomeXml) {
  Report report = report_of(
      {}, {{"<&>\"\t\r\n", "", "", NodeVerdict::kAccepted, ""},
           {std::string("a\0b\x1b\x7F", 5), "", "", NodeVerdict::kAccepted, ""},
           {"\xFF\xC0\x80\xED\xA0\x80\xE2\x82", "", "", NodeVerdict::kAccepted, ""},
           {"\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBF\xBD\xF0\x9F\x98\x80\xC2\x85", "", "", NodeVerdict::kAccepted, ""}});
  const std::string text = render_junit(report);
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_TRUE(contains(text, "name=\"&lt;&amp;&gt;&quot;&#9;&#13;&#10;\""));
  EXPECT_TRUE(contains(text, "name=\"a" + bad + "b" + bad + "&#127;\""));
  EXPECT_TRUE(contains(text, "name=\"" + bad + bad + bad + bad + bad + bad + bad + bad + "\""));
  EXPECT_TRUE(contains(text, "name=\"" + bad + bad + bad + "\xF0\x9F\x98\x80&#133;\""));
}

TEST(ReportJunit, HostileNamesStayInTheirElement) {
  const std::string text = render_junit(hostile_report());
  EXPECT_EQ(count_of(text, "</failure>"), 1u);
  EXPECT_EQ(count_of(text, "<![CDATA["), 0u);
  EXPECT_EQ(count_of(text, "\n"), 7u);
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << int{c};
}

}  // namespace
}  // namespace snapgauge
