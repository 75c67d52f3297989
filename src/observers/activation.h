// Observers of activations: what is kept of the tensors of all samples, and the range that follows from it.
//
// A sample is summarized first, by any thread; summaries are added in the order of the samples, so that the result does
// not depend on how many threads there were. State is plain data: a calibration that was interrupted goes on from it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "numerics/quant.h"
#include "observers/range.h"

namespace snapgauge {

enum class ObserverKind : uint8_t {
  kMinMax,         // the extremes of all samples
  kMovingAverage,  // of each sample's extremes; torch.ao's MovingAverageMinMaxObserver
  kPercentile,     // the range that holds this share of all numbers
  kMse,            // the range that makes the expected squared error least
};
std::string_view observer_name(ObserverKind kind);  // "moving-average"
std::optional<ObserverKind> observer_named(std::string_view name);

struct ObserverOptions {
  ObserverKind kind = ObserverKind::kMinMax;
  double percentile = 99.99;  // of kPercentile
  double averaging = 0.01;    // of kMovingAverage: the weight of a new sample
};

/// How many numbers lie where. A bin has all floats with the same sign, exponent and first six bits behind it, so it is
/// at most 1/64 of its numbers wide, whatever their magnitude; adding is exact in any order.
class LogHistogram {
 public:
  static constexpr int kShift = 17;
  static constexpr size_t kBins = size_t{1} << (32 - kShift);

  void add(FloatView values);  // numbers beyond kMasked and what is none are left out
  void add(const LogHistogram& other);
  /// From the lowest numbers to the highest: how many, and between which bounds.
  struct Bin {
    float low, high;
    uint64_t count;
    float middle() const { return (low + high) / 2; }
  };
  std::vector<Bin> bins() const;  // those with numbers

  std::vector<uint64_t> counts;  // empty, or kBins of them, by the bits of their numbers
};

/// One sample of a group of tensors.
struct SampleSummary {
  SeenRange seen;
  float row_floor = std::numeric_limits<float>::infinity();  // see see_rows()
  LogHistogram histogram;                                    // where the observer needs one

  void add(FloatView values, ObserverKind kind);
  /// Of what only a softmax reads: the least of the rows' largest numbers. What is far enough below the largest of its
  /// row is nothing behind the softmax. A row is `size` numbers, `inner` apart.
  void see_rows(FloatView values, size_t size, size_t inner);
};

class ActivationObserver {
 public:
  struct State {
    uint64_t samples = 0;
    ValueRange range;
    bool masked = false;
    float row_floor = std::numeric_limits<float>::infinity();  // of all samples; infinite: rows were not looked at
    LogHistogram histogram;
  };

  void add(const SampleSummary& sample, const ObserverOptions& options);
  ValueRange range(const Spec& spec, const ObserverOptions& options) const;
  bool masked() const { return state_.masked; }

  const State& state() const { return state_; }
  void restore(State state) { state_ = std::move(state); }

 private:
  State state_;
};

/// How far below the largest of its row a number is less than half a step of what a softmax gives in so many bits.
float softmax_reach(int bits);

/// Both within `limits`.
ValueRange percentile_range(const LogHistogram& histogram, const ValueRange& limits, double percent);
/// Of 100 ends on each side the pair with the least error: width^2 / 12 of a step within, the distance beyond.
ValueRange least_error_range(const LogHistogram& histogram, const ValueRange& limits, const Spec& spec);

}  // namespace snapgauge
