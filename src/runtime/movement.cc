// What moves elements and computes nothing: one strided copy serves all but gather.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/kernel.h"

namespace snapgauge {
namespace {

using Dims = std::vector<int64_t>;

/// A region of elements with its strides on both sides, in elements.
struct Moves {
  Dims dims, from, to;
  int64_t from_first = 0, to_first = 0;
  size_t width = 1;  // bytes of an element

  void run(const std::byte* source, std::byte* target) const {
    for (const int64_t d : dims)
      if (d == 0) return;
    source += from_first * static_cast<int64_t>(width);
    target += to_first * static_cast<int64_t>(width);
    switch (width) {
      case 1: return walk(reinterpret_cast<const uint8_t*>(source), reinterpret_cast<uint8_t*>(target));
      case 2: return walk(reinterpret_cast<const uint16_t*>(source), reinterpret_cast<uint16_t*>(target));
      case 4: return walk(reinterpret_cast<const uint32_t*>(source), reinterpret_cast<uint32_t*>(target));
      default: return walk(reinterpret_cast<const uint64_t*>(source), reinterpret_cast<uint64_t*>(target));
    }
  }

 private:
  template <class T>
  void walk(const T* source, T* target) const {
    if (dims.empty()) {
      *target = *source;
      return;
    }
    const size_t last = dims.size() - 1;
    Dims at(dims.size());
    for (;;) {
      row(source, target, dims[last], from[last], to[last]);
      size_t d = last;
      while (d > 0) {
        --d;
        source += from[d];
        target += to[d];
        if (++at[d] < dims[d]) break;
        source -= from[d] * dims[d];
        target -= to[d] * dims[d];
        at[d] = 0;
        if (d == 0) return;
      }
      if (last == 0) return;
    }
  }

