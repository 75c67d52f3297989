// Cases whose outcome others established: tests/data/<suite>/{cases,expected,known_wrong,thresholds}.json.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "api/session.h"
#include "check/check.h"
#include "diag/rule.h"

namespace snapgauge::golden {

using Json = nlohmann::json;

enum class Answer : uint8_t { kRight, kUnknown, kWrong };  // the worst last

struct Outcome {
  std::string id, group;  // group: target and expectation, a key of thresholds.json
  Answer answer = Answer::kWrong;
  std::string detail;
  bool counted = true;  // in the shares; false where a file may be missing elsewhere
};

inline std::string data_path(const std::string& suite) { return SNAPGAUGE_SOURCE_DIR "/tests/data/" + suite + "/"; }

inline Json read_json(const std::string& path) {
  std::ifstream in(path);
  Json out = Json::parse(in, nullptr, /*allow_exceptions=*/false);
  EXPECT_FALSE(out.is_discarded()) << path;
  return out;
}

inline bool is_scored(const Json& expected) {
  const std::string expect = expected["expect"];
  return expect == "accepted" || expect == "rejected" || expect == "found";
}

/// One session per target, opened when first asked for.
class Sessions {
 public:
  explicit Sessions(std::string pipeline) : pipeline_(std::move(pipeline)) {}

  Session* of(const std::string& backend, const std::string& soc) {
    auto& session = sessions_[{backend, soc}];
    if (!session) {
      auto opened =
          Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""}, {backend, soc, "latest", pipeline_});
      EXPECT_TRUE(opened) << backend << " " << soc;
      if (opened) session = std::move(*opened);
    }
    return session.get();
  }

 private:
  std::string pipeline_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Session>> sessions_;
};

inline std::string summary(const CheckResult& result) {
  const Finding* first = nullptr;
  for (const Finding& f : result.findings)
    if (first == nullptr || f.level > first->level) first = &f;
  if (first == nullptr) return std::string(verdict_name(result.verdict));
  return code_text(first->code) + " " + first->node + " " + first->port + ": " + first->message;
}

inline bool names_operator(const Graph& graph, const std::string& node, const Json& operators) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [&](const Node& n) { return graph.text(n.name) == node && operators.contains(graph.text(n.op)); });
}

/// Was the case accepted, or rejected by the rule, at the port and on the operator that are expected?
inline Answer answer_of(const Graph& graph, const CheckResult& result, const Json& expected) {
  const bool accept = expected["expect"] == "accepted";
  if (accept && result.verdict == FileVerdict::kAccepted) return Answer::kRight;
  if (!accept && result.verdict == FileVerdict::kRejected) {
    Json operators = Json::object();
    for (const Json& op : expected.value("ops", Json::array())) operators[op.get<std::string>()] = true;
    for (const Finding& f : result.findings)
      if (f.level == Level::kError && code_text(f.code) == expected["code"] &&
          f.port == expected.value("port", f.port) && (operators.empty() || names_operator(graph, f.node, operators)))
        return Answer::kRight;
  }
  return result.verdict == FileVerdict::kIncomplete ? Answer::kUnknown : Answer::kWrong;
}

/// Nothing may get worse, and what gets better must leave known_wrong.json.
inline void hold(const std::string& suite, const std::vector<Outcome>& outcomes) {
  const Json known = read_json(data_path(suite) + "known_wrong.json");
  std::map<std::string, std::pair<size_t, size_t>> counts;  // group -> right, all
  for (const Outcome& o : outcomes) {
    const bool right = o.answer == Answer::kRight;
    if (o.counted) {
      counts[o.group].first += right ? 1 : 0;
      ++counts[o.group].second;
    }
    if (right)
      EXPECT_FALSE(known.contains(o.id)) << o.id << " comes out right now: take it out of known_wrong.json";
    else
      EXPECT_TRUE(known.contains(o.id)) << o.id << " (" << o.group << ") comes out wrong: " << o.detail;
  }
  const Json thresholds = read_json(data_path(suite) + "thresholds.json");
  for (const auto& [group, floor] : thresholds.items()) {
    const auto [right, all] = counts[group];
    EXPECT_EQ(all, floor["cases"].get<size_t>()) << group;
    EXPECT_GE(right * floor["cases"].get<size_t>(), floor["right"].get<size_t>() * all)
        << group << ": " << right << " of " << all;
  }
}

}  // namespace snapgauge::golden
