// One constant of integers that two readers read with different scales has two meanings.
#include <gtest/gtest.h>

#include <cstring>

#include "graph/builder.h"
#include "lower/forms.h"
#include "runtime/runtime.h"

namespace snapgauge {
namespace {

TEST(Forms, IntegersMeanWhatEachReaderSays) {
  const std::array<int8_t, 2> stored{10, -4};
  GraphBuilder builder("test", Frontend::kOnnx);
  builder.begin_node(NodeKind::kConstant, "c", "constant");
  const std::array<int64_t, 1> dims{2};
  const ValueId value = builder.add_output("c", DType::kInt8, std::span<const int64_t>(dims));
  builder.set_constant(value, builder.add_constant(DType::kInt8, 2, reinterpret_cast<const std::byte*>(stored.data())));
  const Graph graph = builder.finish();
  OpGraph ops;
  ops.graph = &graph;
  Plan plan;
  Forms forms(plan, ops, false);
  const NumberForm half{DType::kInt8, {{0.5F}, {0}, -1}}, two{DType::kInt8, {{2}, {1}, -1}};
  const BufferId first = forms.get(value, half, kReal, {}), second = forms.get(value, two, kReal, {});
  EXPECT_EQ(forms.get(value, half, kReal, {}), first);
  ASSERT_TRUE(fold_constants(plan));
  const auto numbers = [&](BufferId id) {
    std::array<float, 2> out{};
    std::memcpy(out.data(), plan.buffer(id).data.data(), sizeof out);
    return out;
  };
  EXPECT_EQ(numbers(first), (std::array<float, 2>{5, -2}));
  EXPECT_EQ(numbers(second), (std::array<float, 2>{18, -10}));
}

TEST(Forms, BlocksAreExpandedOrRefusedAsOftenAsAsked) {
  const std::array<int8_t, 8> stored{1, 2, 3, 4, -1, -2, -3, -4};
  GraphBuilder builder("test", Frontend::kOnnx);
  builder.begin_node(NodeKind::kConstant, "c", "constant");
  const std::array<int64_t, 2> dims{2, 4};
  const ValueId value = builder.add_output("c", DType::kInt8, std::span<const int64_t>(dims));
  builder.set_constant(value, builder.add_constant(DType::kInt8, 8, reinterpret_cast<const std::byte*>(stored.data())));
  const Graph graph = builder.finish();
  OpGraph ops;
  ops.graph = &graph;
  Plan plan;
  Forms forms(plan, ops, false);
  Spec blocks;
  blocks.storage = DType::kInt8;
  blocks.scheme = Scheme::kPerChannelSymmetric;
  blocks.axis = 0;
  blocks.block = {1, 2};
  blocks.scales = {1, 10, 100, 1000};
  const BufferId expanded = forms.expanded(value, blocks, {});
  EXPECT_EQ(forms.expanded(value, blocks, {}), expanded);
  std::array<float, 8> numbers{};
  ASSERT_EQ(plan.buffer(expanded).data.size(), sizeof numbers);
  std::memcpy(numbers.data(), plan.buffer(expanded).data.data(), sizeof numbers);
  EXPECT_EQ(numbers, (std::array<float, 8>{1, 2, 30, 40, -100, -200, -3000, -4000}));
  Spec other = blocks;
  other.scales = {1, 2, 3};
  for (int reader = 0; reader < 2; ++reader) EXPECT_THROW((void)forms.expanded(value, other, {}), LowerFailure);
}

}  // namespace
}  // namespace snapgauge
