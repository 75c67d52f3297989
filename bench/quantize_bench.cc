// What observing and quantizing cost beside R, one plain streaming read of the least and largest of 64 MB of floats,
// and before and after what is done once: weights seen once, one pass over a concatenation, block scales without
// copies.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "numerics/blocks.h"
#include "observers/activation.h"
#include "observers/parameters.h"
#include "observers/weights.h"

namespace snapgauge::bench {
namespace {

constexpr int64_t kRows = 4096, kColumns = 4096, kBlock = 32;
const std::vector<int64_t> kDims{kRows, kColumns};

const std::vector<float>& weight() {
  static const std::vector<float> values = [] {
    std::mt19937 random(1);
    std::vector<float> out(kRows * kColumns);
    for (float& v : out) v = static_cast<float>(random()) / 4294967296.0F - 0.5F;
    return out;
  }();
  return values;
}

Spec spec(bool blocks) {
  Spec out;
  out.storage = DType::kInt8;
  out.qmin = blocks ? -7 : -127;
  out.qmax = blocks ? 7 : 127;
  out.scheme = Scheme::kPerChannelSymmetric;
  out.axis = 0;
  if (blocks) out.block = {1, kBlock};
  return out;
}

void set_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<int64_t>(weight().size() * sizeof(float)) * state.iterations());
}

/// R: the least and largest of 64 MB, lane by lane.
void BM_read(benchmark::State& state) {
  const std::vector<float>& values = weight();
  constexpr size_t kLanes = 32;
  for (auto _ : state) {
    float least[kLanes], largest[kLanes];
    std::fill_n(least, kLanes, values[0]);
    std::fill_n(largest, kLanes, values[0]);
    for (size_t i = 0; i < values.size(); i += kLanes)
      for (size_t l = 0; l < kLanes; ++l) {
        const float v = values[i + l];
        least[l] = v < least[l] ? v : least[l];
        largest[l] = v > largest[l] ? v : largest[l];
      }
    benchmark::DoNotOptimize(least);
    benchmark::DoNotOptimize(largest);
  }
  set_bytes(state);
}
BENCHMARK(BM_read);

void BM_observe_activation(benchmark::State& state) {
  for (auto _ : state) {
    SeenRange seen = range_of(weight());
    benchmark::DoNotOptimize(seen);
  }
  set_bytes(state);
}
BENCHMARK(BM_observe_activation);

void BM_observe_channels(benchmark::State& state) {
  for (auto _ : state) {
    WeightNumbers numbers = observe_weight(weight(), kDims, spec(false), WeightObserver::kMinMax);
    benchmark::DoNotOptimize(numbers);
  }
  set_bytes(state);
}
BENCHMARK(BM_observe_channels);

void BM_observe_blocks(benchmark::State& state) {
  for (auto _ : state) {
    WeightNumbers numbers = observe_weight(weight(), kDims, spec(true), WeightObserver::kMinMax);
    benchmark::DoNotOptimize(numbers);
  }
  set_bytes(state);
}
BENCHMARK(BM_observe_blocks);

/// The same with the integers that make each block's error least.
void BM_observe_blocks_two_level(benchmark::State& state) {
  Spec two = spec(true);
  two.two_level = true;
  for (auto _ : state) {
    WeightNumbers numbers = observe_weight(weight(), kDims, two, WeightObserver::kMinMax);
    benchmark::DoNotOptimize(numbers);
  }
  set_bytes(state);
}
BENCHMARK(BM_observe_blocks_two_level);

void BM_encode_block_scales(benchmark::State& state) {
  const WeightNumbers numbers = observe_weight(weight(), kDims, spec(true), WeightObserver::kMinMax);
  const std::vector<int64_t> dims{kRows, kColumns / kBlock};
  for (auto _ : state) {
    TwoLevelScales levels = two_level(numbers.scales, dims, 0);
    benchmark::DoNotOptimize(levels);
  }
}
BENCHMARK(BM_encode_block_scales);

/// Before: channel by channel, a copy of its scales for each, cut off instead of rounded (ExecuTorch before pull
/// request 18516).
void BM_encode_block_scales_by_channel(benchmark::State& state) {
  const WeightNumbers numbers = observe_weight(weight(), kDims, spec(true), WeightObserver::kMinMax);
  const size_t each = kColumns / kBlock;
  for (auto _ : state) {
    std::vector<std::vector<uint8_t>> channels;
    for (size_t c = 0; c < kRows; ++c) {
      const std::vector<float> scales(numbers.scales.begin() + static_cast<long>(c * each),
                                      numbers.scales.begin() + static_cast<long>((c + 1) * each));
      const float channel = *std::max_element(scales.begin(), scales.end()) / 16;
      std::vector<float> steps;
      steps.reserve(scales.size());
      for (const float s : scales) steps.push_back(s / channel);
      std::vector<uint8_t> integers;
      integers.reserve(steps.size());
      for (const float s : steps) integers.push_back(static_cast<uint8_t>(std::clamp(s, 0.0F, 255.0F)));
      channels.push_back(integers);
    }
    std::vector<uint8_t> all;
    for (const auto& one : channels) all.insert(all.end(), one.begin(), one.end());
    benchmark::DoNotOptimize(all);
  }
}
BENCHMARK(BM_encode_block_scales_by_channel);

void BM_quantize_weight(benchmark::State& state) {
  const WeightNumbers numbers = observe_weight(weight(), kDims, spec(false), WeightObserver::kMinMax);
  const std::vector<int64_t> block = elements_per_scale(spec(false), kDims), zero{0};
  std::vector<int8_t> out(weight().size());
  for (auto _ : state) {
    quantize_tensor(weight(), {kDims, block, numbers.scales, zero, {-127, 127}}, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  set_bytes(state);
}
BENCHMARK(BM_quantize_weight);

/// A weight over eight samples: observed once, or for each of them.
void BM_weight_over_samples(benchmark::State& state) {
  const auto times = static_cast<int>(state.range(0));
  for (auto _ : state)
    for (int sample = 0; sample < times; ++sample) {
      WeightNumbers numbers = observe_weight(weight(), kDims, spec(false), WeightObserver::kMinMax);
      benchmark::DoNotOptimize(numbers);
    }
}
BENCHMARK(BM_weight_over_samples)->Arg(1)->Arg(8);

/// A concatenation's result: the least and the largest in one pass, or in one each and again for every operand.
void BM_concat_one_pass(benchmark::State& state) {
  for (auto _ : state) {
    SeenRange seen = range_of(weight());
    benchmark::DoNotOptimize(seen);
  }
}
BENCHMARK(BM_concat_one_pass);

void BM_concat_operands_too(benchmark::State& state) {
  const std::vector<float>& values = weight();
  const FloatView all(values);
  for (auto _ : state) {
    SeenRange halves[2]{range_of(all.part(0, values.size() / 2)),
                        range_of(all.part(values.size() / 2, values.size() / 2))};
    float least = *std::min_element(values.begin(), values.end());
    float largest = *std::max_element(values.begin(), values.end());
    benchmark::DoNotOptimize(halves);
    benchmark::DoNotOptimize(least);
    benchmark::DoNotOptimize(largest);
  }
}
BENCHMARK(BM_concat_operands_too);

}  // namespace
}  // namespace snapgauge::bench
