// Floats in 16 bits: which results of a plan are rounded and which are not, and how far a rounded step may be from the
// exact result of its rounded operands.
#include "lower/half_precision.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "unit/runtime_draw.h"

namespace snapgauge {
namespace {

using namespace runtime_test;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The nearest 16-bit float, ties to even.
double half_of(double x) {
  if (!std::isfinite(x) || x == 0) return x;
  int exponent = 0;
  (void)std::frexp(x, &exponent);
  const double unit = std::ldexp(1, std::max(exponent - 11, -24)), out = std::nearbyint(x / unit) * unit;
  return std::abs(out) > 65504 ? std::copysign(kInfinity, x) : out;
}

// ---- Which are rounded ----

class Draft {
 public:
  BufferId add(const std::string& name, BufferRole role = BufferRole::kTemporary, DType dtype = DType::kFloat32,
               BufferQuant quant = {}) {
    Buffer b;
    b.name = name;
    b.dims = {4};
    b.dtype = dtype;
    b.quant = std::move(quant);
    b.role = role;
    if (role == BufferRole::kConstant) b.data = plan.add_blob(b.bytes());
    const BufferId id = plan.add(std::move(b));
    if (role == BufferRole::kInput) plan.inputs.push_back(id);
    return id;
  }
  BufferId input(const std::string& name) { return add(name, BufferRole::kInput); }
  BufferId constant(const std::string& name) { return add(name, BufferRole::kConstant); }
  BufferId view(BufferId of) {
    const BufferId id = add("view of " + plan.buffer(of).name);
    plan.buffer(id).role = plan.buffer(of).role;
    plan.buffer(id).data = plan.buffer(of).data;
    plan.buffer(id).same_bytes = of;
    return id;
  }
  BufferId step(StepKind kind, const std::vector<BufferId>& inputs, BufferId out, Executor executor) {
    StepParams params = Elementwise{kind == StepKind::kBinary ? Function::kAdd : Function::kRelu, 0, 0};
    if (kind == StepKind::kTranspose) params = Permutation{{0}};
    if (kind == StepKind::kQuantize || kind == StepKind::kDequantize || kind == StepKind::kCast) params = {};
    if (kind == StepKind::kGather) params = OverAxes{{0}, 0, Function::kSum};
    if (kind == StepKind::kForeign) params = Foreign{"f", 0};
    plan.steps.push_back({kind, plan.buffer(out).name, inputs, out, std::move(params), executor});
    return out;
  }
  BufferId relu(const std::string& name, BufferId x, Executor executor = Executor::kBackend) {
    return step(StepKind::kUnary, {x}, add(name), executor);
  }
  Plan finish(std::vector<BufferId> outputs) {
    for (const BufferId id : outputs) plan.output_names.push_back(plan.buffer(id).name);
    plan.outputs = std::move(outputs);
    EXPECT_EQ(verify(plan), "");
    return std::move(plan);
  }

