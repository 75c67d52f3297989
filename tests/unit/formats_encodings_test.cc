// Encodings that other tools read: every kind of entry, with numbers that were computed by hand.
//
// tests/data/encodings holds what is written for a graph with all kinds; tests/cli/encodings.py validates it with the
// schemas. SNAPGAUGE_REGENERATE=1 writes it anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "formats/encodings/encodings.h"
#include "formats/encodings/two_level.h"
#include "formats/registry.h"
#include "graph/builder.h"

namespace snapgauge {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using Ints = std::vector<int64_t>;

Spec spec_of(DType storage, Scheme scheme, std::vector<double> scales, Ints zero_points = {}) {
  Spec spec;
  spec.storage = storage;
  spec.scheme = scheme;
  spec.scales = std::move(scales);
  spec.zero_points = std::move(zero_points);
  return spec;
}
Spec affine(DType storage, double scale, int64_t zero_point) {
  return spec_of(storage, Scheme::kPerTensorAffine, {scale}, {zero_point});
}
Spec ranged(Spec spec, int64_t least, int64_t largest) {
  spec.qmin = least;
  spec.qmax = largest;
  return spec;
}
Spec per_channel(DType storage, std::vector<double> scales, int64_t axis) {
  Spec spec = spec_of(storage, Scheme::kPerChannelSymmetric, std::move(scales));
  spec.axis = axis;
  return spec;
}
Spec in_blocks(std::vector<double> scales, int64_t axis, Ints block, bool two_level) {
  Spec spec = ranged(per_channel(DType::kInt8, std::move(scales), axis), -8, 7);
  spec.block = std::move(block);
  spec.two_level = two_level;
  return spec;
}

/// A graph of one call that reads everything that was added before.
class Net {
 public:
  /// With a spec on its own side.
  Net& tensor(NodeKind kind, const std::string& name, Spec spec, const Ints& shape = {1, 4}) {
    return add(kind, name, shape, builder_.add_spec(std::move(spec)), {});
  }
  /// With a spec on the edge that reads it.
  Net& read(NodeKind kind, const std::string& name, Spec spec, const Ints& shape = {1, 4}) {
    return add(kind, name, shape, {}, builder_.add_spec(std::move(spec)));
  }
  Net& add(NodeKind kind, const std::string& name, const Ints& shape, SpecRef own, SpecRef edge) {
    builder_.begin_node(kind, name, kind == NodeKind::kCall ? "Relu" : "");
    builder_.set_output_spec(builder_.add_output(name, DType::kFloat32, shape), own);
    edges_.emplace_back(name, edge);
    return *this;
  }
  GraphBuilder& builder() { return builder_; }
  Graph finish() {
    builder_.begin_node(NodeKind::kCall, "reader", "Sum");
    for (const auto& [name, edge] : edges_)
      builder_.add_arg(builder_.make_use(name, edge, edge.kind != SpecRef::Kind::kNone));
    builder_.add_output("y", DType::kFloat32, Ints{1, 4});
    return builder_.finish();
  }

