// The life-cycle of runtime/device.h: every transition, every call in a wrong state, and what failures leave behind.
//
// What a predecessor's runtime got wrong, and where it is shown that this one does not:
//   containers without bounds or checksums          artifact_damage_test.cc, fuzz/artifact_fuzz.cc
//   a container's identity is the clock             Artifacts.TheSameTwiceIsTheSameBytes
//   a cached handle that the first user destroys    Lifetimes.*
//   one device for all SoCs and options             Devices.OfOneBackendHaveTheirOwnSocAndOptions
//   errors of tensors that are ignored              Finalizing.APlanThatIsNotSoundFails
//   "initialized" before it is                      Finalizing.AFailureIsTriedAgain
//   options of a wrong type, half batches           OptionBatches.* of options_test.cc, GraphOptions.*
//   no unset, no ranges, undefined choices          OptionPrecedence.*, OptionValues.*, GraphOptions.*
//   later settings that have no effect              GraphOptions.AreThoseOfTheLastFinalization
//   misspelt keys, keys that are cut off            OptionKeys.*, GraphOptions.ABatchThatIsRefusedChangesNothing
//   what a blob lacks is read as 0                  OptionStorage.LeavesTheRunAndTheDefaultsOut
//   no table of options for the backend             Contexts.WrongOnesAreRefusedAndNotCounted
//   masks beyond the cores, budgets of 0            Lpai.MasksBeyondTheCoresAreRefused, Lpai.*
//   memory of one graph that another one moves      Contexts.OfHtpTakeSeveralGraphsOfLpaiOne
//   counters of contexts that do not meet           Contexts.WrongOnesAreRefusedAndNotCounted
//   texts as formats                                Errors.ShowNamesAsTheyArePrinted
// Host and target are compiled apart there and are one program here; there is no heap profile and no log to set up.
#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <tuple>

#include "unit/device_plans.h"

