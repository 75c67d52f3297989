// Log lines decoded: every example of the table, the quoted logs in tests/data/decode, joining and
// folding, hostile bytes, and the nodes of a model.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "decode/decoder.h"
#include "decode/model.h"
#include "decode/render.h"
#include "diag/rule.h"
#include "numerics/dtype.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::string kFolder = SNAPGAUGE_SOURCE_DIR "/tests/data/decode/";

const Decoder& decoder() {
  static const std::unique_ptr<Decoder> one = [] {
    auto created = Decoder::create();
    return created ? std::move(created).value() : nullptr;
  }();
  return *one;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const Json& expectations() {
  static const Json all = Json::parse(read(kFolder + "expected.json"), nullptr, /*allow_exceptions=*/false);
  return all;
}

TEST(DecodeTable, PatternsCompile) {
  const auto created = Decoder::create();
  ASSERT_TRUE(created) << created.error().message();
}

TEST(DecodeTable, EachExampleIsDecodedByItsOwnRow) {
  for (const Message& message : all_messages()) {
    for (const std::string_view example : message.examples) {
      const auto found = decoder().matches(example);
      ASSERT_THAT(found, Not(IsEmpty())) << message.id << ": " << example;
      EXPECT_EQ(found.front()->id, message.id) << example;
    }
  }
}

TEST(DecodeTable, CodesMeanTheSameInDecimalAndHex) {
  size_t codes = 0;
  for (const Message& message : all_messages()) {
    if (message.number == 0) continue;
    ++codes;
    EXPECT_EQ(find_code(message.number), &message);
    for (const std::string& text : {fmt::format("error {}", message.number), fmt::format("err {:#x}", message.number),
                                    fmt::format("{:#X}", message.number), std::string(message.code_name)}) {
      const DecodedLog log = decoder().decode(text);
      ASSERT_THAT(log.messages, SizeIs(1)) << text;
      EXPECT_THAT(log.messages[0].codes, ElementsAre(message.number)) << text;
    }
  }
  EXPECT_GE(codes, 20u);
  for (const uint32_t code : {3110u, 1002u, 6031u, 14001u}) EXPECT_NE(find_code(code), nullptr) << code;
}

TEST(DecodeTable, DatatypeNamesAreTheTables) {
  EXPECT_EQ(dtype_of_code(0x408), "UFIXED_POINT_8");
  EXPECT_EQ(dtype_of_code(0x232), "FLOAT_32");
  EXPECT_EQ(dtype_of_code(0x999), "");
  for (const DTypeCode& row : all_dtype_codes()) {
    const auto type = dtype_from_name(row.name);
    ASSERT_TRUE(type) << row.name;
    if (*type != DType::kString) {
      EXPECT_EQ(fmt::format("{:x}", row.code & 0xFF), fmt::format("{}", bit_width(*type))) << row.name;
    }
  }
}

class QuotedLog : public testing::TestWithParam<std::string> {};

Json facts(const DecodedMessage& decoded) {
  Json values = Json::object();
  for (const auto& [name, text] : decoded.values) values[name] = text;
  Json rules = Json::array();
  for (const RuleCode code : decoded.message->rules) rules.push_back(code_text(code));
  Json lines = Json::array();
  for (const LogLine& line : decoded.lines) lines.push_back(line.number);
  return {{"id", decoded.message->id},
          {"topic", all_topics()[decoded.message->topic].name},
          {"op", decoded.op},
          {"port", decoded.port},
          {"nodes", decoded.nodes},
          {"values", values},
          {"rules", rules},
          {"codes", decoded.codes},
          {"lines", lines},
          {"count", decoded.count}};
}

TEST_P(QuotedLog, IsAnswered) {
  const Json& expected = expectations()["files"][GetParam()];
  const DecodedLog log = decoder().decode(read(kFolder + GetParam()));
  Json found = Json::array();
  std::vector<std::string> rules;
  for (const DecodedMessage& decoded : log.messages) {
    found.push_back(facts(decoded));
    for (const RuleCode code : decoded.message->rules) rules.push_back(code_text(code));
    EXPECT_THAT(decoded.meaning() + decoded.action(), Not(HasSubstr("{")));
    EXPECT_THAT(decoded.meaning() + decoded.action(), Not(HasSubstr("unknown")));
  }
  EXPECT_EQ(found.dump(1), expected["messages"].dump(1));
  for (const Json& code : expected["asked_for"]) EXPECT_THAT(rules, Contains(code.get<std::string>()));
}

std::vector<std::string> logs() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder))
    if (entry.path().extension() == ".log") names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Threads, QuotedLog, testing::ValuesIn(logs()), [](const auto& param) {
  std::string name = param.param.substr(0, param.param.find('.'));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(QuotedLogs, NoneIsWithoutAnExpectation) { EXPECT_EQ(logs().size(), expectations()["files"].size()); }

// What people paste when they do not have the log: the part of a line that a title or an answer quotes.
TEST(QuotedFragments, EachIsAnswered) {
  const Json fragments = Json::parse(read(kFolder + "fragments.json"));
  ASSERT_GE(fragments.size(), 20u);
  for (const Json& fragment : fragments) {
    const std::string line = fragment["line"];
    const DecodedLog log = decoder().decode(line);
    ASSERT_THAT(log.messages, SizeIs(1)) << line;
    const DecodedMessage& decoded = log.messages[0];
    EXPECT_EQ(decoded.message->id, fragment["id"].get<std::string>()) << line;
    for (const Json& code : fragment["codes"]) EXPECT_THAT(decoded.codes, Contains(code.get<uint32_t>())) << line;
    std::vector<std::string> rules;
    for (const RuleCode code : decoded.message->rules) rules.push_back(code_text(code));
    for (const Json& code : fragment["rules"]) EXPECT_THAT(rules, Contains(code.get<std::string>())) << line;
    EXPECT_THAT(decoded.meaning() + decoded.action(), Not(HasSubstr("{"))) << line;
    EXPECT_THAT(decoded.meaning() + decoded.action(), Not(HasSubstr("unknown"))) << line;
  }
}

TEST(Decode, LinesAboutOneNodeAreOneMessage) {
  const DecodedLog log = decoder().decode(
      "<E> [4294967295] has incorrect Rank 6.\n\n<E> QnnBackend_validateOpConfig failed 3110\n"
      "<E> Failed to validate op a with error 0xc26\n"
      "<E> [4294967295] has incorrect Rank 7.\n"
      "<E> Failed to validate op b with error 0xc26\n");
  ASSERT_THAT(log.messages, SizeIs(2));
  EXPECT_THAT(log.messages[0].nodes, ElementsAre("a"));
  EXPECT_THAT(log.messages[0].lines, SizeIs(3));
  EXPECT_THAT(log.messages[1].nodes, ElementsAre("b"));
  EXPECT_THAT(log.messages[1].meaning(), HasSubstr("rank 7"));
}

TEST(Decode, ACauseFarAwayIsAMessageOfItsOwn) {
  const DecodedLog log = decoder().decode("has incorrect Rank 6.\n" + std::string(30, '\n') +
                                          "Failed to validate op a with error 0xc26\n");
  ASSERT_THAT(log.messages, SizeIs(2));
  EXPECT_THAT(log.messages[0].nodes, IsEmpty());
  EXPECT_EQ(log.messages[1].lines[0].number, 32u);
}

TEST(Decode, EqualMessagesAreFolded) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += fmt::format("x\nbackendValidateOpConfig() failed for node `n{}` of type `Prelu` with error code 3110\n",
                        i % 10);
  const DecodedLog log = decoder().decode(text);
  ASSERT_THAT(log.messages, SizeIs(1));
  EXPECT_EQ(log.messages[0].count, 100u);
  EXPECT_THAT(log.messages[0].nodes, SizeIs(10));
  EXPECT_EQ(log.messages[0].lines[0].number, 2u);
  EXPECT_EQ(log.lines, 200u);
}

