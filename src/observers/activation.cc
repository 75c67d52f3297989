#include "observers/activation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace snapgauge {
namespace {

constexpr std::array<std::string_view, 4> kNames{"min-max", "moving-average", "percentile", "mse"};

bool needs_histogram(ObserverKind kind) { return kind == ObserverKind::kPercentile || kind == ObserverKind::kMse; }

constexpr uint32_t kSign = uint32_t{1} << (31 - LogHistogram::kShift);

float first_of(size_t magnitude) {
  return std::bit_cast<float>(static_cast<uint32_t>(magnitude) << LogHistogram::kShift);
}

/// Sums over bins from the lowest on, so that what lies beyond an end is one look-up.
class ErrorModel {
 public:
  ErrorModel(const LogHistogram& histogram, const Spec& spec) : bins_(histogram.bins()) {
    const IntegerRange q = effective_range(spec).value_or(IntegerRange{0, 1});
    steps_ = static_cast<double>(q.max - q.min);
    symmetric_ = is_symmetric(spec.scheme);
    sums_.resize(bins_.size() + 1);
    for (size_t i = 0; i < bins_.size(); ++i) {
      const double count = static_cast<double>(bins_[i].count), at = static_cast<double>(bins_[i].middle());
      sums_[i + 1] = {sums_[i].count + count, sums_[i].first + count * at, sums_[i].second + count * at * at,
                      sums_[i].zeros + (at == 0 ? count : 0)};
    }
  }

  double operator()(double low, double high) const {
    const double width = symmetric_ ? 2 * std::max(-low, high) : high - low;
    const double step = width / steps_;
    if (symmetric_) {
      low = -width / 2;
      high = width / 2;
    }
    const size_t below = behind(low), above = behind(high);
    const double inside = sums_[above].count - sums_[below].count - (sums_[above].zeros - sums_[below].zeros);
    return inside * step * step / 12 + squares({}, sums_[below], low) + squares(sums_[above], sums_.back(), high);
  }

 private:
  struct Sums {
    double count = 0, first = 0, second = 0, zeros = 0;
  };
  /// The number of bins whose middle lies below.
  size_t behind(double end) const {
    const auto it = std::partition_point(bins_.begin(), bins_.end(), [&](const LogHistogram::Bin& bin) {
      return static_cast<double>(bin.middle()) < end;
    });
    return static_cast<size_t>(it - bins_.begin());
  }
  static double squares(const Sums& from, const Sums& to, double end) {
    const double count = to.count - from.count, first = to.first - from.first, second = to.second - from.second;
    return std::max(0.0, second - 2 * end * first + count * end * end);
  }

  std::vector<LogHistogram::Bin> bins_;
  std::vector<Sums> sums_;
  double steps_ = 1;
  bool symmetric_ = false;
};

}  // namespace

std::string_view observer_name(ObserverKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::optional<ObserverKind> observer_named(std::string_view name) {
  const auto it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) return std::nullopt;
  return static_cast<ObserverKind>(it - kNames.begin());
}

void LogHistogram::add(FloatView values) {
  counts.resize(kBins);
  for (size_t i = 0; i < values.size(); ++i)
    if (const float v = values[i]; std::abs(v) < kMasked) ++counts[std::bit_cast<uint32_t>(v) >> kShift];
}

