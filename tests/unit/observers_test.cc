// Observers beside slow references that say the same in the plainest way: all numbers kept, sorted or searched one by
// one, in double precision where the formulas are in single.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "numerics/blocks.h"
#include "observers/activation.h"
#include "observers/parameters.h"
#include "observers/range.h"
#include "observers/weights.h"

namespace snapgauge {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> drawn(size_t count, uint32_t seed, float spread = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> out(count);
  for (float& v : out) v = normal(random);
  return out;
}

Spec spec_of(DType storage, Scheme scheme, std::optional<int64_t> qmin = {}, std::optional<int64_t> qmax = {}) {
  Spec out;
  out.storage = storage;
  out.scheme = scheme;
  out.qmin = qmin;
  out.qmax = qmax;
  return out;
}

/// The coordinates of every element in turn.
template <class Use>
void each(const std::vector<int64_t>& dims, Use use) {
  std::vector<int64_t> at(dims.size());
  size_t index = 0;
  for (bool more = true; more;) {
    use(index++, at);
    more = false;
    for (size_t d = dims.size(); d-- > 0 && !more;) {
      more = ++at[d] < dims[d];
      if (!more) at[d] = 0;
    }
  }
}

size_t block_of(const std::vector<int64_t>& at, const std::vector<int64_t>& dims, const std::vector<int64_t>& block) {
  int64_t out = 0;
  for (size_t d = 0; d < dims.size(); ++d) out = out * (dims[d] / block[d]) + at[d] / block[d];
  return static_cast<size_t>(out);
}

TEST(Range, IsThatOfAllNumbersWhereverTheyLie) {
  for (const size_t count : {0UL, 1UL, 31UL, 32UL, 33UL, 4095UL, 4096UL, 4097UL, 10007UL}) {
    std::vector<float> values = drawn(count, static_cast<uint32_t>(count));
    const SeenRange seen = range_of(values);
    EXPECT_FALSE(seen.masked);
    EXPECT_FALSE(seen.has_nan);
    EXPECT_EQ(seen.range.empty(), count == 0);
    if (count == 0) continue;
    EXPECT_EQ(seen.range.least, *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(seen.range.largest, *std::max_element(values.begin(), values.end()));
    for (const size_t at : {size_t{0}, count / 2, count - 1}) {
      std::vector<float> odd = values;
      odd[at] = kNan;
      EXPECT_TRUE(range_of(odd).has_nan) << at;
      odd[at] = -kInf;
      EXPECT_TRUE(range_of(odd).masked && !range_of(odd).has_nan) << at;
      odd[at] = -3.4e38F;
      EXPECT_TRUE(range_of(odd).masked) << at;
      if (count > 1) {
        EXPECT_GT(range_of(odd).range.least, -kMasked);
      }
    }
  }
}

TEST(Range, NumbersNeedNoAlignment) {
  const std::vector<float> values = drawn(1000, 3);
  std::vector<std::byte> bytes(values.size() * sizeof(float) + 1);
  std::memcpy(bytes.data() + 1, values.data(), values.size() * sizeof(float));
  EXPECT_EQ(range_of(FloatView(bytes.data() + 1, values.size())).range, range_of(values).range);
}

TEST(Range, BlocksAndChannelsAreThoseOfTheirElements) {
  struct Case {
    std::vector<int64_t> dims, block;
  };
  for (const Case& c :
       {Case{{4, 6}, {1, 3}}, Case{{4, 6}, {2, 6}}, Case{{4, 6}, {4, 1}}, Case{{8, 64, 3, 3}, {1, 32, 1, 1}},
        Case{{8, 64, 3, 3}, {1, 64, 3, 3}}, Case{{8, 64, 1, 1}, {1, 32, 1, 1}}, Case{{64, 5}, {32, 1}},
        Case{{3, 1, 7}, {1, 1, 7}}, Case{{2, 3, 4, 5}, {2, 1, 2, 5}}, Case{{1}, {1}}, Case{{5}, {5}}}) {
    const std::vector<float> values =
        drawn(static_cast<size_t>(c.dims[0] * (c.dims.size() > 1 ? c.dims[1] : 1) *
                                  (c.dims.size() > 2 ? c.dims[2] : 1) * (c.dims.size() > 3 ? c.dims[3] : 1)),
              7);
    const Ranges got = block_ranges(values, c.dims, c.block);
    Ranges expected(got.size());
    each(c.dims, [&](size_t i, const std::vector<int64_t>& at) {
      const size_t b = block_of(at, c.dims, c.block);
      expected.least[b] = std::min(expected.least[b], values[i]);
      expected.largest[b] = std::max(expected.largest[b], values[i]);
    });
    EXPECT_EQ(got.least, expected.least);
    EXPECT_EQ(got.largest, expected.largest);
  }
}

// The table of denominators: docs/quantizing.md, "Numbers".
TEST(Parameters, FollowTheFormulas) {
  const auto scale = [](const Spec& spec, float least, float largest) {
    return numbers_for({least, largest}, spec).scale;
  };
  EXPECT_EQ(scale(spec_of(DType::kInt8, Scheme::kPerTensorSymmetric, -127, 127), -1, 2), 2.0F / 127);
  EXPECT_EQ(scale(spec_of(DType::kInt8, Scheme::kPerChannelSymmetric, -7, 7), -3, 2), 3.0F / 7);
  EXPECT_EQ(scale(spec_of(DType::kInt8, Scheme::kPerChannelSymmetric, -2, 1), -3, 2), 2.0F);
  EXPECT_EQ(scale(spec_of(DType::kUint8, Scheme::kPerTensorSymmetric), -1, 2), 2.0F / 127.5F);
  EXPECT_EQ(scale(spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255), -1, 2), 3.0F / 255);
  EXPECT_EQ(scale(spec_of(DType::kInt32, Scheme::kPerTensorAffine, 0, 65535), 1, 2), 2.0F / 65535);
  EXPECT_EQ(numbers_for({-1, 2}, spec_of(DType::kUint8, Scheme::kPerTensorSymmetric)).zero_point, 128);
  EXPECT_EQ(numbers_for({-1, 2}, spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255)).zero_point, 85);
  EXPECT_EQ(numbers_for({-4, -2}, spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255)).zero_point, 255);
  EXPECT_EQ(numbers_for({2, 4}, spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255)).zero_point, 0);
  Spec floored = spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255);
  floored.eps = 0.001;
  EXPECT_EQ(numbers_for({0, 0.001F}, floored).scale, 0.001F);
  EXPECT_EQ(numbers_for({}, floored).scale, 1.0F);
  EXPECT_GT(numbers_for({0, 0}, spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255)).scale, 0.0F);
}

