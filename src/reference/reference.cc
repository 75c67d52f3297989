#include "reference/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "reference/functions.h"
#include "reference/indexed.h"

namespace snapgauge {
namespace {

/// What computes nothing.
class Movement : protected IndexedValues {
 protected:
  using IndexedValues::IndexedValues;

  void move() {
    switch (step_->kind) {
      case StepKind::kTranspose:
        return fill([&](const Dims& place, int64_t) {
          Dims from(place.size());
          for (size_t d = 0; d < place.size(); ++d)
            from[static_cast<size_t>(params<Permutation>().order[d])] = place[d];
          return at(0, from);
        });
      case StepKind::kSlice:
        return fill([&](Dims place, int64_t) {
          const auto& region = params<Region>();
          for (size_t d = 0; d < place.size(); ++d) place[d] = region.begin[d] + place[d] * region.step[d];
          return at(0, place);
        });
      case StepKind::kConcat:
        return fill([&](Dims place, int64_t) {
          const auto axis = static_cast<size_t>(params<OverAxes>().axes[0]);
          size_t input = 0;
          for (; place[axis] >= dims(input)[axis]; ++input) place[axis] -= dims(input)[axis];
          return at(input, place);
        });
      case StepKind::kGather: return gather();
      case StepKind::kPad: return pad();
      case StepKind::kDepthToSpace:
      case StepKind::kSpaceToDepth: return blocks();
      default: return indexed();
    }
  }

  void gather() {
    const auto axis = static_cast<size_t>(params<OverAxes>().axes[0]);
    const size_t rank = dims(1).size();
    fill([&](const Dims& place, int64_t) {
      const auto first = place.begin() + static_cast<ptrdiff_t>(axis), last = first + static_cast<ptrdiff_t>(rank);
      auto index = static_cast<int64_t>(at(1, Dims(first, last)));
      if (index < 0) index += dims(0)[axis];
      Dims from(place.begin(), first);
      from.push_back(index);
      from.insert(from.end(), last, place.end());
      return at(0, from);
    });
  }

  void pad() {
    const auto& p = params<Padding>();
    fill([&](Dims place, int64_t) {
      for (size_t d = 0; d < place.size(); ++d) {
        int64_t& i = place[d];
        const int64_t size = dims(0)[d];
        i -= p.before[d];
        if (i >= 0 && i < size) continue;
        if (p.mode == Padding::Mode::kConstant) return static_cast<double>(p.value);
        if (p.mode == Padding::Mode::kEdge) i = std::clamp<int64_t>(i, 0, size - 1);
        if (p.mode == Padding::Mode::kReflect) i = i < 0 ? -i : 2 * (size - 1) - i;
      }
      return at(0, place);
    });
  }

  void blocks() {
    const auto& b = params<Blocks>();
    const int64_t bh = b.size[0], bw = b.size[1];
    const bool to_space = step_->kind == StepKind::kDepthToSpace;
    const int64_t deep = to_space ? dims(0)[3] : result()[3], channels = deep / (bh * bw);
    const auto channel = [&](int64_t i, int64_t j, int64_t c) {
      return b.columns_first ? (c * bh + i) * bw + j : (i * bw + j) * channels + c;
    };
    fill([&](const Dims& p, int64_t) {
      if (to_space) return at(0, Dims{p[0], p[1] / bh, p[2] / bw, channel(p[1] % bh, p[2] % bw, p[3])});
      for (int64_t i = 0; i < bh; ++i)
        for (int64_t j = 0; j < bw; ++j)
          for (int64_t c = 0; c < channels; ++c)
            if (channel(i, j, c) == p[3]) return at(0, Dims{p[0], p[1] * bh + i, p[2] * bw + j, c});
      return std::nan("");
    });
  }
};

class Interpreter : Movement {
 public:
  explicit Interpreter(const Plan& plan) : Movement(plan) {}

  std::vector<Reals> run(const std::vector<Reals>& inputs) {
    for (size_t i = 0; i < plan_.inputs.size(); ++i) values_[plan_.inputs[i].index] = inputs[i];
    for (const Step& step : plan_.steps) execute(step);
    for (uint32_t b = 0; b < values_.size(); ++b) (void)value(BufferId{b});
    return std::move(values_);
  }