  Plan plan;
};

bool is_half(const Step& step) {
  const auto* how = std::get_if<Elementwise>(&step.params);
  return step.kind == StepKind::kUnary && how != nullptr && how->function == Function::kHalf;
}

/// Names of the buffers that are rounded, in any order; of several roundings several.
std::vector<std::string> rounded(Plan plan) {
  const Plan before = plan;
  round_to_half(plan);
  EXPECT_EQ(verify(plan), "");
  EXPECT_EQ(plan.inputs, before.inputs);
  EXPECT_EQ(plan.outputs, before.outputs);
  std::vector<std::string> out, kept;
  for (const Step& step : plan.steps) {
    if (!is_half(step)) {
      kept.push_back(step.node);
      continue;
    }
    EXPECT_EQ(step.executor, Executor::kBackend);
    out.push_back(plan.buffer(step.inputs[0]).name);
  }
  std::vector<std::string> steps;
  for (const Step& step : before.steps) steps.push_back(step.node);
  EXPECT_EQ(kept, steps) << "in the old order";
  return out;
}

TEST(Half, InputsAndResultsOfTheBackendAreRounded) {
  Draft d;
  const BufferId x = d.input("x");
  const BufferId y = d.relu("y", x);
  EXPECT_THAT(rounded(d.finish({d.relu("z", y)})), UnorderedElementsAre("x", "y", "z"));
}

TEST(Half, ConstantsAreRoundedOnceForAllReaders) {
  Draft d;
  const BufferId x = d.input("x"), c = d.constant("c");
  const BufferId y = d.step(StepKind::kBinary, {x, c}, d.add("y"), Executor::kBackend);
  const BufferId z = d.step(StepKind::kBinary, {c, x}, d.add("z"), Executor::kBackend);
  EXPECT_THAT(rounded(d.finish({y, z})), UnorderedElementsAre("x", "c", "y", "z"));
}

TEST(Half, TheCpuIsNotRoundedButWhatItGivesToTheBackend) {
  Draft d;
  const BufferId x = d.input("x"), c = d.constant("c");
  const BufferId cpu = d.step(StepKind::kBinary, {x, c}, d.add("cpu"), Executor::kCpu);
  const BufferId backend = d.relu("backend", cpu);
  const BufferId last = d.relu("last", backend, Executor::kCpu);
  EXPECT_THAT(rounded(d.finish({cpu, last})), UnorderedElementsAre("cpu", "backend"));
}

TEST(Half, APlanOfTheCpuStaysAsItIs) {
  Draft d;
  const BufferId x = d.input("x");
  EXPECT_THAT(rounded(d.finish({d.relu("y", d.relu("z", x, Executor::kCpu), Executor::kCpu)})), IsEmpty());
}

TEST(Half, IntegersStay) {
  Draft d;
  const BufferQuant quant{{0.5F}, {1}, -1};
  const BufferId q = d.add("q", BufferRole::kInput, DType::kUint8, quant);
  const BufferId r =
      d.step(StepKind::kUnary, {q}, d.add("r", BufferRole::kTemporary, DType::kUint8, quant), Executor::kBackend);
  const BufferId i = d.add("i", BufferRole::kConstant, DType::kInt32), x = d.input("x");
  const BufferId g = d.step(StepKind::kGather, {x, i}, d.add("g"), Executor::kBackend);
  const BufferId n =
      d.step(StepKind::kCast, {g}, d.add("n", BufferRole::kTemporary, DType::kInt32), Executor::kBackend);
  EXPECT_THAT(rounded(d.finish({r, n})), UnorderedElementsAre("x", "g"));
}

TEST(Half, ConversionsStay) {
  Draft d;
  const BufferQuant quant{{0.5F}, {1}, -1};
  const BufferId q = d.add("q", BufferRole::kInput, DType::kUint8, quant);
  const BufferId real = d.step(StepKind::kDequantize, {q}, d.add("real"), Executor::kBetween);
  const BufferId y = d.relu("y", real);
  const BufferId back =
      d.step(StepKind::kQuantize, {y}, d.add("back", BufferRole::kTemporary, DType::kUint8, quant), Executor::kBetween);
  EXPECT_THAT(rounded(d.finish({back})), UnorderedElementsAre("real", "y")) << "its operand and its result";
}

TEST(Half, ATranspositionOfWhatIsRoundedIs) {
  Draft d;
  const BufferId x = d.input("x");
  const BufferId y = d.relu("y", x);
  const BufferId t = d.step(StepKind::kTranspose, {y}, d.add("t"), Executor::kBetween);
  const BufferId z = d.relu("z", d.view(t));
  const BufferId u = d.step(StepKind::kTranspose, {x}, d.add("u"), Executor::kBetween);
  const BufferId w = d.relu("w", u);
  const BufferId c = d.step(StepKind::kTranspose, {y}, d.add("c"), Executor::kCpu);
  const BufferId last = d.relu("last", c);
  EXPECT_THAT(rounded(d.finish({z, w, last})), UnorderedElementsAre("x", "y", "z", "u", "w", "c", "last"));
}

TEST(Half, ViewsAreRoundedWhereTheirBytesAreNot) {
  Draft d;
  const BufferId x = d.input("x");
  const BufferId y = d.relu("y", d.view(x));
  EXPECT_THAT(rounded(d.finish({d.relu("z", d.view(y))})), UnorderedElementsAre("view of x", "y", "z"));
}

TEST(Half, OperandsThatAreNotThereStayAway) {
  Draft d;
  const BufferId x = d.input("x");
  EXPECT_THAT(rounded(d.finish({d.step(StepKind::kForeign, {BufferId{}, x}, d.add("y"), Executor::kBackend)})),
              UnorderedElementsAre("x", "y"));
}

// ---- How far they are ----

/// Numbers of the last step's result, both ways. Inputs are drawn between `low` and `high`.
struct Both {
  std::vector<float> got;
  Reals exact;
};

void round_constants(Plan& plan) {
  for (Buffer& b : plan.buffers) {
    if (b.role != BufferRole::kConstant || b.dtype != DType::kFloat32) continue;
    const auto blob = plan.add_blob(b.bytes());
    for (size_t i = 0; i < b.elements(); ++i) {
      float f = 0;
      std::memcpy(&f, b.data.data() + i * sizeof f, sizeof f);
      f = static_cast<float>(half_of(static_cast<double>(f)));
      std::memcpy(blob.data() + i * sizeof f, &f, sizeof f);
    }
    b.data = blob;
  }
}

Both both_ways(Plan plan, const std::function<double(size_t)>& number) {
  Both out;
  const BufferId result = plan.steps.back().output;
  plan.outputs = {result};
  plan.output_names = {"y"};
  Plan exact = plan;
  round_constants(exact);
  round_to_half(plan);
  EXPECT_TRUE(fold_constants(plan));
  auto loaded = LoadedPlan::load(std::move(plan));
  EXPECT_TRUE(loaded) << loaded.error().message();
  if (!loaded) return out;
  auto run = PlanRun::make(*loaded);
  if (!run) return out;
  std::vector<Reals> reals;
  size_t n = 0;
  for (const BufferId id : exact.inputs) {
    Reals& real = reals.emplace_back();
    for (size_t i = 0; i < exact.buffer(id).elements(); ++i) {
      const auto f = static_cast<float>(number(n++));
      std::memcpy(run->bytes(id).data() + i * sizeof f, &f, sizeof f);
      real.push_back(half_of(static_cast<double>(f)));
    }
  }
  run->run();
  out.exact = interpret(exact, reals)[result.index];
  out.got.resize(run->bytes(result).size() / sizeof(float));
  std::memcpy(out.got.data(), run->bytes(result).data(), run->bytes(result).size());
  return out;
}

/// A 16-bit float that is at most half a unit, and a little for what 32 bits add, from the exact result.
void expect_near(Plan plan, Draw& draw, const std::string& what, double low = -3, double high = 3) {
  const Both both = both_ways(std::move(plan), [&](size_t) { return low + (high - low) * (draw.real() + 3) / 6; });
  ASSERT_EQ(both.got.size(), both.exact.size()) << what;
  ASSERT_FALSE(both.got.empty()) << what;
  double largest = 0;
  for (const double v : both.exact) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < both.got.size(); ++i) {
    const auto got = static_cast<double>(both.got[i]);
    EXPECT_EQ(half_of(got), got) << what << " is no 16-bit float";
    ASSERT_LE(std::abs(got - both.exact[i]),
              std::ldexp(std::abs(both.exact[i]), -11) + std::ldexp(1, -25) + 2e-6 * largest)
        << what << " at " << i << ": " << got << " of " << both.exact[i];
  }
}

/// A step of drawn inputs.
class OneStep {
 public:
  explicit OneStep(Draw& draw) : draw_(draw) {}
  void input(std::vector<int64_t> dims) {
    inputs_.push_back(draw_.add(plan_, std::move(dims), DType::kFloat32, {}, BufferRole::kInput));
  }
  void constant(std::vector<int64_t> dims) {
    inputs_.push_back(draw_.add(plan_, std::move(dims), DType::kFloat32, {}, BufferRole::kConstant));
  }
  void indices(std::vector<int64_t> dims, const std::vector<int32_t>& values, DType dtype = DType::kInt32) {
    const BufferId id = draw_.add(plan_, std::move(dims), dtype, {}, BufferRole::kConstant);
    auto* bytes = const_cast<std::byte*>(plan_.buffer(id).data.data());
    const size_t width = plan_.buffer(id).bytes() / values.size();
    for (size_t i = 0; i < values.size(); ++i) std::memcpy(bytes + i * width, &values[i], width);
    inputs_.push_back(id);
  }
  Plan finish(StepKind kind, std::vector<int64_t> dims, StepParams params) {
    const BufferId out = draw_.add(plan_, std::move(dims), DType::kFloat32, {}, BufferRole::kTemporary);
    plan_.steps.push_back({kind, "s", inputs_, out, std::move(params), Executor::kBackend});
    EXPECT_EQ(verify(plan_), "") << step_name(kind);
    return std::move(plan_);
  }

