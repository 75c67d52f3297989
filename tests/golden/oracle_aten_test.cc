// The graphs of ExecuTorch's Qualcomm operator tests against what was delegated.
#include "known_cases.h"

namespace snapgauge::golden {
namespace {

TEST(OracleAten, AgreesWithTheDelegateTests) {
  std::map<std::string, Json> cases;
  for (const Json& row : read_json(data_path("oracle-aten") + "cases.json")) cases[row["id"]] = row;
  const Json expected = read_json(data_path("oracle-aten") + "expected.json");
  Sessions sessions("executorch");
  std::map<std::string, Outcome> outcomes;  // a case is as good as its worst graph
  for (const char* suite : {"htp-v68-matrix", "legacy-quantized-operator"}) {
    std::ifstream lines(data_path("oracle-aten") + suite + ".jsonl");
    for (std::string line; std::getline(lines, line);) {
      const std::string id = Json::parse(line)["case"];
      const Json& e = expected[id];
      if (!is_scored(e)) continue;
      Session* session = sessions.of("htp", cases[id]["soc"]);
      ASSERT_NE(session, nullptr);
      auto graph = read_graph(line, id);
      ASSERT_TRUE(graph) << id << ": " << graph.error().message();
      auto result = session->check(*graph);
      ASSERT_TRUE(result) << id << ": " << result.error().message();
      Outcome now{id, suite + (" " + e["expect"].get<std::string>()), answer_of(*graph, *result, e), summary(*result)};
      auto [at, is_new] = outcomes.emplace(id, now);
      if (!is_new && now.answer > at->second.answer) at->second = std::move(now);
    }
  }
  std::vector<Outcome> list;
  for (auto& [id, outcome] : outcomes) list.push_back(std::move(outcome));
  hold("oracle-aten", list);
}

}  // namespace
}  // namespace snapgauge::golden