 private:
  void execute(const Step& step) {
    step_ = &step;
    switch (step.kind) {
      case StepKind::kConvolution: return convolution();
      case StepKind::kTransposedConvolution: return transposed_convolution();
      case StepKind::kMatMul: return matmul();
      case StepKind::kUnary:
        return fill([&](const Dims&, int64_t i) { return apply(params<Elementwise>(), at(0, i)); });
      case StepKind::kBinary:
        return fill([&](const Dims& p, int64_t) {
          const double v = apply(params<Elementwise>().function, broadcast(0, p), broadcast(1, p));
          return is_whole_division() ? std::trunc(v) : v;
        });
      case StepKind::kSelect:
        return fill([&](const Dims& p, int64_t) { return broadcast(0, p) != 0 ? broadcast(1, p) : broadcast(2, p); });
      case StepKind::kSoftmax: return softmax();
      case StepKind::kLayerNorm:
      case StepKind::kRmsNorm: return norm();
      case StepKind::kMaxPool:
      case StepKind::kAveragePool: return pool();
      case StepKind::kResize: return resize();
      case StepKind::kReduce:
      case StepKind::kArgMax: return reduce();
      case StepKind::kQuantize:
      case StepKind::kDequantize:
      case StepKind::kRequantize:
      case StepKind::kCopy: return fill([&](const Dims&, int64_t i) { return at(0, i); });
      case StepKind::kCast: return cast();
      default: return move();
    }
  }

  bool is_whole_division() const {
    const Buffer& y = plan_.buffer(step_->output);
    return params<Elementwise>().function == Function::kDiv && y.quant.empty() && integer_range(y.dtype).has_value();
  }

  void cast() {
    const bool whole = integer_range(plan_.buffer(step_->output).dtype).has_value();
    fill([&](const Dims&, int64_t i) { return whole ? std::trunc(at(0, i)) : at(0, i); });
  }

  /// Calls `tap(place in the operand, kernel row, kernel column)` for the window of a place of the result.
  template <class Tap>
  void window(const Window& w, const Dims& place, Tap tap) {
    for (int64_t i = 0; i < w.kernel[0]; ++i)
      for (int64_t j = 0; j < w.kernel[1]; ++j) {
        const int64_t y = place[1] * w.stride[0] - w.pad_before[0] + i * w.dilation[0];
        const int64_t x = place[2] * w.stride[1] - w.pad_before[1] + j * w.dilation[1];
        if (y >= 0 && y < dims(0)[1] && x >= 0 && x < dims(0)[2]) tap(Dims{place[0], y, x, place[3]}, i, j);
      }
  }

  void convolution() {
    const auto& w = params<Window>();
    const int64_t per_group = dims(1)[2], results = result()[3] / w.groups;
    fill([&](const Dims& place, int64_t) {
      double sum = has(2) ? at(2, place[3]) : 0;
      window(w, place, [&](Dims from, int64_t i, int64_t j) {
        for (int64_t c = 0; c < per_group; ++c) {
          from[3] = place[3] / results * per_group + c;
          sum += at(0, from) * at(1, Dims{i, j, c, place[3]});
        }
      });
      return sum;
    });
  }

  void transposed_convolution() {
    const auto& w = params<Window>();
    const int64_t groups = w.groups, per_group = dims(0)[3] / groups, results = result()[3] / groups;
    fill([&](const Dims& place, int64_t) {
      double sum = has(2) ? at(2, place[3]) : 0;
      for (int64_t i = 0; i < w.kernel[0]; ++i)
        for (int64_t j = 0; j < w.kernel[1]; ++j) {
          const int64_t y = place[1] + w.pad_before[0] - i * w.dilation[0],
                        x = place[2] + w.pad_before[1] - j * w.dilation[1];
          if (y < 0 || x < 0 || y % w.stride[0] != 0 || x % w.stride[1] != 0) continue;
          if (y / w.stride[0] >= dims(0)[1] || x / w.stride[1] >= dims(0)[2]) continue;
          const int64_t group = place[3] / results;
          for (int64_t c = 0; c < per_group; ++c)
            sum += at(0, Dims{place[0], y / w.stride[0], x / w.stride[1], group * per_group + c}) *
                   at(1, Dims{i, j, group * per_group + c, place[3] % results});
        }
      return sum;
    });
  }

