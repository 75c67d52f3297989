// Sets of options: keys and phases, batches, precedence, cores, combinations, listing and storing.
#include "options/options.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unit/options_places.h"

namespace snapgauge {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(OptionKeys, UnknownOnesAreToldWithTheNearest) {
  OptionSet lpai(OptionBackend::kLpai);
  EXPECT_EQ(error_of(lpai.set(OptionPhase::kRun, {{"qnn_runtime_lpai_fsp", int64_t{5}}})),
            "qnn_runtime_lpai_fsp: no option of lpai at run time; did you mean qnn_runtime_lpai_fps?");
  EXPECT_EQ(error_of(lpai.set(OptionPhase::kCompile, {{"something else entirely", true}})),
            "something else entirely: no option of lpai at compile time");
  for (const OptionPhase phase : kBothPhases)
    for (const OptionBackend backend : kAllBackends)
      EXPECT_THAT(error_of(OptionSet(backend).set(phase, {{"", int64_t{87}}})), HasSubstr("no option of "))
          << "not the one that has no key in this phase";
  EXPECT_THAT(error_of(lpai.set(OptionPhase::kCompile, {{"bell\a", true}})), Not(HasSubstr("\a")));
}

TEST(OptionKeys, FormerNamesAreAnsweredWithTheRightOne) {
  std::vector<std::string> formers;
  for_each_place([&](OptionSet options, OptionPhase phase, const OptionRow& row) {
    for (const std::string_view former : row.former) {
      const Status done = options.set(phase, {{std::string(former), good_values(row)[0]}});
      ASSERT_FALSE(done) << former;
      EXPECT_THAT(done.error().text, AllOf(HasSubstr("a misspelt name of " + std::string(row.name)),
                                           HasSubstr(fmt::format(" is {}", row.key(phase)))));
      formers.emplace_back(former);
    }
  });
  EXPECT_THAT(formers, AllOf(Contains("lapi_fps"), Contains("lapi_ftrt_ratio"), Contains("clent_perf_type"),
                             Contains("qnn_runtime_lpai_clent_perf_type")));
  EXPECT_EQ(error_of(OptionSet(OptionBackend::kHtp).set(OptionPhase::kRun, {{"lapi_fps", int64_t{1}}})),
            "lapi_fps: a misspelt name of lpai_fps; an option of lpai, not of htp");
}

TEST(OptionKeys, OfOtherBackendsAreRefusedByName) {
  for (const OptionRow& row : option_rows())
    for (const OptionBackend backend : kAllBackends)
      for (const OptionPhase phase : kBothPhases) {
        const std::string_view key = row.key(phase);
        if (key.empty() || find_option(backend, phase, key) != nullptr) continue;
        const std::string text =
            error_of(OptionSet(backend).set(phase, {{std::string(key), good_values(row).front()}}));
        EXPECT_THAT(text, HasSubstr(fmt::format(", not of {}", option_backend_name(backend)))) << key;
      }
  EXPECT_EQ(error_of(OptionSet(OptionBackend::kLpai).set(OptionPhase::kCompile, {{"use_weight_sharing", true}})),
            "use_weight_sharing: an option of htp or gpu, not of lpai");
}

TEST(OptionKeys, OneKeyMeansEachBackendsOwnOption) {
  OptionSet htp(OptionBackend::kHtp), gpu(OptionBackend::kGpu);
  EXPECT_EQ(error_of(htp.set(OptionPhase::kCompile, {{"precision", std::string("fp16")}})), "");
  EXPECT_EQ(error_of(gpu.set(OptionPhase::kCompile, {{"precision", std::string("fp16")}})), "");
  EXPECT_EQ(htp.integer(OptionId::kHtpPrecision), 1);
  EXPECT_EQ(gpu.integer(OptionId::kGpuPrecision), 1);
  EXPECT_THAT(error_of(htp.set(OptionPhase::kCompile, {{"precision", std::string("hybrid")}})),
              HasSubstr("takes quantized or fp16"));
  EXPECT_EQ(error_of(htp.set(OptionPhase::kRun, {{"performance_mode", int64_t{1}}})),
            "performance_mode: its key at run time is qnn_runtime_htp_performance_mode");
  EXPECT_EQ(error_of(gpu.set(OptionPhase::kRun, {{"performance_mode", int64_t{1}}})),
            "performance_mode: can be set at compile time only, as performance_mode");
}

TEST(OptionKeys, AreTakenInTheirPhaseOnly) {
  OptionSet lpai(OptionBackend::kLpai), htp(OptionBackend::kHtp);
  EXPECT_EQ(error_of(lpai.set(OptionPhase::kRun, {{"target_env", std::string("x86")}})),
            "target_env: can be set at compile time only, as target_env");
  EXPECT_EQ(error_of(lpai.set(OptionPhase::kRun, {{"fps", int64_t{30}}})),
            "fps: its key at run time is qnn_runtime_lpai_fps");
  EXPECT_EQ(error_of(lpai.set(OptionPhase::kCompile, {{"qnn_runtime_lpai_fps", int64_t{30}}})),
            "qnn_runtime_lpai_fps: its key at compile time is fps");
  EXPECT_EQ(error_of(htp.set(OptionPhase::kCompile, {{"heap_profiling_path", std::string("heap.txt")}})),
            "heap_profiling_path: can be set at run time only, as qnn_runtime_heap_profiling_path");
  for (const OptionRow& row : option_rows())  // whatever has no key at run time
    for (const OptionBackend backend : kAllBackends)
      if (row.belongs_to(backend) && row.run_key.empty()) {
        const std::string name(row.name);
        EXPECT_THAT(error_of(OptionSet(backend).set(OptionPhase::kRun, {{name, good_values(row)[0]}})),
                    HasSubstr("compile time only"))
            << name;
      }
}

TEST(OptionBatches, AreTakenWholeOrNotAtAll) {
  OptionSet lpai(OptionBackend::kLpai);
  ASSERT_TRUE(lpai.set(OptionPhase::kRun, {{"qnn_runtime_lpai_fps", int64_t{5}}}));
  const OptionSet before = lpai;
  const OptionSetting good{"qnn_runtime_lpai_fps", int64_t{30}};
  for (const OptionSetting& bad : std::vector<OptionSetting>{{"qnn_runtime_lpai_fsp", int64_t{1}},
                                                             {"qnn_runtime_lpai_ftrt_ratio", int64_t{0}},
                                                             {"qnn_runtime_lpai_affinity", true},
                                                             {"qnn_runtime_htp_performance_mode", int64_t{1}},
                                                             {"target_env", int64_t{1}},
                                                             good}) {
    EXPECT_FALSE(lpai.set(OptionPhase::kRun, {good, bad})) << bad.key;
    EXPECT_FALSE(lpai.set(OptionPhase::kRun, {bad, good})) << bad.key;
    EXPECT_EQ(lpai, before) << bad.key;
  }
  ASSERT_TRUE(lpai.set(OptionPhase::kRun, {good, {"qnn_runtime_lpai_affinity", std::string("hard")}}));
  EXPECT_EQ(lpai.integer(OptionId::kLpaiFps), 30);
  EXPECT_EQ(lpai.integer(OptionId::kLpaiAffinity), 2);
  EXPECT_TRUE(lpai.set(OptionPhase::kRun, {}));
}

TEST(OptionBatches, OfTextsAreReadWholeOrNotAtAll) {
  OptionSet lpai(OptionBackend::kLpai);
  const std::vector<OptionText> good{{"fps", "0x1e"}, {"affinity", "Hard"}};
  ASSERT_TRUE(lpai.set_texts(OptionPhase::kCompile, good));
  EXPECT_EQ(lpai.integer(OptionId::kLpaiFps), 30);
  EXPECT_EQ(lpai.integer(OptionId::kLpaiAffinity), 2);
  const OptionSet before = lpai;
  for (const OptionText& bad : std::vector<OptionText>{{"ftrt_ratio", "fast"}, {"ftrt_ration", "20"}, {"fps", "2"}}) {
    const Status done = lpai.set_texts(OptionPhase::kCompile, std::vector<OptionText>{{"fps", "1"}, bad});
    ASSERT_FALSE(done) << bad.key;
    EXPECT_EQ(done.error().subject, bad.key);
    EXPECT_EQ(lpai, before);
  }
}

TEST(OptionBatches, AreUnsetWholeOrNotAtAll) {
  OptionSet lpai(OptionBackend::kLpai);
  ASSERT_TRUE(lpai.set(OptionPhase::kRun, {{"qnn_runtime_lpai_fps", int64_t{5}}}));
  const OptionSet before = lpai;
  for (const std::string bad : {"qnn_runtime_lpai_fsp", "qnn_runtime_htp_performance_mode", "fps", "lapi_fps"}) {
    EXPECT_FALSE(lpai.unset(OptionPhase::kRun, std::vector<std::string>{"qnn_runtime_lpai_fps", bad})) << bad;
    EXPECT_EQ(lpai, before) << bad;
  }
  ASSERT_TRUE(lpai.unset(OptionPhase::kRun, std::vector<std::string>{"qnn_runtime_lpai_affinity"})) << "was not set";
  EXPECT_EQ(lpai, before);
  ASSERT_TRUE(lpai.unset(OptionPhase::kRun, std::vector<std::string>{"qnn_runtime_lpai_fps"}));
  EXPECT_EQ(lpai, OptionSet(OptionBackend::kLpai));
}

TEST(OptionPrecedence, TheRunOverrulesTheCompilationAndThatTheDefault) {
  size_t rows = 0;
  for_each_place([&](OptionSet options, OptionPhase phase, const OptionRow& row) {
    if (phase != OptionPhase::kRun || row.compile_key.empty()) return;
    ++rows;
    const OptionValue first = good_values(row).front(), last = good_values(row).back();
    ASSERT_NE(first, last);
    const std::string compile_key(row.compile_key), run_key(row.run_key);
    const auto holds = [&](const OptionValue& value, OptionOrigin origin) {
      EXPECT_EQ(options.effective(row.id).value, value);
      EXPECT_EQ(options.effective(row.id).origin, origin);
    };
    holds(option_default(row), OptionOrigin::kDefault);
    ASSERT_TRUE(options.set(OptionPhase::kRun, {{run_key, last}}));
    ASSERT_TRUE(options.set(OptionPhase::kCompile, {{compile_key, first}}));
    holds(last, OptionOrigin::kRun);
    ASSERT_TRUE(options.unset(OptionPhase::kRun, std::vector{run_key}));
    holds(first, OptionOrigin::kCompile);
    ASSERT_TRUE(options.set(OptionPhase::kRun, {{run_key, last}}));
    ASSERT_TRUE(options.unset(OptionPhase::kCompile, std::vector{compile_key}));
    holds(last, OptionOrigin::kRun);
    ASSERT_TRUE(options.unset(OptionPhase::kRun, std::vector{run_key}));
    holds(option_default(row), OptionOrigin::kDefault);
  });
  EXPECT_EQ(rows, 2u * 3u + 1u + 5u) << "two of every backend, one of HTP, five of LPAI";
}

TEST(OptionPrecedence, GettersAskForWhatHolds) {
  OptionSet htp(OptionBackend::kHtp);
  EXPECT_EQ(htp.integer(OptionId::kHtpPerformanceMode), 2);
  EXPECT_TRUE(htp.truth(OptionId::kUseConvHmx));
  EXPECT_EQ(htp.text(OptionId::kSaverOutputDir), "saver_output");
  ASSERT_TRUE(htp.set(OptionPhase::kCompile, {{"use_conv_hmx", false}, {"saver_output_dir", std::string("calls")}}));
  EXPECT_FALSE(htp.truth(OptionId::kUseConvHmx));
  EXPECT_EQ(htp.text(OptionId::kSaverOutputDir), "calls");
}

TEST(OptionPrecedence, CopiesAreTheirOwn) {
  OptionSet one(OptionBackend::kLpai);
  const OptionSet other = one;
  ASSERT_TRUE(one.set(OptionPhase::kRun, {{"qnn_runtime_lpai_fps", int64_t{5}}}));
  EXPECT_EQ(other.integer(OptionId::kLpaiFps), 1);
  EXPECT_NE(one, other);
}

TEST(OptionCores, OfMasksHaveToBeThere) {
  OptionSet lpai(OptionBackend::kLpai);
  const auto set = [&](OptionPhase phase, int64_t mask) {
    ASSERT_TRUE(
        lpai.set(phase, {{phase == OptionPhase::kRun ? "qnn_runtime_lpai_core_selection" : "core_selection", mask}}));
  };
  EXPECT_TRUE(lpai.check_cores(0)) << "no core is named";
  for (const int64_t mask : {1, 2, 3}) {
    set(OptionPhase::kCompile, mask);
    EXPECT_TRUE(lpai.check_cores(2)) << mask;
    EXPECT_EQ(bool(lpai.check_cores(1)), mask == 1) << mask;
    EXPECT_FALSE(lpai.check_cores(0)) << mask;
  }
  set(OptionPhase::kRun, 4);
  EXPECT_EQ(error_of(lpai.check_cores(2)),
            "lpai_core_selection: 0b100 names a core that is not there; the hardware has 2");
  set(OptionPhase::kRun, kLargestOption);
  EXPECT_TRUE(lpai.check_cores(31));
  EXPECT_FALSE(lpai.check_cores(30));
  EXPECT_TRUE(lpai.check_cores(1000));
  EXPECT_FALSE(lpai.check_cores(-1));
  EXPECT_TRUE(OptionSet(OptionBackend::kHtp).check_cores(0));
}

/// Settings that make a condition true, or false, on a set.
Status settle(OptionSet& options, const OptionCondition& condition, bool wanted) {
  const OptionRow& row = option_row(condition.id);
  const auto phase = row.compile_key.empty() ? OptionPhase::kRun : OptionPhase::kCompile;
  for (const OptionValue& value : good_values(row)) {
    int64_t number = 0;
    if (const auto* truth = std::get_if<bool>(&value)) number = *truth ? 1 : 0;
    if (const auto* text = std::get_if<std::string>(&value)) number = text->empty() ? 0 : 1;
    if (const auto* integer = std::get_if<int64_t>(&value)) number = *integer;
    const bool listed = std::find(condition.any_of.begin(), condition.any_of.end(), number) != condition.any_of.end();
    if (listed == wanted) return options.set(phase, {{std::string(row.key(phase)), value}});
  }
  return Error{ErrorCode::kInternal, std::string(row.name), "no such value", 0, 0};
}

TEST(OptionCombinations, HoldOnlyTogether) {
  for (const OptionCombination& combination : option_combinations())
    for (const OptionBackend backend : kAllBackends) {
      if ((combination.backends & static_cast<uint8_t>(backend)) == 0) continue;
      SCOPED_TRACE(fmt::format("{} on {}", combination.why, option_backend_name(backend)));
      // Without any one of the conditions nothing is said; the last one makes the combination.
      for (size_t last = 0; last < combination.when.size(); ++last) {
        OptionSet options(backend);
        ASSERT_EQ(error_of(settle(options, combination.when[last], false)), "");
        for (size_t i = 0; i < combination.when.size(); ++i)
          if (i != last) {
            ASSERT_EQ(error_of(settle(options, combination.when[i], true)), "");
          }
        EXPECT_THAT(options.warnings(), Not(Contains(HasSubstr(combination.why))));
        const OptionSet before = options;
        const Status made = settle(options, combination.when[last], true);
        EXPECT_EQ(bool(made), combination.only_warns);
        if (combination.only_warns) {
          EXPECT_THAT(options.warnings(), Contains(HasSubstr(combination.why)));
        } else {
          EXPECT_EQ(made.error().text, combination.why);
          EXPECT_EQ(options, before);
        }
      }
    }
}

TEST(OptionCombinations, AreThoseOfUpstream) {
  OptionSet htp(OptionBackend::kHtp), gpu(OptionBackend::kGpu), lpai(OptionBackend::kLpai);
  EXPECT_THAT(error_of(htp.set(OptionPhase::kCompile, {{"online_prepare", true}, {"use_multi_contexts", true}})),
              HasSubstr("online_prepare and use_multi_contexts: "));
  EXPECT_EQ(error_of(lpai.set(OptionPhase::kCompile, {{"online_prepare", true}})),
            "online_prepare: LPAI graphs are prepared ahead of time only");
  EXPECT_THAT(gpu.warnings(), ElementsAre(HasSubstr("online_prepare")));
  ASSERT_TRUE(gpu.set(OptionPhase::kCompile, {{"online_prepare", true}}));
  EXPECT_THAT(gpu.warnings(), IsEmpty());
  EXPECT_THAT(htp.warnings(), IsEmpty());
}

TEST(OptionCombinations, LookAtWhatHoldsInAnyPhase) {
  OptionSet htp(OptionBackend::kHtp);
  ASSERT_TRUE(htp.set(OptionPhase::kCompile, {{"dump_intermediate_outputs", true}}));
  EXPECT_THAT(htp.warnings(), IsEmpty());
  ASSERT_TRUE(htp.set(OptionPhase::kRun, {{"qnn_runtime_profile_level", std::string("detailed")}}));
  EXPECT_THAT(htp.warnings(), ElementsAre(HasSubstr("dump_intermediate_outputs and profile_level: ")));
}

TEST(OptionListing, SaysWhatHoldsAndWhereItComesFrom) {
  OptionSet lpai(OptionBackend::kLpai);
  ASSERT_TRUE(lpai.set(OptionPhase::kRun, {{"qnn_runtime_lpai_fps", int64_t{30}}}));
  ASSERT_TRUE(lpai.set(OptionPhase::kCompile, {{"core_selection", int64_t{2}},
                                               {"soc_model", std::string("SM8850")},
                                               {"library_path", std::string("lib\x1b[31m.so")}}));
  const std::string text = lpai.to_text();
  EXPECT_THAT(text, HasSubstr("soc_model = SM8850 (compile time)\nlog_level = error (default)\n"));
  EXPECT_THAT(text, HasSubstr("lpai_fps = 30 (run time)\nlpai_ftrt_ratio = 10 (default)\n"));
  EXPECT_THAT(text, HasSubstr("lpai_core_selection = 0b10 (compile time)\n"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("use_dlbc")), Not(HasSubstr("gpu_"))));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11 + 6) << "eleven of every backend, six of LPAI";
}