 private:
  GraphBuilder builder_{"net", Frontend::kOnnx};
  std::vector<std::pair<std::string, SpecRef>> edges_;
};

constexpr NodeKind kInput = NodeKind::kInput, kConstant = NodeKind::kConstant, kCall = NodeKind::kCall;

Json aimet_entry(Net& net) {
  const EncodingsText out = aimet_encodings(net.finish());
  EXPECT_TRUE(out.left_out.empty());
  const Json file = Json::parse(out.text);
  Json all = file.at("activation_encodings");
  for (const Json& one : file.at("param_encodings")) all.push_back(one);
  EXPECT_EQ(all.size(), 1U) << out.text;
  return all.at(0);
}
Json activation(Spec spec) {
  Net net;
  return aimet_entry(net.tensor(kCall, "t", std::move(spec)));
}
Json weight(Spec spec, Ints shape) {
  Net net;
  return aimet_entry(net.read(kConstant, "w", std::move(spec), std::move(shape)));
}

TEST(AimetEncodings, OffsetsCountFromZero) {
  EXPECT_EQ(activation(affine(DType::kUint8, 0.5, 3)),
            Json::parse(R"({"name": "t", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 8, "is_sym": false,
                            "scale": [0.5], "offset": [-3]})"));
  // real = (q - -28) * s of q from -128: the first of them is -100 steps.
  EXPECT_EQ(activation(affine(DType::kInt8, 0.5, -28))["offset"], Json({-100}));
  EXPECT_EQ(activation(affine(DType::kInt8, 0.5, -28))["is_sym"], false);
  EXPECT_EQ(activation(affine(DType::kInt16, 0.25, 0))["offset"], Json({-32768}));
  EXPECT_EQ(activation(affine(DType::kUint4, 0.25, 7))["offset"], Json({-7}));
  EXPECT_EQ(activation(affine(DType::kUint4, 0.25, 7))["bw"], 4);
}

TEST(AimetEncodings, WidthAndSignAreThoseOfTheRange) {
  const Json wide = activation(ranged(affine(DType::kInt32, 0.125, 32768), 0, 65535));
  EXPECT_EQ(wide["bw"], 16);
  EXPECT_EQ(wide["offset"], Json({-32768}));
  EXPECT_EQ(wide["is_sym"], false) << "the middle of an unsigned range by chance";
  const Json strict = activation(ranged(affine(DType::kInt8, 0.125, 0), -127, 127));
  EXPECT_EQ(strict["bw"], 8);
  EXPECT_EQ(strict["offset"], Json({-128}));
  EXPECT_EQ(strict["is_sym"], true);
  const Json four = weight(ranged(spec_of(DType::kInt8, Scheme::kPerTensorSymmetric, {0.5}), -7, 7), {2, 2});
  EXPECT_EQ(four["bw"], 4);
  EXPECT_EQ(four["offset"], Json({-8}));
}

TEST(AimetEncodings, AnUnsignedTypeIsSymmetricWhereItsSchemeSaysSo) {
  EXPECT_EQ(activation(spec_of(DType::kUint8, Scheme::kPerTensorSymmetric, {0.5}, {128}))["is_sym"], true);
  EXPECT_EQ(activation(spec_of(DType::kUint8, Scheme::kPerTensorAffine, {0.5}, {128}))["is_sym"], false);
  EXPECT_EQ(activation(spec_of(DType::kUint8, Scheme::kPerTensorSymmetric, {0.5}, {127}))["is_sym"], false);
}

TEST(AimetEncodings, ChannelsHaveOneEach) {
  EXPECT_EQ(weight(per_channel(DType::kInt8, {0.5, 0.25}, -2), {2, 4}),
            Json::parse(R"({"name": "w", "enc_type": "PER_CHANNEL", "dtype": "INT", "bw": 8, "is_sym": true,
                            "scale": [0.5, 0.25], "offset": [-128, -128]})"));
  const Json affine = weight(
      [] {
        Spec spec = spec_of(DType::kUint8, Scheme::kPerChannelAffine, {0.5, 0.25}, {1, 128});
        spec.axis = 1;
        return spec;
      }(),
      {4, 2});
  EXPECT_EQ(affine["offset"], Json({-1, -128}));
  EXPECT_EQ(affine["is_sym"], false);
}

TEST(AimetEncodings, TwoLevelsAreTakenApart) {
  const float a = 0.001F, b = 0.002F;
  const auto product = [](float scale, int integer) {
    return static_cast<double>(scale * static_cast<float>(integer));
  };
  const Json lpbq =
      weight(in_blocks({product(a, 16), product(a, 3), product(b, 7), product(b, 13)}, 0, {1, 32}, true), {2, 64});
  EXPECT_EQ(lpbq["enc_type"], "LPBQ");
  EXPECT_EQ(lpbq["bw"], 8);
  EXPECT_EQ(lpbq["compressed_bw"], 4);
  EXPECT_EQ(lpbq["block_size"], 32);
  EXPECT_EQ(lpbq["scale"], Json({static_cast<double>(a), static_cast<double>(b)}));
  EXPECT_EQ(lpbq["offset"], Json({-128, -128}));
  EXPECT_EQ(lpbq["per_block_int_scale"], Json({16, 3, 7, 13}));
}

TEST(AimetEncodings, TwoLevelsInFrontOfTheChannels) {
  // [64, 3] in blocks of 32 rows: the scales of the spec lie [2, 3], those of the entry [3, 2].
  const Json lpbq = weight(in_blocks({16, 15, 14, 1, 2, 3}, 1, {32, 1}, true), {64, 3});
  EXPECT_EQ(lpbq["per_block_int_scale"], Json({16, 1, 15, 2, 14, 3}));
  EXPECT_EQ(lpbq["scale"], Json({1.0, 1.0, 1.0}));
  const Json onnx = weight(in_blocks({16, 15, 14, 1, 2, 3}, 0, {32}, true), {64, 3});
  EXPECT_EQ(onnx["per_block_int_scale"], lpbq["per_block_int_scale"]);
}

TEST(AimetEncodings, BlocksThatAreNoProductsKeepTheirScales) {
  const Json blocks = weight(in_blocks({1, 0.31, 0.5, 0.25}, 1, {2}, true), {2, 4});
  EXPECT_EQ(blocks, Json::parse(R"({"name": "w", "enc_type": "PER_BLOCK", "dtype": "INT", "bw": 4, "is_sym": true,
                                    "block_size": 2, "scale": [1.0, 0.31, 0.5, 0.25], "offset": [-8, -8, -8, -8]})"));
  EXPECT_EQ(weight(in_blocks({2, 1}, 1, {2}, false), {1, 4})["enc_type"], "PER_BLOCK") << "one level";
  EXPECT_EQ(weight(in_blocks({2, 1}, 0, {1, 4, 3, 3}, true), {2, 4, 3, 3})["block_size"], 4) << "one block a channel";
}

TEST(AimetEncodings, WhatItHasNoWordsForIsNamed) {
  Spec nan = affine(DType::kUint8, std::nan(""), 0);
  Net net;
  net.tensor(kInput, "fine", affine(DType::kUint8, 1, 0)).tensor(kCall, "nan", nan);
  net.tensor(kCall, "negative", affine(DType::kUint8, -1, 0)).tensor(kCall, "point", affine(DType::kUint8, 1, 256));
  net.tensor(kCall, "least", affine(DType::kInt8, 1, INT64_MIN)).tensor(kCall, "two", affine(DType::kInt2, 1, 0));
  net.tensor(kCall, "range", ranged(affine(DType::kInt32, 1, 0), 5, 260));
  net.tensor(kCall, "long", affine(DType::kInt64, 1, 0)).tensor(kCall, "infinite", affine(DType::kUint8, 1e308, 0));
  net.read(kConstant, "squares", in_blocks({1, 1, 1, 1}, 0, {2, 2}, true), {4, 4});
  net.read(kConstant, "ragged", in_blocks({1, 1, 1, 1}, 1, {3}, true), {2, 4});
  net.read(kConstant, "count", per_channel(DType::kInt8, {1, 1}, 0), {3, 4});
  net.tensor(kCall, "open", spec_of(DType::kUint8, Scheme::kPerTensorAffine, {}));
  const EncodingsText out = aimet_encodings(net.finish());
  EXPECT_THAT(out.left_out, ElementsAre("nan", "negative", "point", "least", "two", "range", "long", "infinite",
                                        "squares", "ragged", "count"));
  EXPECT_EQ(Json::parse(out.text)["activation_encodings"].size(), 1U);
  EXPECT_EQ(Json::parse(out.text)["param_encodings"].size(), 0U);
}

TEST(AimetEncodings, NothingIsAnEmptyFile) {
  EXPECT_EQ(aimet_encodings(Net().finish()).text,
            "{\n \"version\": \"1.0.0\",\n \"activation_encodings\": [],\n \"param_encodings\": [],\n"
            " \"excluded_layers\": [],\n \"quantizer_args\": {}\n}\n");
}

TEST(AimetEncodings, ATensorsOwnSpecComesBeforeThoseOfItsReaders) {
  Net net;
  GraphBuilder& builder = net.builder();
  const SpecRef own = builder.add_spec(affine(DType::kUint8, 1, 1)),
                edge = builder.add_spec(affine(DType::kUint8, 2, 2));
  net.add(kCall, "own", {1, 4}, own, edge).add(kInput, "edge", {1, 4}, {}, edge);
  net.add(kCall, "shared", {1, 4}, builder.shared_node("own"), {});
  const Json all = Json::parse(aimet_encodings(net.finish()).text)["activation_encodings"];
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["offset"], Json({-1}));
  EXPECT_EQ(all[1]["name"], "edge");
  EXPECT_EQ(all[1]["offset"], Json({-2}));
  EXPECT_EQ(all[2]["offset"], Json({-1}));
}