 private:
  Draw& draw_;
  Plan plan_;
  std::vector<BufferId> inputs_;
};

struct Domain {
  Function function;
  double low = -3, high = 3;
  float a = 0, b = 0;
};

TEST(HalfNumbers, OfFunctionsAreWithinHalfAUnit) {
  using enum Function;
  const std::vector<Domain> unary{{kRelu},
                                  {kClip, -3, 3, -0.7F, 1.3F},
                                  {kSigmoid},
                                  {kTanh},
                                  {kElu, -3, 3, 1.5F},
                                  {kGelu},
                                  {kHardSwish},
                                  {kHardSigmoid, -3, 3, 0.2F, 0.5F},
                                  {kExp},
                                  {kLog, 0.01, 9},
                                  {kSqrt, 0, 9},
                                  {kRsqrt, 0.01, 9},
                                  {kNeg},
                                  {kAbs},
                                  {kFloor},
                                  {kCeil},
                                  {kRound},
                                  {kSign},
                                  {kSin},
                                  {kCos},
                                  {kErf},
                                  {kAsin, -1, 1},
                                  {kAtan},
                                  {kSoftplus},
                                  {kReciprocal, 0.01, 9},
                                  {kHalf}};
  const std::vector<Domain> binary{{kAdd},         {kSub},         {kMul},   {kDiv, 0.1, 3},       {kMax},
                                   {kMin},         {kPow, 0.1, 3}, {kPrelu}, {kSquaredDifference}, {kFloorDiv, 0.5, 3},
                                   {kMod, 0.5, 3}, {kFmod, 0.5, 3}};
  for (uint32_t seed = 0; seed < 20; ++seed) {
    Draw draw(seed);
    for (const auto& [kind, all] : {std::pair{StepKind::kUnary, unary}, {StepKind::kBinary, binary}})
      for (const Domain& d : all) {
        OneStep one(draw);
        one.input({5, 7});
        if (kind == StepKind::kBinary) one.input({5, 7});
        expect_near(one.finish(kind, {5, 7}, Elementwise{d.function, d.a, d.b}), draw,
                    std::string(function_name(d.function)), d.low, d.high);
        if (HasFatalFailure()) return;
      }
  }
}

TEST(HalfNumbers, OfProductsAreWithinHalfAUnit) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    Draw draw(seed);
    for (const bool constant : {false, true}) {
      const auto operand = [&](OneStep& one, std::vector<int64_t> dims) {
        constant ? one.constant(std::move(dims)) : one.input(std::move(dims));
      };
      OneStep conv(draw), transposed(draw), matmul(draw);
      conv.input({1, 6, 5, 4}), operand(conv, {3, 3, 2, 6}), operand(conv, {6});
      expect_near(conv.finish(StepKind::kConvolution, {1, 6, 5, 6}, Window{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 2}),
                  draw, "convolution");
      transposed.input({1, 3, 3, 2}), operand(transposed, {2, 2, 2, 5}), operand(transposed, {5});
      expect_near(transposed.finish(StepKind::kTransposedConvolution, {1, 6, 6, 5}, Window{{2, 2}, {2, 2}}), draw,
                  "transposed convolution");
      matmul.input({2, 3, 40}), operand(matmul, {40, 5}), operand(matmul, {5});
      expect_near(matmul.finish(StepKind::kMatMul, {2, 3, 5}, {}), draw, "matmul");
      if (HasFatalFailure()) return;
    }
  }
}

