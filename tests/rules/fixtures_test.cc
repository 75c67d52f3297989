// Runs the examples of every rule (fixture.h says how they are written) and checks that every rule has some.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>

#include "diag/rule.h"
#include "fixture.h"
#include "opinfo/predicate.h"
#include "rules/op_table.h"
#include "rules/shapes.h"

namespace snapgauge {
namespace {

using fixtures::Section;

std::string database_path() { return std::string(SNAPGAUGE_BINARY_DIR) + "/share/snapgauge/opinfo.db"; }

/// Sessions are kept: most sections have the same target.
Session* session_for(const Section& s) {
  static auto* const sessions = new std::map<std::string, std::unique_ptr<Session>>();
  const std::string key =
      fmt::format("{} {} {} {} {}", s.target.backend, s.target.soc, s.target.sdk, s.target.pipeline, s.opinfo);
  if (auto it = sessions->find(key); it != sessions->end()) return it->second.get();
  auto opened = Session::open({database_path(), s.opinfo}, s.target);
  EXPECT_TRUE(opened) << opened.error().message();
  return opened ? sessions->emplace(key, std::move(*opened)).first->second.get() : nullptr;
}

std::vector<Finding> findings_of(const Section& s) {
  auto graph = read_graph(s.text, s.rule + ".md");
  if (!graph) return {unreadable(graph.error())};
  Session* const session = session_for(s);
  if (session == nullptr) return {};
  // A rule that is off by default is selected, and it alone.
  const Rule* own = find_rule(s.rule);
  session->set_selected(own != nullptr && !own->on_by_default ? std::vector{code_text(own->code)}
                                                              : std::vector<std::string>());
  auto result = session->report(*graph, s.rule);
  EXPECT_TRUE(result) << result.error().message();
  return result ? std::move(result->findings) : std::vector<Finding>();
}

std::string line_of(std::string_view code, std::string_view node, std::string_view port) {
  std::string line(code);
  if (!node.empty()) line += fmt::format(" {}", node);
  if (!port.empty()) line += fmt::format(" {}", port);
  return line;
}

/// Errors and warnings; notes are asked for where they are the fixture's subject.
bool counts(const Finding& f, const Section& s) { return f.level != Level::kNote || rule(f.code).name == s.rule; }

class RuleFixture : public testing::TestWithParam<Section> {};

TEST_P(RuleFixture, FindsExactlyWhatItSays) {
  const Section& s = GetParam();
  ASSERT_EQ(s.problem, "") << s.rule << ": " << s.title;
  EXPECT_EQ(s.bad, !s.expected.empty()) << "a Bad section expects findings, a Good one none";
  std::vector<std::string> expected;
  for (const auto& [code, node, port] : s.expected) expected.push_back(line_of(code, node, port));
  std::vector<std::string> found;
  for (const Finding& f : findings_of(s)) {
    EXPECT_EQ(f.message.find('{'), std::string::npos) << "a hole is left in: " << f.message;
    EXPECT_FALSE(f.expected.empty()) << f.message;
    EXPECT_FALSE(f.actual.empty()) << f.message;
    if (counts(f, s)) found.push_back(line_of(code_text(f.code), f.node, f.port));
  }
  EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected)) << s.rule << ": " << s.title;
}

std::string test_name(const testing::TestParamInfo<Section>& info) {
  std::string name = fmt::format("{}_{}_{}", info.param.rule, info.param.index, info.param.bad ? "bad" : "good");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, RuleFixture, testing::ValuesIn(fixtures::all_sections()), test_name);

TEST(RuleTable, EveryRuleHasABadAndAGoodExample) {
  for (const Rule& r : all_rules()) {
    size_t bad = 0;
    size_t good = 0;
    bool own = false;
    for (const Section& s : fixtures::read_fixture(fixtures::directory() / (std::string(r.name) + ".md"))) {
      ++(s.bad ? bad : good);
      for (const auto& e : s.expected) own = own || e[0] == code_text(r.code);
    }
    EXPECT_GE(bad, 1U) << r.name;
    EXPECT_GE(good, 1U) << r.name;
    EXPECT_TRUE(own) << r.name << ": no example expects " << code_text(r.code);
  }
}