TEST(AimetEncodings, APickedResultHasTheNameOfWhatPicksIt) {
  GraphBuilder builder("split", Frontend::kTorch);
  builder.begin_node(NodeKind::kCall, "parts", "aten.split.Tensor");
  builder.add_output("parts", DType::kFloat32, Ints{4});
  builder.add_output("parts:1", DType::kFloat32, Ints{4});
  builder.begin_node(NodeKind::kSelect, "second", "getitem");
  builder.add_arg(builder.make_use("parts"));
  builder.add_arg(GraphBuilder::make_int(1));
  builder.set_output_spec(builder.add_output("second", DType::kFloat32, Ints{4}),
                          builder.add_spec(affine(DType::kUint8, 1, 1)));
  const Json all = Json::parse(aimet_encodings(builder.finish()).text)["activation_encodings"];
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["name"], "second");
}

TEST(AimetEncodings, WhatAllTensorsHaveInCommonIsSaid) {
  Net net;
  net.tensor(kCall, "a", affine(DType::kUint16, 1, 3)).tensor(kCall, "b", affine(DType::kUint16, 1, 4));
  net.read(kConstant, "w", affine(DType::kUint8, 1, 3), {2, 4});
  net.read(kConstant, "bias", affine(DType::kInt32, 1, 0), {2});
  EXPECT_EQ(Json::parse(aimet_encodings(net.finish()).text)["quantizer_args"],
            Json::parse(R"({"activation_bitwidth": 16, "param_bitwidth": 8, "dtype": "int",
                            "per_channel_quantization": false})"));
}

