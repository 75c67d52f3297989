// What must hold of a plan before it is executed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <vector>

#include "plan/lives.h"
#include "plan/step_shapes.h"

namespace snapgauge {
namespace {

class Verifier {
 public:
  explicit Verifier(const Plan& plan) : plan_(plan), written_(plan.buffers.size()) {}

  std::string run() {
    for (uint32_t b = 0; b < plan_.buffers.size(); ++b)
      if (std::string wrong = of_buffer(plan_.buffers[b]); !wrong.empty())
        return fmt::format("buffer %{} {}", b, wrong);
    for (const BufferId id : plan_.inputs) {
      if (!in_range(id) || plan_.buffer(id).role != BufferRole::kInput || plan_.buffer(id).same_bytes.valid())
        return "an input is no buffer of the caller's";
      written_[id.index] = true;
    }
    for (size_t s = 0; s < plan_.steps.size(); ++s)
      if (std::string wrong = of_step(plan_.steps[s]); !wrong.empty())
        return fmt::format("step {} ({} for {}) {}", s, step_name(plan_.steps[s].kind), plan_.steps[s].node, wrong);
    for (const BufferId id : plan_.outputs)
      if (!in_range(id) || is_constant(id) != is_constant(plan_.owner(id)) || !is_written(id))
        return "an output is never written";
    return arena();
  }

 private:
  bool in_range(BufferId id) const { return id.index < plan_.buffers.size(); }
  bool is_constant(BufferId id) const { return plan_.buffer(id).role == BufferRole::kConstant; }
  bool is_written(BufferId id) const { return is_constant(id) || written_[plan_.owner(id).index]; }

  std::string of_buffer(const Buffer& b) const {
    if (bit_width(b.dtype) == 0) return "has no type that can be stored";
    // What has no elements has no bytes that would bound its other dimensions.
    uint64_t elements = 1;
    bool is_empty = false;
    for (const int64_t d : b.dims) {
      is_empty |= d == 0;
      if (d < 0 || __builtin_mul_overflow(elements, static_cast<uint64_t>(std::max<int64_t>(d, 1)), &elements) ||
          elements > kMostElements)
        return fmt::format("has the shape {}", b.dims);
    }
    if (is_empty && elements > kMostOfNothing) return fmt::format("has the shape {}", b.dims);
    const BufferQuant& q = b.quant;
    if (q.scales.size() != q.zero_points.size()) return "has unequal numbers of scales and zero points";
    if (!q.empty() && !q.per_tensor() &&
        (q.axis < 0 || static_cast<size_t>(q.axis) >= b.dims.size() ||
         b.dims[static_cast<size_t>(q.axis)] != static_cast<int64_t>(q.scales.size())))
      return "has scales that do not fit its shape";
    for (const float scale : q.scales)
      if (!std::isfinite(scale) || scale < 0) return "has a scale that is none";
    if (const auto range = integer_range(b.dtype))
      for (const int32_t zero : q.zero_points)
        if (zero < range->min || zero > range->max) return "has a zero point beyond its integers";
    if (b.role == BufferRole::kConstant && b.data.size() != b.bytes()) return "is a constant without all its bytes";
    if (!b.same_bytes.valid()) return "";
    if (!in_range(b.same_bytes) || plan_.buffer(b.same_bytes).same_bytes.valid())
      return "is the bytes of what has none of its own";
    if (plan_.buffer(b.same_bytes).bytes() != b.bytes()) return "is another buffer's bytes, but not as many";
    return "";
  }

  std::string of_step(const Step& step) {
    for (const BufferId id : step.inputs) {
      if (!id.valid()) continue;
      if (!in_range(id)) return "reads no buffer";
      if (is_constant(id) != is_constant(plan_.owner(id))) return fmt::format("reads %{} as what it is not", id.index);
      if (!is_written(id)) return fmt::format("reads %{} before it is written", id.index);
    }
    if (!step.output.valid() || !in_range(step.output)) return "writes no buffer";
    const BufferId owner = plan_.owner(step.output);
    if (is_constant(owner) || written_[owner.index]) return fmt::format("writes %{} again", owner.index);
    if (std::string wrong = shape_fault(plan_, step); !wrong.empty()) return wrong;
    written_[owner.index] = true;
    return "";
  }

  /// Buffers that are alive at the same time lie apart.
  std::string arena() const {
    if (plan_.arena_bytes == 0) return "";
    ByEnd alive;
    std::map<uint64_t, uint32_t> by_place;  // those that have bytes
    for (const Life& life : lives_of(plan_)) {
      const Buffer& now = plan_.buffers[life.buffer];
      if (now.bytes() > plan_.arena_bytes || now.offset > plan_.arena_bytes - now.bytes())
        return fmt::format("buffer %{} lies outside of the arena", life.buffer);
      for (; !alive.empty() && alive.top().last < life.first; alive.pop())
        by_place.erase(plan_.buffers[alive.top().buffer].offset);
      if (now.bytes() == 0) continue;
      // Those that are alive lie apart, so only neighbours can be in the way.
      const auto next = by_place.lower_bound(now.offset);
      if (next != by_place.end() && next->first < now.offset + now.bytes()) return meet(next->second, life.buffer);
      if (next != by_place.begin())
        if (const uint32_t before = std::prev(next)->second;
            plan_.buffers[before].offset + plan_.buffers[before].bytes() > now.offset)
          return meet(before, life.buffer);
      by_place.emplace(now.offset, life.buffer);
      alive.push(life);
    }
    return "";
  }

  static std::string meet(uint32_t a, uint32_t b) {
    return fmt::format("buffers %{} and %{} lie upon each other", a, b);
  }

  static constexpr uint64_t kMostElements = uint64_t{1} << 40U, kMostOfNothing = uint64_t{1} << 24U;

  const Plan& plan_;
  std::vector<bool> written_;  // by owner
};

}  // namespace

std::string verify(const Plan& plan) { return Verifier(plan).run(); }

}  // namespace snapgauge
