// Shapes of operators that move, cut or repeat data.
#include <algorithm>
#include <cmath>

#include "base/number.h"
#include "formats/onnx/shapes.h"

namespace snapgauge::onnx {
namespace {

// Sorted unique axes, or nothing when one lies outside the rank.
std::optional<std::vector<size_t>> axes_in(const Dims& axes, size_t rank) {
  std::vector<size_t> out;
  for (const int64_t a : axes) {
    const auto axis = axis_in(a, rank);
    if (!axis) return std::nullopt;
    out.push_back(*axis);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// A shape of which only the rank is known: when `change` (the length of a parameter) is.
Shape only_rank(int64_t rank, int64_t change) {
  const int64_t out = change == INT64_MIN ? -1 : rank + change;
  return out >= 0 && out <= kMaxRank ? Shape(Dims(static_cast<size_t>(out), -1)) : std::nullopt;
}

// Number of elements of a rank-1 parameter, INT64_MIN when unknown.
int64_t length_of(const Call& call, uint32_t input) {
  const Shape& shape = call.shape(input);
  const bool known = call.has(input) && shape && shape->size() == 1 && (*shape)[0] >= 0 && (*shape)[0] <= kMaxRank;
  return known ? (*shape)[0] : INT64_MIN;
}

int64_t clamp_index(int64_t index, int64_t size, int64_t low, int64_t high) {
  if (index < 0) index = index < -size ? -1 : index + size;
  return std::clamp(index, low, high);
}

int64_t sliced(int64_t size, int64_t start, int64_t end, int64_t step) {
  if (size < 0 || step == 0 || step == INT64_MIN || start == kUnknownElement || end == kUnknownElement) return -1;
  if (step > 0) {
    start = clamp_index(start, size, 0, size);
    end = clamp_index(end, size, 0, size);
    return end > start ? (end - start - 1) / step + 1 : 0;
  }
  start = clamp_index(start, size, -1, size - 1);
  end = end < -size ? -1 : clamp_index(end, size, -1, size - 1);
  return start > end ? (start - end - 1) / -step + 1 : 0;
}

int64_t scaled(int64_t size, double scale) {
  if (size < 0 || !(scale > 0) || !(scale < 1e9)) return -1;
  return whole_number(std::floor(static_cast<double>(size) * scale)).value_or(-1);
}

}  // namespace

void reshape(Call& call) {
  std::optional<Dims> target;
  if (!call.parameter("shape", 1, target) || !target)
    return call.set(0, call.dtype(0), only_rank(0, length_of(call, 1)));
  if (target->size() > kMaxRank) return call.set(0, call.dtype(0));
  const bool allow_zero = call.attribute("allowzero", 0) != 0;
  const Shape& x = call.shape(0);
  Dims out;
  size_t open = target->size();
  for (size_t i = 0; i < target->size(); ++i) {
    int64_t d = (*target)[i];
    if (d == 0 && !allow_zero)
      d = call.dim(0, i);
    else if (d == -1)
      open = i;
    else if (d < 0)
      d = -1;
    out.push_back(d);
  }
  if (open < out.size()) {
    out[open] = 1;
    const int64_t rest = product(out);
    const int64_t all = x ? product(*x) : -1;
    out[open] = all >= 0 && rest > 0 && all % rest == 0 ? all / rest : -1;
  }
  call.set(0, call.dtype(0), std::move(out));
}

void flatten(Call& call) {
  const Shape& x = call.shape(0);
  if (!x) return call.set(0, call.dtype(0), Dims{-1, -1});
  const auto rank = static_cast<int64_t>(x->size());
  int64_t axis = call.attribute("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) return call.set(0, call.dtype(0), Dims{-1, -1});
  const std::span all(*x);
  call.set(0, call.dtype(0),
           Dims{product(all.first(static_cast<size_t>(axis))), product(all.subspan(static_cast<size_t>(axis)))});
}

void transpose(Call& call) {
  const Shape& x = call.shape(0);
  if (!x) return call.set(0, call.dtype(0));
  Dims order = call.model.integers(call.node, "perm").value_or(Dims());
  if (order.empty())
    for (size_t i = x->size(); i-- > 0;) order.push_back(static_cast<int64_t>(i));
  if (order.size() != x->size()) return call.set(0, call.dtype(0));
  Dims out;
  for (const int64_t i : order) out.push_back(i >= 0 ? call.dim(0, static_cast<size_t>(i)) : -1);
  call.set(0, call.dtype(0), std::move(out));
}

void concat(Call& call) {
  Shape out = call.shape(0);
  const auto axis = out ? axis_in(call.attribute("axis", 1), out->size()) : std::nullopt;
  if (!axis) return call.set(0, call.dtype(0));
  for (uint32_t i = 1; i < call.node.inputs.count; ++i) {
    const Shape& next = call.shape(i);
    for (size_t d = 0; d < out->size(); ++d) {
      const int64_t size = next && next->size() == out->size() ? (*next)[d] : -1;
      if (d == *axis)
        (*out)[d] = add((*out)[d], size);
      else if ((*out)[d] < 0)
        (*out)[d] = size;
    }
  }
  call.set(0, call.dtype(0), std::move(out));
}

void slice(Call& call) {
  Shape out = call.shape(0);
  std::optional<Dims> starts, ends, axes, steps;
  const bool known = call.parameter("starts", 1, starts) && call.parameter("ends", 2, ends);
  if (!out) return call.set(0, call.dtype(0));
  if (!call.parameter("axes", 3, axes)) return call.set(0, call.dtype(0), Dims(out->size(), -1));
  const bool steps_known = call.parameter("steps", 4, steps);
  if (!known || !starts || !ends || !steps_known || starts->size() != ends->size()) {
    // Which axes are cut may still be known.
    if (!axes) return call.set(0, call.dtype(0), Dims(out->size(), -1));
    for (const int64_t a : *axes)
      if (const auto axis = axis_in(a, out->size())) (*out)[*axis] = -1;
    return call.set(0, call.dtype(0), std::move(out));
  }
  for (size_t i = 0; i < starts->size(); ++i) {
    const int64_t a = axes && i < axes->size() ? (*axes)[i] : static_cast<int64_t>(i);
    const auto axis = axis_in(a, out->size());
    if (!axis) return call.set(0, call.dtype(0));
    (*out)[*axis] = sliced((*out)[*axis], (*starts)[i], (*ends)[i], steps && i < steps->size() ? (*steps)[i] : 1);
  }
  call.set(0, call.dtype(0), std::move(out));
}

void split(Call& call) {
  const Shape x = call.shape(0);
  const auto axis = x ? axis_in(call.attribute("axis", 0), x->size()) : std::nullopt;
  std::optional<Dims> sizes;
  const bool known = call.parameter("split", 1, sizes);
  const int64_t parts = std::max<int64_t>(call.node.outputs.count, 1);
  for (uint32_t i = 0; i < call.node.outputs.count; ++i) {
    if (!axis) {
      call.set(i, call.dtype(0));
      continue;
    }
    Dims out = *x;
    int64_t& size = out[*axis];
    if (sizes) {
      size = i < sizes->size() ? std::max<int64_t>((*sizes)[i], -1) : -1;
    } else if (!known || size < 0) {
      size = -1;
    } else {
      // Equal parts; the last is smaller when they do not come out even.
      const int64_t part = (size + parts - 1) / parts;
      size = std::clamp<int64_t>(size - part * static_cast<int64_t>(i), 0, part);
    }
    call.set(i, call.dtype(0), std::move(out));
  }
}

void squeeze(Call& call) {
  const Shape& x = call.shape(0);
  std::optional<Dims> axes;
  if (!x) return call.set(0, call.dtype(0));
  const auto rank = static_cast<int64_t>(x->size());
  if (!call.parameter("axes", 1, axes)) {
    const int64_t fewer = length_of(call, 1);
    return call.set(0, call.dtype(0), only_rank(rank, fewer == INT64_MIN ? fewer : -fewer));
  }
  const auto dropped = axes_in(axes.value_or(Dims()), x->size());
  if (!dropped || (!axes && std::count(x->begin(), x->end(), -1) > 0)) return call.set(0, call.dtype(0));
  Dims out;
  for (size_t i = 0; i < x->size(); ++i) {
    const bool drop = axes ? std::binary_search(dropped->begin(), dropped->end(), i) : (*x)[i] == 1;
    if (!drop) out.push_back((*x)[i]);
  }
  call.set(0, call.dtype(0), std::move(out));
}

void unsqueeze(Call& call) {
  const Shape& x = call.shape(0);
  std::optional<Dims> axes;
  if (!x) return call.set(0, call.dtype(0));
  if (!call.parameter("axes", 1, axes) || !axes)
    return call.set(0, call.dtype(0), only_rank(static_cast<int64_t>(x->size()), length_of(call, 1)));
  if (x->size() + axes->size() > kMaxRank) return call.set(0, call.dtype(0));
  const size_t rank = x->size() + axes->size();
  const auto added = axes_in(*axes, rank);
  if (!added || added->size() != axes->size()) return call.set(0, call.dtype(0));
  Dims out;
  for (size_t i = 0, from = 0; i < rank; ++i)
    out.push_back(std::binary_search(added->begin(), added->end(), i) ? 1 : (*x)[from++]);
  call.set(0, call.dtype(0), std::move(out));
}

void pad(Call& call) {
  Shape out = call.shape(0);
  std::optional<Dims> pads, axes;
  if (!out) return call.set(0, call.dtype(0));
  if (!call.parameter("pads", 1, pads) || !pads || !call.parameter("axes", 3, axes))
    return call.set(0, call.dtype(0), Dims(out->size(), -1));
  if (!axes) {
    axes.emplace();
    for (size_t i = 0; i < out->size(); ++i) axes->push_back(static_cast<int64_t>(i));
  }
  if (pads->size() != 2 * axes->size()) return call.set(0, call.dtype(0), Dims(out->size(), -1));
  for (size_t i = 0; i < axes->size(); ++i) {
    const auto axis = axis_in((*axes)[i], out->size());
    if (!axis) return call.set(0, call.dtype(0));
    int64_t& size = (*out)[*axis];
    int64_t padded = 0;
    if (size < 0 || __builtin_add_overflow(size, (*pads)[i], &padded) ||
        __builtin_add_overflow(padded, (*pads)[i + axes->size()], &padded))
      padded = -1;
    size = std::max<int64_t>(padded, -1);
  }
  call.set(0, call.dtype(0), std::move(out));
}

void gather(Call& call) {
  const Shape& x = call.shape(0);
  const Shape& indices = call.shape(1);
  const auto axis = x ? axis_in(call.attribute("axis", 0), x->size()) : std::nullopt;
  if (!axis || !indices || x->size() + indices->size() > kMaxRank) return call.set(0, call.dtype(0));
  Dims out(x->begin(), x->begin() + static_cast<std::ptrdiff_t>(*axis));
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), x->begin() + static_cast<std::ptrdiff_t>(*axis) + 1, x->end());
  call.set(0, call.dtype(0), std::move(out));
}

void gather_elements(Call& call) { call.set(0, call.dtype(0), call.shape(1)); }

void gather_nd(Call& call) {
  const Shape& x = call.shape(0);
  const Shape& indices = call.shape(1);
  const int64_t batch = call.attribute("batch_dims", 0);
  if (!x || !indices || indices->empty() || batch < 0 || indices->back() < 0) return call.set(0, call.dtype(0));
  const int64_t from = add(batch, indices->back());
  if (from < 0 || from > static_cast<int64_t>(x->size()) || indices->size() + x->size() > kMaxRank)
    return call.set(0, call.dtype(0));
  Dims out(indices->begin(), indices->end() - 1);
  out.insert(out.end(), x->begin() + static_cast<std::ptrdiff_t>(from), x->end());
  call.set(0, call.dtype(0), std::move(out));
}

void expand(Call& call) {
  std::optional<Dims> target;
  if (!call.parameter({}, 1, target) || !target) {
    const auto rank = call.shape(0) ? static_cast<int64_t>(call.shape(0)->size()) : INT64_MIN;
    const int64_t length = length_of(call, 1);
    return call.set(0, call.dtype(0), rank < 0 || length < 0 ? std::nullopt : only_rank(0, std::max(rank, length)));
  }
  if (target->size() > kMaxRank) return call.set(0, call.dtype(0));
  for (int64_t& d : *target) d = std::max<int64_t>(d, -1);
  call.set(0, call.dtype(0), broadcast(call.shape(0), Shape(std::move(target))));
}

void tile(Call& call) {
  Shape out = call.shape(0);
  std::optional<Dims> repeats;
  if (out && call.parameter({}, 1, repeats) && repeats && repeats->size() == out->size()) {
    for (size_t i = 0; i < out->size(); ++i) (*out)[i] = multiply((*out)[i], (*repeats)[i]);
  } else if (out) {
    out = Dims(out->size(), -1);
  }
  call.set(0, call.dtype(0), std::move(out));
}

// Inputs: x, roi, scales, sizes; before opset 11 and for Upsample: x, scales.
void resize(Call& call) {
  const Shape& x = call.shape(0);
  if (!x) return call.set(0, call.dtype(0));
  Dims axes = call.model.integers(call.node, "axes").value_or(Dims());
  if (axes.empty())
    for (size_t i = 0; i < x->size(); ++i) axes.push_back(static_cast<int64_t>(i));
  const std::string_view policy = call.model.text(call.node, "keep_aspect_ratio_policy");
  const bool old = call.node.op == "Upsample" || call.node.inputs.count == 2;
  const auto sizes = !old && call.has(3) ? call.integers(3) : std::nullopt;
  auto scales = call.reals(old ? 1 : 2);
  if (const Attribute* a = call.model.attribute(call.node, "scales"); a != nullptr && call.node.op == "Upsample") {
    const auto stated = attribute_reals(*a);
    scales = std::vector<double>(stated.begin(), stated.end());
  }
  Dims out = *x;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = axis_in(axes[i], out.size());
    if (!axis) return call.set(0, call.dtype(0));
    int64_t& size = out[*axis];
    if (sizes && sizes->size() == axes.size())
      size = policy.empty() || policy == "stretch" ? std::max<int64_t>((*sizes)[i], -1) : -1;
    else
      size = scales && scales->size() == axes.size() ? scaled(size, (*scales)[i]) : -1;
  }
  call.set(0, call.dtype(0), std::move(out));
}

void depth_to_space(Call& call) {
  Shape out = call.shape(0);
  const int64_t block = call.attribute("blocksize", 0);
  const int64_t square = multiply(block, block);
  if (!out || out->size() != 4 || square <= 0) return call.set(0, call.dtype(0));
  (*out)[1] = (*out)[1] < 0 ? -1 : (*out)[1] / square;
  (*out)[2] = multiply((*out)[2], block);
  (*out)[3] = multiply((*out)[3], block);
  call.set(0, call.dtype(0), std::move(out));
}

void space_to_depth(Call& call) {
  Shape out = call.shape(0);
  const int64_t block = call.attribute("blocksize", 0);
  if (!out || out->size() != 4 || block <= 0) return call.set(0, call.dtype(0));
  (*out)[1] = multiply((*out)[1], multiply(block, block));
  for (size_t i = 2; i < 4; ++i) (*out)[i] = (*out)[i] < 0 ? -1 : (*out)[i] / block;
  call.set(0, call.dtype(0), std::move(out));
}

}  // namespace snapgauge::onnx