template <class T>
void expect_nearest(const std::vector<float>& values, const TensorNumbers& numbers) {
  std::vector<T> got(values.size());
  quantize_tensor(values, numbers, got.data());
  const std::vector<int64_t> dims(numbers.dims.begin(), numbers.dims.end());
  const std::vector<int64_t> block(numbers.block.begin(), numbers.block.end());
  each(dims, [&](size_t i, const std::vector<int64_t>& at) {
    const size_t b = block_of(at, dims, block);
    const int64_t zero = numbers.zero_points.size() == 1 ? numbers.zero_points[0] : numbers.zero_points[b];
    // Of 32 bits the quotient is taken in double precision.
    const double quotient = sizeof(T) < 4 ? static_cast<double>(values[i] / numbers.scales[b])
                                          : static_cast<double>(values[i]) / static_cast<double>(numbers.scales[b]);
    const double steps = std::nearbyint(quotient) + static_cast<double>(zero);
    const double bounded =
        std::clamp(steps, static_cast<double>(numbers.range.min), static_cast<double>(numbers.range.max));
    ASSERT_EQ(static_cast<double>(got[i]), bounded) << i;
  });
}

TEST(Parameters, IntegersAreTheNearestWithinTheRange) {
  const std::vector<int64_t> dims{6, 10};
  std::vector<float> values = drawn(60, 11, 3);
  values[0] = 1e20F;
  values[1] = -1e20F;
  values[2] = 0.5F;  // ties go to the even one
  values[3] = 1.5F;
  const std::vector<int64_t> whole{6, 10}, rows{1, 10}, columns{6, 1}, pairs{1, 2};
  const std::vector<float> one{0.04F}, six{0.1F, 0.2F, 0.04F, 0.5F, 1, 2}, ten{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  std::vector<float> thirty(30);
  for (size_t i = 0; i < thirty.size(); ++i) thirty[i] = 0.01F * static_cast<float>(i + 1);
  const std::vector<int64_t> none{0}, middle{128}, many{0, 1, 2, 3, 4, 5};
  expect_nearest<int8_t>(values, {dims, whole, one, none, {-127, 127}});
  expect_nearest<uint8_t>(values, {dims, whole, one, middle, {0, 255}});
  expect_nearest<int8_t>(values, {dims, rows, six, none, {-7, 7}});
  expect_nearest<int8_t>(values, {dims, rows, six, many, {-128, 127}});
  expect_nearest<int8_t>(values, {dims, columns, ten, none, {-2, 1}});
  expect_nearest<int8_t>(values, {dims, pairs, thirty, none, {-7, 7}});
  expect_nearest<int16_t>(values, {dims, columns, ten, none, {-32767, 32767}});
  const std::vector<int64_t> high{32768};
  expect_nearest<uint16_t>(values, {dims, whole, one, high, {0, 65535}});
  const std::vector<float> tiny{1e-9F};
  expect_nearest<int32_t>(values, {dims, whole, tiny, none, {INT32_MIN, INT32_MAX}});
}

TEST(Parameters, BlockScalesBecomeIntegersOfTheirChannel) {
  const std::vector<float> scales{1, 0.5F, 0.001F, 3, 1.5F, 2.9F};
  const std::vector<int64_t> dims{2, 3};
  const TwoLevelScales got = two_level(scales, dims, 0);
  EXPECT_EQ(got.channels, (std::vector<float>{1.0F / 16, 3.0F / 16}));
  EXPECT_EQ(got.integers, (std::vector<uint8_t>{16, 8, 1, 16, 8, 15}));
  const TwoLevelScales columns = two_level(scales, dims, 1);
  EXPECT_EQ(columns.channels, (std::vector<float>{3.0F / 16, 1.5F / 16, 2.9F / 16}));
}

TEST(Weights, OfBlocksAreNeverWorseThanOfChannels) {
  const std::vector<int64_t> dims{8, 128};
  const std::vector<float> values = drawn(1024, 5);
  const auto error = [&](const Spec& spec, const WeightNumbers& numbers) {
    const std::vector<int64_t> block = elements_per_scale(spec, dims);
    std::vector<int8_t> q(values.size());
    quantize_tensor(values, {dims, block, numbers.scales, numbers.zero_points, *effective_range(spec)}, q.data());
    double out = 0;
    each(dims, [&](size_t i, const std::vector<int64_t>& at) {
      const float back = static_cast<float>(q[i]) * numbers.scales[block_of(at, dims, block)];
      out += std::pow(static_cast<double>(back - values[i]), 2);
    });
    return out;
  };
  Spec channels = spec_of(DType::kInt8, Scheme::kPerChannelSymmetric, -7, 7), blocks = channels;
  channels.axis = blocks.axis = 0;
  blocks.block = {1, 32};
  blocks.two_level = true;
  const double coarse = error(channels, observe_weight(values, dims, channels, WeightObserver::kMinMax));
  const WeightNumbers fine = observe_weight(values, dims, blocks, WeightObserver::kMinMax);
  EXPECT_LT(error(blocks, fine), 0.9 * coarse);
  EXPECT_EQ(fine.scales.size(), 32U);
  // The products are what is shipped: they come back from their integers.
  for (size_t i = 0; i < fine.scales.size(); ++i)
    EXPECT_EQ(fine.scales[i], fine.channel_scales[i / 4] * static_cast<float>(fine.block_scales[i]));
  // What the encoding alone would be: rounded to the nearest integer.
  Spec plain = blocks;
  plain.two_level = false;
  const WeightNumbers exact = observe_weight(values, dims, plain, WeightObserver::kMinMax);
  WeightNumbers rounded = exact;
  const TwoLevelScales levels = two_level(exact.scales, std::vector<int64_t>{8, 4}, 0);
  for (size_t i = 0; i < rounded.scales.size(); ++i)
    rounded.scales[i] = levels.channels[i / 4] * static_cast<float>(levels.integers[i]);
  EXPECT_LT(error(blocks, fine), error(blocks, rounded));
}

TEST(Weights, TheLineSearchFindsTheLeastErrorOfItsHundredRanges) {
  const std::vector<int64_t> dims{4, 200};
  const std::vector<float> values = drawn(800, 13);
  Spec spec = spec_of(DType::kInt8, Scheme::kPerChannelSymmetric, -7, 7);
  spec.axis = 0;
  const WeightNumbers got = observe_weight(values, dims, spec, WeightObserver::kLineSearch);
  for (size_t c = 0; c < 4; ++c) {
    float largest = 0;
    for (size_t i = 0; i < 200; ++i) largest = std::max(largest, std::abs(values[c * 200 + i]));
    double least = 1e9;
    float best = 0;
    for (int step = 1; step <= 100; ++step) {
      const float scale = largest / 100 * static_cast<float>(step) / 7;
      double error = 0;
      for (size_t i = 0; i < 200; ++i) {
        const float v = values[c * 200 + i];
        error += std::pow(static_cast<double>(std::clamp(std::nearbyint(v / scale), -7.0F, 7.0F) * scale - v), 2);
      }
      if (error < least * (1 - 1e-9)) {
        least = error;
        best = scale;
      }
    }
    EXPECT_NEAR(static_cast<double>(got.scales[c]), static_cast<double>(best),
                static_cast<double>(largest) / 700 * 1.01);
  }
}

SampleSummary summary(const std::vector<float>& values, ObserverKind kind) {
  SampleSummary out;
  out.add(values, kind);
  return out;
}

TEST(Activations, TheMovingAverageWeighsNewSamplesByAHundredth) {
  ObserverOptions options;
  options.kind = ObserverKind::kMovingAverage;
  ActivationObserver observer;
  const Spec spec = spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255);
  observer.add(summary({-1, 3}, options.kind), options);
  EXPECT_EQ(observer.range(spec, options), (ValueRange{-1, 3}));
  observer.add(summary({-2, 7}, options.kind), options);
  const ValueRange range = observer.range(spec, options);
  EXPECT_FLOAT_EQ(range.least, -1 + 0.01F * (-2 + 1));
  EXPECT_FLOAT_EQ(range.largest, 3 + 0.01F * (7 - 3));
}