TEST(HalfNumbers, OfReductionsAndNormsAreWithinHalfAUnit) {
  using enum Function;
  for (uint32_t seed = 0; seed < 50; ++seed) {
    Draw draw(seed);
    const auto run = [&](StepKind kind, std::vector<int64_t> dims, const StepParams& params, size_t more = 0) {
      OneStep one(draw);
      one.input({2, 3, 6});
      for (size_t i = 0; i < more; ++i) one.constant({6});
      expect_near(one.finish(kind, std::move(dims), params), draw, std::string(step_name(kind)));
    };
    for (const Function f : {kSum, kMean, kLargest, kSmallest, kProduct})
      run(StepKind::kReduce, {2, 1, 6}, OverAxes{{1}, 0, f});
    run(StepKind::kSoftmax, {2, 3, 6}, OverAxes{{2}, 0, kSum});
    run(StepKind::kSoftmax, {2, 3, 6}, OverAxes{{2}, 0, kLog});
    run(StepKind::kLayerNorm, {2, 3, 6}, OverAxes{{2}, 1e-5F, kSum}, 2);
    run(StepKind::kRmsNorm, {2, 3, 6}, OverAxes{{2}, 1e-5F, kSum}, 1);
    run(StepKind::kCumulate, {2, 3, 6}, Cumulation{2, false, true});
    if (HasFatalFailure()) return;
  }
}

