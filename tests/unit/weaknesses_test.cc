// What a predecessor got wrong, one graph each: tests/data/weaknesses/expected.json says what is right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "api/session.h"
#include "check/check.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;
using Place = std::tuple<std::string, std::string, std::string>;  // code, node, port

const std::string kFolder = SNAPGAUGE_SOURCE_DIR "/tests/data/weaknesses/";
const std::string kDatabase = SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db";

const Json& expectations() {
  static const Json all = [] {
    std::ifstream in(kFolder + "expected.json");
    return Json::parse(in, nullptr, /*allow_exceptions=*/false);
  }();
  return all;
}

std::vector<std::string> files() {
  std::vector<std::string> out;
  if (!expectations().is_object()) return out;
  for (const auto& [file, row] : expectations()["files"].items()) out.push_back(file);
  return out;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = "No" + info.param.substr(0, info.param.find(".sgraph.json"));
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

std::string code_text(RuleCode code) {
  std::string digits = std::to_string(code);
  return "SG" + std::string(3 - std::min<size_t>(3, digits.size()), '0') + digits;
}

TargetOptions target_of(const Json& row) {
  TargetOptions target;
  const Json stated = row.value("target", Json::object());
  target.backend = stated.value("backend", target.backend);
  target.soc = stated.value("soc", target.soc);
  target.sdk = stated.value("sdk", target.sdk);
  target.pipeline = stated.value("pipeline", target.pipeline);
  return target;
}

TableOptions tables_of(const Json& row) {
  TableOptions tables;
  tables.database = kDatabase;
  if (row.contains("opinfo")) tables.directory = kFolder + row["opinfo"].get<std::string>();
  return tables;
}

const char* verdict_text(FileVerdict verdict) {
  switch (verdict) {
    case FileVerdict::kAccepted: return "accepted";
    case FileVerdict::kIncomplete: return "incomplete";
    case FileVerdict::kRejected: return "rejected";
    case FileVerdict::kUnreadable: return "unreadable";
  }
  return "";
}

const char* verdict_text(NodeVerdict verdict) {
  switch (verdict) {
    case NodeVerdict::kAccepted: return "accepted";
    case NodeVerdict::kRejected: return "rejected";
    case NodeVerdict::kUnknown: return "unknown";
  }
  return "";
}

/// Verdicts of the nodes that the expectation names.
void expect_nodes(const Json& row, const Graph& graph, const CheckResult& result) {
  const Json wanted = row.value("nodes", Json::object());
  size_t met = 0;
  for (const NodeResult& node : result.nodes) {
    const std::string name(graph.name(node.node));
    if (!wanted.contains(name)) continue;
    ++met;
    EXPECT_EQ(verdict_text(node.verdict), wanted[name].get<std::string>()) << name;
  }
  EXPECT_EQ(met, wanted.size());
}

/// Errors and warnings; notes are free.
std::multiset<Place> places_of(const CheckResult& result) {
  std::multiset<Place> out;
  for (const Finding& f : result.findings)
    if (f.level != Level::kNote) out.emplace(code_text(f.code), f.node, f.port);
  return out;
}

std::multiset<Place> places_of(const Json& row) {
  std::multiset<Place> out;
  for (const Json& f : row["findings"]) out.emplace(f["code"], f["node"], f["port"]);
  return out;
}

class Weakness : public testing::TestWithParam<std::string> {};

TEST_P(Weakness, IsAnswered) {
  const Json& row = expectations()["files"][GetParam()];
  auto session = Session::open(tables_of(row), target_of(row));
  ASSERT_TRUE(session) << session.error().message();
  auto loaded = load_graph(kFolder + GetParam());
  ASSERT_TRUE(loaded) << loaded.error().message();
  auto result = (*session)->check(loaded->graph);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(verdict_text(result->verdict), row["verdict"].get<std::string>()) << row["what"];
  EXPECT_EQ(places_of(*result), places_of(row)) << row["what"];
  expect_nodes(row, loaded->graph, *result);
  for (const Finding& f : result->findings) {
    EXPECT_FALSE(f.message.empty());
    EXPECT_FALSE(f.expected.empty()) << f.message;
    EXPECT_FALSE(f.actual.empty()) << f.message;
    EXPECT_TRUE(f.location.line > 0 || f.node.empty()) << f.message;
  }
}

INSTANTIATE_TEST_SUITE_P(Predecessor, Weakness, testing::ValuesIn(files()), test_name);

TEST(Weaknesses, EachHasAnAnswer) {
  ASSERT_TRUE(expectations().is_object()) << "expected.json cannot be read";
  std::set<int> answered;
  for (const auto& [file, row] : expectations()["files"].items()) {
    EXPECT_TRUE(std::filesystem::exists(kFolder + file)) << file;
    EXPECT_EQ(std::stoi(file.substr(0, 2)), row["weakness"].get<int>()) << file;
    answered.insert(row["weakness"].get<int>());
  }
  for (const auto& [number, why] : expectations()["outside"].items()) answered.insert(std::stoi(number));
  for (int n = 1; n <= 35; ++n) {
    EXPECT_TRUE(answered.count(n) == 1) << "weakness " << n;
    EXPECT_TRUE(expectations()["predecessor"].contains(std::to_string(n))) << "weakness " << n;
  }
}

TEST(Weaknesses, NoGraphIsForgotten) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    if (name.find(".sgraph.json") == std::string::npos) continue;
    EXPECT_TRUE(expectations()["files"].contains(name)) << name;
  }
}