TEST(AimetEncodings, OfAModel) {
  const auto loaded = load_graph(std::string(SNAPGAUGE_SOURCE_DIR) + "/data/kws_dscnn.u8s8_pc.onnx");
  ASSERT_TRUE(loaded) << loaded.error().message();
  for (const EncodingsText& out : {aimet_encodings(loaded.value().graph), qairt_overrides(loaded.value().graph)}) {
    EXPECT_TRUE(out.left_out.empty());
    const Json file = Json::parse(out.text);
    EXPECT_GT(file["activation_encodings"].size(), 8U) << out.text;
    EXPECT_GT(file["param_encodings"].size(), 8U);
  }
}

TEST(TwoLevel, EveryChannelScaleAndItsIntegersComeBack) {
  for (const float scale : {0.001F, 1.0F / 3, 7.77e-5F, 123.456F, 1.17549435e-38F * 64})
    for (int largest = 1; largest <= 16; ++largest) {
      // Without a common factor there is one way only, unless all can be doubled up to 16.
      const int other = largest == 1 ? 1 : largest - 1;
      const std::vector<double> scales{static_cast<double>(scale * static_cast<float>(largest)),
                                       static_cast<double>(scale * static_cast<float>(other))};
      const auto parts = take_apart(scales, 16);
      ASSERT_TRUE(parts) << scale << " " << largest;
      for (size_t i = 0; i < 2; ++i)
        EXPECT_EQ(parts->channel * static_cast<float>(parts->integers[i]), static_cast<float>(scales[i]));
      if (16 % largest == 0) {
        EXPECT_THAT(parts->integers, ElementsAre(16, other * (16 / largest)));
      } else {
        EXPECT_THAT(parts->integers, ElementsAre(largest, other));
        EXPECT_EQ(parts->channel, scale);
      }
    }
}

