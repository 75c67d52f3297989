// Judging equal nodes once must not change anything that is reported.
#include <gtest/gtest.h>

#include <filesystem>

#include "api/session.h"

namespace snapgauge {
namespace {

std::string summary(const Graph& graph, const CheckResult& result) {
  std::string out;
  for (const NodeResult& n : result.nodes)
    out += std::string(graph.name(n.node)) + "|" + std::string(verdict_name(n.verdict)) + "|" +
           std::string(result.backend_op(n)) + "|" + result.reason_of(n) + "\n";
  for (const Finding& f : result.findings)
    out += std::to_string(f.code) + "|" + f.node + "|" + f.port + "|" + f.actual + "\n";
  return out;
}

TEST(JudgementMemo, ReusedJudgementsEqualFreshOnes) {
  const std::string tables = std::string(SNAPGAUGE_BINARY_DIR) + "/share/snapgauge/opinfo.db";
  size_t compared = 0;
  for (const char* soc : {"SM8750", "SM8350"}) {
    auto session = Session::open({tables, {}}, {"htp", soc, "latest", ""});
    ASSERT_TRUE(session) << session.error().message();
    for (const char* folder : {"/tests/data/annotations", "/data"})
      for (const auto& entry : std::filesystem::directory_iterator(std::string(SNAPGAUGE_SOURCE_DIR) + folder)) {
        const std::string extension = entry.path().extension();
        if (extension != ".json" && extension != ".onnx") continue;
        auto loaded = load_graph(entry.path());
        ASSERT_TRUE(loaded) << loaded.error().message();
        (*session)->set_reuse(true);
        auto reused = (*session)->check(loaded->graph);
        (*session)->set_reuse(false, false);
        auto fresh = (*session)->check(loaded->graph);
        ASSERT_TRUE(reused && fresh);
        EXPECT_EQ(summary(loaded->graph, *reused), summary(loaded->graph, *fresh)) << entry.path();
        compared += fresh->nodes.size();
      }
  }
  EXPECT_GT(compared, 2000U);
}

}  // namespace
}  // namespace snapgauge