// 25: what one SoC left behind must not answer for another.
TEST(Weaknesses, TwoGaugesOverOneDatabaseDoNotMix) {
  auto database = Database::open(kDatabase);
  ASSERT_TRUE(database) << database.error().message();
  auto catalog = TargetCatalog::load(*database);
  ASSERT_TRUE(catalog) << catalog.error().message();
  TargetOptions options;
  auto newer = catalog->resolve(options, Frontend::kTorch);
  options.soc = "SM8350";
  auto older = catalog->resolve(options, Frontend::kTorch);
  ASSERT_TRUE(newer && older);
  Gauge on_newer(*database, *newer);
  Gauge on_older(*database, *older);
  auto loaded = load_graph(kFolder + "25-two-socs.good.sgraph.json");
  ASSERT_TRUE(loaded) << loaded.error().message();
  for (int round = 0; round < 2; ++round) {
    auto refused = on_older.check(loaded->graph);
    auto taken = on_newer.check(loaded->graph);
    ASSERT_TRUE(refused && taken);
    EXPECT_EQ(refused->verdict, FileVerdict::kRejected);
    EXPECT_EQ(taken->verdict, FileVerdict::kAccepted);
    EXPECT_EQ(places_of(*refused), (std::multiset<Place>{{"SG502", "matmul", "in[1]"}}));
  }
}

// 24: tables that cannot be read are an error; nothing is judged without them.
class DamagedTables : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() / ("weakness_" + std::to_string(::getpid()) + info->name());
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  static std::string shipped() {
    std::ifstream in(kDatabase, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

  void expect_refused() const {
    TableOptions tables;
    tables.database = path_.string();
    auto session = Session::open(tables, TargetOptions{});
    ASSERT_FALSE(session);
    EXPECT_THAT(session.error().message(), testing::HasSubstr(path_.filename().string()));
  }

  std::filesystem::path path_;
};

TEST_F(DamagedTables, MissingDatabaseIsAnError) { expect_refused(); }

TEST_F(DamagedTables, EmptyDatabaseIsAnError) {
  write("");
  expect_refused();
}

TEST_F(DamagedTables, ForeignFileIsAnError) {
  write("not a database at all\n");
  expect_refused();
}

TEST_F(DamagedTables, TruncatedDatabaseIsAnError) {
  const std::string bytes = shipped();
  ASSERT_GT(bytes.size(), 4096U);
  write(bytes.substr(0, bytes.size() / 2));
  expect_refused();
}

TEST_F(DamagedTables, OneWrongByteIsAnError) {
  std::string bytes = shipped();
  ASSERT_GT(bytes.size(), 4096U);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write(bytes);
  expect_refused();
}

TEST_F(DamagedTables, BrokenTablesOfTheUserAreAnError) {
  write("{\"ops\": {\"Relu\": [{\"inputs\": [");
  TableOptions tables;
  tables.database = kDatabase;
  tables.directory = path_.string();
  auto session = Session::open(tables, TargetOptions{});
  ASSERT_FALSE(session);
  EXPECT_THAT(session.error().message(), testing::HasSubstr(path_.filename().string()));
}

}  // namespace
}  // namespace snapgauge
