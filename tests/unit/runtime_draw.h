// Random plans, and their kernels beside the reference interpreter.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "reference/reference.h"
#include "runtime/runtime.h"

namespace snapgauge::runtime_test {

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}

  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  double real() { return std::uniform_real_distribution<double>(-3, 3)(random_); }
  std::vector<int64_t> shape(size_t rank, int64_t most) {
    std::vector<int64_t> out(rank);
    for (int64_t& d : out) d = between(1, most);
    return out;
  }
  DType integer() {
    constexpr std::array<DType, 4> kTypes{DType::kUint8, DType::kInt8, DType::kUint16, DType::kInt16};
    return kTypes[static_cast<size_t>(below(4))];
  }
  BufferQuant per_tensor(DType dtype) {
    const auto range = *integer_range(dtype);
    return {{static_cast<float>(std::exp(real()) * 6 / static_cast<double>(range.max - range.min))},
            {static_cast<int32_t>(between(range.min, range.max))},
            -1};
  }

  BufferId add(Plan& plan, std::vector<int64_t> dims, DType dtype, BufferQuant quant, BufferRole role) {
    Buffer b;
    b.name = "t";
    b.dims = std::move(dims);
    b.dtype = dtype;
    b.quant = std::move(quant);
    b.role = role;
    if (role == BufferRole::kConstant) {
      const auto blob = plan.add_blob(b.bytes());
      fill(b, blob);
      b.data = blob;
    }
    const BufferId id = plan.add(std::move(b));
    if (role == BufferRole::kInput) plan.inputs.push_back(id);
    return id;
  }

  /// Every number that a type has, its ends often.
  void fill(const Buffer& b, std::span<std::byte> bytes) {
    const auto width = static_cast<size_t>(bit_width(b.dtype)) / 8;
    const auto range = integer_range(b.dtype);
    for (size_t i = 0; i < bytes.size() / width; ++i) {
      const auto number = static_cast<float>(real());
      const int64_t integer = !range          ? 0
                              : below(8) == 0 ? (below(2) == 0 ? range->min : range->max)
                                              : between(range->min, range->max);
      std::memcpy(bytes.data() + i * width, range ? static_cast<const void*>(&integer) : &number, width);
    }
  }

 private:
  std::mt19937_64 random_;
};

struct Outcome {
  Reals got, exact;
  double step = 0;  // of a quantized result
};

/// Runs the same plan twice more at once, on the inputs of a run that is done: the same bytes come out.
inline void run_in_threads(const std::shared_ptr<const LoadedPlan>& loaded, PlanRun& done, BufferId out) {
  const Plan& plan = loaded->plan();
  std::vector<std::vector<std::byte>> inputs;
  std::array<std::vector<std::byte>, 2> got;
  for (const BufferId id : plan.inputs) {
    const auto bytes = done.bytes(id);
    inputs.emplace_back(bytes.begin(), bytes.end());
  }
  const auto work = [&](std::vector<std::byte>& result) {
    auto run = PlanRun::make(loaded);
    if (!run) return;
    for (size_t i = 0; i < inputs.size(); ++i)
      std::copy(inputs[i].begin(), inputs[i].end(), run->bytes(plan.inputs[i]).begin());
    run->run();
    const auto bytes = run->bytes(out);
    result.assign(bytes.begin(), bytes.end());
  };
  {
    std::thread other([&] { work(got[0]); });
    work(got[1]);
    other.join();
  }
  const auto bytes = done.bytes(out);
  for (const auto& one : got) EXPECT_TRUE(std::equal(one.begin(), one.end(), bytes.begin(), bytes.end()));
}

/// Runs the plan on drawn inputs both ways.
inline Outcome both(Plan plan, Draw& draw) {
  const BufferId out = plan.steps.back().output;
  plan.outputs = {out};
  plan.output_names = {"y"};
  auto loaded = LoadedPlan::load(std::move(plan));
  EXPECT_TRUE(loaded) << loaded.error().message();
  if (!loaded) return {};
  auto run = PlanRun::make(*loaded);
  EXPECT_TRUE(run);
  const Plan& ready = (*loaded)->plan();
  std::vector<Reals> inputs;
  for (const BufferId id : ready.inputs) {
    draw.fill(ready.buffer(id), run->bytes(id));
    inputs.push_back(reals_of(ready.buffer(id), run->bytes(id)));
  }
  Outcome result;
  result.exact = interpret(ready, inputs)[out.index];
  run->run();
  result.got = reals_of(ready.buffer(out), run->bytes(out));
  run_in_threads(*loaded, *run, out);
  if (ready.buffer(out).quant.per_tensor()) result.step = static_cast<double>(ready.buffer(out).quant.scales[0]);
  return result;
}

/// Equal to a share of the largest number, or by steps.
inline void expect_equal(const Outcome& o, double most_steps, const std::string& what) {
  ASSERT_EQ(o.got.size(), o.exact.size()) << what;
  double largest = 1e-3;
  for (const double v : o.exact) largest = std::max(largest, std::isfinite(v) ? std::abs(v) : 0);
  for (size_t i = 0; i < o.got.size(); ++i) {
    if (std::isnan(o.exact[i]) && std::isnan(o.got[i])) continue;
    const double bound = o.step > 0 ? (most_steps + 0.25) * o.step : largest * 1e-5;
    ASSERT_NEAR(o.got[i], o.exact[i], bound) << what << " at " << i;
  }
}

}  // namespace snapgauge::runtime_test
