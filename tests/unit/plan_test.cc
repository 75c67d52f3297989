// Plans: what the verifier refuses, and an arena in which live buffers never meet.
#include "plan/plan.h"

#include <gtest/gtest.h>

#include <random>

namespace snapgauge {
namespace {

Buffer tensor(std::vector<int64_t> dims, BufferRole role = BufferRole::kTemporary) {
  Buffer b;
  b.name = "t";
  b.dims = std::move(dims);
  b.role = role;
  return b;
}

/// y = relu(x), z = y + x.
Plan small_plan() {
  Plan plan;
  const BufferId x = plan.add(tensor({2, 3}, BufferRole::kInput)), y = plan.add(tensor({2, 3})),
                 z = plan.add(tensor({2, 3}));
  plan.steps.push_back({StepKind::kUnary, "relu", {x}, y, Elementwise{Function::kRelu, 0, 0}});
  plan.steps.push_back({StepKind::kBinary, "add", {y, x}, z, Elementwise{Function::kAdd, 0, 0}});
  plan.inputs = {x};
  plan.outputs = {z};
  plan.output_names = {"z"};
  return plan;
}

TEST(Plan, OneThatIsSoundVerifies) {
  Plan plan = small_plan();
  EXPECT_EQ(verify(plan), "");
  lay_out(plan);
  EXPECT_EQ(verify(plan), "");
  EXPECT_EQ(plan.arena_bytes, 3 * 64);
  EXPECT_NE(to_text(plan).find("unary relu"), std::string::npos) << to_text(plan);
}

using Damage = void (*)(Plan&);
class Broken : public testing::TestWithParam<std::pair<const char*, Damage>> {};

TEST_P(Broken, IsRefusedWithAReason) {
  Plan plan = small_plan();
  lay_out(plan);
  GetParam().second(plan);
  EXPECT_NE(verify(plan).find(GetParam().first), std::string::npos) << verify(plan);
}

INSTANTIATE_TEST_SUITE_P(
    Plans, Broken,
    testing::
        Values(
            std::pair<const char*, Damage>{"before it is written", [](Plan& p) { std::swap(p.steps[0], p.steps[1]); }},
            std::pair<const char*, Damage>{"again", [](Plan& p) { p.steps[1].output = p.steps[0].output; }},
            std::pair<const char*, Damage>{"reads no buffer", [](Plan& p) { p.steps[0].inputs[0] = BufferId{77}; }},
            std::pair<const char*, Damage>{"lie upon each other",
                                           [](Plan& p) { p.buffers[2].offset = p.buffers[0].offset; }},
            std::pair<const char*, Damage>{"outside of the arena", [](Plan& p) { p.arena_bytes = 100; }},
            std::pair<const char*, Damage>{"does not broadcast",
                                           [](Plan& p) {
                                             p.buffers[1].dims = {3, 2};
                                             p.buffers[0].dims = {3, 2};
                                           }},
            std::pair<const char*, Damage>{"has the shape",
                                           [](Plan& p) {
                                             p.buffers[1].dims = {2, -3};
                                           }},
            std::pair<const char*, Damage>{"has the shape",
                                           [](Plan& p) {
                                             p.buffers[1].dims = {int64_t{1} << 40, int64_t{1} << 40};
                                           }},
            std::pair<const char*, Damage>{"without all its bytes",
                                           [](Plan& p) { p.buffers[0].role = BufferRole::kConstant; }},
            std::pair<const char*, Damage>{"unequal numbers", [](Plan& p) { p.buffers[1].quant.scales = {1}; }},
            std::pair<const char*,
                      Damage>{"do not fit its shape",
                              [](Plan& p) {
                                p.buffers[1].quant = {{1, 1}, {0, 0}, 1};
                              }},
            std::pair<const char*, Damage>{"never written", [](Plan& p) { p.steps.pop_back(); }},
            std::pair<const char*, Damage>{"not as many", [](Plan& p) {
                                             p.buffers[2].same_bytes = p.inputs[0];
                                             p.buffers[2].dims = {2};
                                           }}));

TEST(Plan, RandomPlansAreLaidOutApartAndInRoomThatIsUsedAgain) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Plan plan;
    plan.inputs = {plan.add(tensor({static_cast<int64_t>(1 + random() % 500)}, BufferRole::kInput))};
    uint64_t all = 0;
    std::vector<BufferId> made = plan.inputs;
    for (int s = 0; s < 60; ++s) {
      // Of operands that were made lately, so that most lives are short.
      const BufferId from = made[made.size() - 1 - random() % std::min<size_t>(made.size(), 4)];
      const BufferId to = plan.add(tensor(plan.buffer(from).dims));
      all += plan.buffer(to).bytes();
      plan.steps.push_back({StepKind::kUnary, "n", {from}, to, Elementwise{}});
      made.push_back(to);
    }
    plan.outputs = {made.back()};
    plan.output_names = {"y"};
    lay_out(plan);
    ASSERT_EQ(verify(plan), "");
    if (all > 60 * 256) {
      EXPECT_LT(plan.arena_bytes, all / 3);
    }
  }
}

}  // namespace
}  // namespace snapgauge