namespace snapgauge {
namespace {

using namespace device_test;
using State = DeviceGraph::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// ---- States ----

TEST(States, AGraphIsRetrievedThenReady) {
  const OneGraph g = one_graph(OptionBackend::kHtp);
  EXPECT_EQ(g.graph->state(), State::kRetrieved);
  EXPECT_EQ(g.graph->loaded(), nullptr);
  EXPECT_EQ(g.graph->name(), "g");
  const auto done = g.graph->finalize();
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(g.graph->state(), State::kReady);
  EXPECT_NE(g.graph->loaded(), nullptr);
  expect_works(*g.graph, 2);
  EXPECT_EQ(g.graph->state(), State::kReady) << "executing changes nothing";
  expect_works(*g.graph, 2);
}

TEST(States, WhatIsNotFinalizedIsNotExecuted) {
  const OneGraph g = one_graph(OptionBackend::kHtp);
  Floats y(kRows * kColumns, 7);
  EXPECT_EQ(error_of(execute(*g.graph, rows_of(1, 1), y)), "g: is not finalized");
  EXPECT_EQ(g.graph->state(), State::kRetrieved);
  EXPECT_EQ(y, Floats(kRows * kColumns, 7));
}

TEST(States, FinalizingTwiceIsAnErrorAndLeavesItReady) {
  const OneGraph g = one_graph(OptionBackend::kHtp);
  ASSERT_TRUE(g.graph->finalize());
  const auto before = g.graph->loaded();
  EXPECT_EQ(error_text(g.graph->finalize()), "g: is finalized already");
  EXPECT_EQ(g.graph->state(), State::kReady);
  EXPECT_EQ(g.graph->loaded(), before);
  expect_works(*g.graph, 2);
}

TEST(States, AFailedGraphSaysWhyAndIsNotExecuted) {
  FailingLibrary library(1);
  const OneGraph g = one_graph(OptionBackend::kHtp, library);
  const auto failed = g.graph->finalize();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(g.graph->state(), State::kFailed);
  EXPECT_EQ(g.graph->loaded(), nullptr);
  Floats y(kRows * kColumns, 7);
  const Status executed = execute(*g.graph, rows_of(1, 1), y);
  ASSERT_FALSE(executed);
  EXPECT_EQ(executed.error().code, ErrorCode::kUsage);
  EXPECT_EQ(executed.error().message(), "g: was not finalized: has no home here");
  EXPECT_EQ(y, Floats(kRows * kColumns, 7));
}

TEST(States, OptionsReturnAGraphToRetrieved) {
  const std::vector<std::string> fps{"qnn_runtime_lpai_fps"};
  const std::vector<std::function<Status(DeviceGraph&)>> changes{
      [](DeviceGraph& g) { return set_fps(g, "2"); },
      [&](DeviceGraph& g) { return g.unset(fps); },
  };
  for (const auto& change : changes) {
    const OneGraph g = one_graph(OptionBackend::kLpai);
    ASSERT_TRUE(g.graph->finalize());
    ASSERT_EQ(error_of(change(*g.graph)), "");
    EXPECT_EQ(g.graph->state(), State::kRetrieved);
    EXPECT_EQ(g.graph->loaded(), nullptr);
    Floats y(kRows * kColumns);
    EXPECT_EQ(error_of(execute(*g.graph, rows_of(1, 1), y)), "g: is not finalized");
    ASSERT_TRUE(g.graph->finalize());
    expect_works(*g.graph, 2);
  }
}

TEST(States, OptionsReturnAFailedGraphToRetrievedAsWell) {
  FailingLibrary library(1);
  const OneGraph g = one_graph(OptionBackend::kHtp, library);
  ASSERT_FALSE(g.graph->finalize());
  ASSERT_TRUE(set(*g.graph, {{"qnn_runtime_profile_level", "basic"}}));
  EXPECT_EQ(g.graph->state(), State::kRetrieved);
  Floats y(kRows * kColumns);
  EXPECT_EQ(error_of(execute(*g.graph, rows_of(1, 1), y)), "g: is not finalized") << "the old failure is gone";
}

// ---- Finalizing ----

TEST(Finalizing, AFailureIsTriedAgain) {
  FailingLibrary library(3);
  const OneGraph g = one_graph(OptionBackend::kHtp, library);
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(g.graph->finalize());
    EXPECT_EQ(g.graph->state(), State::kFailed);
    EXPECT_EQ(g.graph->loaded(), nullptr);
  }
  ASSERT_TRUE(g.graph->finalize());
  EXPECT_EQ(g.graph->state(), State::kReady);
  expect_works(*g.graph, 2);
}

TEST(Finalizing, APlanThatIsNotSoundFails) {
  Plan unsound = product_plan(2);
  unsound.buffers[2].dims = {kRows, kColumns + 1};
  const OneGraph g = one_graph(std::move(unsound), OptionSet(OptionBackend::kHtp));
  EXPECT_THAT(error_text(g.graph->finalize()), HasSubstr("step 0 (matmul for product)"));
  EXPECT_EQ(g.graph->state(), State::kFailed);
}

TEST(Finalizing, WhatTheLibraryCannotExecuteFailsByName) {
  Plan foreign = product_plan(2);
  foreign.steps[0] = {StepKind::kForeign, "its node", foreign.steps[0].inputs, foreign.outputs[0], Foreign{"Fft", 0}};
  const OneGraph g = one_graph(std::move(foreign), OptionSet(OptionBackend::kHtp));
  EXPECT_THAT(error_text(g.graph->finalize()), AllOf(HasSubstr("its node"), HasSubstr("Fft")));
  EXPECT_EQ(g.graph->state(), State::kFailed);
}

// ---- Executing ----

TEST(Executing, WrongNumbersAndSizesAreNamedAndNothingIsWritten) {
  const OneGraph g = one_graph(OptionBackend::kHtp);
  ASSERT_TRUE(g.graph->finalize());
  const Floats x = rows_of(1, 1), more(x.size() + 1), less(x.size() - 1);
  Floats y(kRows * kColumns, 7), y_more(y.size() + 1, 7), y_less(y.size() - 1, 7);
  using In = std::vector<std::span<const std::byte>>;
  using Out = std::vector<std::span<std::byte>>;
  const auto in = [](const Floats& f) { return std::as_bytes(std::span(f)); };
  const auto out = [](Floats& f) { return std::as_writable_bytes(std::span(f)); };
  const auto expect = [&](const In& inputs, const Out& outputs, const std::string& text) {
    EXPECT_EQ(error_of(g.graph->execute(inputs, outputs)), text);
    EXPECT_EQ(g.graph->state(), State::kReady);
    EXPECT_EQ(y, Floats(y.size(), 7));
  };
  expect({}, {out(y)}, "g: has 1 inputs, 0 are given");
  expect({in(x), in(x)}, {out(y)}, "g: has 1 inputs, 2 are given");
  expect({in(x)}, {}, "g: has 1 outputs, 0 are given");
  expect({in(x)}, {out(y), out(y)}, "g: has 1 outputs, 2 are given");
  expect({in(more)}, {out(y)}, "g: input 0 has 24 bytes, 28 are given");
  expect({in(less)}, {out(y)}, "g: input 0 has 24 bytes, 20 are given");
  expect({in(x).first(23)}, {out(y)}, "g: input 0 has 24 bytes, 23 are given");
  expect({in(x)}, {out(y_more)}, "g: output 0 has 32 bytes, 36 are given");
  expect({in(x)}, {out(y_less)}, "g: output 0 has 32 bytes, 28 are given");
  expect_works(*g.graph, 2);
}

/// a, b and one that nobody reads; a - b, a once more, and a constant.
Plan plan_of_many() {
  Plan plan = product_plan(5);
  plan.steps.clear();
  const BufferId a = plan.inputs[0], b = plan.add(tensor({kRows, kDepth}, BufferRole::kInput)),
                 unread = plan.add(tensor({3}, BufferRole::kInput)),
                 y = plan.add(tensor({kRows, kDepth}, BufferRole::kTemporary)), constant = BufferId{1};
  plan.steps.push_back({StepKind::kBinary, "minus", {a, b}, y, Elementwise{Function::kSub, 0, 0}});
  plan.inputs = {b, unread, a};
  plan.outputs = {y, a, constant, y};
  plan.output_names = {"y", "a", "c", "again"};
  return plan;
}

TEST(Executing, InputsAndOutputsAreInThePlansOrder) {
  const OneGraph g = one_graph(plan_of_many(), OptionSet(OptionBackend::kHtp));
  ASSERT_TRUE(g.graph->finalize());
  const Floats a = rows_of(10, 20), b = rows_of(1, 2), unread{9, 9, 9};
  Floats y(a.size()), same(a.size()), constant(kDepth * kColumns), again(a.size());
  const std::span<const std::byte> in[] = {std::as_bytes(std::span(b)), std::as_bytes(std::span(unread)),
                                           std::as_bytes(std::span(a))};
  const std::span<std::byte> out[] = {std::as_writable_bytes(std::span(y)), std::as_writable_bytes(std::span(same)),
                                      std::as_writable_bytes(std::span(constant)),
                                      std::as_writable_bytes(std::span(again))};
  ASSERT_EQ(error_of(g.graph->execute(in, out)), "");
  EXPECT_EQ(y, rows_of(9, 18));
  EXPECT_EQ(same, a);
  EXPECT_EQ(constant, Floats(constant.size(), 5));
  EXPECT_EQ(again, y);
}

// ---- Options ----

TEST(GraphOptions, ABatchThatIsRefusedChangesNothing) {
  const OneGraph g = one_graph(OptionBackend::kLpai);
  ASSERT_TRUE(set_fps(*g.graph, "5"));
  ASSERT_TRUE(g.graph->finalize());
  const OptionSet before = g.graph->options();
  const auto loaded = g.graph->loaded();
  const std::string fps = "qnn_runtime_lpai_fps";
  const std::vector<std::vector<OptionText>> refused{
      {{fps, "30"}, {"qnn_runtime_lpai_fsp", "1"}},
      {{fps, "0"}},
      {{fps, "-1"}},
      {{fps, "many"}},
      {{fps, "30"}, {"qnn_runtime_lpai_affinity", "99"}},
      {{fps, "30"}, {"qnn_runtime_lpai_affinity", "undefined"}},
      {{fps, "30"}, {"qnn_runtime_lpai_ftrt_ratio", "0"}},
      {{fps, "30"}, {fps, "30"}},
      {{fps, "30"}, {"target_env", "arm"}},
      {{fps, "30"}, {"fps", "30"}},
      {{fps, "30"}, {"qnn_runtime_htp_performance_mode", "burst"}},
      {{fps + std::string(64, '\0'), "30"}},
      {{fps, "30"}, {std::string(100, 'k'), "1"}},
  };
  for (const auto& batch : refused) {
    EXPECT_FALSE(g.graph->set(batch)) << batch.back().key << " " << batch.back().text;
    EXPECT_EQ(g.graph->options(), before) << batch.back().key;
    EXPECT_EQ(g.graph->state(), State::kReady) << batch.back().key;
    EXPECT_EQ(g.graph->loaded(), loaded);
  }
  EXPECT_FALSE(g.graph->unset(std::vector<std::string>{fps, "qnn_runtime_lpai_fsp"}));
  EXPECT_EQ(g.graph->options(), before);
  EXPECT_EQ(g.graph->state(), State::kReady);
  expect_works(*g.graph, 2);
}

TEST(GraphOptions, AreThoseOfTheLastFinalization) {
  FailingLibrary library(0);
  OptionSet compiled(OptionBackend::kHtp);
  ASSERT_TRUE(compiled.set(OptionPhase::kCompile, {{"performance_mode", std::string("balanced")}}));
  const OneGraph g = one_graph(product_plan(2), compiled, library);
  const auto mode = [&] { return library.last.integer(OptionId::kHtpPerformanceMode); };
  ASSERT_TRUE(g.graph->finalize());
  EXPECT_EQ(mode(), 8);
  for (const auto& [name, number] : std::vector<std::pair<std::string, int64_t>>{{"burst", 2}, {"power_saver", 4}}) {
    ASSERT_EQ(error_of(set(*g.graph, {{"qnn_runtime_htp_performance_mode", name}})), "");
    ASSERT_TRUE(g.graph->finalize());
    EXPECT_EQ(mode(), number);
    EXPECT_EQ(library.last.effective(OptionId::kHtpPerformanceMode).origin, OptionOrigin::kRun);
  }
  ASSERT_TRUE(g.graph->unset(std::vector<std::string>{"qnn_runtime_htp_performance_mode"}));
  ASSERT_TRUE(g.graph->finalize());
  EXPECT_EQ(mode(), 8) << "unset gives the compile-time value back";
}

TEST(GraphOptions, WarningsAreTold) {
  const OneGraph gpu = one_graph(OptionBackend::kGpu);
  const auto done = gpu.graph->finalize();
  ASSERT_TRUE(done);
  EXPECT_EQ(done.value().warnings, OptionSet(OptionBackend::kGpu).warnings());
  EXPECT_FALSE(done.value().warnings.empty());
}

// ---- LPAI ----

TEST(Lpai, ABudgetThatCannotBeKeptIsRefusedUntilItCan) {
  const OneGraph g = one_graph(OptionBackend::kLpai);
  ASSERT_TRUE(set_fps(*g.graph, "30"));
  constexpr double kThroughput = 100;  // 24 multiplications take 240 ms of 33.3
  const auto failed = g.graph->finalize(kThroughput);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUsage);
  EXPECT_THAT(failed.error().message(), HasSubstr("g: a frame needs 240 ms of 33.3 ms: 24 MACs"));
  EXPECT_EQ(g.graph->state(), State::kFailed);
  EXPECT_FALSE(g.graph->finalize(kThroughput)) << "nothing has changed";
  ASSERT_TRUE(set_fps(*g.graph, "4"));
  EXPECT_EQ(g.graph->state(), State::kRetrieved);
  const auto done = g.graph->finalize(kThroughput);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done.value().warnings.empty());
  expect_works(*g.graph, 2);
}