TEST(OptionListing, DoesNotDependOnTheOrderOfSetting) {
  OptionSet one(OptionBackend::kLpai), other(OptionBackend::kLpai);
  ASSERT_TRUE(one.set(OptionPhase::kCompile, {{"fps", int64_t{2}}, {"affinity", int64_t{2}}}));
  ASSERT_TRUE(other.set(OptionPhase::kCompile, {{"affinity", int64_t{2}}}));
  ASSERT_TRUE(other.set(OptionPhase::kCompile, {{"fps", int64_t{2}}}));
  EXPECT_EQ(one.to_text(), other.to_text());
  EXPECT_EQ(one.stored(), other.stored());
}

TEST(OptionStorage, HoldsTheCompilationAndReadsBack) {
  for (const OptionBackend backend : kAllBackends)
    for (const bool last : {false, true}) {
      OptionSet options(backend);
      for (const OptionRow& row : option_rows()) {
        if (!row.belongs_to(backend) || row.compile_key.empty()) continue;
        const OptionValue value = last ? good_values(row).back() : good_values(row).front();
        // Some refuse each other: whatever is taken is stored.
        const Status taken = options.set(OptionPhase::kCompile, {{std::string(row.compile_key), value}});
        EXPECT_TRUE(taken || row.type == OptionType::kBoolean) << error_of(taken);
      }
      ASSERT_GT(options.stored().size(), 10u);
      const auto restored = OptionSet::restored(backend, options.stored());
      ASSERT_TRUE(restored) << restored.error().message();
      EXPECT_EQ(restored.value(), options);
    }
}

