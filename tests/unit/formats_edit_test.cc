// Changes to JSON text and to ONNX bytes leave everything else as it is.
#include <gtest/gtest.h>

#include "formats/json/edit.h"
#include "formats/onnx/model.h"
#include "formats/onnx/rewrite.h"
#include "onnx_writer.h"

namespace snapgauge {
namespace {

JsonDocument parsed(const std::string& text) {
  auto document = JsonDocument::parse(text, "t.json");
  EXPECT_TRUE(document.ok()) << text;
  return std::move(document).value();
}

std::string slice(const std::string& text, TextRange range) {
  return text.substr(range.first, range.end - range.first);
}

TEST(JsonExtents, EveryValueKnowsWhereItEnds) {
  const std::string text =
      "\xEF\xBB\xBF{ \"a\" : [1 ,-2.5e3, \"x\\\"]\" ],\r\n\"b\":{ } ,\"c\": null\n, \"d\":true }  \n";
  const JsonDocument document = parsed(text);
  const JsonValue root = document.root();
  EXPECT_EQ(slice(text, root.range()), text.substr(3, text.size() - 6));
  EXPECT_EQ(slice(text, root["a"].range()), "[1 ,-2.5e3, \"x\\\"]\" ]");
  std::vector<JsonValue> list;
  for (const JsonValue element : root["a"].elements()) list.push_back(element);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(slice(text, list[0].range()), "1");
  EXPECT_EQ(slice(text, list[1].range()), "-2.5e3");
  EXPECT_EQ(slice(text, list[2].range()), "\"x\\\"]\"");
  EXPECT_EQ(slice(text, root["b"].range()), "{ }");
  EXPECT_EQ(slice(text, root["c"].range()), "null");
  EXPECT_EQ(slice(text, root["d"].range()), "true");
  EXPECT_EQ(root["d"].location().line, document.location_of(root["d"].range().first).line);
  EXPECT_EQ(root["d"].location().column, document.location_of(root["d"].range().first).column);
}

TEST(JsonEdit, MembersAreReplacedRemovedAndAddedInTheObjectsStyle) {
  struct Row {
    std::string before;
    MemberEdits edits;
    std::string after;
  };
  const Row rows[] = {
      {"{\"a\":1,\"b\":2}", {{"a", "3"}}, "{\"a\":3,\"b\":2}"},
      {"{\"a\":1,\"b\":2}", {{"b", std::nullopt}}, "{\"a\":1}"},
      {"{\"a\":1,\"b\":2}", {{"a", std::nullopt}}, "{\"b\":2}"},
      {"{\"a\":1}", {{"a", std::nullopt}}, "{}"},
      {"{}", {{"a", "1"}}, "{\"a\":1}"},
      {"{ }", {{"a", "1"}}, "{\"a\":1}"},
      {"{\"a\": 1, \"b\": 2}", {{"c", "[1, 2]"}}, "{\"a\": 1, \"b\": 2, \"c\": [1, 2]}"},
      {"{\n  \"a\" : 1,\n  \"b\" : 2\n}", {{"c", "3"}, {"a", "9"}}, "{\n  \"a\" : 9,\n  \"b\" : 2,\n  \"c\" : 3\n}"},
      {"{\"a\":{\"a\":1},\"a\":2}", {{"a", "0"}}, "{\"a\":0,\"a\":2}"},  // the first counts
      {"{\"x:y\":[{\"a\":\",\"}],\"a\":1}", {{"a", "2"}}, "{\"x:y\":[{\"a\":\",\"}],\"a\":2}"},
      {"{\"\\u0061\":1}", {{"a", "2"}}, "{\"\\u0061\":2}"},  // a key may be written in escapes
      {"{\"a\":1}", {{"b", std::nullopt}}, "{\"a\":1}"},
  };
  for (const Row& row : rows) {
    const JsonDocument document = parsed(row.before);
    EXPECT_EQ(with_members(row.before, document.root(), row.edits), row.after) << row.before;
  }
}

TEST(JsonEdit, ElementsAreAppendedInTheStyleOfTheLast) {
  const std::pair<std::string, std::string> rows[] = {
      {"[1,2]", "[1,2,7,8]"},
      {"[1, 2 ]", "[1, 2, 7, 8 ]"},
      {"[\n  1,\n  2\n]", "[\n  1,\n  2,\n  7,\n  8\n]"},
      {"[\n1]", "[\n1,\n7,\n8]"},
  };
  for (const auto& [before, after] : rows)
    EXPECT_EQ(with_edits(before, {append_elements(before, parsed(before).root(), {"7", "8"})}), after);
}

TEST(JsonEdit, EditsAreMadeInTheOrderOfTheText) {
  EXPECT_EQ(with_edits("0123456789", {{{8, 10}, "z"}, {{2, 4}, ""}, {{4, 4}, "+"}}), "01+4567z");
}

using onnx_test::raw;

/// One node with an attribute of each kind that matters, an initializer, and fields that nobody knows.
std::string model() {
  std::string node, graph, out;
  {
    protozero::pbf_writer w(node);
    for (const char* input : {"x", "s"}) w.add_string(1, input);
    w.add_string(2, "y");
    w.add_string(3, "dq");
    w.add_string(4, "DequantizeLinear");
    protozero::pbf_writer attribute(w, 5);
    attribute.add_string(1, "axis");
    attribute.add_int64(3, 1);
    attribute.add_int32(20, 2);
  }
  {
    protozero::pbf_writer w(graph);
    w.add_message(1, node);
    w.add_string(2, "g");
    w.add_message(5, onnx_test::tensor("s", onnx_test::kFloat, {1}, raw<float>({0.5F})));
    w.add_message(5, onnx_test::tensor("other", onnx_test::kFloat, {1}, raw<float>({0.25F})));
    w.add_fixed64(99, 7);
  }
  protozero::pbf_writer w(out);
  w.add_int64(1, 8);
  w.add_message(7, graph);
  w.add_string(8, "\x10\x15");  // operator set 21
  w.add_string(14, "metadata of somebody");
  w.add_uint32(1000, 1);
  return out;
}

TEST(OnnxRewrite, WithoutEditsNotAByteChanges) { EXPECT_EQ(onnx::rewritten(model(), {}), model()); }

TEST(OnnxRewrite, ChangesWhatItIsToldAndNothingElse) {
  onnx::ModelEdit edit;
  edit.replaced["s"] = {DType::kFloat32, {1}, raw<float>({2.0F})};
  const std::string replaced = onnx::rewritten(model(), edit);
  EXPECT_NE(replaced.find(raw<float>({2.0F})), std::string::npos);
  EXPECT_EQ(replaced.find(raw<float>({0.5F})), std::string::npos);
  EXPECT_NE(replaced.find(raw<float>({0.25F})), std::string::npos);

  edit = {};
  edit.nodes[0].inputs[1] = "s_fixed";
  edit.nodes[0].inputs[3] = "far";  // the third is left out, which is an empty name
  edit.nodes[0].attributes["axis"] = 0;
  edit.added.emplace_back("s_fixed", onnx::NewTensor{DType::kFloat32, {}, raw<float>({4.0F})});
  const std::string edited = onnx::rewritten(model(), edit);
  const onnx::Model m = onnx::parse_model(edited);
  ASSERT_EQ(m.nodes.size(), 1u);
  std::vector<std::string_view> inputs;
  for (const uint32_t slot : m.inputs_of(m.nodes[0])) inputs.push_back(m.slots[slot].name);
  EXPECT_EQ(inputs, (std::vector<std::string_view>{"x", "s_fixed", "", "far"}));
  EXPECT_EQ(m.integer(m.nodes[0], "axis", 9), 0);
  EXPECT_EQ(m.initializers.size(), 3u);
  EXPECT_EQ(m.tensors[m.initializers[2]].name, "s_fixed");
}

}  // namespace
}  // namespace snapgauge
