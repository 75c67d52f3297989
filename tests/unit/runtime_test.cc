// Kernels beside the reference interpreter: random shapes, encodings and parameters, edge values, dimensions of size 1
// and 0.
#include "runtime/runtime.h"

#include <map>

#include "unit/runtime_draw.h"

namespace snapgauge {
namespace {

using namespace runtime_test;

Window random_window(Draw& draw) {
  Window w;
  for (size_t i = 0; i < 2; ++i) {
    w.kernel[i] = draw.between(1, 3);
    w.stride[i] = draw.between(1, 2);
    w.dilation[i] = draw.between(1, 2);
    w.pad_before[i] = draw.below(w.kernel[i]);
    w.pad_after[i] = draw.below(w.kernel[i]);
  }
  return w;
}

int64_t result_size(const Window& w, size_t i, int64_t size) {
  return (size + w.pad_before[i] + w.pad_after[i] - w.dilation[i] * (w.kernel[i] - 1) - 1) / w.stride[i] + 1;
}

TEST(Kernels, ConvolutionsOfAllTypesGroupsAndScales) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Draw draw(seed);
    Window w = random_window(draw);
    const bool transposed = draw.below(4) == 0, integers = draw.below(4) != 0, depthwise = draw.below(3) == 0;
    const int64_t in_group = depthwise ? 1 : draw.between(1, 5), out_group = depthwise ? 1 : draw.between(1, 6);
    w.groups = draw.between(1, 3);
    const std::vector<int64_t> x{draw.between(1, 2), draw.between(5, 8), draw.between(5, 8), in_group * w.groups};
    std::vector<int64_t> y{x[0], 0, 0, out_group * w.groups};
    for (size_t i = 0; i < 2; ++i)
      y[1 + i] = transposed ? (x[1 + i] - 1) * w.stride[i] + w.dilation[i] * (w.kernel[i] - 1) + 1 - w.pad_before[i] -
                                  w.pad_after[i]
                            : result_size(w, i, x[1 + i]);
    Plan plan;
    const DType tx = integers ? draw.integer() : DType::kFloat32, tw = integers ? draw.integer() : DType::kFloat32,
                ty = integers ? draw.integer() : DType::kFloat32;
    const auto quant = [&](DType t) { return integers ? draw.per_tensor(t) : BufferQuant(); };
    BufferQuant qw = quant(tw);
    // A transposed weight has the channels of one group along its last dimension.
    if (integers && draw.below(2) == 0 && !(transposed && w.groups > 1)) {
      qw.axis = 3;
      const std::vector<int64_t> channels{transposed ? out_group : y[3]};
      for (int64_t c = 1; c < channels[0]; ++c) {
        const BufferQuant one = quant(tw);
        qw.scales.push_back(one.scales[0]);
        qw.zero_points.push_back(one.zero_points[0]);
      }
      if (qw.scales.size() == 1) qw.axis = -1;
    }
    // A result that uses its range: the sums of products of two uniform operands.
    BufferQuant qy = quant(ty);
    const BufferQuant qx = quant(tx);
    if (integers) {
      const auto width = [](DType t) { return static_cast<double>(integer_range(t)->max - integer_range(t)->min); };
      qy.scales[0] =
          static_cast<float>(static_cast<double>(qx.scales[0]) * qw.scales[0] * width(tx) * width(tw) / width(ty));
    }
    const BufferId a = draw.add(plan, x, tx, qx, BufferRole::kInput);
    const BufferId b =
        draw.add(plan, {w.kernel[0], w.kernel[1], transposed ? x[3] : in_group, transposed ? out_group : y[3]}, tw, qw,
                 BufferRole::kConstant);
    const BufferId out = draw.add(plan, y, ty, qy, BufferRole::kTemporary);
    plan.steps.push_back({transposed ? StepKind::kTransposedConvolution : StepKind::kConvolution, "c", {a, b}, out, w});
    // With 8-bit operands the requantization is in float, which rarely lands on the other side of a half.
    expect_equal(both(std::move(plan), draw), 1, "seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(Kernels, MatrixProductsBroadcast) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Draw draw(seed);
    const bool integers = draw.below(4) != 0, constant = draw.below(2) == 0;
    const int64_t m = draw.between(1, 9), k = draw.between(1, 70), n = draw.between(1, 11);
    const std::vector<int64_t> lead = draw.shape(constant ? 0 : static_cast<size_t>(draw.below(3)), 3);
    std::vector<int64_t> a = lead, b = lead, y = lead;
    for (size_t d = 0; d < lead.size(); ++d)
      if (draw.below(3) == 0) (draw.below(2) == 0 ? a : b)[d] = 1;
    for (size_t d = 0; d < lead.size(); ++d) y[d] = std::max(a[d], b[d]);
    a.insert(a.end(), {m, k});
    b.insert(b.end(), {k, n});
    y.insert(y.end(), {m, n});
    Plan plan;
    const DType ta = integers ? draw.integer() : DType::kFloat32, tb = integers ? draw.integer() : DType::kFloat32,
                ty = integers ? draw.integer() : DType::kFloat32;
    const auto quant = [&](DType t) { return integers ? draw.per_tensor(t) : BufferQuant(); };
    const BufferQuant qa = quant(ta), qb = quant(tb);
    BufferQuant qy = quant(ty);
    if (integers) {
      const auto width = [](DType t) { return static_cast<double>(integer_range(t)->max - integer_range(t)->min); };
      qy.scales[0] =
          static_cast<float>(static_cast<double>(qa.scales[0]) * qb.scales[0] * width(ta) * width(tb) / width(ty));
    }
    const BufferId left = draw.add(plan, a, ta, qa, BufferRole::kInput);
    const BufferId right = draw.add(plan, b, tb, qb, constant ? BufferRole::kConstant : BufferRole::kInput);
    const BufferId out = draw.add(plan, y, ty, qy, BufferRole::kTemporary);
    plan.steps.push_back({StepKind::kMatMul, "m", {left, right}, out, {}});
    expect_equal(both(std::move(plan), draw), 1, "seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(Kernels, WidestSumsStayExact) {
  // 16-bit ends times 16-bit ends over a long row: more than 32 bits hold, in every plane.
  Plan plan;
  Draw draw(1);
  constexpr int64_t kDepth = 5000;
  const BufferQuant one{{1}, {0}, -1}, high{{1}, {65535}, -1}, result{{3e9F}, {0}, -1};
  const BufferId a = draw.add(plan, {1, kDepth}, DType::kUint16, high, BufferRole::kConstant);
  const BufferId b = draw.add(plan, {kDepth, 1}, DType::kInt16, one, BufferRole::kConstant);
  for (int64_t i = 0; i < kDepth; ++i) {
    const uint16_t low = 0;
    const int16_t least = -32768;
    std::memcpy(const_cast<std::byte*>(plan.buffer(a).data.data()) + 2 * i, &low, 2);
    std::memcpy(const_cast<std::byte*>(plan.buffer(b).data.data()) + 2 * i, &least, 2);
  }
  const BufferId out = draw.add(plan, {1, 1}, DType::kUint16, result, BufferRole::kTemporary);
  plan.steps.push_back({StepKind::kMatMul, "m", {a, b}, out, {}});
  const Outcome o = both(std::move(plan), draw);
  EXPECT_EQ(o.got, o.exact);
  EXPECT_NEAR(o.got[0], 65535.0 * 32768 * kDepth, 2e9);
}

TEST(Kernels, FunctionsOfOneAndTwoOperands) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Draw draw(seed);
    Plan plan;
    const auto function = static_cast<Function>(draw.below(static_cast<int64_t>(Function::kAnd)));
    // The exact result is not rounded to 16 bits; half_precision_test.cc has what is.
    if (function == Function::kNot || function == Function::kHalf) continue;
    const bool binary = function >= Function::kAdd, truth = function >= Function::kEqual;
    const std::vector<int64_t> y = draw.shape(static_cast<size_t>(draw.below(4)), 4);
    std::vector<int64_t> a = y, b = y;
    if (binary && !y.empty()) {
      a.erase(a.begin(), a.begin() + static_cast<ptrdiff_t>(draw.below(static_cast<int64_t>(y.size()))));
      b[static_cast<size_t>(draw.below(static_cast<int64_t>(y.size())))] = 1;
      for (size_t d = 0; d + a.size() < y.size(); ++d) b[d] = y[d];
    }
    const std::vector<int64_t> result = [&] {
      std::vector<int64_t> out = b;
      for (size_t d = 0; d < a.size(); ++d) {
        int64_t& size = out[out.size() - a.size() + d];
        size = std::max(size, a[d]);
      }
      return out;
    }();
    std::vector<BufferId> in{draw.add(plan, a, DType::kFloat32, {}, BufferRole::kInput)};
    if (binary) in.push_back(draw.add(plan, b, DType::kFloat32, {}, BufferRole::kInput));
    const BufferId out =
        draw.add(plan, binary ? result : a, truth ? DType::kBool8 : DType::kFloat32, {}, BufferRole::kTemporary);
    plan.steps.push_back(
        {binary ? StepKind::kBinary : StepKind::kUnary, "f", in, out, Elementwise{function, 0.25F, 0.5F}});
    expect_equal(both(std::move(plan), draw), 0,
                 std::string(function_name(function)) + " seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(Kernels, SumsAndProductsOfEightBitIntegers) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    Plan plan;
    const DType dtype = draw.below(2) == 0 ? DType::kUint8 : DType::kInt8;
    const auto add = [&](std::vector<int64_t> dims, BufferRole role) {
      return draw.add(plan, std::move(dims), dtype, draw.per_tensor(dtype), role);
    };
    const std::vector<int64_t> dims = draw.shape(3, 5);
    const BufferId a = add(dims, BufferRole::kInput), b = add({dims[1], 1}, BufferRole::kInput);
    const BufferId y = add(dims, BufferRole::kTemporary);
    const Function function = draw.below(2) == 0 ? Function::kAdd : Function::kMul;
    plan.steps.push_back({StepKind::kBinary, "f", {a, b}, y, Elementwise{function, 0, 0}});
    expect_equal(both(std::move(plan), draw), 1,
                 std::string(function_name(function)) + " seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(Kernels, SoftmaxOfEightBitIntegers) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    Plan plan;
    const DType dtype = draw.below(2) == 0 ? DType::kUint8 : DType::kInt8;
    const std::vector<int64_t> dims = draw.shape(3, 6);
    const BufferId x = draw.add(plan, dims, dtype, draw.per_tensor(dtype), BufferRole::kInput);
    const BufferQuant probabilities{{1.0F / 255}, {static_cast<int32_t>(integer_range(dtype)->min)}, -1};
    const BufferId y = draw.add(plan, dims, dtype, probabilities, BufferRole::kTemporary);
    plan.steps.push_back({StepKind::kSoftmax, "s", {x}, y, OverAxes{{draw.below(3)}, 0, Function::kSum}});
    expect_equal(both(std::move(plan), draw), 1, "seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(Kernels, IntegersArePaddedWithTheirZero) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Draw draw(seed);
    Plan plan;
    const DType dtype = draw.integer();
    const BufferQuant quant = draw.per_tensor(dtype);
    std::vector<int64_t> dims = draw.shape(3, 4);
    const BufferId x = draw.add(plan, dims, dtype, quant, BufferRole::kInput);
    Padding pad;
    for (int64_t& d : dims) {
      pad.before.push_back(draw.below(3));
      d += pad.before.back() + draw.below(3);
    }
    const BufferId y = draw.add(plan, dims, dtype, quant, BufferRole::kTemporary);
    plan.steps.push_back({StepKind::kPad, "p", {x}, y, pad});
    expect_equal(both(std::move(plan), draw), 0, "seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(Kernels, WindowsNormsReductionsAndMovement) {
  for (uint32_t seed = 0; seed < 600; ++seed) {
    Draw draw(seed);
    Plan plan;
    const std::vector<int64_t> image{draw.between(1, 2), draw.between(4, 7), draw.between(4, 7), draw.between(1, 5)};
    const BufferId x = draw.add(plan, image, DType::kFloat32, {}, BufferRole::kInput);
    Step step{StepKind::kCopy, "s", {x}, {}, {}};
    std::vector<int64_t> y = image;
    switch (draw.below(9)) {
      case 0: {
        Window w = random_window(draw);
        w.dilation = {1, 1};
        step.kind = draw.below(2) == 0 ? StepKind::kMaxPool : StepKind::kAveragePool;
        w.count_padding = draw.below(2) == 0;
        for (size_t i = 0; i < 2; ++i) y[1 + i] = result_size(w, i, image[1 + i]);
        step.params = w;
        break;
      }
      case 1:
        step = {StepKind::kResize,
                "s",
                {x},
                {},
                Resizing{static_cast<Resizing::Nearest>(draw.below(4)), draw.below(2) == 0, draw.below(2) == 0, false,
                         false}};
        y[1] = draw.between(1, 12);
        y[2] = draw.between(1, 12);
        break;
      case 2: step = {StepKind::kSoftmax, "s", {x}, {}, OverAxes{{draw.below(4)}, 0, Function::kSum}}; break;
      case 3:
        step = {draw.below(2) == 0 ? StepKind::kLayerNorm : StepKind::kRmsNorm,
                "s",
                {x},
                {},
                OverAxes{{draw.between(1, 3)}, 1e-5F, Function::kMean}};
        break;
      case 4: {
        constexpr std::array<Function, 5> kKinds{Function::kSum, Function::kMean, Function::kLargest,
                                                 Function::kSmallest, Function::kProduct};
        const int64_t axis = draw.below(4);
        step = {StepKind::kReduce, "s", {x}, {}, OverAxes{{axis}, 0, kKinds[static_cast<size_t>(draw.below(5))]}};
        y[static_cast<size_t>(axis)] = 1;
        break;
      }
      case 5: {
        Permutation p{{0, 1, 2, 3}};
        for (size_t i = 3; i > 0; --i)
          std::swap(p.order[i], p.order[static_cast<size_t>(draw.below(static_cast<int64_t>(i) + 1))]);
        for (size_t i = 0; i < 4; ++i) y[i] = image[static_cast<size_t>(p.order[i])];
        step = {StepKind::kTranspose, "s", {x}, {}, p};
        break;
      }
      case 6: {
        Region r{std::vector<int64_t>(4), std::vector<int64_t>(4, 1)};
        for (size_t i = 0; i < 4; ++i) {
          y[i] = draw.between(1, image[i]);
          r.begin[i] = draw.below(image[i] - y[i] + 1);
          if (draw.below(2) == 0) {
            r.begin[i] = image[i] - 1;
            r.step[i] = -1;
          }
        }
        step = {StepKind::kSlice, "s", {x}, {}, r};
        break;
      }
      case 7: {
        const int64_t axis = draw.below(4);
        y[static_cast<size_t>(axis)] *= 2;
        step = {StepKind::kConcat, "s", {x, x}, {}, OverAxes{{axis}, 0, Function::kSum}};
        break;
      }
      default: {
        Padding p{draw.below(2) == 0 ? Padding::Mode::kReflect : Padding::Mode::kEdge, {0, 0, 0, 0}, 0.5F};
        if (draw.below(2) == 0) p.mode = Padding::Mode::kConstant;
        for (size_t i = 1; i < 3; ++i) {
          p.before[i] = draw.below(3);
          y[i] += p.before[i] + draw.below(3);
        }
        step = {StepKind::kPad, "s", {x}, {}, p};
      }
    }
    step.output = draw.add(plan, y, DType::kFloat32, {}, BufferRole::kTemporary);
    const std::string what = std::string(step_name(step.kind)) + " seed " + std::to_string(seed);
    plan.steps.push_back(std::move(step));
    expect_equal(both(std::move(plan), draw), 0, what);
    if (HasFatalFailure()) return;
  }
}

TEST(Kernels, WholeNumbersDivideAsTheFrameworksHaveIt) {
  const std::vector<std::array<int32_t, 2>> pairs{{7, 2}, {-7, 2}, {7, -2}, {-7, -2}, {6, 3}, {5, 0}, {INT32_MIN, -1}};
  const std::map<Function, std::vector<int32_t>> expected{
      {Function::kDiv, {3, -3, -3, 3, 2, 0, INT32_MIN}},
      {Function::kFloorDiv, {3, -4, -4, 3, 2, 0, INT32_MIN}},
      {Function::kMod, {1, 1, -1, -1, 0, 0, 0}},
      {Function::kFmod, {1, -1, 1, -1, 0, 0, 0}},
      {Function::kSquaredDifference, {25, 81, 81, 25, 9, 25, 1}},
  };
  for (const auto& [function, wanted] : expected) {
    Draw draw(1);
    Plan plan;
    const auto count = static_cast<int64_t>(pairs.size());
    const auto add = [&](BufferRole role) { return draw.add(plan, {count}, DType::kInt32, {}, role); };
    const BufferId a = add(BufferRole::kInput), b = add(BufferRole::kInput), y = add(BufferRole::kTemporary);
    plan.outputs = {y};
    plan.output_names = {"y"};
    plan.steps.push_back({StepKind::kBinary, "f", {a, b}, y, Elementwise{function, 0, 0}});
    auto loaded = LoadedPlan::load(std::move(plan));
    ASSERT_TRUE(loaded) << loaded.error().message();
    auto run = PlanRun::make(*loaded);
    for (size_t i = 0; i < pairs.size(); ++i)
      for (size_t k = 0; k < 2; ++k) std::memcpy(run->bytes(k == 0 ? a : b).data() + i * 4, &pairs[i][k], 4);
    run->run();
    std::vector<int32_t> got(pairs.size());
    std::memcpy(got.data(), run->bytes(y).data(), got.size() * 4);
    EXPECT_EQ(got, wanted) << function_name(function);
  }
}

TEST(Kernels, ConversionsRoundToEvenAndSaturate) {
  Plan plan;
  Buffer x;
  x.name = "x";
  x.role = BufferRole::kInput;
  x.dims = {8};
  const BufferId in = plan.add(x);
  Buffer y = x;
  y.role = BufferRole::kTemporary;
  y.dtype = DType::kInt8;
  y.quant = {{1}, {1}, -1};
  const BufferId out = plan.add(y);
  plan.inputs = {in};
  plan.outputs = {out};
  plan.output_names = {"y"};
  plan.steps.push_back({StepKind::kQuantize, "q", {in}, out, {}});
  auto loaded = LoadedPlan::load(std::move(plan));
  ASSERT_TRUE(loaded) << loaded.error().message();
  auto run = PlanRun::make(*loaded);
  ASSERT_TRUE(run);
  const std::array<float, 8> given{0.5F, 1.5F, -0.5F, -2.5F, 1e30F, -INFINITY, NAN, 126.0F};
  std::memcpy(run->bytes(in).data(), given.data(), sizeof given);
  run->run();
  const auto* got = reinterpret_cast<const int8_t*>(run->bytes(out).data());
  EXPECT_EQ(std::vector<int>(got, got + 8), (std::vector<int>{1, 3, 1, -1, 127, -128, -128, 127}));
}

TEST(Runtime, TensorsWithoutElementsAreNoTrouble) {
  Plan plan;
  Draw draw(1);
  const BufferId x = draw.add(plan, {0, 3}, DType::kFloat32, {}, BufferRole::kInput);
  const BufferId y = draw.add(plan, {0, 3}, DType::kFloat32, {}, BufferRole::kTemporary);
  const BufferId z = draw.add(plan, {3, 0}, DType::kFloat32, {}, BufferRole::kTemporary);
  plan.steps.push_back({StepKind::kBinary, "a", {x, x}, y, Elementwise{Function::kAdd, 0, 0}});
  plan.steps.push_back({StepKind::kTranspose, "t", {y}, z, Permutation{{1, 0}}});
  EXPECT_TRUE(both(std::move(plan), draw).got.empty());
}

TEST(Runtime, AStepWithoutAKernelIsNamed) {
  Plan plan;
  Draw draw(1);
  const BufferId x = draw.add(plan, {2}, DType::kInt32, {}, BufferRole::kInput);
  const BufferId y = draw.add(plan, {2}, DType::kInt32, {}, BufferRole::kTemporary);
  plan.steps.push_back({StepKind::kUnary, "the node", {x}, y, Elementwise{Function::kTanh, 0, 0}});
  plan.outputs = {y};
  plan.output_names = {"y"};
  const auto loaded = LoadedPlan::load(std::move(plan));
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message().find("the node: no kernel for unary of INT_32"), std::string::npos)
      << loaded.error().message();
}

TEST(Runtime, ConstantsAreFoldedOnce) {
  Plan plan;
  Draw draw(1);
  const BufferId c = draw.add(plan, {2, 3}, DType::kFloat32, {}, BufferRole::kConstant);
  const BufferId t = draw.add(plan, {3, 2}, DType::kFloat32, {}, BufferRole::kTemporary);
  const BufferId x = draw.add(plan, {3, 2}, DType::kFloat32, {}, BufferRole::kInput);
  const BufferId y = draw.add(plan, {3, 2}, DType::kFloat32, {}, BufferRole::kTemporary);
  plan.steps.push_back({StepKind::kTranspose, "t", {c}, t, Permutation{{1, 0}}});
  plan.steps.push_back({StepKind::kBinary, "a", {x, t}, y, Elementwise{Function::kAdd, 0, 0}});
  ASSERT_TRUE(fold_constants(plan));
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.buffer(t).role, BufferRole::kConstant);
  expect_equal(both(std::move(plan), draw), 0, "folded");
}

}  // namespace
}  // namespace snapgauge
