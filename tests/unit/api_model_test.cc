// include/snapgauge/run.h: threads on one model, and what is refused.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "snapgauge/run.h"

namespace snapgauge {
namespace {

const std::string kRuns = SNAPGAUGE_SOURCE_DIR "/tests/data/runs/";
const TableSource kTables{SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""};

/// The elements of a NumPy file of version 1.
std::vector<std::byte> elements(const std::string& name) {
  std::ifstream in(kRuns + name, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const size_t first = 10 + static_cast<unsigned char>(text[8]) + 256U * static_cast<unsigned char>(text[9]);
  std::vector<std::byte> out(text.size() - first);
  std::memcpy(out.data(), text.data() + first, out.size());
  return out;
}

TEST(Model, ThreadsOnOneModelAllGetTheGolden) {
  std::string error;
  const auto model = Model::load(kRuns + "kws_dscnn.u8s8_pc.onnx", {}, kTables, &error);
  ASSERT_NE(model, nullptr) << error;
  ASSERT_EQ(model->inputs().size(), 1U);
  EXPECT_EQ(model->inputs()[0].name, "mfcc");
  EXPECT_EQ(model->inputs()[0].dtype, "float32");
  EXPECT_EQ(model->outputs()[0].shape, (std::vector<int64_t>{1, 12}));
  EXPECT_GT(model->working_bytes(), 0U);
  const std::vector<std::byte> input = elements("kws_dscnn.u8s8_pc.in.mfcc.npy"),
                               golden = elements("kws_dscnn.u8s8_pc.out.out.npy");
  std::vector<std::thread> threads;
  std::vector<int> equal(4);
  for (size_t t = 0; t < equal.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        std::vector<std::byte> output(model->outputs()[0].bytes);
        const std::span<const std::byte> in(input);
        const std::span<std::byte> out(output);
        std::string why;
        equal[t] += model->run({&in, 1}, {&out, 1}, &why) && output == golden ? 1 : 0;
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(equal, std::vector<int>(4, 5));
}

TEST(Model, WhatDoesNotFitIsAnError) {
  std::string error;
  const auto model = Model::load(kRuns + "espcn.qnn_a8w8.onnx", {}, kTables, &error);
  ASSERT_NE(model, nullptr) << error;
  std::vector<std::byte> bytes(model->inputs()[0].bytes), output(model->outputs()[0].bytes);
  const std::span<const std::byte> whole(bytes), part = whole.first(8);
  const std::span<std::byte> out(output);
  EXPECT_FALSE(model->run({}, {&out, 1}, &error));
  EXPECT_EQ(error, kRuns + "espcn.qnn_a8w8.onnx: 0 inputs where the model has 1");
  EXPECT_FALSE(model->run({&part, 1}, {&out, 1}, &error));
  EXPECT_EQ(error, kRuns + "espcn.qnn_a8w8.onnx: 8 bytes for the input 'luma', which has 1024");
  EXPECT_TRUE(model->run({&whole, 1}, {&out, 1}, nullptr));
}

TEST(Model, RefusedAndUnreadableFilesSayWhy) {
  std::string error;
  EXPECT_EQ(Model::load(kRuns + "../defects/squeezenet.u8s8_pc.bad_nan_scale.onnx", {}, kTables, &error), nullptr);
  EXPECT_NE(error.find("the gate refuses it"), std::string::npos) << error;
  EXPECT_EQ(Model::load(kRuns + "none.onnx", {}, kTables, &error), nullptr);
  EXPECT_NE(error.find("none.onnx"), std::string::npos) << error;
  EXPECT_EQ(Model::load(kRuns + "espcn.qnn_a8w8.onnx", {"htp", "SM1", "latest", ""}, kTables, &error), nullptr);
  EXPECT_FALSE(error.empty());
}

}  // namespace
}  // namespace snapgauge
