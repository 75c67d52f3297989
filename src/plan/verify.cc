// What must hold of a plan before it is executed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "plan/lives.h"

namespace snapgauge {
namespace {

using Dims = std::vector<int64_t>;

/// Shapes of a step: what is wrong, or nothing.
class StepShapes {
 public:
  StepShapes(const Plan& plan, const Step& step) : plan_(plan), step_(step) {}

  std::string fault() const {
    if (!output_is_there()) return "has no output";
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
      case StepKind::kCopy:
      case StepKind::kDepthToSpace:
      case StepKind::kSpaceToDepth:
        return in(0).elements() == out().elements() ? "" : "does not keep the number of elements";
      case StepKind::kConcat: return of_concat();
      case StepKind::kSlice: return of_slice();
      case StepKind::kPad: return of_pad();
      case StepKind::kLayerNorm:
      case StepKind::kRmsNorm: return same(in(0).dims, out().dims);
      case StepKind::kMaxPool:
      case StepKind::kAveragePool:
      case StepKind::kResize: return of_images();
      case StepKind::kReduce:
      case StepKind::kArgMax:
      case StepKind::kGather: return "";
    }
    return "is of no known kind";
  }

 private:
  bool output_is_there() const { return step_.output.valid() && !step_.inputs.empty() && step_.inputs[0].valid(); }
  const Buffer& in(size_t i) const { return plan_.buffer(step_.inputs[i]); }
  const Buffer& out() const { return plan_.buffer(step_.output); }
  bool has(size_t i) const { return i < step_.inputs.size() && step_.inputs[i].valid(); }

  static std::string same(const Dims& a, const Dims& b) {
    return a == b ? "" : fmt::format("has an operand of {} and a result of {}", a, b);
  }

  std::string of_images() const {
    const Dims &x = in(0).dims, &y = out().dims;
    if (x.size() != 4 || y.size() != 4) return "needs images of rank 4";
    return x[0] == y[0] && x[3] == y[3] ? "" : "changes batch or channels";
  }

  /// The size of a window's result along a dimension.
  static int64_t result_size(const Window& w, size_t i, int64_t size) {
    return (size + w.pad_before[i] + w.pad_after[i] - w.dilation[i] * (w.kernel[i] - 1) - 1) / w.stride[i] + 1;
  }

  std::string of_convolution() const {
    const auto* w = std::get_if<Window>(&step_.params);
    if (w == nullptr || !has(1) || w->groups < 1) return "has no window";
    const Dims &x = in(0).dims, &k = in(1).dims, &y = out().dims;
    if (x.size() != 4 || k.size() != 4 || y.size() != 4) return "needs images and weights of rank 4";
    const bool transposed = step_.kind == StepKind::kTransposedConvolution;
    const int64_t taken = transposed ? k[2] : k[2] * w->groups, made = transposed ? k[3] * w->groups : k[3];
    if (x[3] != taken || y[3] != made || made % w->groups != 0)
      return fmt::format("has {} channels, weights {} in {} groups, and {} channels of result", x[3], k, w->groups,
                         y[3]);
    if (has(2) && in(2).elements() != static_cast<uint64_t>(y[3])) return "has a bias of another length";
    for (size_t i = 0; i < 2 && !transposed; ++i)
      if (y[1 + i] != result_size(*w, i, x[1 + i]) || k[i] != w->kernel[i])
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
      const int64_t last = region->begin[i] + region->step[i] * (y[i] - 1);
      if (y[i] > 0 && (region->begin[i] < 0 || region->begin[i] >= x[i] || last < 0 || last >= x[i]))
        return fmt::format("takes {} from {} on, out of {}", y, region->begin, x);
    }
    return "";
  }

  std::string of_pad() const {
    const auto* pad = std::get_if<Padding>(&step_.params);
    const Dims &x = in(0).dims, &y = out().dims;
    if (pad == nullptr || pad->before.size() != x.size() || y.size() != x.size()) return "has no amounts";
    for (size_t i = 0; i < x.size(); ++i)
      if (pad->before[i] < 0 || pad->before[i] + x[i] > y[i]) return "makes a tensor smaller";
    return "";
  }

  const Plan& plan_;
  const Step& step_;
};