TEST(Lpai, TheBudgetIsThatOfTheClockAndTheClient) {
  const auto finalize = [](std::vector<OptionText> options, std::optional<double> throughput) {
    const OneGraph g = one_graph(OptionBackend::kLpai);
    EXPECT_EQ(error_of(g.graph->set(options)), "");
    return g.graph->finalize(throughput);
  };
  const OptionText fps{"qnn_runtime_lpai_fps", "30"};
  const double exact = 24 * 30;
  EXPECT_TRUE(finalize({fps}, exact * 1.001));
  EXPECT_FALSE(finalize({fps}, exact * 0.999));
  EXPECT_TRUE(finalize({fps, {"qnn_runtime_lpai_ftrt_ratio", "50"}}, exact / 5 * 1.001));
  EXPECT_FALSE(finalize({fps, {"qnn_runtime_lpai_ftrt_ratio", "50"}}, exact / 5 * 0.999));
  EXPECT_FALSE(finalize({fps, {"qnn_runtime_lpai_ftrt_ratio", "5"}}, exact));
  const auto later = finalize({fps, {"qnn_runtime_lpai_client_perf_type", "non_real_time"}}, 1e-9);
  ASSERT_TRUE(later) << "never fails for its speed";
  EXPECT_TRUE(later.value().warnings.empty());
}