TEST(Decode, ALineRepeatedIsCountedAndKeptOnce) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "QnnBackend_validateOpConfig failed 3110\n";
  const DecodedLog log = decoder().decode(text);
  ASSERT_THAT(log.messages, SizeIs(1));
  EXPECT_EQ(log.messages[0].count, 1000u);
  EXPECT_THAT(log.messages[0].lines, SizeIs(1));
}

TEST(Decode, LinesThatContradictAreTwoMessages) {
  const DecodedLog log = decoder().decode("has incorrect Rank 6.\nhas incorrect Rank 7.\nhas incorrect Rank 7.\n");
  ASSERT_THAT(log.messages, SizeIs(2));
  EXPECT_EQ(log.messages[1].count, 2u);
}

TEST(Decode, CountsLinesWithoutFinalNewlineAndWithCarriageReturns) {
  EXPECT_EQ(decoder().decode("").lines, 0u);
  EXPECT_EQ(decoder().decode("a").lines, 1u);
  EXPECT_EQ(decoder().decode("a\n").lines, 1u);
  const DecodedLog log = decoder().decode("a\r\nerror 3110\r\n");
  ASSERT_THAT(log.messages, SizeIs(1));
  EXPECT_EQ(log.messages[0].lines[0].text, "error 3110");
}

