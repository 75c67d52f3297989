// Models with exactly one defect: it must be found where it is, and little else beyond what the sound file has.
#include <cstdlib>
#include <iterator>
#include <tuple>

#include "known_cases.h"

namespace snapgauge::golden {
namespace {

constexpr size_t kMaxExtra = 3;

using Row = std::tuple<std::string, std::string, std::string, std::string, Level>;  // code, node, port, value, level

std::vector<Row> findings(Session& session, const std::string& path) {
  std::vector<Row> out;
  auto loaded = load_graph(path);
  EXPECT_TRUE(loaded) << path;
  if (!loaded) return out;
  auto result = session.check(loaded->graph);
  EXPECT_TRUE(result) << path;
  if (!result) return out;
  for (const Finding& f : result->findings) out.emplace_back(code_text(f.code), f.node, f.port, f.value, f.level);
  std::sort(out.begin(), out.end());
  return out;
}

bool lists(const Json& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool matches(const Row& row, const Json& e) {
  const auto& [code, node, port, value, level] = row;
  if (level != Level::kError && e["expect"] != "found") return false;
  return (e["codes"].empty() || lists(e["codes"], code)) && port == e.value("port", port) &&
         (lists(e["values"], value) || lists(e["nodes"], node));
}

TEST(Defects, AreFoundWhereTheyAre) {
  const Json expected = read_json(data_path("defects") + "expected.json");
  const char* shared = std::getenv("SNAPGAUGE_SHARED");
  Sessions sessions("ort-qnn");
  std::vector<Outcome> outcomes;
  for (const Json& row : read_json(data_path("defects") + "cases.json")) {
    const std::string id = row["id"];
    const Json& e = expected[id];
    const bool elsewhere = row.value("shared", false);
    if (elsewhere && shared == nullptr) continue;
    const std::string folder = elsewhere ? shared + std::string("/models/") : data_path("defects");
    const std::string backend = e.value("backend", "htp");
    Session* session = sessions.of(backend, e.value("soc", "SM8750"));
    ASSERT_NE(session, nullptr);
    const auto bad = findings(*session, folder + row["file"].get<std::string>());
    const auto sound =
        row.contains("base") ? findings(*session, folder + row["base"].get<std::string>()) : std::vector<Row>();
    std::vector<Row> fresh;
    std::set_difference(bad.begin(), bad.end(), sound.begin(), sound.end(), std::back_inserter(fresh));
    // Advice may hold for the sound file too: its quantizer did at that place what the defect does again.
    const std::vector<Row>& where = e["expect"] == "found" ? bad : fresh;
    const bool hit = std::any_of(where.begin(), where.end(), [&](const Row& r) { return matches(r, e); });
    const bool right = hit && (fresh.size() <= kMaxExtra || !row.contains("base"));
    std::string detail = std::to_string(fresh.size()) + " new findings";
    for (const Row& r : fresh) detail += "; " + std::get<0>(r) + " " + std::get<1>(r) + " " + std::get<2>(r);
    outcomes.push_back({id, backend + " " + e["expect"].get<std::string>(), right ? Answer::kRight : Answer::kWrong,
                        detail, !elsewhere});
  }
  hold("defects", outcomes);
}

}  // namespace
}  // namespace snapgauge::golden