TEST(Lpai, ABudgetThatCannotBeToldIsAWarning) {
  const OneGraph g = one_graph(OptionBackend::kLpai);
  const auto done = g.graph->finalize();
  ASSERT_TRUE(done);
  EXPECT_THAT(done.value().warnings, testing::ElementsAre(HasSubstr("less than its 1e+03 ms cannot be told")));
  const OneGraph htp = one_graph(OptionBackend::kHtp);
  ASSERT_TRUE(htp.graph->finalize(1e-9)) << "no budget";
}

TEST(Lpai, AThroughputIsANumberAboveNothing) {
  for (const double wrong : {0.0, -1.0, -1e9, std::numeric_limits<double>::quiet_NaN()}) {
    const OneGraph g = one_graph(OptionBackend::kLpai);
    EXPECT_FALSE(g.graph->finalize(wrong)) << wrong;
    EXPECT_EQ(g.graph->state(), State::kFailed);
  }
}

TEST(Lpai, WhatTheCpuDoesIsNotInTheBudget) {
  Plan plan = product_plan(2);
  plan.steps[0].executor = Executor::kCpu;
  const OneGraph g = one_graph(std::move(plan), OptionSet(OptionBackend::kLpai));
  EXPECT_TRUE(g.graph->finalize(1e-9));
}