class Verifier {
 public:
  explicit Verifier(const Plan& plan) : plan_(plan), written_(plan.buffers.size()) {}

  std::string run() {
    for (uint32_t b = 0; b < plan_.buffers.size(); ++b)
      if (std::string wrong = of_buffer(plan_.buffers[b]); !wrong.empty())
        return fmt::format("buffer %{} {}", b, wrong);
    for (const BufferId id : plan_.inputs) {
      if (!in_range(id)) return "an input is no buffer";
      written_[id.index] = true;
    }
    for (size_t s = 0; s < plan_.steps.size(); ++s)
      if (std::string wrong = of_step(plan_.steps[s]); !wrong.empty())
        return fmt::format("step {} ({} for {}) {}", s, step_name(plan_.steps[s].kind), plan_.steps[s].node, wrong);
    for (const BufferId id : plan_.outputs)
      if (!in_range(id) || !is_written(id)) return "an output is never written";
    return arena();
  }

 private:
  bool in_range(BufferId id) const { return id.index < plan_.buffers.size(); }
  bool is_constant(BufferId id) const { return plan_.buffer(id).role == BufferRole::kConstant; }
  bool is_written(BufferId id) const { return is_constant(id) || written_[plan_.owner(id).index]; }

  std::string of_buffer(const Buffer& b) const {
    if (bit_width(b.dtype) == 0) return "has no type that can be stored";
    uint64_t elements = 1;
    for (const int64_t d : b.dims)
      if (d < 0 || __builtin_mul_overflow(elements, static_cast<uint64_t>(d), &elements) || elements > kMostElements)
        return fmt::format("has the shape {}", b.dims);
    const BufferQuant& q = b.quant;
    if (q.scales.size() != q.zero_points.size()) return "has unequal numbers of scales and zero points";
    if (!q.empty() && !q.per_tensor() &&
        (q.axis < 0 || static_cast<size_t>(q.axis) >= b.dims.size() ||
         b.dims[static_cast<size_t>(q.axis)] != static_cast<int64_t>(q.scales.size())))
      return "has scales that do not fit its shape";
    if (b.role == BufferRole::kConstant && b.data.size() != b.bytes()) return "is a constant without all its bytes";
    if (b.same_bytes.valid() && (!in_range(b.same_bytes) || plan_.buffer(b.same_bytes).bytes() != b.bytes()))
      return "is another buffer's bytes, but not as many";
    return "";
  }

  std::string of_step(const Step& step) {
    for (const BufferId id : step.inputs) {
      if (!id.valid()) continue;
      if (!in_range(id)) return "reads no buffer";
      if (!is_written(id)) return fmt::format("reads %{} before it is written", id.index);
    }
    if (!step.output.valid() || !in_range(step.output)) return "writes no buffer";
    const BufferId owner = plan_.owner(step.output);
    if (is_constant(owner) || written_[owner.index]) return fmt::format("writes %{} again", owner.index);
    if (std::string wrong = StepShapes(plan_, step).fault(); !wrong.empty()) return wrong;
    written_[owner.index] = true;
    return "";
  }

  /// Buffers that are alive at the same time lie apart.
  std::string arena() const {
    if (plan_.arena_bytes == 0) return "";
    std::vector<Life> alive;
    for (const Life& life : lives_of(plan_)) {
      const Buffer& now = plan_.buffers[life.buffer];
      if (now.offset + now.bytes() > plan_.arena_bytes)
        return fmt::format("buffer %{} lies outside of the arena", life.buffer);
      std::erase_if(alive, [&](const Life& a) { return a.last < life.first; });
      for (const Life& a : alive) {
        const Buffer& other = plan_.buffers[a.buffer];
        if (other.offset < now.offset + now.bytes() && now.offset < other.offset + other.bytes())
          return fmt::format("buffers %{} and %{} lie upon each other", a.buffer, life.buffer);
      }
      alive.push_back(life);
    }
    return "";
  }

  static constexpr uint64_t kMostElements = uint64_t{1} << 40U;

  const Plan& plan_;
  std::vector<bool> written_;  // by owner
};

}  // namespace

std::string verify(const Plan& plan) { return Verifier(plan).run(); }

}  // namespace snapgauge
