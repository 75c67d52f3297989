// A format is one row: this one is written for the test, and is read, judged and changed like those that come with
// snapgauge.
#include <gtest/gtest.h>

#include <sstream>

#include "api/fixer.h"
#include "api/session.h"
#include "formats/registry.h"
#include "graph/builder.h"

namespace snapgauge {
namespace {

/// A toy: "toy 1", then a line a node: NAME OP SCALE [INPUT]. All tensors are quantized to uint8 with that scale.
Result<Graph> read_toy(const Content& content) {
  GraphBuilder builder(content.name, Frontend::kOnnx);
  std::istringstream lines{std::string(content.bytes)};
  std::string line;
  std::getline(lines, line);
  for (uint32_t number = 2; std::getline(lines, line); ++number) {
    std::istringstream words(line);
    std::string name, op, input;
    Spec spec;
    spec.storage = DType::kUint8;
    spec.scheme = Scheme::kPerTensorAffine;
    spec.zero_points = {0};
    spec.scales.resize(1);
    if (!(words >> name >> op >> spec.scales[0]))
      return Error{ErrorCode::kParse, content.name, "a line is NAME OP SCALE [INPUT]", number, 1};
    const SpecRef ref = builder.add_spec(spec);
    const bool call = static_cast<bool>(words >> input);
    const NodeId id = builder.begin_node(call ? NodeKind::kCall : NodeKind::kInput, name, op, {number, 1});
    if (call) builder.add_arg(builder.make_use(input));
    const std::vector<int64_t> shape{1, 4};
    builder.set_output_spec(builder.add_output(name, DType::kFloat32, shape), ref);
    builder.graph().nodes[id.index].annotated = true;
  }
  return builder.finish();
}

class EditableToy final : public EditableGraph {
 public:
  static Result<std::unique_ptr<EditableGraph>> open(std::string bytes, const ExternalData& external) {
    std::unique_ptr<EditableToy> out(new EditableToy(std::move(bytes)));
    auto graph = read_toy({out->bytes_, external.model, nullptr, {}});
    if (!graph) return graph.error();
    out->graph_ = std::move(*graph);
    return std::unique_ptr<EditableGraph>(std::move(out));
  }

  bool is_text() const override { return true; }
  Result<Edited> with(std::span<const SpecChange* const> changes) const override {
    std::istringstream in(bytes_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    Edited out{"", std::vector<bool>(changes.size(), false)};
    for (size_t i = 0; i < changes.size(); ++i) {
      if (changes[i]->place >= graph_.values.size() || changes[i]->spec.scales.size() != 1) continue;
      const Node& node = graph_.node(graph_.values[changes[i]->place].producer);
      std::ostringstream line;
      line << graph_.text(node.name) << ' ' << graph_.text(node.op) << ' ' << changes[i]->spec.scales[0];
      for (const Use& use : graph_.uses_of(node)) line << ' ' << graph_.text(graph_.value(use.value).name);
      lines[node.location.line - 1] = line.str();
      out.made[i] = true;
    }
    for (const std::string& line : lines) out.bytes += line + "\n";
    return out;
  }

 private:
  using EditableGraph::EditableGraph;
};

FileFormat toy_format() {
  return {"toy",    "a toy",           true,   [](std::string_view bytes) { return bytes.substr(0, 6) == "toy 1\n"; },
          read_toy, EditableToy::open, nullptr};
}

FormatRegistry with_toy() {
  const auto shipped = FormatRegistry::shipped().formats();
  std::vector<FileFormat> rows(shipped.begin(), shipped.end());
  rows.push_back(toy_format());
  return FormatRegistry(std::move(rows));
}

constexpr std::string_view kModel = "toy 1\nx input 0.01\ny Relu 0.01 x\nz Sigmoid 0.5 y\n";

class Formats : public testing::Test {
 protected:
  void SetUp() override {
    auto session = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", {}}, {});
    ASSERT_TRUE(session.ok()) << session.error().message();
    session_ = std::move(*session);
  }
  FileReport judged(const Graph& graph) {
    auto report = session_->report(graph, "m.toy");
    EXPECT_TRUE(report.ok());
    return report ? std::move(*report) : FileReport{};
  }

  std::unique_ptr<Session> session_;
};

TEST_F(Formats, ANewOneIsJudgedLikeTheOthers) {
  const FormatRegistry registry = with_toy();
  auto graph = registry.read(kModel, "m.toy");
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  const FileReport report = judged(*graph);
  ASSERT_EQ(report.nodes.size(), 2U);
  EXPECT_EQ(report.nodes[0].backend_op, "Relu");
  EXPECT_EQ(report.nodes[0].verdict, NodeVerdict::kAccepted);
  EXPECT_EQ(report.nodes[1].backend_op, "Sigmoid");
  for (const Finding& f : report.findings) EXPECT_GE(f.location.line, 2U) << f.message;
}

TEST_F(Formats, ANewOneIsChangedInItsOwnText) {
  const FormatRegistry registry = with_toy();
  auto file = registry.edit(std::string(kModel), "m.toy");
  ASSERT_TRUE(file.ok());
  SpecChange change;
  change.place = (*file)->graph().node(NodeId{1}).outputs.first;
  change.spec = (*file)->graph().specs[0];
  change.spec.scales = {0.25};
  const SpecChange* const changes[] = {&change};
  auto edited = (*file)->with(changes);
  ASSERT_TRUE(edited.ok());
  EXPECT_EQ(edited->bytes, "toy 1\nx input 0.01\ny Relu 0.25 x\nz Sigmoid 0.5 y\n");
  EXPECT_TRUE(registry.read(edited->bytes, "m.toy").ok());
}

TEST_F(Formats, ErrorsNameFileAndPlace) {
  const auto broken = with_toy().read("toy 1\nx input\n", "m.toy");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().message(), "m.toy:2:1: a line is NAME OP SCALE [INPUT]");
}

TEST_F(Formats, WhatNoneRecognizesIsToldWithAllThatAreKnown) {
  const auto unknown = with_toy().read("PK\x03\x04", "m.zip");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message(), "m.zip: neither a JSON annotation file nor an ONNX model nor a toy");
  EXPECT_EQ(read_graph(kModel, "m.toy").error().message(), "m.toy: neither a JSON annotation file nor an ONNX model");
  EXPECT_EQ(read_graph("", "m.toy").error().message(), "m.toy: the file is empty");
}

TEST_F(Formats, OneWithoutAWriterIsNotChanged) {
  FileFormat row = toy_format();
  row.edit = nullptr;
  const auto file = FormatRegistry({row}).edit(std::string(kModel), "m.toy");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().message(), "m.toy: files of this format are not changed");
}

}  // namespace
}  // namespace snapgauge