TEST(Lpai, MasksBeyondTheCoresAreRefused) {
  for (int64_t mask = 0; mask <= 8; ++mask) {
    const OneGraph g = one_graph(OptionBackend::kLpai);
    ASSERT_TRUE(set(*g.graph, {{"qnn_runtime_lpai_core_selection", std::to_string(mask)}}));
    const auto done = g.graph->finalize();
    EXPECT_EQ(done.ok(), mask < 4) << mask;
    EXPECT_EQ(g.graph->state(), mask < 4 ? State::kReady : State::kFailed);
    if (done) continue;
    EXPECT_THAT(done.error().message(), HasSubstr("lpai_core_selection: ")) << mask;
    EXPECT_THAT(done.error().message(), HasSubstr("the hardware has 2"));
    ASSERT_TRUE(g.graph->unset(std::vector<std::string>{"qnn_runtime_lpai_core_selection"}));
    EXPECT_TRUE(g.graph->finalize());
  }
}

TEST(Lpai, TheScheduleSaysWhatAMaskMeans) {
  const std::vector<std::tuple<std::string, std::string, std::string>> meanings{
      {"0b00", "soft", "any core"},     {"0b00", "hard", "any core"},
      {"0b11", "soft", "any core"},     {"0b11", "hard", "any core"},
      {"0b01", "hard", "core 0 alone"}, {"0b01", "soft", "core 0 where it is free, else any"},
      {"0b10", "hard", "core 1 alone"}, {"0b10", "soft", "core 1 where it is free, else any"},
  };
  for (const auto& [mask, affinity, meaning] : meanings)
    for (const OptionPhase phase : kBothPhases) {
      OptionSet options(OptionBackend::kLpai);
      const auto key = [&](OptionId id) { return std::string(option_row(id).key(phase)); };
      const std::vector<OptionText> texts{{key(OptionId::kLpaiCoreSelection), mask},
                                          {key(OptionId::kLpaiAffinity), affinity}};
      ASSERT_TRUE(options.set_texts(phase, texts));
      EXPECT_THAT(schedule_text(options), testing::EndsWith("\n" + meaning + "\n")) << mask << affinity;
    }
}

TEST(Lpai, TheScheduleSaysTheBudgetTheClockAndTheClient) {
  OptionSet options(OptionBackend::kLpai);
  EXPECT_EQ(schedule_text(options),
            "1 frames a second, 1e+03 ms each\n1.0 times the base clock\n"
            "real time: a budget that cannot be kept is refused\nany core\n");
  ASSERT_TRUE(options.set(OptionPhase::kRun, {{"qnn_runtime_lpai_fps", int64_t{30}},
                                              {"qnn_runtime_lpai_ftrt_ratio", int64_t{15}},
                                              {"qnn_runtime_lpai_client_perf_type", std::string("non_real_time")}}));
  EXPECT_EQ(schedule_text(options),
            "30 frames a second, 33.3 ms each\n1.5 times the base clock\nnot in real time: as fast as it goes\n"
            "any core\n");
  EXPECT_EQ(schedule_text(OptionSet(OptionBackend::kHtp)), "");
  EXPECT_EQ(schedule_text(OptionSet(OptionBackend::kGpu)), "");
}

TEST(Errors, ShowNamesAsTheyArePrinted) {
  const std::string name = "%s%n\x1b[31m";
  const auto device = Device::open(host_library(), {OptionBackend::kHtp, "%s"});
  std::vector<ContextGraph> graphs{{name, product_plan(2)}};
  const auto context = Context::create(device, std::move(graphs), OptionSet(OptionBackend::kHtp));
  ASSERT_TRUE(context);
  const auto graph = context.value()->graph(name);
  ASSERT_TRUE(graph);
  Floats y(1);
  const std::vector<std::string> texts{error_text(context.value()->graph("other")),
                                       error_text(context.value()->graph(name)),
                                       error_of(execute(*graph.value(), y, y))};
  for (const std::string& text : texts) EXPECT_THAT(text, AllOf(HasSubstr("%s%n"), Not(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace snapgauge