TEST(TwoLevel, WhatIsNoProductIsNot) {
  EXPECT_FALSE(take_apart(std::vector<double>{1, 0.31}, 16));
  EXPECT_FALSE(take_apart(std::vector<double>{17, 1}, 16));
  EXPECT_FALSE(take_apart(std::vector<double>{1e300}, 16));
  EXPECT_FALSE(take_apart(std::vector<double>{1e-40}, 16));
  EXPECT_FALSE(take_apart(std::vector<double>{}, 16));
}

/// Every kind of entry.
Graph all_kinds() {
  Net net;
  GraphBuilder& builder = net.builder();
  net.read(kInput, "x", affine(DType::kUint8, 0.5, 3));
  net.read(kConstant, "conv.weight", ranged(per_channel(DType::kInt8, {0.25, 0.125}, 0), -127, 127), {2, 4, 1, 1});
  Spec bias = per_channel(DType::kInt32, {0.125, 0.0625}, 0);
  const SpecRef sources[] = {builder.shared_node("x"), builder.shared_node("conv.weight")};
  net.add(kConstant, "conv.bias", {2}, {}, builder.add_derived(sources, bias));
  net.tensor(kCall, "conv", ranged(affine(DType::kInt32, 0.0625, 32768), 0, 65535));
  net.tensor(kCall, "tanh \"\xce\xb1\"", affine(DType::kInt16, 0.03125, 0));
  net.tensor(kCall, "signed", affine(DType::kInt8, 0.5, -28));
  net.read(kConstant, "embedding", affine(DType::kUint4, 0.25, 7), {4, 4});
  net.read(kConstant, "fc.weight", in_blocks({1, 0.1875, 0.875, 2}, 0, {1, 32}, true), {2, 64});
  net.read(kConstant, "head.weight", in_blocks({1, 0.31, 0.5, 0.25}, 1, {2}, false), {2, 4});
  net.tensor(kCall, "uncalibrated", spec_of(DType::kUint8, Scheme::kPerTensorAffine, {}));
  return net.finish();
}

void expect_file(const std::string& name, const std::string& text) {
  const std::string path = std::string(SNAPGAUGE_SOURCE_DIR) + "/tests/data/encodings/" + name;
  if (std::getenv("SNAPGAUGE_REGENERATE") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << path;
}

TEST(AimetEncodings, AllKinds) {
  const EncodingsText out = aimet_encodings(all_kinds());
  EXPECT_TRUE(out.left_out.empty());
  expect_file("all-kinds.encodings", out.text);
}

TEST(QairtOverrides, AllKinds) {
  const EncodingsText out = qairt_overrides(all_kinds());
  EXPECT_THAT(out.left_out, ElementsAre("fc.weight", "head.weight"));
  expect_file("all-kinds.overrides.json", out.text);
}

TEST(QairtOverrides, RangesFollowFromScaleAndOffset) {
  const Json file = Json::parse(qairt_overrides(all_kinds()).text);
  EXPECT_EQ(file["activation_encodings"]["x"], Json::parse(R"([{"bitwidth": 8, "dtype": "int", "is_symmetric": "False",
            "min": -1.5, "max": 126.0, "offset": -3, "scale": 0.5}])"));
  const Json& channels = file["param_encodings"]["conv.weight"];
  ASSERT_EQ(channels.size(), 2U);
  EXPECT_EQ(channels[1], Json::parse(R"({"bitwidth": 8, "dtype": "int", "is_symmetric": "True",
            "min": -16.0, "max": 15.875, "offset": -128, "scale": 0.125})"));
  EXPECT_EQ(file["param_encodings"]["conv.bias"][0],
            Json::parse(R"({"bitwidth": 32, "dtype": "int", "is_symmetric": "True",
            "min": -268435456.0, "max": 268435455.875, "offset": -2147483648, "scale": 0.125})"));
  EXPECT_EQ(file["activation_encodings"]["conv"][0]["max"], 2047.9375);
  EXPECT_EQ(file["activation_encodings"]["conv"][0]["min"], -2048.0);
}

}  // namespace
}  // namespace snapgauge