TEST(Decode, OtherNumbersAreNoCodes) {
  for (const char* text : {"error 31100", "node 3110", "step 1002 of 6031", "error 0xc260", "err 13110", "loss 0.3110"})
    EXPECT_THAT(decoder().decode(text).messages, IsEmpty()) << text;
}

TEST(DecodeHostile, ALineOfAMegabyte) {
  const std::string filler(size_t{1} << 20, 'x');
  EXPECT_THAT(decoder().decode(filler).messages, IsEmpty());
  const DecodedLog log = decoder().decode(filler + " error 3110 " + filler);
  ASSERT_THAT(log.messages, SizeIs(1));
  EXPECT_EQ(log.lines, 1u);
  EXPECT_LT(log.messages[0].lines[0].text.size(), 1000u);
  const DecodedLog name = decoder().decode("Failed to validate op " + filler + " with error 0xc26");
  EXPECT_LE(name.messages.size(), 1u);
}

TEST(DecodeHostile, BytesThatAreNoText) {
  const std::string zero("\0\0 error 3110 \0", 15);
  EXPECT_THAT(decoder().decode(zero).messages, SizeIs(1));
  DecodeReport report;
  report.path = "log";
  report.log = decoder().decode("Failed to validate op a\xff\xfe\x1b[31m\x80 with error 0xc26\n");
  ASSERT_THAT(report.log.messages, SizeIs(1));
  const std::string text = render_text(report, {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
  EXPECT_FALSE(Json::parse(render_json(report), nullptr, false).is_discarded());
}

TEST(DecodeHostile, ManyPartialMatchesStayLinear) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "node `node `Failed to validate op Operator named q::";
  EXPECT_THAT(decoder().decode(text).messages, IsEmpty());
}

TEST(DecodeHostile, ManyDifferentCodesAndNodes) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += fmt::format("Failed to validate op n{} with error {}\n", i, 20000 + i);
  const DecodedLog log = decoder().decode(text);
  ASSERT_THAT(log.messages, SizeIs(1));
  EXPECT_THAT(log.messages[0].nodes, SizeIs(100000));
  EXPECT_THAT(log.messages[0].codes, SizeIs(16));
}

CheckedModel model_of(std::vector<ModelNode> nodes) {
  CheckedModel model;
  model.path = "m.onnx";
  model.target = "htp SM8350 (V68)";
  for (const ModelNode& node : nodes)
    if (node.verdict == NodeVerdict::kRejected) model.verdict = FileVerdict::kRejected;
  model.nodes = std::move(nodes);
  return model;
}

