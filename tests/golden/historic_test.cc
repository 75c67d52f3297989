// What older snapshots of the ONNX Runtime QNN provider saw refused: judged at the SDK of that time for a
// converter that rewrites nothing, and today for the provider, which learnt to rewrite most of it. Only
// descriptions are left of these cases, so the graphs are built from them.
#include <fmt/format.h>

#include "known_cases.h"
#include "unit/onnx_writer.h"

namespace snapgauge::golden {
namespace {

using onnx_test::Dims;
using onnx_test::Model;
using onnx_test::Node;

int32_t type_of(const std::string& name) {
  static const std::map<std::string, int32_t> types{{"float32", 1}, {"uint8", 2}, {"int8", 3},  {"uint16", 4},
                                                    {"int16", 5},   {"int32", 6}, {"int64", 7}, {"bool", 9}};
  return types.at(name);
}

size_t size_of(int32_t type) { return type == 1 || type == 6 ? 4 : type == 7 ? 8 : type == 4 || type == 5 ? 2 : 1; }

/// One operator; quantized tensors stand behind a DequantizeLinear or in front of a QuantizeLinear.
class Builder {
 public:
  explicit Builder(const Json& row) : row_(row), model_(row["opset"].get<int64_t>()) {}

  std::string build() {
    std::vector<std::string> inputs, outputs;
    for (const Json& t : row_["inputs"]) inputs.push_back(input(t, fmt::format("x{}", inputs.size())));
    for (size_t i = 0; i < row_["outputs"].size(); ++i) outputs.push_back(fmt::format("y{}", i));
    Node node(row_["onnx_op"].get<std::string>(), inputs, outputs, "node");
    for (const auto& [key, value] : row_["attrs"].items()) {
      if (value.is_number_integer()) node.integer(key, value);
      if (value.is_string()) node.text(key, value.get<std::string>());
      if (value.is_array()) node.integers(key, value.get<Dims>());
    }
    model_.node(node);
    for (size_t i = 0; i < outputs.size(); ++i) output(row_["outputs"][i], outputs[i]);
    return model_.bytes();
  }

 private:
  static Dims shape_of(const Json& t) { return t["shape"].is_array() ? t["shape"].get<Dims>() : Dims{4}; }
  static int32_t dtype_of(const Json& t) { return type_of(t["dtype"].is_string() ? t["dtype"] : Json("int64")); }

  void parameters(const Json& t, const std::string& name) {
    model_.floats(name + "_scale", {}, {t["scale"].get<float>()});
    const int64_t zero = t["zero_point"];
    const std::string bytes(reinterpret_cast<const char*>(&zero), size_of(dtype_of(t)));
    model_.initializer(onnx_test::tensor(name + "_zero", dtype_of(t), {}, bytes));
  }

  std::string input(const Json& t, const std::string& name) {
    const int32_t type = dtype_of(t);
    const Dims shape = shape_of(t);
    const bool quantized = t["quantized"];
    if (t["static"].get<bool>()) {
      size_t count = size_of(type);
      for (int64_t d : shape) count *= static_cast<size_t>(d);
      // Axes are 0, 1, 2, ...; of other constants only the type matters, and K of TopK may be anything small.
      std::string bytes(count, '\0');
      for (size_t i = 0; i < count / size_of(type); ++i)
        bytes[i * size_of(type)] = static_cast<char>(count == 8 ? 2 : i);
      model_.initializer(onnx_test::tensor(name, type, shape, bytes));
    } else {
      model_.input(name, quantized ? 1 : type, shape);
    }
    if (!quantized) return name;
    parameters(t, name);
    const std::vector<std::string> pair{name + "_scale", name + "_zero"};
    if (!t["static"].get<bool>()) model_.node(Node("QuantizeLinear", {name, pair[0], pair[1]}, {name + "_q"}));
    model_.node(
        Node("DequantizeLinear", {t["static"].get<bool>() ? name : name + "_q", pair[0], pair[1]}, {name + "_d"}));
    return name + "_d";
  }

  void output(const Json& t, const std::string& name) {
    const Dims shape = shape_of(t);
    if (!t["quantized"].get<bool>()) {
      model_.output(name, dtype_of(t), shape);
      return;
    }
    parameters(t, name);
    model_.node(Node("QuantizeLinear", {name, name + "_scale", name + "_zero"}, {name + "_q"}));
    model_.node(Node("DequantizeLinear", {name + "_q", name + "_scale", name + "_zero"}, {name + "_d"}));
    model_.output(name + "_d", 1, shape);
  }

  const Json& row_;
  Model model_;
};

CheckResult judge(const std::string& bytes, const TargetOptions& options) {
  auto session = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""}, options);
  auto graph = read_graph(bytes, "historic.onnx");
  EXPECT_TRUE(session) << session.error().message();
  EXPECT_TRUE(graph) << graph.error().message();
  if (!session || !graph) return {};
  auto result = (*session)->check(*graph);
  EXPECT_TRUE(result) << result.error().message();
  return result ? std::move(*result) : CheckResult{};
}

std::string listed(const CheckResult& result) {
  std::string text(verdict_name(result.verdict));
  for (const Finding& f : result.findings)
    text += fmt::format("; {} {} {}: {} ({}; {})", code_text(f.code), level_name(f.level), f.port, f.message,
                        f.expected, f.actual);
  return text;
}

TEST(Historic, IsRefusedThenAndMendedNow) {
  const Json expected = read_json(data_path("oracle") + "historic_expected.json");
  for (const Json& row : read_json(data_path("oracle") + "historic.json")) {
    const std::string id = row["id"];
    const Json& e = expected[id];
    const std::string bytes = Builder(row).build();
    const std::string backend = row["backend"] == "CPU" ? "cpu" : "htp";
    ASSERT_FALSE(e["qairt"].empty()) << id;
    const CheckResult then = judge(bytes, {backend, "SM8550", row["source"]["sdk"], "qairt"});
    EXPECT_EQ(then.verdict, FileVerdict::kRejected) << id << " then: " << listed(then);
    EXPECT_TRUE(std::any_of(then.findings.begin(), then.findings.end(),
                            [&](const Finding& f) {
                              const auto& codes = e["qairt"];
                              return f.level == Level::kError &&
                                     std::find(codes.begin(), codes.end(), code_text(f.code)) != codes.end();
                            }))
        << id << " then: " << listed(then);
    const CheckResult now = judge(bytes, {backend, "SM8750", "latest", "ort-qnn"});
    if (e["latest"] == "open") continue;
    EXPECT_EQ(std::string(verdict_name(now.verdict)), e["latest"].get<std::string>()) << id << " now: " << listed(now);
    const bool noted =
        std::any_of(now.findings.begin(), now.findings.end(), [](const Finding& f) { return f.code == 707; });
    EXPECT_TRUE(noted || !e.value("note", false)) << id << " now: " << listed(now);
  }
}

}  // namespace
}  // namespace snapgauge::golden