TEST(Activations, PercentilesAreThoseOfTheSortedNumbersToAHistogramBin) {
  const std::vector<float> values = drawn(100000, 17);
  ObserverOptions options;
  options.kind = ObserverKind::kPercentile;
  const Spec spec = spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255);
  for (const double percent : {90.0, 99.0, 99.9, 99.99, 100.0}) {
    options.percentile = percent;
    ActivationObserver observer;
    // In pieces, as samples come.
    for (size_t i = 0; i < values.size(); i += 10000)
      observer.add(
          summary({values.begin() + static_cast<long>(i), values.begin() + static_cast<long>(i) + 10000}, options.kind),
          options);
    std::vector<float> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const auto cut = static_cast<size_t>(static_cast<double>(sorted.size()) * (100 - percent) / 200);
    const ValueRange range = observer.range(spec, options);
    constexpr float kBin = 1.0F / 64;
    EXPECT_NEAR(range.least, sorted[cut], std::abs(sorted[cut]) * kBin) << percent;
    EXPECT_NEAR(range.largest, sorted[sorted.size() - 1 - cut], sorted[sorted.size() - 1 - cut] * kBin) << percent;
  }
}

/// The squared error of a round trip, one number at a time.
double error_of(const std::vector<float>& values, const ValueRange& range, const Spec& spec) {
  const AffineNumbers n = numbers_for(range, spec);
  const IntegerRange q = *effective_range(spec);
  double out = 0;
  for (const float v : values) {
    const double steps =
        std::clamp(std::nearbyint(static_cast<double>(v / n.scale)) + static_cast<double>(n.zero_point),
                   static_cast<double>(q.min), static_cast<double>(q.max));
    out += std::pow((steps - static_cast<double>(n.zero_point)) * static_cast<double>(n.scale) - static_cast<double>(v),
                    2);
  }
  return out;
}

