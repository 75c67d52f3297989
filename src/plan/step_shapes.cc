#include "plan/step_shapes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <vector>

namespace snapgauge {
namespace {

using Dims = std::vector<int64_t>;

/// How many operands a step has at least.
size_t least_operands(StepKind kind) {
  switch (kind) {
    case StepKind::kConvolution:
    case StepKind::kTransposedConvolution:
    case StepKind::kMatMul:
    case StepKind::kBinary:
    case StepKind::kGather:
    case StepKind::kGatherElements:
    case StepKind::kGatherNd: return 2;
    case StepKind::kSelect:
    case StepKind::kScatterElements:
    case StepKind::kScatterNd: return 3;
    default: return 1;
  }
}

/// Nothing where it is no number of 64 bits.
std::optional<int64_t> product(std::initializer_list<int64_t> factors) {
  int64_t out = 1;
  for (const int64_t f : factors)
    if (__builtin_mul_overflow(out, f, &out)) return std::nullopt;
  return out;
}

/// Sizes that a window may have: kernels count with them in 64 bits.
bool is_sound(const Window& w) {
  constexpr int64_t kMost = int64_t{1} << 24U;
  const auto within = [](int64_t v, int64_t least) { return v >= least && v <= kMost; };
  for (size_t i = 0; i < 2; ++i)
    if (!within(w.kernel[i], 1) || !within(w.stride[i], 1) || !within(w.dilation[i], 1) ||
        !within(w.pad_before[i], 0) || !within(w.pad_after[i], 0))
      return false;
  return within(w.groups, 1);
}

/// Shapes of a step: what is wrong, or nothing.
class StepShapes {
 public:
  StepShapes(const Plan& plan, const Step& step) : plan_(plan), step_(step) {}

  std::string fault() const {
    if (step_.kind == StepKind::kForeign)
      return std::holds_alternative<Foreign>(step_.params) ? "" : "does not say what it is";
    if (!output_is_there()) return "has no output";
    if (std::string wrong = of_operands(); !wrong.empty()) return wrong;
    switch (step_.kind) {
      case StepKind::kConvolution:
      case StepKind::kTransposedConvolution: return of_convolution();
      case StepKind::kMatMul: return of_matmul();
      case StepKind::kUnary:
      case StepKind::kCast:
      case StepKind::kSoftmax:
      case StepKind::kQuantize:
      case StepKind::kDequantize:
      case StepKind::kRequantize: return same(in(0).dims, out().dims);
      case StepKind::kBinary:
      case StepKind::kSelect: return of_broadcast();
      case StepKind::kTranspose: return of_transpose();
      case StepKind::kCopy: return in(0).elements() == out().elements() ? "" : "does not keep the number of elements";
      case StepKind::kDepthToSpace: return of_blocks(in(0).dims, out().dims);
      case StepKind::kSpaceToDepth: return of_blocks(out().dims, in(0).dims);
      case StepKind::kConcat: return of_concat();
      case StepKind::kSlice: return of_slice();
      case StepKind::kPad: return of_pad();
      case StepKind::kLayerNorm:
      case StepKind::kRmsNorm: return same(in(0).dims, out().dims);
      case StepKind::kMaxPool:
      case StepKind::kAveragePool:
      case StepKind::kResize: return of_images();
      case StepKind::kReduce:
      case StepKind::kArgMax: return of_reduction();
      case StepKind::kGather: return of_gather();
      case StepKind::kTopK: return of_top_k();
      case StepKind::kGatherElements: return of_elements(in(0).dims, out().dims);
      case StepKind::kScatterElements:
        if (!has(2) || in(0).dims != out().dims) return "does not keep the shape of its data";
        return of_elements(in(0).dims, in(2).dims);
      case StepKind::kGatherNd: return of_nd(out().dims);
      case StepKind::kScatterNd:
        if (!has(2) || in(0).dims != out().dims) return "does not keep the shape of its data";
        return of_nd(in(2).dims);
      case StepKind::kCumulate: {
        const auto* c = std::get_if<Cumulation>(&step_.params);
        if (c == nullptr || c->axis < 0 || static_cast<size_t>(c->axis) >= in(0).dims.size()) return "has no axis";
        return same(in(0).dims, out().dims);
      }
      case StepKind::kForeign: break;
    }
    return "is of no known kind";
  }

