// The table of options held against what upstream calls and numbers them, and what each row takes and refuses.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "options/options.h"
#include "options/table.h"
#include "unit/options_places.h"

namespace snapgauge {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Values just beyond its range, and those of another type.
std::vector<OptionValue> bad_values(const OptionRow& row) {
  switch (row.type) {
    case OptionType::kBoolean: return {int64_t{1}, std::string("true")};
    case OptionType::kText:
      return {true, int64_t{1}, std::string(static_cast<size_t>(row.max) + 1, 'x'), std::string("a\0b", 3)};
    case OptionType::kInteger:
    case OptionType::kMask:
      return {true,
              std::string("1"),
              row.min - 1,
              row.max + 1,
              std::numeric_limits<int64_t>::min(),
              std::numeric_limits<int64_t>::max()};
    case OptionType::kEnum: break;
  }
  int64_t beyond = 0;
  for (const OptionChoice& choice : row.choices) beyond = std::max(beyond, choice.number + 1);
  return {true, int64_t{-1}, beyond, std::string("no such name"), std::string()};
}

/// Whether the value alone is a combination that the backend refuses.
bool is_refused_alone(OptionBackend backend, const OptionRow& row, const OptionValue& value) {
  const auto* truth = std::get_if<bool>(&value);
  return backend == OptionBackend::kLpai && row.id == OptionId::kOnlinePrepare && truth != nullptr && *truth;
}

struct Fact {
  std::string_view name, compile_key, run_key, backends, fallback;
};

// By hand from upstream's schema, generators and runtime keys, so that no row is right only because it says so itself.
constexpr Fact kFacts[] = {
    {"soc_model", "soc_model", "", "htp gpu lpai", "UNKNOWN_SM"},
    {"log_level", "log_level", "qnn_runtime_log_level", "htp gpu lpai", "error"},
    {"profile_level", "profile_level", "qnn_runtime_profile_level", "htp gpu lpai", "off"},
    {"online_prepare", "online_prepare", "", "htp gpu lpai", "false"},
    {"dump_intermediate_outputs", "dump_intermediate_outputs", "", "htp gpu lpai", "false"},
    {"shared_buffer", "shared_buffer", "", "htp gpu lpai", "false"},
    {"is_from_context_binary", "is_from_context_binary", "", "htp gpu lpai", "false"},
    {"use_mha2sha", "use_mha2sha", "", "htp gpu lpai", "false"},
    {"saver", "saver", "", "htp gpu lpai", "false"},
    {"saver_output_dir", "saver_output_dir", "", "htp gpu lpai", "saver_output"},
    {"library_path", "library_path", "", "htp gpu lpai", ""},
    {"vtcm_size_in_mb", "vtcm_size_in_mb", "", "htp", "0"},
    {"htp_performance_mode", "performance_mode", "qnn_runtime_htp_performance_mode", "htp", "burst"},
    {"htp_precision", "precision", "", "htp", "quantized"},
    {"htp_pd_session", "pd_session", "", "htp", "unsigned"},
    {"use_conv_hmx", "use_conv_hmx", "", "htp", "true"},
    {"use_fold_relu", "use_fold_relu", "", "htp", "true"},
    {"use_dlbc", "use_dlbc", "", "htp", "false"},
    {"use_slc_allocator", "use_slc_allocator", "", "htp", "false"},
    {"use_multi_contexts", "use_multi_contexts", "", "htp", "false"},
    {"max_sf_buf_size", "max_sf_buf_size", "", "htp", "0"},
    {"heap_profiling_path", "", "qnn_runtime_heap_profiling_path", "htp", ""},
    {"use_weight_sharing", "use_weight_sharing", "", "htp gpu", "false"},
    {"gpu_performance_mode", "performance_mode", "", "gpu", "high"},
    {"gpu_precision", "precision", "", "gpu", "user_provided"},
    {"use_memory_optimizations", "use_memory_optimizations", "", "gpu", "true"},
    {"use_node_optimizations", "use_node_optimizations", "", "gpu", "true"},
    {"use_queue_recording", "use_queue_recording", "", "gpu", "true"},
    {"lpai_fps", "fps", "qnn_runtime_lpai_fps", "lpai", "1"},
    {"lpai_ftrt_ratio", "ftrt_ratio", "qnn_runtime_lpai_ftrt_ratio", "lpai", "10"},
    {"lpai_client_perf_type", "client_perf_type", "qnn_runtime_lpai_client_perf_type", "lpai", "real_time"},
    {"lpai_affinity", "affinity", "qnn_runtime_lpai_affinity", "lpai", "soft"},
    {"lpai_core_selection", "core_selection", "qnn_runtime_lpai_core_selection", "lpai", "0b0"},
    {"lpai_target_env", "target_env", "", "lpai", "arm"},
};

TEST(OptionRows, AreCalledAndPresetAsUpstream) {
  ASSERT_EQ(option_rows().size(), std::size(kFacts));
  for (size_t i = 0; i < std::size(kFacts); ++i) {
    const OptionRow& row = option_rows()[i];
    std::string backends;
    for (const OptionBackend backend : kAllBackends)
      if (row.belongs_to(backend))
        backends += fmt::format("{}{}", backends.empty() ? "" : " ", option_backend_name(backend));
    EXPECT_EQ(row.name, kFacts[i].name);
    EXPECT_EQ(row.compile_key, kFacts[i].compile_key) << row.name;
    EXPECT_EQ(row.run_key, kFacts[i].run_key) << row.name;
    EXPECT_EQ(backends, kFacts[i].backends) << row.name;
    EXPECT_EQ(option_text(row, option_default(row)), kFacts[i].fallback) << row.name;
    EXPECT_EQ(&option_row(row.id), &row);
    EXPECT_EQ(find_option_by_flag(row.flag), &row);
  }
}

TEST(OptionRows, NumberTheirChoicesAsUpstream) {
  const auto choices = [](OptionId id) {
    std::string text(option_row(id).undefined);
    for (const OptionChoice& choice : option_row(id).choices) text += fmt::format(" {}={}", choice.name, choice.number);
    return text;
  };
  EXPECT_EQ(choices(OptionId::kLogLevel), " off=0 error=1 warn=2 info=3 verbose=4 debug=5");
  EXPECT_EQ(choices(OptionId::kProfileLevel), " off=0 basic=1 detailed=2 optrace=3");
  EXPECT_EQ(choices(OptionId::kHtpPerformanceMode),
            " default=0 sustained_high_performance=1 burst=2 high_performance=3 power_saver=4 low_power_saver=5 "
            "high_power_saver=6 low_balanced=7 balanced=8");
  EXPECT_EQ(choices(OptionId::kHtpPrecision), " quantized=0 fp16=1");
  EXPECT_EQ(choices(OptionId::kHtpPdSession), " unsigned=0 signed=1");
  EXPECT_EQ(choices(OptionId::kGpuPerformanceMode), " high=0 normal=1 low=2");
  EXPECT_EQ(choices(OptionId::kGpuPrecision), " fp32=0 fp16=1 hybrid=2 user_provided=3");
  EXPECT_EQ(choices(OptionId::kLpaiClientPerfType), "undefined real_time=1 non_real_time=2");
  EXPECT_EQ(choices(OptionId::kLpaiAffinity), "undefined soft=1 hard=2");
  EXPECT_EQ(choices(OptionId::kLpaiTargetEnv), " x86=0 arm=1 adsp=2");
  EXPECT_THAT(choices(OptionId::kSocModel),
              AllOf(HasSubstr("UNKNOWN_SM "), HasSubstr(" SM8350=30 "), HasSubstr(" SM8850=87 "),
                    HasSubstr(" SAR2230P=95 "), HasSubstr(" SM8845=97 ")));
  EXPECT_EQ(option_row(OptionId::kSocModel).choices.size(), 20u);
}

TEST(OptionRows, HaveTheLimitsOfUpstreamsTypes) {
  for (const OptionId id : {OptionId::kLpaiFps, OptionId::kLpaiFtrtRatio}) EXPECT_EQ(option_row(id).min, 1);
  for (const OptionId id :
       {OptionId::kLpaiFps, OptionId::kLpaiFtrtRatio, OptionId::kLpaiCoreSelection, OptionId::kMaxSfBufSize})
    EXPECT_EQ(option_row(id).max, kLargestOption);
  EXPECT_EQ(option_row(OptionId::kVtcmSizeInMb).max, 16);
  EXPECT_EQ(option_row(OptionId::kHeapProfilingPath).max, 255) << "256 with the NUL behind it";
}

TEST(OptionRows, BackendsHaveNamesBothWays) {
  for (const OptionBackend backend : kAllBackends) EXPECT_EQ(option_backend(option_backend_name(backend)), backend);
  EXPECT_EQ(option_backend("dsp"), std::nullopt);
  EXPECT_EQ(option_backend(""), std::nullopt);
}

TEST(OptionValues, WithinTheirLimitsAreTaken) {
  for_each_place([](OptionSet options, OptionPhase phase, const OptionRow& row) {
    for (const OptionValue& value : good_values(row)) {
      if (is_refused_alone(options.backend(), row, value)) continue;
      EXPECT_EQ(error_of(options.set(phase, {{std::string(row.key(phase)), value}})), "");
      EXPECT_EQ(options.effective(row.id).value, value);
      EXPECT_EQ(options.effective(row.id).origin,
                phase == OptionPhase::kRun ? OptionOrigin::kRun : OptionOrigin::kCompile);
    }
  });
}

TEST(OptionValues, BeyondTheirLimitsOrOfAnotherTypeAreRefusedAndTheRangeIsTold) {
  for_each_place([](OptionSet options, OptionPhase phase, const OptionRow& row) {
    for (const OptionValue& value : bad_values(row)) {
      const Status done = options.set(phase, {{std::string(row.key(phase)), value}});
      ASSERT_FALSE(done) << value.index();
      EXPECT_EQ(done.error().code, ErrorCode::kUsage);
      EXPECT_EQ(done.error().subject, row.key(phase));
      EXPECT_THAT(done.error().text, AllOf(HasSubstr("takes " + option_range(row)), HasSubstr(", not ")));
      EXPECT_EQ(options, OptionSet(options.backend()));
    }
  });
}

TEST(OptionValues, NothingChosenIsNoChoice) {
  size_t rows = 0;
  for_each_place([&](OptionSet options, OptionPhase phase, const OptionRow& row) {
    if (row.undefined.empty()) return;
    ++rows;
    for (const OptionValue& value :
         {OptionValue(int64_t{0}), OptionValue(std::string(row.undefined)), OptionValue(std::string("Undefined"))}) {
      const Status done = options.set(phase, {{std::string(row.key(phase)), value}});
      ASSERT_FALSE(done);
      EXPECT_THAT(done.error().text, HasSubstr("takes " + option_range(row)));
      EXPECT_EQ(options, OptionSet(options.backend()));
    }
  });
  EXPECT_EQ(rows, 3u + 2u * 2u) << "the SoC on three backends, two of LPAI in two phases";
  const OptionRow& affinity = option_row(OptionId::kLpaiAffinity);
  EXPECT_EQ(parse_option(affinity, "Undefined").error().text,
            "undefined says that nothing was chosen; takes soft or hard");
}

TEST(OptionValues, TextsOfThemReadBack) {
  for (const OptionRow& row : option_rows())
    for (const OptionValue& value : good_values(row)) {
      const auto read = parse_option(row, option_text(row, value));
      ASSERT_TRUE(read) << read.error().message();
      EXPECT_EQ(read.value(), value) << row.name;
    }
}

TEST(OptionValues, NamesMayBeWrittenAsUpstreamDoes) {
  const auto number = [](OptionId id, std::string_view text) {
    const auto value = parse_option(option_row(id), text);
    return value ? std::get<int64_t>(value.value()) : -1;
  };
  EXPECT_EQ(number(OptionId::kLpaiAffinity, "soft"), 1);
  EXPECT_EQ(number(OptionId::kLpaiAffinity, "Hard"), 2);
  EXPECT_EQ(number(OptionId::kLpaiAffinity, "2"), 2);
  EXPECT_EQ(number(OptionId::kLpaiAffinity, "3"), -1);
  EXPECT_EQ(number(OptionId::kLpaiClientPerfType, "NonRealTime"), 2);
  EXPECT_EQ(number(OptionId::kLpaiClientPerfType, "non-real-time"), 2);
  EXPECT_EQ(number(OptionId::kHtpPerformanceMode, "SustainedHighPerformance"), 1);
  EXPECT_EQ(number(OptionId::kSocModel, "sm8850"), 87);
  EXPECT_EQ(number(OptionId::kSocModel, "87"), 87);
  EXPECT_EQ(number(OptionId::kSocModel, "88"), -1);
}

TEST(OptionValues, NumbersAreWholeAndComplete) {
  const OptionRow& mask = option_row(OptionId::kLpaiCoreSelection);
  for (const std::string_view text : {"3", "0x3", "0X3", "0b11", "0B11", "03"})
    EXPECT_EQ(std::get<int64_t>(parse_option(mask, text).value()), 3) << text;
  for (const std::string_view text : {"", " 3", "3 ", "+3", "-1", "0x", "0b", "0b2", "0x-3", "0x-0", "0b-1", "3.0",
                                      "1e1", "three", "99999999999999999999", "2147483648"})
    EXPECT_FALSE(parse_option(mask, text)) << text;
  EXPECT_EQ(parse_option(mask, "three").error().text, "takes a mask of cores from 0 to 0x7fffffff, not 'three'");
  EXPECT_EQ(parse_option(option_row(OptionId::kLpaiFps), "0").error().message(),
            "lpai_fps: takes an integer from 1 to 2147483647, not 0");
}

TEST(OptionValues, TruthsHaveThreeWords) {
  const OptionRow& dlbc = option_row(OptionId::kUseDlbc);
  for (const std::string_view text : {"true", "True", "on", "1"})
    EXPECT_EQ(parse_option(dlbc, text).value(), OptionValue(true));
  for (const std::string_view text : {"false", "FALSE", "off", "0"})
    EXPECT_EQ(parse_option(dlbc, text).value(), OptionValue(false));
  for (const std::string_view text : {"", "yes", "2", "tru"}) EXPECT_FALSE(parse_option(dlbc, text)) << text;
}

}  // namespace
}  // namespace snapgauge
