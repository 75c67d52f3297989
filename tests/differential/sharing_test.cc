// graph/sharing.h against torch.ao's prepare step: annotated edges that got the same observer must be
// one group, and no two observers may share a group. Derived biases have no observer of their own.
#include "graph/sharing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string_view>

#include "differential/recorded.h"

namespace snapgauge::differential {
namespace {

struct Tally {
  size_t files = 0, places = 0, split = 0, merged = 0;
  std::string example;  // of the first difference
};

std::map<std::string_view, NodeId> nodes_by_name(const Graph& graph) {
  std::map<std::string_view, NodeId> out;
  for (uint32_t n = 0; n < graph.nodes.size(); ++n) out.emplace(graph.name(NodeId{n}), NodeId{n});
  return out;
}

/// Relates the observers of one file to our groups, both ways.
class Comparison {
 public:
  Comparison(const Graph& graph, const std::string& file, Tally& tally) : sharing_(graph), file_(file), tally_(tally) {}

  void see(PlaceId place, int observer) {
    if (sharing_.derived(place) != nullptr) return;
    ++tally_.places;
    const uint32_t group = sharing_.group(place);
    const auto [mine, first] = group_of_.emplace(observer, group);
    if (!first && mine->second != group) differ(tally_.split, "splits", place, observer);
    const auto [theirs, alone] = observer_of_.emplace(group, observer);
    if (!alone && theirs->second != observer) differ(tally_.merged, "merges", place, observer);
  }

  const Sharing& sharing() const { return sharing_; }

 private:
  void differ(size_t& count, const char* what, PlaceId place, int observer) {
    ++count;
    if (tally_.example.empty())
      tally_.example = fmt::format("{}: {} {} observer {}", file_, sharing_.describe(place), what, observer);
  }

  Sharing sharing_;
  std::string file_;
  Tally& tally_;
  std::map<int, uint32_t> group_of_;
  std::map<uint32_t, int> observer_of_;
};

void compare(const std::string& file, const Json& dump, Tally& tally) {
  const auto edges = dump.value("prepared", Json::object()).value("edges", Json::object());
  if (edges.empty()) return;
  const auto graph = read_dump(dump, file);
  if (!graph) return;
  ++tally.files;
  Comparison comparison(*graph, file, tally);
  const auto names = nodes_by_name(*graph);
  for (const auto& [name, observed] : edges.items()) {
    const auto found = names.find(name);
    ASSERT_NE(found, names.end()) << file << ": " << name;
    const Node& node = graph->node(found->second);
    const Json inputs = observed.value("inputs", Json::object());
    for (uint32_t u = node.uses.first; u < node.uses.end(); ++u) {
      const Use& use = graph->uses[u];
      if (!use.value.valid()) continue;
      const auto it = inputs.find(std::string(graph->text(graph->value(use.value).name)));
      if (it != inputs.end() && it->is_number()) comparison.see(comparison.sharing().place(UseId{u}), it->get<int>());
    }
    if (const auto it = observed.find("output"); it != observed.end() && it->is_number())
      comparison.see(comparison.sharing().place(ValueId{node.outputs.first}), it->get<int>());
  }
}

Tally compare_all(const std::string& folder) {
  Tally tally;
  for (const std::string& file : json_files(folder)) compare(file, read_json(folder + "/" + file), tally);
  return tally;
}

void expect_same(const Tally& tally) {
  EXPECT_EQ(tally.split, 0U) << tally.example;
  EXPECT_EQ(tally.merged, 0U) << tally.example;
}

TEST(ObserverSharing, CommittedDumpsHaveTheSameGroups) {
  const Tally tally = compare_all(committed_data().dumps);
  EXPECT_GE(tally.files, 35U);
  EXPECT_GE(tally.places, 4500U);
  expect_same(tally);
}

TEST(ObserverSharing, AllDumpsHaveTheSameGroups) {
  const auto data = whole_data();
  if (!data) GTEST_SKIP() << "SNAPGAUGE_SHARED does not name the folder of the whole set";
  const Tally tally = compare_all(data->dumps);
  RecordProperty("files", static_cast<int>(tally.files));
  RecordProperty("places", static_cast<int>(tally.places));
  EXPECT_GE(tally.files, 150U);
  EXPECT_GE(tally.places, 18000U);
  expect_same(tally);
}

}  // namespace
}  // namespace snapgauge::differential