  void matmul() {
    const size_t rank = result().size();
    fill([&](const Dims& place, int64_t) {
      double sum = has(2) ? at(2, place[rank - 1]) : 0;
      for (int64_t k = 0; k < dims(0).back(); ++k) {
        const auto matrix = [&](size_t input, int64_t row, int64_t column) {
          const Dims& own = dims(input);
          Dims p(own.size());
          for (size_t d = 0; d + 2 < own.size(); ++d) p[d] = own[d] == 1 ? 0 : place[rank - own.size() + d];
          p[own.size() - 2] = row;
          p[own.size() - 1] = column;
          return at(input, p);
        };
        sum += matrix(0, place[rank - 2], k) * matrix(1, k, place[rank - 1]);
      }
      return sum;
    });
  }

  void softmax() {
    const auto axis = static_cast<size_t>(params<OverAxes>().axes[0]);
    fill([&](Dims place, int64_t i) {
      double most = -INFINITY, sum = 0;
      for (place[axis] = 0; place[axis] < dims(0)[axis]; ++place[axis]) most = std::max(most, at(0, place));
      for (place[axis] = 0; place[axis] < dims(0)[axis]; ++place[axis]) sum += std::exp(at(0, place) - most);
      const double log = at(0, i) - most - std::log(sum);
      return params<OverAxes>().function == Function::kLog ? log : std::exp(log);
    });
  }

  void norm() {
    const auto& over = params<OverAxes>();
    int64_t size = 1;
    for (size_t d = static_cast<size_t>(over.axes[0]); d < dims(0).size(); ++d) size *= dims(0)[d];
    const bool centred = step_->kind == StepKind::kLayerNorm;
    fill([&](const Dims&, int64_t i) {
      const int64_t first = i / size * size;
      double mean = 0, squares = 0;
      for (int64_t k = 0; k < size && centred; ++k) mean += at(0, first + k) / static_cast<double>(size);
      for (int64_t k = 0; k < size; ++k) squares += std::pow(at(0, first + k) - mean, 2) / static_cast<double>(size);
      const double normal = (at(0, i) - mean) / std::sqrt(squares + static_cast<double>(over.epsilon));
      return normal * (has(1) ? at(1, i - first) : 1) + (has(2) ? at(2, i - first) : 0);
    });
  }

  void pool() {
    const auto& w = params<Window>();
    const bool largest = step_->kind == StepKind::kMaxPool;
    fill([&](const Dims& place, int64_t) {
      double sum = 0, most = -INFINITY, count = 0;
      window(w, place, [&](const Dims& from, int64_t, int64_t) {
        const double v = at(0, from);
        sum += v;
        most = std::max(most, v);
        ++count;
      });
      if (w.count_padding) {
        count = 1;
        for (size_t i = 0; i < 2; ++i) {
          const int64_t first = place[1 + i] * w.stride[i] - w.pad_before[i];
          count *= static_cast<double>(std::min(first + w.kernel[i], dims(0)[1 + i] + w.pad_after[i]) - first);
        }
      }
      return largest ? most : sum / count;
    });
  }

  double position(const Resizing& r, size_t d, int64_t i) const {
    const auto from = static_cast<double>(dims(0)[d]), to = static_cast<double>(result()[d]),
               at = static_cast<double>(i);
    if (r.zero_of_one && result()[d] == 1) return 0;
    if (r.align_corners) return to > 1 ? at * (from - 1) / (to - 1) : 0;
    return r.half_pixel ? (at + 0.5) * from / to - 0.5 : at * from / to;
  }

  static double nearest_place(const Resizing& r, double p) {
    switch (r.nearest) {
      case Resizing::Nearest::kFloor: return std::floor(p);
      case Resizing::Nearest::kCeil: return std::ceil(p);
      case Resizing::Nearest::kPreferFloor: return std::ceil(p - 0.5);
      default: return std::floor(p + 0.5);
    }
  }