 private:
  bool output_is_there() const { return step_.output.valid() && !step_.inputs.empty() && step_.inputs[0].valid(); }
  const Buffer& in(size_t i) const { return plan_.buffer(step_.inputs[i]); }
  const Buffer& out() const { return plan_.buffer(step_.output); }
  bool has(size_t i) const { return i < step_.inputs.size() && step_.inputs[i].valid(); }

  std::string of_operands() const {
    for (size_t i = 0; i < least_operands(step_.kind); ++i)
      if (!has(i)) return "lacks an operand";
    // Of a concatenation all are there.
    for (size_t i = 0; step_.kind == StepKind::kConcat && i < step_.inputs.size(); ++i)
      if (!has(i)) return "lacks an operand";
    if (const auto* over = std::get_if<OverAxes>(&step_.params))
      for (const int64_t axis : over->axes)
        if (axis < 0 || static_cast<size_t>(axis) >= in(0).dims.size()) return "has an axis that its operand has not";
    return "";
  }

  static std::string same(const Dims& a, const Dims& b) {
    return a == b ? "" : fmt::format("has an operand of {} and a result of {}", a, b);
  }

  std::string of_images() const {
    const Dims &x = in(0).dims, &y = out().dims;
    if (x.size() != 4 || y.size() != 4) return "needs images of rank 4";
    if (x[0] != y[0] || x[3] != y[3]) return "changes batch or channels";
    if (out().elements() > 0 && in(0).elements() == 0) return "makes something of nothing";
    for (size_t d = 1; d < 3; ++d)
      if (y[d] > 0 && x[d] == 0) return "makes something of nothing";
    if (step_.kind == StepKind::kResize)
      return std::holds_alternative<Resizing>(step_.params) ? "" : "does not say how";
    const auto* w = std::get_if<Window>(&step_.params);
    return w != nullptr && is_sound(*w) ? "" : "has no sound window";
  }

  std::string of_blocks(const Dims& deep, const Dims& wide) const {
    const auto* b = std::get_if<Blocks>(&step_.params);
    if (b == nullptr || deep.size() != 4 || wide.size() != 4 || b->size[0] < 1 || b->size[1] < 1)
      return "has no blocks";
    const bool fits = wide[0] == deep[0] && wide[1] == product({deep[1], b->size[0]}) &&
                      wide[2] == product({deep[2], b->size[1]}) &&
                      deep[3] == product({wide[3], b->size[0], b->size[1]});
    return fits ? "" : fmt::format("turns {} into {} with blocks of {}", deep, wide, b->size);
  }

  std::string of_reduction() const {
    const auto* over = std::get_if<OverAxes>(&step_.params);
    if (over == nullptr) return "has no axes";
    const Dims& x = in(0).dims;
    uint64_t results = 1;
    for (size_t d = 0; d < x.size(); ++d)
      if (std::find(over->axes.begin(), over->axes.end(), static_cast<int64_t>(d)) == over->axes.end())
        results *= static_cast<uint64_t>(x[d]);
    if (step_.kind == StepKind::kArgMax && (over->axes.size() != 1 || in(0).elements() == 0)) return "has no axis";
    return results == out().elements() ? "" : fmt::format("makes {} of {}", out().dims, x);
  }

  std::string of_gather() const {
    const auto* over = std::get_if<OverAxes>(&step_.params);
    if (over == nullptr || over->axes.size() != 1 || !has(1)) return "has no axis";
    const Dims &x = in(0).dims, &index = in(1).dims;
    const auto axis = static_cast<size_t>(over->axes[0]);
    if (axis >= x.size()) return "has no axis";
    Dims made(x.begin(), x.begin() + static_cast<ptrdiff_t>(axis));
    made.insert(made.end(), index.begin(), index.end());
    made.insert(made.end(), x.begin() + static_cast<ptrdiff_t>(axis) + 1, x.end());
    if (made != out().dims) return fmt::format("makes {} of {} by {}", out().dims, x, index);
    return x[axis] == 0 && out().elements() > 0 ? "takes from nothing" : "";
  }