void LogHistogram::add(const LogHistogram& other) {
  if (counts.empty()) counts.resize(other.counts.size());
  for (size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
}

std::vector<LogHistogram::Bin> LogHistogram::bins() const {
  std::vector<Bin> out;
  if (counts.empty()) return out;
  for (size_t i = kBins; i-- > kSign + 1;)
    if (counts[i] > 0) out.push_back({-first_of(i - kSign + 1), -first_of(i - kSign), counts[i]});
  // The bins next to 0 hold what is smaller than any scale.
  if (const uint64_t none = counts[0] + counts[kSign]; none > 0) out.push_back({0, 0, none});
  for (size_t i = 1; i < kSign; ++i)
    if (counts[i] > 0) out.push_back({first_of(i), first_of(i + 1), counts[i]});
  return out;
}

void SampleSummary::add(FloatView values, ObserverKind kind) {
  const SeenRange fresh = range_of(values);
  seen.range.add(fresh.range);
  seen.masked = seen.masked || fresh.masked;
  seen.has_nan = seen.has_nan || fresh.has_nan;
  if (needs_histogram(kind)) histogram.add(values);
}

void SampleSummary::see_rows(FloatView values, size_t size, size_t inner) {
  if (size == 0 || inner == 0) return;
  for (size_t from = 0; from < values.size(); from += size * inner)
    for (size_t i = 0; i < inner; ++i) {
      float largest = -kMasked;
      for (size_t k = 0; k < size; ++k) {
        const float v = values[from + k * inner + i];
        largest = v > largest ? v : largest;
      }
      // Of a row in which everything is masked nothing can be said.
      if (largest > -kMasked) row_floor = std::min(row_floor, largest);
    }
}

float softmax_reach(int bits) { return std::log(2.0F) * static_cast<float>(bits + 1); }

void ActivationObserver::add(const SampleSummary& sample, const ObserverOptions& options) {
  state_.masked = state_.masked || sample.seen.masked;
  state_.row_floor = std::min(state_.row_floor, sample.row_floor);
  const ValueRange& fresh = sample.seen.range;
  if (fresh.empty()) return;
  ValueRange& range = state_.range;
  if (options.kind == ObserverKind::kMovingAverage && state_.samples > 0) {
    const auto share = static_cast<float>(options.averaging);
    range.least += share * (fresh.least - range.least);
    range.largest += share * (fresh.largest - range.largest);
  } else {
    range.add(fresh);
  }
  ++state_.samples;
  if (needs_histogram(options.kind)) state_.histogram.add(sample.histogram);
}

ValueRange ActivationObserver::range(const Spec& spec, const ObserverOptions& options) const {
  ValueRange out = state_.range;
  if (out.empty()) return out;
  if (std::isfinite(state_.row_floor)) {
    const float nothing = state_.row_floor - softmax_reach(std::min(16, effective_bits(spec)));
    out.least = state_.masked ? nothing : std::max(out.least, nothing);
    return out;
  }
  if (options.kind == ObserverKind::kPercentile) return percentile_range(state_.histogram, out, options.percentile);
  if (options.kind == ObserverKind::kMse) return least_error_range(state_.histogram, out, spec);
  return out;
}

ValueRange percentile_range(const LogHistogram& histogram, const ValueRange& limits, double percent) {
  const std::vector<LogHistogram::Bin> bins = histogram.bins();
  uint64_t all = 0;
  for (const LogHistogram::Bin& bin : bins) all += bin.count;
  // As many may be cut off at each end.
  const auto cut = static_cast<uint64_t>(static_cast<double>(all) * (100 - percent) / 200);
  ValueRange out = limits;
  uint64_t passed = 0;
  for (const LogHistogram::Bin& bin : bins) {
    passed += bin.count;
    if (passed <= cut) continue;
    out.least = std::max(limits.least, bin.low);
    break;
  }
  passed = 0;
  for (size_t i = bins.size(); i-- > 0;) {
    passed += bins[i].count;
    if (passed <= cut) continue;
    out.largest = std::min(limits.largest, bins[i].high);
    break;
  }
  return out;
}

ValueRange least_error_range(const LogHistogram& histogram, const ValueRange& limits, const Spec& spec) {
  constexpr int kEnds = 100;
  const ErrorModel error(histogram, spec);
  const double least = static_cast<double>(std::min(limits.least, 0.0F));
  const double largest = static_cast<double>(std::max(limits.largest, 0.0F));
  double low = least, high = largest, best = error(low, high);
  for (int l = kEnds; l > 0; --l)
    for (int h = kEnds; h > 0; --h) {
      const double a = least * l / kEnds, b = largest * h / kEnds;
      if (a == b) continue;
      if (const double e = error(a, b); e < best) {
        best = e;
        low = a;
        high = b;
      }
      if (largest == 0) break;
    }
  return {static_cast<float>(low), static_cast<float>(high)};
}

}  // namespace snapgauge
