// Output sizes of convolutions and pools.
#include "formats/onnx/shapes.h"

namespace snapgauge::onnx {
namespace {

struct Window {
  Dims kernel, strides, dilations, pads;
  std::string_view auto_pad;
  bool ceil = false;
};

// Attributes of the wrong length make the window unusable.
std::optional<Window> window_of(const Call& call, size_t spatial, std::optional<Dims> kernel) {
  Window w;
  auto list = [&](std::string_view name, size_t size, int64_t otherwise) {
    return call.model.integers(call.node, name).value_or(Dims(size, otherwise));
  };
  if (auto stated = call.model.integers(call.node, "kernel_shape")) kernel = std::move(stated);
  if (!kernel) return std::nullopt;
  w.kernel = std::move(*kernel);
  w.strides = list("strides", spatial, 1);
  w.dilations = list("dilations", spatial, 1);
  w.pads = list("pads", 2 * spatial, 0);
  w.auto_pad = call.model.text(call.node, "auto_pad");
  w.ceil = call.attribute("ceil_mode", 0) != 0;
  if (w.kernel.size() != spatial || w.strides.size() != spatial || w.dilations.size() != spatial ||
      w.pads.size() != 2 * spatial)
    return std::nullopt;
  return w;
}

bool same_padding(const Window& w) { return w.auto_pad == "SAME_UPPER" || w.auto_pad == "SAME_LOWER"; }

// Size of a dilated kernel.
int64_t extent(const Window& w, size_t i) {
  return w.kernel[i] < 1 ? -1 : add(multiply(w.kernel[i] - 1, w.dilations[i]), 1);
}

int64_t window_size(const Window& w, size_t i, int64_t size) {
  if (size < 0 || w.strides[i] <= 0) return -1;
  if (same_padding(w)) return (size - 1) / w.strides[i] + 1;
  const size_t spatial = w.kernel.size();
  const int64_t pads = w.auto_pad == "VALID" ? 0 : add(w.pads[i], w.pads[i + spatial]);
  const int64_t reach = extent(w, i);
  const int64_t padded = add(size, pads);
  if (reach < 0 || pads < 0 || padded < reach) return -1;
  const int64_t steps = padded - reach;
  int64_t out = (w.ceil ? steps / w.strides[i] + (steps % w.strides[i] != 0 ? 1 : 0) : steps / w.strides[i]) + 1;
  // With ceil_mode a last window that would start in the end padding is dropped.
  if (w.ceil && multiply(out - 1, w.strides[i]) >= add(size, w.pads[i])) --out;
  return out;
}

Shape conv_shape(const Call& call, uint32_t input, uint32_t weight) {
  const Shape& x = call.shape(input);
  const Shape& k = call.shape(weight);
  if (!x || x->size() < 2) return std::nullopt;
  const size_t spatial = x->size() - 2;
  std::optional<Dims> kernel;
  if (k && k->size() == x->size()) kernel = Dims(k->begin() + 2, k->end());
  Dims out{(*x)[0], k && !k->empty() ? (*k)[0] : -1};
  const auto w = window_of(call, spatial, std::move(kernel));
  for (size_t i = 0; i < spatial; ++i) out.push_back(w ? window_size(*w, i, (*x)[i + 2]) : -1);
  return out;
}

int64_t transposed_size(const Call& call, const Window& w, size_t i, int64_t size) {
  const size_t spatial = w.kernel.size();
  if (const auto stated = call.model.integers(call.node, "output_shape")) {
    // Old files state all dimensions, newer ones the spatial ones.
    if (stated->size() == spatial) return (*stated)[i];
    return stated->size() == spatial + 2 ? (*stated)[i + 2] : -1;
  }
  if (size < 0 || w.strides[i] <= 0) return -1;
  if (same_padding(w)) return multiply(size, w.strides[i]);
  const Dims extra = call.model.integers(call.node, "output_padding").value_or(Dims(spatial, 0));
  if (extra.size() != spatial) return -1;
  const int64_t pads = w.auto_pad == "VALID" ? 0 : add(w.pads[i], w.pads[i + spatial]);
  const int64_t full = add(add(multiply(size - 1, w.strides[i]), extra[i]), extent(w, i));
  return full < 0 || pads < 0 || full < pads ? -1 : full - pads;
}

}  // namespace

void conv(Call& call) { call.set(0, call.dtype(0), conv_shape(call, 0, 1)); }

void conv_integer(Call& call) { call.set(0, DType::kInt32, conv_shape(call, 0, 1)); }

// x, scale, zero point, w, scale, zero point, output scale, output zero point
void qlinear_conv(Call& call) { call.set(0, call.dtype(7), conv_shape(call, 0, 3)); }

void conv_transpose(Call& call) {
  const Shape& x = call.shape(0);
  const Shape& k = call.shape(1);
  if (!x || x->size() < 2) return call.set(0, call.dtype(0));
  const size_t spatial = x->size() - 2;
  std::optional<Dims> kernel;
  if (k && k->size() == x->size()) kernel = Dims(k->begin() + 2, k->end());
  Dims out{(*x)[0], multiply(call.dim(1, 1), call.attribute("group", 1))};
  const auto w = window_of(call, spatial, std::move(kernel));
  for (size_t i = 0; i < spatial; ++i) out.push_back(w ? transposed_size(call, *w, i, (*x)[i + 2]) : -1);
  call.set(0, call.dtype(0), std::move(out));
}

void pool(Call& call) {
  const Shape& x = call.shape(0);
  Shape shape;
  if (x && x->size() >= 2) {
    // com.microsoft's quantized pools may run channels-last.
    const bool last = call.attribute("channels_last", 0) != 0;
    const size_t first = last ? 1 : 2;
    shape = *x;
    const auto w = window_of(call, x->size() - 2, std::nullopt);
    for (size_t i = 0; i + 2 < x->size(); ++i) (*shape)[i + first] = w ? window_size(*w, i, (*x)[i + first]) : -1;
  }
  call.set(0, call.dtype(0), shape);
  call.set(1, DType::kInt64, shape);  // indices of MaxPool
}

void global_pool(Call& call) {
  Shape shape = call.shape(0);
  const bool last = call.attribute("channels_last", 0) != 0;
  if (shape)
    for (size_t i = last ? 1 : 2; i + (last ? 1 : 0) < shape->size(); ++i) (*shape)[i] = 1;
  call.set(0, call.dtype(0), std::move(shape));
}

}  // namespace snapgauge::onnx