  std::string of_top_k() const {
    const auto* over = std::get_if<OverAxes>(&step_.params);
    const Dims &x = in(0).dims, &y = out().dims;
    if (over == nullptr || over->axes.size() != 1 || static_cast<size_t>(over->axes[0]) >= x.size() ||
        x.size() != y.size())
      return "has no axis";
    for (size_t d = 0; d < x.size(); ++d)
      if (d == static_cast<size_t>(over->axes[0]) ? y[d] > x[d] : y[d] != x[d])
        return fmt::format("makes {} of {}", y, x);
    return "";
  }

  /// `moved`: what is taken, or put.
  std::string of_elements(const Dims& data, const Dims& moved) const {
    const auto* how = std::get_if<Indexed>(&step_.params);
    if (how == nullptr || !has(1) || how->axis < 0 || static_cast<size_t>(how->axis) >= data.size())
      return "has no axis";
    if (in(1).dims != moved || moved.size() != data.size()) return "has indices of another shape";
    for (size_t d = 0; d < data.size(); ++d)
      if (d == static_cast<size_t>(how->axis) ? data[d] == 0 && moved[d] > 0 : moved[d] > data[d])
        return fmt::format("has {} elements of {}", moved, data);
    return "";
  }

  std::string of_nd(const Dims& moved) const {
    const auto* how = std::get_if<Indexed>(&step_.params);
    if (how == nullptr || !has(1) || in(1).dims.empty()) return "has no indices";
    const Dims &data = in(0).dims, &index = in(1).dims;
    const auto common = static_cast<size_t>(how->batch_dims);
    if (common >= std::min(data.size(), index.size()) || index.back() < 1 ||
        static_cast<size_t>(index.back()) > data.size() - common)
      return "has indices of another shape";
    for (size_t d = 0; d < data.size(); ++d) {
      if (d < common && data[d] != index[d]) return "has another batch";
      if (d >= common && d < common + static_cast<size_t>(index.back()) && data[d] == 0 && in(1).elements() > 0)
        return "takes from nothing";
    }
    Dims made(index.begin(), index.end() - 1);
    made.insert(made.end(), data.begin() + static_cast<ptrdiff_t>(common) + index.back(), data.end());
    return made == moved ? "" : fmt::format("has {} elements of {} by {}", moved, data, index);
  }

  /// The size of a window's result along a dimension.
  static int64_t result_size(const Window& w, size_t i, int64_t size) {
    return (size + w.pad_before[i] + w.pad_after[i] - w.dilation[i] * (w.kernel[i] - 1) - 1) / w.stride[i] + 1;
  }

  std::string of_convolution() const {
    const auto* w = std::get_if<Window>(&step_.params);
    if (w == nullptr || !has(1) || !is_sound(*w)) return "has no sound window";
    const Dims &x = in(0).dims, &k = in(1).dims, &y = out().dims;
    if (x.size() != 4 || k.size() != 4 || y.size() != 4) return "needs images and weights of rank 4";
    const bool transposed = step_.kind == StepKind::kTransposedConvolution;
    const auto taken = product({k[2], transposed ? 1 : w->groups}), made = product({k[3], transposed ? w->groups : 1});
    if (x[3] != taken || y[3] != made || x[3] % w->groups != 0 || y[3] % w->groups != 0)
      return fmt::format("has {} channels, weights {} in {} groups, and {} channels of result", x[3], k, w->groups,
                         y[3]);
    if (has(2) && in(2).elements() != static_cast<uint64_t>(y[3])) return "has a bias of another length";
    for (size_t i = 0; i < 2; ++i)
      if ((!transposed && y[1 + i] != result_size(*w, i, x[1 + i])) || k[i] != w->kernel[i])
        return fmt::format("makes {} of {} with {}", y, x, k);
    return x[0] == y[0] ? "" : "changes the batch";
  }