TEST(HalfNumbers, OfWindowsAreWithinHalfAUnit) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    Draw draw(seed);
    const auto run = [&](StepKind kind, std::vector<int64_t> dims, const StepParams& params) {
      OneStep one(draw);
      one.input({1, 4, 4, 4});
      expect_near(one.finish(kind, std::move(dims), params), draw, std::string(step_name(kind)));
    };
    run(StepKind::kMaxPool, {1, 3, 3, 4}, Window{{2, 2}});
    run(StepKind::kAveragePool, {1, 3, 3, 4}, Window{{2, 2}});
    run(StepKind::kResize, {1, 7, 9, 4}, Resizing{Resizing::Nearest::kFloor, true, false, true, false});
    run(StepKind::kResize, {1, 8, 8, 4}, Resizing{Resizing::Nearest::kFloor, false, false, false, false});
    run(StepKind::kDepthToSpace, {1, 8, 8, 1}, Blocks{{2, 2}, false});
    run(StepKind::kSpaceToDepth, {1, 2, 2, 16}, Blocks{{2, 2}, true});
    if (HasFatalFailure()) return;
  }
}

TEST(HalfNumbers, OfMovementsAreTheRoundedOperands) {
  Draw draw(1);
  const auto begin = [&](size_t inputs) {
    OneStep one(draw);
    for (size_t i = 0; i < inputs; ++i) one.input({2, 3});
    return one;
  };
  std::vector<Plan> plans;
  plans.push_back(begin(1).finish(StepKind::kTranspose, {3, 2}, Permutation{{1, 0}}));
  plans.push_back(begin(2).finish(StepKind::kConcat, {4, 3}, OverAxes{{0}, 0, Function::kSum}));
  plans.push_back(begin(1).finish(StepKind::kSlice, {2, 2}, Region{{0, 2}, {1, -2}}));
  plans.push_back(begin(1).finish(StepKind::kPad, {4, 4}, Padding{Padding::Mode::kEdge, {1, 1}, 0}));
  plans.push_back(begin(1).finish(StepKind::kCopy, {6}, {}));
  OneStep gather = begin(1), elements = begin(1), select(draw), scatter = begin(1);
  gather.indices({2}, {2, 0});
  plans.push_back(gather.finish(StepKind::kGather, {2, 2}, OverAxes{{1}, 0, Function::kSum}));
  elements.indices({1, 3}, {1, 0, 1});
  plans.push_back(elements.finish(StepKind::kGatherElements, {1, 3}, Indexed{Indexed::Update::kReplace, 0, 0}));
  scatter.indices({1, 3}, {1, 0, 1});
  scatter.input({1, 3});
  plans.push_back(scatter.finish(StepKind::kScatterElements, {2, 3}, Indexed{Indexed::Update::kReplace, 0, 0}));
  select.indices({2, 3}, {0, 1, 0, 1, 1, 0}, DType::kBool8);
  select.input({2, 3}), select.input({2, 3});
  plans.push_back(select.finish(StepKind::kSelect, {2, 3}, {}));
  for (Plan& plan : plans) {
    const std::string what(step_name(plan.steps[0].kind));
    const Both both = both_ways(std::move(plan), [&](size_t) { return draw.real(); });
    EXPECT_EQ(Reals(both.got.begin(), both.got.end()), both.exact) << what;
    EXPECT_FALSE(both.got.empty());
  }
}

TEST(HalfNumbers, RoundToEvenFadeAndOverflow) {
  const double e = std::ldexp(1, -11), least = std::ldexp(1, -24), none = std::numeric_limits<double>::quiet_NaN();
  const Reals numbers{1 + e,       1 + 3 * e, 1 + e * 1.001, 65504,     65519, 65520,    1e30, -kInfinity,
                      least * 0.5, least,     least * 1.5,   least / 4, none,  2048 + 1, -0.0, 0.1};
  const Reals halves{1, 1 + 4 * e, 1 + 2 * e, 65504, 65504, kInfinity, kInfinity, -kInfinity,
                     0, least,     2 * least, 0,     none,  2048,      -0.0,      0.0999755859375};
  Draw draw(1);
  OneStep one(draw);
  one.input({16});
  const Both both = both_ways(one.finish(StepKind::kUnary, {16}, Elementwise{Function::kNeg, 0, 0}),
                              [&](size_t i) { return numbers[i]; });
  ASSERT_EQ(both.got.size(), halves.size());
  for (size_t i = 0; i < halves.size(); ++i) {
    const auto got = static_cast<double>(both.got[i]);
    EXPECT_TRUE(got == -halves[i] || (std::isnan(got) && std::isnan(halves[i]))) << numbers[i] << " is " << got;
  }
}

}  // namespace
}  // namespace snapgauge
