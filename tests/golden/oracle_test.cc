// The graphs of the ONNX Runtime QNN provider tests against what the provider did with them.
#include "known_cases.h"

namespace snapgauge::golden {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

TEST(Oracle, AgreesWithTheProviderTests) {
  const Json cases = read_json(data_path("oracle") + "cases.json");
  const Json expected = read_json(data_path("oracle") + "expected.json");
  Sessions sessions("ort-qnn");
  std::vector<Outcome> outcomes;
  for (const Json& row : cases) {
    const std::string id = row["id"];
    const Json& e = expected[id];
    if (!is_scored(e)) continue;
    const std::string backend = lower(row["backend"]);
    Session* session = sessions.of(backend, row.value("soc", "SM8750"));
    ASSERT_NE(session, nullptr);
    auto loaded = load_graph(data_path("oracle") + row["model"].get<std::string>());
    ASSERT_TRUE(loaded) << id << ": " << loaded.error().message();
    auto result = session->check(loaded->graph);
    ASSERT_TRUE(result) << id << ": " << result.error().message();
    outcomes.push_back(
        {id, backend + " " + e["expect"].get<std::string>(), answer_of(loaded->graph, *result, e), summary(*result)});
  }
  hold("oracle", outcomes);
}

}  // namespace
}  // namespace snapgauge::golden