TEST(Activations, TheErrorObserverIsCloseToTheBestRangeThereIs) {
  std::vector<float> values = drawn(20000, 23);
  for (int i = 0; i < 3; ++i) values[static_cast<size_t>(i) * 5000] = i == 1 ? -20.0F : 30.0F;  // a few far off
  const Spec spec = spec_of(DType::kInt8, Scheme::kPerTensorAffine, 0, 15);
  ObserverOptions options;
  options.kind = ObserverKind::kMse;
  ActivationObserver observer;
  observer.add(summary(values, options.kind), options);
  const double got = error_of(values, observer.range(spec, options), spec);
  double best = 1e300;
  for (int l = 1; l <= 60; ++l)
    for (int h = 1; h <= 60; ++h)
      best = std::min(
          best, error_of(values, {-20.0F * static_cast<float>(l) / 60, 30.0F * static_cast<float>(h) / 60}, spec));
  EXPECT_LT(got, 1.1 * best);
  EXPECT_LT(got, 0.5 * error_of(values, {-20, 30}, spec));
}

TEST(Activations, NothingIsAddedByWhatStandsForNothing) {
  ObserverOptions options;
  ActivationObserver observer;
  observer.add(summary({-kInf, -1, 2, -3.4e38F}, options.kind), options);
  EXPECT_EQ(observer.range({}, options), (ValueRange{-1, 2}));
  EXPECT_TRUE(observer.masked());
  observer.add(summary({}, options.kind), options);
  EXPECT_EQ(observer.state().samples, 1U);
}