TEST(OptionStorage, LeavesTheRunAndTheDefaultsOut) {
  OptionSet lpai(OptionBackend::kLpai);
  EXPECT_THAT(lpai.stored(), IsEmpty());
  ASSERT_TRUE(lpai.set(OptionPhase::kRun, {{"qnn_runtime_lpai_fps", int64_t{30}}}));
  ASSERT_TRUE(lpai.set(OptionPhase::kCompile, {{"affinity", std::string("hard")}, {"fps", int64_t{1}}}));
  EXPECT_THAT(lpai.stored(), ElementsAre(OptionText{"fps", "1"}, OptionText{"affinity", "hard"}));
}

TEST(OptionStorage, ReadsNothingThatCouldNotBeSet) {
  const auto fault = [](std::vector<OptionText> texts) {
    const auto read = OptionSet::restored(OptionBackend::kLpai, texts);
    return read ? std::string() : read.error().message();
  };
  EXPECT_EQ(fault({}), "");
  EXPECT_THAT(fault({{"fps", "0"}}), HasSubstr("fps: takes an integer from 1"));
  EXPECT_THAT(fault({{"lapi_fps", "1"}}), HasSubstr("is fps"));
  EXPECT_THAT(fault({{"use_dlbc", "true"}}), HasSubstr("an option of htp"));
  EXPECT_THAT(fault({{"online_prepare", "true"}}), HasSubstr("ahead of time"));
  EXPECT_THAT(fault({{"fps", "1"}, {"fps", "1"}}), HasSubstr("twice"));
  EXPECT_THAT(fault({{"affinity", "undefined"}}), HasSubstr("nothing was chosen"));
}

}  // namespace
}  // namespace snapgauge