ModelNode node(std::string name, std::string op, std::string backend_op, std::vector<RuleCode> codes) {
  ModelNode n{std::move(name), std::move(op), std::move(backend_op), NodeVerdict::kAccepted, {}};
  for (const RuleCode code : codes) {
    Finding finding;
    finding.code = code;
    finding.node = n.name;
    finding.port = "in[1]";
    n.findings.push_back(finding);
    n.verdict = NodeVerdict::kRejected;
  }
  return n;
}

/// "by: node, node" of the first message of the log.
std::string explained(const std::string& log, const CheckedModel& model) {
  const DecodedLog decoded = decoder().decode(log);
  const auto index = ModelIndex::create(model);
  if (!index || decoded.messages.empty()) return "broken";
  const Explanation explanation = index.value()->explain(decoded.messages[0]);
  std::string text = std::string(found_by_name(explanation.by)) + ":";
  for (const ModelNode* n : explanation.nodes) text += " " + n->name;
  return explanation.sentence.empty() ? text : text + " (" + explanation.sentence + ")";
}

TEST(DecodeModel, FindsNodesByTheirMangledNames) {
  const CheckedModel model =
      model_of({node("/model/layers.0/q_proj/Conv", "Conv", "Conv2d", {501}),
                node("layer_norm_24", "aten.layer_norm.default", "LayerNorm", {503}),
                node("bmm_7", "aten.bmm.default", "MatMul", {}), node("features.1.conv.0.0", "Conv", "Conv2d", {102})});
  EXPECT_EQ(explained("Failed to validate op _model_layers_0_q_proj_Conv with error 0xc26", model),
            "name: /model/layers.0/q_proj/Conv");
  EXPECT_EQ(explained("Failed to validate op aten_native_layer_norm_default_24 with error 0xc26", model),
            "name: layer_norm_24");
  EXPECT_EQ(explained("Failed to validate op features.1.conv.0.0 with error 0xc26", model),
            "name: features.1.conv.0.0");
  EXPECT_THAT(explained("Failed to validate op aten_bmm_default_7 with error 0xc26", model),
              HasSubstr("name: bmm_7 (not rejected for this target"));
}

TEST(DecodeModel, ElseByOpAndByRule) {
  const CheckedModel model =
      model_of({node("a", "aten.layer_norm.default", "LayerNorm", {503}),
                node("b", "aten.layer_norm.default", "LayerNorm", {601}),
                node("c", "aten.matmul.default", "MatMul", {502}), node("d", "aten.matmul.default", "MatMul", {})});
  const std::string arch = "has incorrect Value 68, expected >= 73.\n";
  EXPECT_EQ(explained(arch + "Failed to validate op aten_native_layer_norm_default_9 with error 0xc26", model),
            "op: a");
  EXPECT_EQ(explained(arch, model), "rule: a c");
  EXPECT_THAT(explained(arch + "[QNN Partitioner Op Support]: aten.bmm.default | False", model),
              HasSubstr("rule: a c (no node by the log's name or op"));
  EXPECT_EQ(explained("backendValidateOpConfig() failed for node `zzz` of type `MatMul` with error code 3110", model),
            "op: c");
}

TEST(DecodeModel, SaysPlainlyWhenTheModelFits) {
  const CheckedModel fits = model_of({node("a", "Conv", "Conv2d", {})});
  const CheckedModel broken = model_of({node("a", "Conv", "Conv2d", {102})});
  EXPECT_THAT(explained("Failed to create device: 14001", fits), HasSubstr("look at the device, not the model"));
  EXPECT_THAT(explained("has incorrect Rank 6.", fits), HasSubstr("the model fits this target"));
  EXPECT_THAT(explained("Failed to create device: 14001", broken), HasSubstr("1 of 1 are rejected all the same"));
  EXPECT_THAT(explained("has incorrect Rank 6.", broken), HasSubstr("none of the 1 rejected nodes"));
}

}  // namespace
}  // namespace snapgauge