TEST(Activations, InFrontOfASoftmaxTheRowsDecide) {
  ObserverOptions options;
  const Spec spec = spec_of(DType::kUint8, Scheme::kPerTensorAffine, 0, 255);
  ActivationObserver observer;
  SampleSummary sample = summary({-50, 3, 1, -40, -2, -30, -kInf, -kInf, -kInf}, options.kind);
  sample.see_rows(std::vector<float>{-50, 3, 1, -40, -2, -30}, 3, 1);
  EXPECT_EQ(sample.row_floor, -2);  // of 3 and -2
  observer.add(sample, options);
  EXPECT_EQ(observer.range(spec, options), (ValueRange{-2 - softmax_reach(8), 3}));
  // Rows along a dimension in front of another one; a row of nothing says nothing.
  SampleSummary across;
  across.see_rows(std::vector<float>{1, -kInf, 5, -kInf}, 2, 2);
  EXPECT_EQ(across.row_floor, 5);
  // What is left out has less than half a step of 8 bits.
  EXPECT_LT(std::exp(-softmax_reach(8)), 1.0F / 512 + 1e-6F);
}

TEST(Activations, HistogramsAddUpInAnyOrder) {
  const std::vector<float> a = drawn(1000, 1), b = drawn(1000, 2, 100);
  LogHistogram one, other, both;
  one.add(a);
  other.add(b);
  both.add(b);
  both.add(a);
  one.add(other);
  EXPECT_EQ(one.counts, both.counts);
  uint64_t all = 0;
  float last = -kInf;
  for (const LogHistogram::Bin& bin : both.bins()) {
    all += bin.count;
    EXPECT_LE(last, bin.low);
    last = bin.high;
  }
  EXPECT_EQ(all, 2000U);
}

TEST(Blocks, FitTheirTensorOrAreRefused) {
  Spec spec = spec_of(DType::kInt8, Scheme::kPerChannelSymmetric, -7, 7);
  spec.axis = -2;
  EXPECT_EQ(elements_per_scale(spec, std::vector<int64_t>{4, 6}), (std::vector<int64_t>{1, 6}));
  spec.axis = 5;
  EXPECT_TRUE(elements_per_scale(spec, std::vector<int64_t>{4, 6}).empty());
  spec.axis = 1;
  spec.block = {3};
  EXPECT_EQ(elements_per_scale(spec, std::vector<int64_t>{4, 6}), (std::vector<int64_t>{1, 3}));
  spec.block = {2, 3};
  EXPECT_EQ(elements_per_scale(spec, std::vector<int64_t>{4, 6}), (std::vector<int64_t>{2, 3}));
  spec.block = {2, 3, 4};
  EXPECT_TRUE(elements_per_scale(spec, std::vector<int64_t>{4, 6}).empty());
  spec.block = {0, 3};
  EXPECT_TRUE(elements_per_scale(spec, std::vector<int64_t>{4, 6}).empty());
}

}  // namespace
}  // namespace snapgauge
