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

}  // namespace
}  // namespace snapgauge