  void resize() {
    const auto& r = params<Resizing>();
    fill([&](const Dims& place, int64_t) {
      std::array<int64_t, 2> low{}, high{};
      std::array<double, 2> share{};
      for (size_t k = 0; k < 2; ++k) {
        const double last = static_cast<double>(dims(0)[1 + k] - 1), p = position(r, 1 + k, place[1 + k]);
        const double whole = nearest_place(r, p);
        const double within = std::clamp(r.linear ? p : whole, 0.0, last);
        low[k] = static_cast<int64_t>(within);
        high[k] = std::min(low[k] + 1, dims(0)[1 + k] - 1);
        share[k] = within - static_cast<double>(low[k]);
      }
      const auto pixel = [&](int64_t y, int64_t x) { return at(0, Dims{place[0], y, x, place[3]}); };
      const auto row = [&](int64_t y) {
        return (1 - share[1]) * pixel(y, low[1]) + (share[1] > 0 ? share[1] * pixel(y, high[1]) : 0);
      };
      return (1 - share[0]) * row(low[0]) + (share[0] > 0 ? share[0] * row(high[0]) : 0);
    });
  }

  void reduce() {
    const auto& over = params<OverAxes>();
    std::vector<Reals> groups(static_cast<size_t>(count_of(result())));
    const Dims& own = dims(0);
    for (int64_t i = 0; i < count_of(own); ++i) {
      const Dims place = place_of(i, own);
      int64_t group = 0;
      for (size_t d = 0; d < own.size(); ++d)
        if (std::find(over.axes.begin(), over.axes.end(), static_cast<int64_t>(d)) == over.axes.end())
          group = group * own[d] + place[d];
      groups[static_cast<size_t>(group)].push_back(at(0, i));
    }
    fill([&](const Dims&, int64_t i) {
      const Reals& g = groups[static_cast<size_t>(i)];
      double sum = 0, product = 1;
      for (const double v : g) {
        sum += v;
        product *= v;
      }
      if (over.function == Function::kProduct) return product;
      const auto most = over.function == Function::kSmallest ? std::min_element(g.begin(), g.end())
                                                             : std::max_element(g.begin(), g.end());
      if (step_->kind == StepKind::kArgMax) return static_cast<double>(most - g.begin());
      if (over.function == Function::kLargest) return *std::max_element(g.begin(), g.end());
      if (over.function == Function::kSmallest) return *std::min_element(g.begin(), g.end());
      return over.function == Function::kMean ? sum / static_cast<double>(g.size()) : sum;
    });
  }
};

template <class T>
Reals numbers(std::span<const std::byte> bytes) {
  Reals out(bytes.size() / sizeof(T));
  for (size_t i = 0; i < out.size(); ++i) {
    T v;
    std::memcpy(&v, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<double>(v);
  }
  return out;
}

Reals stored_numbers(DType dtype, std::span<const std::byte> bytes) {
  switch (dtype) {
    case DType::kFloat32: return numbers<float>(bytes);
    case DType::kFloat64: return numbers<double>(bytes);
    case DType::kInt8: return numbers<int8_t>(bytes);
    case DType::kInt16: return numbers<int16_t>(bytes);
    case DType::kUint16: return numbers<uint16_t>(bytes);
    case DType::kInt32: return numbers<int32_t>(bytes);
    case DType::kUint32: return numbers<uint32_t>(bytes);
    case DType::kInt64: return numbers<int64_t>(bytes);
    default: return numbers<uint8_t>(bytes);
  }
}

}  // namespace

Reals reals_of(const Buffer& buffer, std::span<const std::byte> bytes) {
  Reals out = stored_numbers(buffer.dtype, bytes);
  if (buffer.quant.empty()) return out;
  for (size_t i = 0; i < out.size(); ++i) {
    const Code code = code_at(buffer, static_cast<int64_t>(i));
    out[i] = (out[i] - code.zero_point) * code.scale;
  }
  return out;
}

std::vector<Reals> interpret(const Plan& plan, const std::vector<Reals>& inputs) {
  return Interpreter(plan).run(inputs);
}

}  // namespace snapgauge
