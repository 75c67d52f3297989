// Models on the host beside what ONNX Runtime made of the same inputs, and every step of them beside the reference.
#include <cmath>
#include <filesystem>

#include "api/runner.h"
#include "known_cases.h"
#include "reference/reference.h"

namespace snapgauge::golden {
namespace {

std::vector<std::string> models() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(data_path("runs")))
    if (entry.path().extension() == ".onnx") out.push_back(entry.path().native());
  std::sort(out.begin(), out.end());
  return out;
}

std::string golden_of(const std::string& model) { return model.substr(0, model.size() - 5) + ".golden.json"; }

std::vector<std::string> models_with_goldens() {
  std::vector<std::string> out = models();
  std::erase_if(out, [](const std::string& model) { return !std::filesystem::exists(golden_of(model)); });
  return out;
}

RunnableModel loaded(const std::string& model) {
  auto session = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""}, {});
  EXPECT_TRUE(session) << session.error().message();
  auto out = load_runnable(**session, model, {});
  EXPECT_TRUE(out) << out.error().message();
  EXPECT_NE(out->plan, nullptr) << model;
  return std::move(*out);
}

class Runs : public testing::TestWithParam<std::string> {};
class GoldenRuns : public testing::TestWithParam<std::string> {};
std::string name_of(const testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().native();
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

TEST_P(GoldenRuns, AgreeInEveryOutput) {
  const RunnableModel model = loaded(GetParam());
  const auto compared = compare(model, golden_of(GetParam()));
  ASSERT_TRUE(compared) << compared.error().message();
  ASSERT_FALSE(compared.value().empty());
  for (const OutputComparison& c : compared.value())
    EXPECT_TRUE(c.within) << c.name << ": " << c.differing << " of " << c.elements << " differ, by up to " << c.largest
                          << ", " << c.rms_steps << " steps, bound " << c.bound;
}

/// A plan of one step whose operands are inputs, as they are in the whole.
Plan alone(const Plan& whole, const Step& step) {
  Plan out;
  Step own{step.kind, step.node, {}, {}, step.params};
  for (const BufferId id : step.inputs) {
    if (!id.valid()) {
      own.inputs.emplace_back();
      continue;
    }
    Buffer b = whole.buffer(id);
    b.same_bytes = {};
    if (b.role != BufferRole::kConstant) b.role = BufferRole::kInput;
    own.inputs.push_back(out.add(std::move(b)));
    if (out.buffers.back().role == BufferRole::kInput) out.inputs.push_back(own.inputs.back());
  }
  Buffer result = whole.buffer(step.output);
  result.same_bytes = {};
  own.output = out.add(std::move(result));
  out.outputs = {own.output};
  out.output_names = {"result"};
  out.steps.push_back(std::move(own));
  return out;
}

/// How far results are from the reference, given the same operands.
struct Distance {
  uint64_t elements = 0, differing = 0;  // of quantized results
  double most_steps = 0;
  double most_share = 0;  // of floats: of the largest magnitude
};

void measure(const Buffer& b, const Reals& got, const Reals& exact, Distance& d) {
  double largest = 1e-6;
  for (const double v : exact) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got[i] - exact[i]);
    if (b.quant.per_tensor()) {
      const double steps = difference / static_cast<double>(b.quant.scales[0]);
      d.elements += 1;
      d.differing += steps > 0.5 ? 1 : 0;
      d.most_steps = std::max(d.most_steps, steps);
    } else {
      d.most_share = std::max(d.most_share, difference / largest);
    }
  }
}

TEST_P(Runs, AreStepByStepWhatTheReferenceSays) {
  const RunnableModel model = loaded(GetParam());
  const Plan& plan = model.plan->plan();
  auto run = PlanRun::make(model.plan);
  ASSERT_TRUE(run);
  const std::vector<NamedTensor> inputs = random_inputs(plan, 7);
  for (size_t i = 0; i < inputs.size(); ++i)
    std::copy(inputs[i].data.begin(), inputs[i].data.end(), run->bytes(plan.inputs[i]).begin());
  Distance products, others;
  run->run([&](size_t s) {
    const Step& step = plan.steps[s];
    const Plan one = alone(plan, step);
    std::vector<Reals> operands;
    for (const BufferId id : step.inputs)
      if (id.valid() && plan.buffer(id).role != BufferRole::kConstant)
        operands.push_back(reals_of(plan.buffer(id), run->bytes(id)));
    const bool product = step.kind <= StepKind::kMatMul;
    const Reals exact = interpret(one, operands)[one.outputs[0].index];
    const Reals got = reals_of(plan.buffer(step.output), run->bytes(step.output));
    ASSERT_EQ(got.size(), exact.size());
    measure(plan.buffer(step.output), got, exact, product ? products : others);
  });
  EXPECT_LT(products.most_steps, 1.5);
  EXPECT_LE(static_cast<double>(products.differing), std::max(1.0, static_cast<double>(products.elements) * 1e-5));
  EXPECT_LT(others.most_steps, 1.5);
  // Float arithmetic in front of a rounding to 16 bits: its error is a hundredth of a step.
  EXPECT_LE(static_cast<double>(others.differing), static_cast<double>(others.elements) * 2e-2);
  EXPECT_LT(std::max(products.most_share, others.most_share), 1e-5);
  RecordProperty("products", std::to_string(products.differing) + " of " + std::to_string(products.elements));
  RecordProperty("others", std::to_string(others.differing) + " of " + std::to_string(others.elements));
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenRuns, testing::ValuesIn(models_with_goldens()), name_of);
INSTANTIATE_TEST_SUITE_P(Models, Runs, testing::ValuesIn(models()), name_of);

TEST(Runs, RefusedModelsHaveNoPlan) {
  auto session = Session::open({SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db", ""}, {});
  ASSERT_TRUE(session);
  const auto model = load_runnable(**session, data_path("defects") + "squeezenet.u8s8_pc.bad_nan_scale.onnx", {});
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model.value().plan, nullptr);
  EXPECT_EQ(model.value().gate.verdict, FileVerdict::kRejected);
}

}  // namespace
}  // namespace snapgauge::golden