TEST(RuleTable, EveryFixtureNamesARule) {
  for (const auto& file : fixtures::fixture_files()) {
    const Rule* r = find_rule(file.stem().string());
    ASSERT_NE(r, nullptr) << file;
    EXPECT_EQ(r->name, file.stem().string());
  }
}

TEST(RuleTable, NamesReadAsAllowName) {
  // Names say the fault, in lower case and at most four words; a name that starts with an order would read wrong.
  const std::regex kebab("[a-z0-9]+(-[a-z0-9]+){0,3}");
  const std::regex order("(no|not|use|require|check|must|invalid|bad)-.*");
  std::set<std::string> names;
  for (const Rule& r : all_rules()) {
    const std::string name(r.name);
    EXPECT_TRUE(std::regex_match(name, kebab)) << name;
    EXPECT_FALSE(std::regex_match(name, order)) << name;
    EXPECT_LE(name.size(), 40U) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(find_rule(name), find_rule(code_text(r.code)));
  }
}

TEST(RuleTable, RetiredWordsAreNeverGivenAgain) {
  for (const RetiredWord& old : retired_words()) {
    EXPECT_EQ(find_rule(old.word), nullptr) << old.word;
    if (old.now == 0) continue;
    EXPECT_NE(find_rule(code_text(old.now)), nullptr) << old.word;
  }
  const RetiredWord words[] = {{"SG299", 201}, {"old-name", 0}};
  EXPECT_EQ(find_retired("SG29", words), nullptr);
  EXPECT_EQ(retirement_text(*find_retired("SG299", words)), "SG299 is retired; SG201 asymmetric-weight took its place");
  EXPECT_EQ(retirement_text(*find_retired("old-name", words)), "old-name is retired, and no rule took its place");
}

TEST(RuleTable, EveryRowIsWhole) {
  for (const Rule& r : all_rules()) {
    for (const std::string_view text : {r.message, r.action, r.why, r.source, r.since})
      EXPECT_FALSE(text.empty()) << r.name;
    for (const std::string_view text : {r.action, r.why, r.source})
      EXPECT_EQ(text.find('{'), std::string_view::npos) << r.name << ": only messages have holes";
    EXPECT_EQ(r.action.back(), '.') << r.name;
    EXPECT_EQ(r.why.back(), '.') << r.name;
  }
}

TEST(RuleTable, EveryRuleHasAPage) {
  for (const Rule& r : all_rules()) {
    const auto page = std::filesystem::path(SNAPGAUGE_SOURCE_DIR) / "docs/rules" / (std::string(r.name) + ".md");
    ASSERT_TRUE(std::filesystem::exists(page)) << page;
  }
}

TEST(PredicateKinds, EveryOneThatRestrictsHasAShapeAndARule) {
  for (size_t i = 0; i < kPredicateKinds; ++i) {
    Predicate predicate;
    predicate.kind = static_cast<PredicateKind>(i);
    const std::string_view name = predicate_kind_name(predicate.kind);
    EXPECT_EQ(has_shape(predicate.kind), !is_informational(predicate.kind)) << name;
    EXPECT_EQ(rule_of(predicate) != 0, !is_informational(predicate.kind)) << name;
  }
}

TEST(PredicateKinds, RulesNameKindsThatExist) {
  for (const Rule& r : all_rules()) {
    std::istringstream in{std::string(r.predicates)};
    for (std::string one; std::getline(in, one, ',');)
      EXPECT_TRUE(predicate_kind_from_name(one.substr(0, one.find('/')))) << r.name << ": " << one;
  }
}

}  // namespace
}  // namespace snapgauge