  std::string of_matmul() const {
    if (!has(1)) return "has one operand";
    const Dims &a = in(0).dims, &b = in(1).dims, &y = out().dims;
    if (a.size() < 2 || b.size() < 2 || y.size() < 2) return "needs matrices";
    const size_t n = y.size();
    if (a.back() != b[b.size() - 2] || y[n - 2] != a[a.size() - 2] || y[n - 1] != b.back())
      return fmt::format("makes {} of {} and {}", y, a, b);
    for (const Dims* operand : {&a, &b}) {
      if (operand->size() > n) return "has an operand of higher rank than its result";
      for (size_t d = 3; d <= operand->size(); ++d)
        if (const int64_t size = (*operand)[operand->size() - d]; size != 1 && size != y[n - d])
          return fmt::format("does not broadcast {} to {}", *operand, y);
    }
    if (has(2) && in(2).elements() != static_cast<uint64_t>(y[n - 1])) return "has a bias of another length";
    return "";
  }

  std::string of_broadcast() const {
    const Dims& y = out().dims;
    for (size_t i = 0; i < step_.inputs.size(); ++i) {
      if (!has(i)) return "lacks an operand";
      const Dims& x = in(i).dims;
      if (x.size() > y.size()) return "has an operand of higher rank than its result";
      for (size_t d = 0; d < x.size(); ++d)
        if (const int64_t size = x[x.size() - 1 - d]; size != 1 && size != y[y.size() - 1 - d])
          return fmt::format("does not broadcast {} to {}", x, y);
    }
    return "";
  }

  std::string of_transpose() const {
    const auto* p = std::get_if<Permutation>(&step_.params);
    const Dims &x = in(0).dims, &y = out().dims;
    if (p == nullptr || p->order.size() != x.size() || x.size() != y.size()) return "has no order of its dimensions";
    std::vector<bool> seen(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const auto from = static_cast<size_t>(p->order[i]);
      if (from >= x.size() || seen[from] || y[i] != x[from]) return fmt::format("makes {} of {} in {}", y, x, p->order);
      seen[from] = true;
    }
    return "";
  }

  std::string of_concat() const {
    const auto* over = std::get_if<OverAxes>(&step_.params);
    const Dims& y = out().dims;
    if (over == nullptr || over->axes.size() != 1 || static_cast<size_t>(over->axes[0]) >= y.size())
      return "has no axis";
    const auto axis = static_cast<size_t>(over->axes[0]);
    int64_t sum = 0;
    for (size_t i = 0; i < step_.inputs.size(); ++i) {
      Dims x = in(i).dims;
      if (x.size() != y.size()) return "joins tensors of other ranks";
      sum += x[axis];
      x[axis] = y[axis];
      if (x != y) return "joins tensors of other shapes";
    }
    return sum == y[axis] ? "" : "joins to another size";
  }

  std::string of_slice() const {
    const auto* region = std::get_if<Region>(&step_.params);
    const Dims &x = in(0).dims, &y = out().dims;
    if (region == nullptr || region->begin.size() != x.size() || region->step.size() != x.size() ||
        y.size() != x.size())
      return "has no region";
    for (size_t i = 0; i < x.size(); ++i) {
      if (y[i] == 0) continue;
      const int64_t first = region->begin[i];
      int64_t last = 0;
      const bool counted =
          !__builtin_mul_overflow(region->step[i], y[i] - 1, &last) && !__builtin_add_overflow(last, first, &last);
      if (!counted || first < 0 || first >= x[i] || last < 0 || last >= x[i])
        return fmt::format("takes {} from {} on, out of {}", y, region->begin, x);
    }
    return "";
  }

  std::string of_pad() const {
    const auto* pad = std::get_if<Padding>(&step_.params);
    const Dims &x = in(0).dims, &y = out().dims;
    if (pad == nullptr || pad->before.size() != x.size() || y.size() != x.size()) return "has no amounts";
    for (size_t i = 0; i < x.size(); ++i)
      if (pad->before[i] < 0 || x[i] > y[i] || pad->before[i] > y[i] - x[i]) return "makes a tensor smaller";
    return "";
  }

  const Plan& plan_;
  const Step& step_;
};

}  // namespace

std::string shape_fault(const Plan& plan, const Step& step) { return StepShapes(plan, step).fault(); }

}  // namespace snapgauge
