#include <fmt/format.h>
#include <gtest/gtest.h>

#include "report/report.h"

namespace snapgauge {
namespace {

constexpr std::string_view kText =
    "{\n"
    "  \"nodes\": [\n"
    "    { \"name\": \"conv1\" }\n"
    "  ]\n"
    "}\n";

Finding dangling(std::string node) {
  Finding finding;
  finding.code = 3;
  finding.port = "in[1]";
  finding.value = "w";
  finding.message = "the shared spec of in[1] refers to relu, which has no quantization spec";
  finding.expected = "a spec at relu";
  finding.actual = "none";
  finding.source = {"PT2E page", "2.25.0"};
  finding.node = std::move(node);
  return finding;
}

Report run(std::vector<Finding> findings, std::vector<NodeReport> nodes = {}) {
  Report report{"0.1.0", "htp", "SM8750", "V79", "latest", "executorch", true, {}};
  report.files.push_back({"m.json", FileVerdict::kRejected, std::move(nodes), std::move(findings), {}});
  return report;
}

std::string text_of(const Report& report, bool verbose = false) { return render_text(report, {false, verbose, 100}); }

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(ReportText, WholeReport) {
  Finding finding = dangling("conv1");
  finding.location = {3, 15};
  finding.related = {{"relu", "out[0]", "has no spec"}, {"", "", "exported without observers"}};
  Report report = run({finding}, {{"conv1", "conv", "Conv2d", NodeVerdict::kRejected, "SG003"},
                                  {"add", "add", "ElementWiseAdd", NodeVerdict::kAccepted, ""}});
  report.files[0].text = kText;
  EXPECT_EQ(text_of(report),
            "m.json: rejected\n"
            "\n"
            "error[SG003] dangling-shared-spec: the shared spec of in[1] refers to relu, which has no quantization "
            "spec\n"
            "  --> m.json:3:15  node conv1, port in[1] (value w)\n"
            "   |\n"
            " 3 |     { \"name\": \"conv1\" }\n"
            "   |               ^\n"
            "  expected  a spec at relu\n"
            "  actual    none\n"
            "  source    PT2E page (SDK 2.25.0)\n"
            "  fix       Annotate the referenced place, or give this one a spec of its own.\n"
            "  related   relu out[0]: has no spec\n"
            "  related   exported without observers\n"
            "\n"
            "rejected: 1 of 2 nodes rejected, 1 accepted, 0 unknown; 1 error, 0 warnings, 0 notes; "
            "htp SM8750 (V79), SDK latest, pipeline executorch\n");
}

TEST(ReportText, ColourOnlyWhenAsked) {
  Finding finding = dangling("conv1");
  finding.location = {3, 15};
  Report report = run({finding});
  report.files[0].text = kText;
  const std::string plain = text_of(report);
  EXPECT_FALSE(contains(plain, "\x1b"));

  std::string coloured = render_text(report, {true, false, 100});
  EXPECT_TRUE(contains(coloured, "\x1b[1;31merror[SG003]\x1b[0m"));
  EXPECT_TRUE(contains(coloured, "\x1b[1;31m^\x1b[0m"));
  for (size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) + 1 - at);
  EXPECT_EQ(coloured, plain);  // colour changes nothing else
}

TEST(ReportText, AcceptedFilesTakeOneLineEach) {
  Report report = run({}, {{"a", "", "", NodeVerdict::kAccepted, ""}});
  report.files[0].verdict = FileVerdict::kAccepted;
  report.files.push_back(report.files[0]);
  EXPECT_EQ(text_of(report),
            "m.json: accepted\nm.json: accepted\n\n"
            "accepted: 0 of 2 nodes rejected, 2 accepted, 0 unknown; 0 errors, 0 warnings, 0 notes; "
            "htp SM8750 (V79), SDK latest, pipeline executorch\n");
}

TEST(ReportText, SummaryAgreesInNumberAndLeavesOutWhatIsNotKnown) {
  Finding note = dangling("a");
  note.level = Level::kNote;
  Finding warning = dangling("a");
  warning.level = Level::kWarning;
  Report report = run({note, warning}, {{"a", "", "", NodeVerdict::kRejected, ""}});
  report.soc = report.arch = report.pipeline = "";
  EXPECT_TRUE(contains(text_of(report),
                       "\nrejected: 1 of 1 node rejected, 0 accepted, 0 unknown; 0 errors, 1 warning, 1 note; "
                       "htp, SDK latest\n"));
  report.files.push_back({"x", FileVerdict::kUnreadable, {}, {}, {}});
  EXPECT_TRUE(contains(text_of(report), "1 note; 1 of 2 files unreadable; htp, SDK latest\n"));
  EXPECT_TRUE(contains(text_of(report), "\nunreadable: 1 of 1 node"));
  EXPECT_EQ(text_of(Report{}),
            "accepted: 0 of 0 nodes rejected, 0 accepted, 0 unknown; 0 errors, 0 warnings, 0 notes\n");
}

TEST(ReportText, FindingsWithTheSameCauseFold) {
  const std::string one_more = text_of(run({dangling("a"), dangling("b")}));
  EXPECT_TRUE(contains(one_more, "node a, port in[1]"));
  EXPECT_TRUE(contains(one_more, "  and 1 more node: b\n"));

  std::vector<Finding> findings;
  for (int i = 0; i < 12; ++i) findings.push_back(dangling(fmt::format("n{}", i)));
  const std::string folded = text_of(run(findings));
  EXPECT_TRUE(contains(folded, "  and 11 more nodes: n1, n2, n3, n4, n5, n6, n7, n8, ...\n"));
  EXPECT_TRUE(contains(folded, "; 12 errors, "));  // folding does not change what is counted

  const std::string verbose = text_of(run(findings), true);
  EXPECT_FALSE(contains(verbose, "more node"));
  EXPECT_TRUE(contains(verbose, "node n11, port in[1]"));
}

TEST(ReportText, DifferentCausesDoNotFold) {
  std::vector<Finding> findings(6, dangling("a"));
  findings[1].expected = "other";
  findings[2].actual = "other";
  findings[3].port = "out[0]";
  findings[4].source.sdk = "2.13.0";
  findings[5].level = Level::kWarning;
  EXPECT_FALSE(contains(text_of(run(findings)), "more"));
}

TEST(ReportText, FoldingKeepsCountOfRepeatedNodesAndFileFindings) {
  const std::string repeated = text_of(run({dangling("a"), dangling("a"), dangling("b"), dangling("b")}));
  EXPECT_TRUE(contains(repeated, "  and 1 more node: b\n  and 2 more findings of the nodes named here\n"));

  Finding first;
  first.code = 1;
  first.message = "cut off";
  Finding second = first;
  second.message = "no such version";
  const std::string unreadable = text_of(run({first, second}));
  EXPECT_TRUE(contains(unreadable, "unreadable-file: cut off\n  --> m.json\n"));
  EXPECT_TRUE(contains(unreadable, "unreadable-file: no such version\n"));
}

TEST(ReportText, UnknownNodesAreListedByReason) {
  std::vector<NodeReport> nodes;
  for (int i = 0; i < 10; ++i) nodes.push_back({fmt::format("u{}", i), "my::op", "", NodeVerdict::kUnknown, "no map"});
  nodes.push_back({"v", "x", "", NodeVerdict::kUnknown, "no shape"});
  nodes.push_back({"w", "x", "", NodeVerdict::kUnknown, ""});
  const std::string text = text_of(run({}, nodes));
  EXPECT_TRUE(contains(text, "\nunknown: no map\n  10 nodes: u0, u1, u2, u3, u4, u5, u6, u7, ...\n"));
  EXPECT_TRUE(contains(text, "\nunknown: no shape\n  1 node: v\n"));
  EXPECT_TRUE(contains(text, "\nunknown: no reason given\n  1 node: w\n"));
  EXPECT_TRUE(contains(text_of(run({}, nodes), true), "u7, u8, u9\n"));
}

TEST(ReportText, TheFindingsOwnFixWins) {
  Finding finding = dangling("a");
  finding.fix = {"Share with conv1", FixSafety::kSafe};
  const std::string text = text_of(run({finding}));
  EXPECT_TRUE(contains(text, "  fix       Share with conv1\n"));
  EXPECT_FALSE(contains(text, "Annotate the referenced place"));
}

TEST(ReportText, NoExcerptWithoutTextPlaceOrLine) {
  Finding finding = dangling("a");
  finding.location = {3, 1};
  EXPECT_FALSE(contains(text_of(run({finding})), " |"));  // no text
  Report report = run({finding});
  report.files[0].text = kText;
  EXPECT_TRUE(contains(text_of(report), " |"));
  report.files[0].findings[0].location = {};
  EXPECT_FALSE(contains(text_of(report), " |"));
  report.files[0].findings[0].location = {6, 1};  // behind the last line
  EXPECT_FALSE(contains(text_of(report), " |"));
  report.files[0].findings[0].location = {3, 0};  // a line without a column has no caret
  EXPECT_TRUE(contains(text_of(report), " |"));
  EXPECT_FALSE(contains(text_of(report), "^"));
}

TEST(ReportText, ExcerptsKeepToTheWidth) {
  const std::string text = std::string(100, '\n') + std::string(100000, 'x') + "\n";
  Finding finding = dangling("a");
  for (const uint32_t column : {1u, 50000u, 100000u}) {
    finding.location = {101, column};
    Report report = run({finding});
    report.files[0].text = text;
    const std::string out = render_text(report, {false, false, 60});
    const size_t at = out.find("101 | ");
    ASSERT_NE(at, std::string::npos);
    EXPECT_LE(out.find('\n', at) - at, 60u);
    const size_t caret = out.find('\n', at) + 1;
    EXPECT_EQ(out[at + (out.find('^', caret) - caret)], 'x');
    for (const int width : {-5, 0, 1}) EXPECT_TRUE(contains(render_text(report, {false, false, width}), "^"));
  }
}

TEST(ReportText, HostileNamesCannotDisturbTheTerminal) {
  const std::string bad = "x\x1b]0;t\x07\n\xFF\xC2\x9B\xE0\x80\x9B\xE2\x80\xAE";
  Finding finding = dangling(bad);
  finding.port = finding.value = finding.message = finding.expected = finding.actual = bad;
  finding.source = {bad, bad};
  finding.related = {{bad, bad, bad}};
  finding.fix.title = bad;
  finding.location = {1, 3};
  Finding other = finding;
  other.node += "2";
  Report report = run({finding, other}, {{bad, bad, bad, NodeVerdict::kUnknown, bad}});
  report.files[0].path = report.backend = report.soc = report.arch = report.sdk = report.pipeline = bad;
  report.files[0].text = bad;
  for (const char c : text_of(report)) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7F)) << int{c};
}

TEST(ReportText, ManyRelatedPlacesAreCut) {
  Finding finding = dangling("a");
  for (int i = 0; i < 10; ++i) finding.related.push_back({fmt::format("r{}", i), "", "here"});
  EXPECT_TRUE(contains(text_of(run({finding})), "  related   r7: here\n  related   and 2 more places\n"));
  EXPECT_TRUE(contains(text_of(run({finding}), true), "  related   r9: here\n\n"));
}

}  // namespace
}  // namespace snapgauge
