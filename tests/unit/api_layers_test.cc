// Runs step by step, and lists of inputs.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "api/layers.h"

namespace snapgauge {
namespace {

BufferId add(Plan& plan, const char* name, BufferRole role, const std::vector<float>& values) {
  Buffer b;
  b.name = name;
  b.role = role;
  b.dims = {static_cast<int64_t>(values.size())};
  if (role == BufferRole::kConstant) {
    const auto blob = plan.add_blob(values.size() * sizeof(float));
    std::memcpy(blob.data(), values.data(), blob.size());
    b.data = blob;
  }
  return plan.add(std::move(b));
}

/// (x + c) - c, of which floats lose what is small beside c.
RunnableModel there_and_back(float c) {
  Plan plan;
  const BufferId x = add(plan, "x", BufferRole::kInput, {0, 0}), big = add(plan, "c", BufferRole::kConstant, {c, 0});
  const BufferId sum = add(plan, "sum", BufferRole::kTemporary, {0, 0}),
                 y = add(plan, "y", BufferRole::kTemporary, {0, 0});
  plan.inputs = {x};
  plan.outputs = {y};
  plan.output_names = {"y"};
  plan.steps.push_back({StepKind::kBinary, "add", {x, big}, sum, Elementwise{Function::kAdd, 0, 0}});
  plan.steps.push_back({StepKind::kBinary, "sub", {sum, big}, y, Elementwise{Function::kSub, 0, 0}});
  RunnableModel model;
  model.path = "m";
  model.plan = *LoadedPlan::load(std::move(plan));
  return model;
}

std::vector<NamedTensor> input_of(float a, float b) {
  NamedTensor t{"x", "", DType::kFloat32, {2}, std::vector<std::byte>(8)};
  const float values[] = {a, b};
  std::memcpy(t.data.data(), values, 8);
  return {t};
}

TEST(Layers, TheFirstValueBeyondItsBoundIsTold) {
  size_t seen = 0;
  const auto layers = layers_of(there_and_back(1e8F), input_of(3, 5), [&](size_t step, const Buffer& b, auto bytes) {
    EXPECT_EQ(step, seen++);
    EXPECT_EQ(bytes.size(), b.bytes());
    return Status(Done{});
  });
  ASSERT_TRUE(layers) << layers.error().message();
  ASSERT_EQ(layers.value().size(), 2U);
  EXPECT_EQ(seen, 2U);
  const Layer &sum = layers.value()[0], &y = layers.value()[1];
  EXPECT_TRUE(sum.within());  // 3 of 1e8 is nothing
  EXPECT_FALSE(y.within());
  EXPECT_EQ(y.node, "sub");
  EXPECT_EQ(y.beyond, 1U);
  EXPECT_EQ(y.first, 0U);
  EXPECT_EQ(y.got, 0);
  EXPECT_EQ(y.exact, 3);
  EXPECT_DOUBLE_EQ(y.largest, 3.0 / 5);
  EXPECT_NEAR(y.sqnr_db, 10 * std::log10(34.0 / 9), 1e-9);
}

TEST(Layers, WhatIsEqualHasNoNoise) {
  const auto layers = layers_of(there_and_back(0), input_of(3, INFINITY));
  ASSERT_TRUE(layers);
  for (const Layer& l : layers.value()) {
    EXPECT_TRUE(l.within());
    EXPECT_TRUE(std::isinf(l.sqnr_db));
  }
}

TEST(Layers, AnErrorOfTheOneThatLooksEndsTheRun) {
  size_t seen = 0;
  const auto layers = layers_of(there_and_back(0), input_of(1, 2), [&](size_t, const Buffer&, auto) {
    ++seen;
    return Status(Error{ErrorCode::kIo, "f", "full"});
  });
  ASSERT_FALSE(layers);
  EXPECT_EQ(layers.error().text, "full");
  EXPECT_EQ(seen, 1U);
}

TEST(InputLists, HaveASetALine) {
  const std::string folder = testing::TempDir() + "input_lists/";
  std::filesystem::create_directories(folder);
  const std::string path = folder + "l.txt";
  std::ofstream(path, std::ios::binary) << "# of two inputs\n\n  a=1.npy\tb:=/2.npy # the rest\r\n#\n3.npy";
  const auto list = read_input_list(path);
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list.value(),
            (std::vector<std::vector<std::string>>{{"a=" + folder + "1.npy", "b=/2.npy"}, {folder + "3.npy"}}));
  std::ofstream(path, std::ios::binary) << "a=\n=";
  const auto odd = read_input_list(path);
  ASSERT_TRUE(odd);  // told when the files are opened
  EXPECT_EQ(odd.value(), (std::vector<std::vector<std::string>>{{"a=" + folder}, {"=" + folder}}));
}

}  // namespace
}  // namespace snapgauge