  template <class T>
  static void row(const T* source, T* target, int64_t count, int64_t from, int64_t to) {
    if (from == 1 && to == 1)
      std::memcpy(target, source, static_cast<size_t>(count) * sizeof(T));
    else
      for (int64_t i = 0; i < count; ++i) target[i * to] = source[i * from];
  }
};

Dims strides_of(const Dims& dims) {
  Dims out(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    out[i] = stride;
    stride *= dims[i];
  }
  return out;
}

bool has_whole_bytes(const Buffer& b) {
  const int bits = bit_width(b.dtype);
  return bits == 8 || bits == 16 || bits == 32 || bits == 64;
}

size_t width_of(const Buffer& b) { return static_cast<size_t>(bit_width(b.dtype)) / 8; }

MadeKernel kernel_of_moves(const Step& step, std::vector<std::pair<BufferId, Moves>> all) {
  return kernel_of([all = std::move(all), out = step.output](const Memory& m) {
    for (const auto& [in, moves] : all) moves.run(m.read<std::byte>(in), m.write<std::byte>(out));
  });
}

MadeKernel make_transpose(const Plan& plan, const Step& step) {
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  const auto* order = std::get_if<Permutation>(&step.params);
  if (order == nullptr) return nullptr;
  const Dims strides = strides_of(in.dims);
  Moves moves{out.dims, Dims(out.dims.size()), strides_of(out.dims), 0, 0, width_of(out)};
  for (size_t i = 0; i < out.dims.size(); ++i) moves.from[i] = strides[static_cast<size_t>(order->order[i])];
  return kernel_of_moves(step, {{step.inputs[0], std::move(moves)}});
}

MadeKernel make_slice(const Plan& plan, const Step& step) {
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  const auto* region = std::get_if<Region>(&step.params);
  if (region == nullptr) return nullptr;
  Moves moves{out.dims, strides_of(in.dims), strides_of(out.dims), 0, 0, width_of(out)};
  for (size_t i = 0; i < out.dims.size(); ++i) {
    moves.from_first += region->begin[i] * moves.from[i];
    if (out.dims[i] > 1) moves.from[i] *= region->step[i];
  }
  return kernel_of_moves(step, {{step.inputs[0], std::move(moves)}});
}

MadeKernel make_concat(const Plan& plan, const Step& step) {
  const auto* over = std::get_if<OverAxes>(&step.params);
  if (over == nullptr) return nullptr;
  const Buffer& out = plan.buffer(step.output);
  const auto axis = static_cast<size_t>(over->axes[0]);
  const Dims strides = strides_of(out.dims);
  std::vector<std::pair<BufferId, Moves>> all;
  int64_t first = 0;
  for (const BufferId id : step.inputs) {
    const Dims& dims = plan.buffer(id).dims;
    all.emplace_back(id, Moves{dims, strides_of(dims), strides, 0, first * strides[axis], width_of(out)});
    first += dims[axis];
  }
  return kernel_of_moves(step, std::move(all));
}

/// Channels into blocks of pixels, or back: a transposition of six dimensions.
MadeKernel make_blocks(const Plan& plan, const Step& step) {
  const auto* blocks = std::get_if<Blocks>(&step.params);
  const bool to_space = step.kind == StepKind::kDepthToSpace;
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  if (blocks == nullptr || in.dims.size() != 4 || out.dims.size() != 4) return nullptr;
  const Dims& deep = to_space ? in.dims : out.dims;
  const auto [bh, bw] = blocks->size;
  const int64_t channels = deep[3] / (bh * bw);
  // Of batch, row, block row, column, block column, channel.
  const Dims dims{deep[0], deep[1], bh, deep[2], bw, channels};
  const Dims wide = strides_of(dims);
  const int64_t pixel = deep[3], line = deep[2] * pixel;
  const Dims channel_strides =
      blocks->columns_first ? Dims{bw, 1, bh * bw} : Dims{bw * channels, channels, 1};  // block row, column, channel
  const Dims narrow{deep[1] * line, line, channel_strides[0], pixel, channel_strides[1], channel_strides[2]};
  Moves moves{dims, to_space ? narrow : wide, to_space ? wide : narrow, 0, 0, width_of(out)};
  return kernel_of_moves(step, {{step.inputs[0], std::move(moves)}});
}

MadeKernel make_copy(const Plan& plan, const Step& step) {
  const uint64_t bytes = plan.buffer(step.output).bytes();
  return kernel_of([in = step.inputs[0], out = step.output, bytes](const Memory& m) {
    std::memmove(m.write<std::byte>(out), m.read<std::byte>(in), bytes);
  });
}

/// Where an index of a padded dimension comes from; -1: from nowhere.
int64_t padded_from(int64_t i, int64_t before, int64_t size, Padding::Mode mode) {
  int64_t at = i - before;
  if (at >= 0 && at < size) return at;
  if (mode == Padding::Mode::kConstant || size == 0) return -1;
  if (mode == Padding::Mode::kEdge) return at < 0 ? 0 : size - 1;
  at = at < 0 ? -at : 2 * (size - 1) - at;
  return at < 0 || at >= size ? -1 : at;
}

template <class T>
T padding_value(const Buffer& out, float value) {
  if (out.quant.empty()) return static_cast<T>(value);
  const float q = std::nearbyint(value / out.quant.scales[0]) + static_cast<float>(out.quant.zero_points[0]);
  return static_cast<T>(std::clamp(q, static_cast<float>(std::numeric_limits<T>::min()),
                                   static_cast<float>(std::numeric_limits<T>::max())));
}

MadeKernel make_pad(const Plan& plan, const Step& step) {
  const Buffer &in = plan.buffer(step.inputs[0]), &out = plan.buffer(step.output);
  const auto* pad = std::get_if<Padding>(&step.params);
  if (pad == nullptr || (!out.quant.empty() && !out.quant.per_tensor())) return nullptr;
  std::vector<Dims> from(out.dims.size());
  const Dims strides = strides_of(in.dims);
  for (size_t d = 0; d < out.dims.size(); ++d)
    for (int64_t i = 0; i < out.dims[d]; ++i) {
      const int64_t at = padded_from(i, pad->before[d], in.dims[d], pad->mode);
      from[d].push_back(at < 0 ? -1 : at * strides[d]);
    }
  return for_number(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return kernel_of([id = step.inputs[0], to = step.output, from, count = out.elements(),
                      value = padding_value<T>(out, pad->value)](const Memory& m) {
      const T* x = m.read<T>(id);
      T* y = m.write<T>(to);
      Dims at(from.size());
      for (uint64_t i = 0; i < count; ++i) {
        int64_t source = 0;
        for (size_t d = 0; d < from.size() && source >= 0; ++d) {
          const int64_t part = from[d][static_cast<size_t>(at[d])];
          source = part < 0 ? -1 : source + part;
        }
        y[i] = source < 0 ? value : x[source];
        for (size_t d = from.size(); d-- > 0;) {
          if (++at[d] < static_cast<int64_t>(from[d].size())) break;
          at[d] = 0;
        }
      }
    });
  });
}

/// Rows of the data by index. Indices count from the end when negative; others out of range are taken for the nearest,
/// so that nothing outside of the data is read.
MadeKernel make_gather(const Plan& plan, const Step& step) {
  const auto* over = std::get_if<OverAxes>(&step.params);
  if (over == nullptr || over->axes.size() != 1) return nullptr;
  const Buffer &data = plan.buffer(step.inputs[0]), &indices = plan.buffer(step.inputs[1]);
  const AroundAxis around(data.dims, static_cast<size_t>(over->axes[0]));
  const size_t row = static_cast<size_t>(around.inner) * width_of(data);
  const auto count = static_cast<int64_t>(indices.elements());
  if (around.size == 0 && count > 0) return nullptr;
  const auto make = [&](auto zero) -> MadeKernel {
    using I = decltype(zero);
    return kernel_of([in = step.inputs, out = step.output, around, row, count](const Memory& m) {
      const auto* x = m.read<std::byte>(in[0]);
      const I* index = m.read<I>(in[1]);
      auto* y = m.write<std::byte>(out);
      for (int64_t o = 0; o < around.outer; ++o)
        for (int64_t i = 0; i < count; ++i) {
          int64_t at = index[i] < 0 ? index[i] + around.size : index[i];
          at = std::clamp<int64_t>(at, 0, around.size - 1);
          std::memcpy(y, x + static_cast<size_t>(o * around.size + at) * row, row);
          y += row;
        }
    });
  };
  if (indices.dtype == DType::kInt32) return make(int32_t{});
  return indices.dtype == DType::kInt64 ? make(int64_t{}) : nullptr;
}

}  // namespace

MadeKernel make_movement(const Plan& plan, const Step& step) {
  const Buffer& out = plan.buffer(step.output);
  if (!has_whole_bytes(out)) return nullptr;
  // The second operand of a gather is its indices.
  const size_t moved = step.kind == StepKind::kConcat ? step.inputs.size() : 1;
  for (size_t i = 0; i < moved; ++i)
    if (bit_width(plan.buffer(step.inputs[i]).dtype) != bit_width(out.dtype)) return nullptr;
  switch (step.kind) {
    case StepKind::kTranspose: return make_transpose(plan, step);
    case StepKind::kSlice: return make_slice(plan, step);
    case StepKind::kConcat: return make_concat(plan, step);
    case StepKind::kDepthToSpace:
    case StepKind::kSpaceToDepth: return make_blocks(plan, step);
    case StepKind::kPad: return make_pad(plan, step);
    case StepKind::kGather: return make_gather(plan, step);
    default: return make_copy(plan, step);
  }
}

}  // namespace snapgauge
