// Within reference: the numbers of a plan's buffers, and the step at hand.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "reference/reference.h"

namespace snapgauge {

using Dims = std::vector<int64_t>;

inline int64_t count_of(const Dims& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return n;
}

/// Place of each dimension of element `i`.
inline Dims place_of(int64_t i, const Dims& dims) {
  Dims at(dims.size());
  for (size_t d = dims.size(); d-- > 0;) {
    at[d] = i % dims[d];
    i /= dims[d];
  }
  return at;
}

inline int64_t index_of(const Dims& at, const Dims& dims) {
  int64_t i = 0;
  for (size_t d = 0; d < dims.size(); ++d) i = i * dims[d] + at[d];
  return i;
}

struct Code {
  double scale, zero_point;
};
inline Code code_at(const Buffer& b, int64_t i) {
  const size_t c =
      b.quant.per_tensor() ? 0 : static_cast<size_t>(place_of(i, b.dims)[static_cast<size_t>(b.quant.axis)]);
  return {static_cast<double>(b.quant.scales[c]), static_cast<double>(b.quant.zero_points[c])};
}

/// The nearest number that the encoding has.
inline double nearest(const Buffer& b, int64_t i, double real) {
  const auto range = integer_range(b.dtype);
  if (b.quant.empty() || !range) return real;
  const Code code = code_at(b, i);
  const double q = std::clamp(std::nearbyint(real / code.scale) + code.zero_point, static_cast<double>(range->min),
                              static_cast<double>(range->max));
  return (q - code.zero_point) * code.scale;
}

/// Operands and the result of the step at hand.
class Values {
 protected:
  explicit Values(const Plan& plan) : plan_(plan), values_(plan.buffers.size()) {}

  const Reals& value(BufferId id) {
    Reals& known = values_[id.index];
    if (!known.empty()) return known;
    const Buffer& b = plan_.buffer(id);
    if (b.role == BufferRole::kConstant)
      known = reals_of(b, b.data);
    else if (b.same_bytes.valid())
      known = value(b.same_bytes);
    return known;
  }

  /// Writes every element by `real(its place, its index)`.
  template <class Real>
  void fill(Real real) {
    const Buffer& y = plan_.buffer(step_->output);
    Reals out(static_cast<size_t>(count_of(y.dims)));
    for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i)
      out[static_cast<size_t>(i)] = nearest(y, i, real(place_of(i, y.dims), i));
    values_[step_->output.index] = std::move(out);
  }

  bool has(size_t i) const { return i < step_->inputs.size() && step_->inputs[i].valid(); }
  const Dims& dims(size_t i) const { return plan_.buffer(step_->inputs[i]).dims; }
  const Dims& result() const { return plan_.buffer(step_->output).dims; }
  double at(size_t input, const Dims& place) { return at(input, index_of(place, dims(input))); }
  double at(size_t input, int64_t i) { return value(step_->inputs[input])[static_cast<size_t>(i)]; }
  /// Of an operand that broadcasts to a place of the result.
  double broadcast(size_t input, const Dims& place) {
    const Dims& own = dims(input);
    Dims at_own(own.size());
    for (size_t d = 0; d < own.size(); ++d) at_own[d] = own[d] == 1 ? 0 : place[place.size() - own.size() + d];
    return at(input, at_own);
  }

  template <class Params>
  const Params& params() const {
    return std::get<Params>(step_->params);
  }

  const Plan& plan_;
  std::vector<Reals> values_;
  const Step* step_ = nullptr;
};

}  // namespace snapgauge
