#include "formats/onnx/shapes.h"

#include <algorithm>
#include <array>

namespace snapgauge::onnx {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 48;

// Operators by class.

void same(Call& call) { call.set(0, call.dtype(0), call.shape(0)); }

void same_bool(Call& call) { call.set(0, DType::kBool8, call.shape(0)); }

void dropout(Call& call) {
  same(call);
  call.set(1, DType::kBool8, call.shape(0));
}

// Statistics behind the result have the shape of the input with the normalized axes reduced to 1.
void layer_norm(Call& call) {
  same(call);
  Shape reduced = call.shape(0);
  const auto axis = reduced ? axis_in(call.attribute("axis", -1), reduced->size()) : std::nullopt;
  if (axis) std::fill(reduced->begin() + static_cast<std::ptrdiff_t>(*axis), reduced->end(), 1);
  for (uint32_t i = 1; i < 3; ++i) call.set(i, DType::kFloat32, axis ? reduced : std::nullopt);
}

Shape broadcast_inputs(const Call& call) {
  Shape out = call.shape(0);
  for (uint32_t i = 1; i < call.node.inputs.count; ++i) out = broadcast(out, call.shape(i));
  return out;
}

void elementwise(Call& call) {
  DType dtype = call.dtype(0);
  for (uint32_t i = 1; i < call.node.inputs.count && dtype == DType::kUndefined && call.node.op != "Pow"; ++i)
    dtype = call.dtype(i);
  call.set(0, dtype, broadcast_inputs(call));
}

void comparison(Call& call) { call.set(0, DType::kBool8, broadcast_inputs(call)); }

void where(Call& call) { call.set(0, call.dtype(1), broadcast_inputs(call)); }

// a, scale, zero point, b, scale, zero point, output scale, output zero point
void qlinear_binary(Call& call) { call.set(0, call.dtype(0), broadcast(call.shape(0), call.shape(3))); }

void qlinear_concat(Call& call) { call.set(0, call.dtype(2)); }

Shape matmul_shape(const Shape& a, const Shape& b, bool transpose_a = false, bool transpose_b = false) {
  if (!a || !b || a->empty() || b->empty()) return std::nullopt;
  Dims x = *a, y = *b;
  if (transpose_a && x.size() > 1) std::swap(x[x.size() - 1], x[x.size() - 2]);
  if (transpose_b && y.size() > 1) std::swap(y[y.size() - 1], y[y.size() - 2]);
  const bool vector_a = x.size() == 1, vector_b = y.size() == 1;
  if (vector_a) x.insert(x.begin(), 1);
  if (vector_b) y.push_back(1);
  Shape out = broadcast(Shape(Dims(x.begin(), x.end() - 2)), Shape(Dims(y.begin(), y.end() - 2)));
  if (!out) return out;
  if (!vector_a) out->push_back(x[x.size() - 2]);
  if (!vector_b) out->push_back(y.back());
  return out;
}

void matmul(Call& call) {
  const bool fused = call.node.op == "FusedMatMul";
  call.set(0, call.dtype(0),
           matmul_shape(call.shape(0), call.shape(1), fused && call.attribute("transA", 0) != 0,
                        fused && call.attribute("transB", 0) != 0));
}

void matmul_integer(Call& call) { call.set(0, DType::kInt32, matmul_shape(call.shape(0), call.shape(1))); }

void qlinear_matmul(Call& call) { call.set(0, call.dtype(7), matmul_shape(call.shape(0), call.shape(3))); }

void gemm(Call& call) {
  call.set(0, call.dtype(0),
           Dims{call.dim(0, call.attribute("transA", 0) != 0 ? 1 : 0),
                call.dim(1, call.attribute("transB", 0) != 0 ? 0 : 1)});
}

void qgemm(Call& call) {
  call.set(0, call.has(8) ? call.dtype(8) : DType::kFloat32,
           Dims{call.dim(0, call.attribute("transA", 0) != 0 ? 1 : 0),
                call.dim(3, call.attribute("transB", 0) != 0 ? 0 : 1)});
}

void matmul_nbits(Call& call) {
  Shape out = call.shape(0);
  if (out && !out->empty()) out->back() = std::max<int64_t>(call.attribute("N", -1), -1);
  call.set(0, call.dtype(0), std::move(out));
}

void reduce(Call& call) {
  const Shape& x = call.shape(0);
  std::optional<Dims> axes;
  const bool keep = call.attribute("keepdims", 1) != 0;
  if (!x) return call.set(0, call.dtype(0));
  if (!call.parameter("axes", 1, axes))
    return call.set(0, call.dtype(0), keep ? Shape(Dims(x->size(), -1)) : std::nullopt);
  const bool all = !axes || axes->empty();
  if (all && call.attribute("noop_with_empty_axes", 0) != 0) return same(call);
  std::vector<bool> reduced(x->size(), all);
  if (!all) {
    for (const int64_t a : *axes) {
      const auto axis = axis_in(a, x->size());
      if (!axis) return call.set(0, call.dtype(0));
      reduced[*axis] = true;
    }
  }
  Dims out;
  for (size_t i = 0; i < x->size(); ++i) {
    if (!reduced[i])
      out.push_back((*x)[i]);
    else if (keep)
      out.push_back(1);
  }
  call.set(0, call.dtype(0), std::move(out));
}

void arg_extreme(Call& call) {
  Shape out = call.shape(0);
  const auto axis = out ? axis_in(call.attribute("axis", 0), out->size()) : std::nullopt;
  if (!axis) return call.set(0, DType::kInt64);
  if (call.attribute("keepdims", 1) != 0)
    (*out)[*axis] = 1;
  else
    out->erase(out->begin() + static_cast<std::ptrdiff_t>(*axis));
  call.set(0, DType::kInt64, std::move(out));
}

void top_k(Call& call) {
  Shape out = call.shape(0);
  const auto axis = out ? axis_in(call.attribute("axis", -1), out->size()) : std::nullopt;
  std::optional<Dims> k;
  if (!call.has(1))
    k = Dims{call.attribute("k", -1)};
  else
    k = call.integers(1);
  if (axis) (*out)[*axis] = k && k->size() == 1 ? std::max<int64_t>((*k)[0], -1) : -1;
  call.set(0, call.dtype(0), axis ? out : std::nullopt);
  call.set(1, DType::kInt64, axis ? out : std::nullopt);
}

void cast(Call& call) { call.set(0, dtype_of(call.attribute("to", 0)), call.shape(0)); }

void cast_like(Call& call) { call.set(0, call.dtype(1), call.shape(0)); }

void shape_of(Call& call) {
  const Shape& x = call.shape(0);
  if (!x) return call.set(0, DType::kInt64, Dims{-1});
  const auto rank = static_cast<int64_t>(x->size());
  auto bound = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? (i < -rank ? 0 : i + rank) : i, 0, rank); };
  const int64_t first = bound(call.attribute("start", 0));
  const int64_t last = std::max(first, bound(call.attribute("end", rank)));
  Dims values(x->begin() + first, x->begin() + last);
  for (int64_t& v : values)
    if (v < 0) v = kUnknownElement;
  call.set(0, DType::kInt64, Dims{last - first});
  call.set_integers(std::move(values));
}

void size_of(Call& call) { call.set(0, DType::kInt64, Dims{}); }

void constant_of_shape(Call& call) {
  const Attribute* a = call.model.attribute(call.node, "value");
  const DType dtype = a == nullptr            ? DType::kFloat32
                      : a->tensors.count == 1 ? call.model.tensors[a->tensors.first].dtype
                                              : DType::kUndefined;
  auto shape = call.integers(0);
  if (shape)
    for (int64_t& d : *shape) d = std::max<int64_t>(d, -1);
  call.set(0, dtype, shape);
}

void range(Call& call) { call.set(0, call.dtype(0), Dims{-1}); }

void nonzero(Call& call) {
  call.set(0, DType::kInt64, Dims{call.shape(0) ? static_cast<int64_t>(call.shape(0)->size()) : -1, -1});
}

void quantize(Call& call) {
  DType dtype = DType::kUint8;
  if (call.has(2))
    dtype = call.dtype(2);
  else if (const int64_t stated = call.attribute("output_dtype", 0); stated != 0)
    dtype = dtype_of(stated);
  call.set(0, dtype, call.shape(0));
}

void dequantize(Call& call) {
  const int64_t stated = call.attribute("output_dtype", 0);
  call.set(0, stated != 0 ? dtype_of(stated) : call.dtype(1), call.shape(0));
}

void dynamic_quantize(Call& call) {
  call.set(0, DType::kUint8, call.shape(0));
  call.set(1, DType::kFloat32, Dims{});
  call.set(2, DType::kUint8, Dims{});
}

// Only plain equations: letters, commas and an arrow.
void einsum(Call& call) {
  const std::string_view equation = call.model.text(call.node, "equation");
  std::array<int64_t, 256> size;
  size.fill(-1);
  std::array<int, 256> seen{};
  const size_t arrow = equation.find("->");
  uint32_t input = 0;
  size_t axis = 0;
  for (const char c : equation.substr(0, arrow)) {
    const auto letter = static_cast<unsigned char>(c);
    if (c == ' ') continue;
    if (c == '.') return call.set(0, call.dtype(0));
    if (c == ',') {
      ++input;
      axis = 0;
      continue;
    }
    ++seen[letter];
    // A size of 1 broadcasts.
    if (const int64_t d = call.dim(input, axis++); d > size[letter]) size[letter] = d;
  }
  Dims out;
  if (arrow == std::string_view::npos) {
    for (size_t letter = 0; letter < seen.size(); ++letter)
      if (seen[letter] == 1) out.push_back(size[letter]);
  } else {
    for (const char c : equation.substr(arrow + 2))
      if (c == '.')
        return call.set(0, call.dtype(0));
      else if (c != ' ')
        out.push_back(size[static_cast<unsigned char>(c)]);
  }
  call.set(0, call.dtype(0), out.size() <= kMaxRank ? Shape(std::move(out)) : std::nullopt);
}

void recurrent(Call& call) {
  if (call.attribute("layout", 0) != 0) return;
  const int64_t directions = call.model.text(call.node, "direction") == "bidirectional" ? 2 : 1;
  const int64_t hidden = std::max<int64_t>(call.attribute("hidden_size", -1), -1);
  call.set(0, call.dtype(0), Dims{call.dim(0, 0), directions, call.dim(0, 1), hidden});
  for (uint32_t i = 1; i < 3; ++i) call.set(i, call.dtype(0), Dims{directions, call.dim(0, 1), hidden});
}

void grid_sample(Call& call) {
  const Shape& grid = call.shape(1);
  if (!grid || grid->size() < 3) return call.set(0, call.dtype(0));
  Dims out{call.dim(0, 0), call.dim(0, 1)};
  out.insert(out.end(), grid->begin() + 1, grid->end() - 1);
  call.set(0, call.dtype(0), std::move(out));
}

void roi_align(Call& call) {
  call.set(0, call.dtype(0),
           Dims{call.dim(1, 0), call.dim(0, 1), multiply(call.attribute("output_height", 1), 1),
                multiply(call.attribute("output_width", 1), 1)});
}

// signal, frame_step, window, frame_length; the result has real and imaginary parts last
void stft(Call& call) {
  const auto step = call.integers(1);
  const auto stated = call.has(3) ? call.integers(3) : std::nullopt;
  const int64_t length = stated && stated->size() == 1 ? (*stated)[0] : call.dim(2, 0);
  const int64_t size = call.dim(0, 1);
  Dims out{call.dim(0, 0), -1, -1, 2};
  if (length > 0) out[2] = call.attribute("onesided", 1) != 0 ? length / 2 + 1 : length;
  if (step && step->size() == 1 && (*step)[0] > 0 && length > 0 && size >= length)
    out[1] = (size - length) / (*step)[0] + 1;
  call.set(0, call.dtype(0), std::move(out));
}

struct Class {
  ShapeFunction function;
  std::string_view ops;
};

constexpr Class kClasses[] = {
    {same,
     " Abs Acos Acosh Asin Asinh Atan Atanh BiasGelu BitwiseNot Ceil Celu Clip Cos Cosh CumSum Elu Erf Exp FastGelu "
     "Floor Gelu HardSigmoid HardSwish Hardmax Identity Inverse LRN LeakyRelu Log LogSoftmax LpNormalization "
     "MeanVarianceNormalization Mish Neg PRelu QLinearLeakyRelu QLinearSigmoid QLinearSoftmax QuickGelu Reciprocal "
     "Relu Round ScatterElements ScatterND Scatter Selu Shrink Sigmoid Sign Sin Sinh SkipLayerNormalization "
     "SkipSimplifiedLayerNormalization Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu "
     "BatchNormalization GroupNormalization InstanceNormalization "},
    {same_bool, " Not IsNaN IsInf "},
    {dropout, " Dropout "},
    {layer_norm, " LayerNormalization SimplifiedLayerNormalization RMSNormalization "},
    {elementwise, " Add Sub Mul Div Pow Mod Max Min Mean Sum BitShift BitwiseAnd BitwiseOr BitwiseXor "},
    {comparison, " Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor "},
    {where, " Where "},
    {conv, " Conv FusedConv "},
    {conv_integer, " ConvInteger "},
    {qlinear_conv, " QLinearConv "},
    {conv_transpose, " ConvTranspose "},
    {pool, " AveragePool MaxPool LpPool QLinearAveragePool "},
    {global_pool, " GlobalAveragePool GlobalMaxPool GlobalLpPool QLinearGlobalAveragePool "},
    {matmul, " MatMul FusedMatMul "},
    {matmul_integer, " MatMulInteger "},
    {qlinear_matmul, " QLinearMatMul "},
    {qlinear_binary, " QLinearAdd QLinearMul "},
    {qlinear_concat, " QLinearConcat "},
    {gemm, " Gemm "},
    {qgemm, " QGemm "},
    {matmul_nbits, " MatMulNBits "},
    {reduce,
     " ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
     "ReduceSumSquare "},
    {arg_extreme, " ArgMax ArgMin "},
    {top_k, " TopK "},
    {cast, " Cast "},
    {cast_like, " CastLike "},
    {shape_of, " Shape "},
    {size_of, " Size "},
    {constant_of_shape, " ConstantOfShape "},
    {range, " Range "},
    {nonzero, " NonZero "},
    {quantize, " QuantizeLinear "},
    {dequantize, " DequantizeLinear "},
    {dynamic_quantize, " DynamicQuantizeLinear "},
    {einsum, " Einsum "},
    {recurrent, " LSTM GRU RNN "},
    {grid_sample, " GridSample "},
    {roi_align, " RoiAlign "},
    {stft, " STFT "},
    {reshape, " Reshape "},
    {flatten, " Flatten "},
    {transpose, " Transpose "},
    {concat, " Concat "},
    {slice, " Slice "},
    {split, " Split "},
    {squeeze, " Squeeze "},
    {unsqueeze, " Unsqueeze "},
    {pad, " Pad "},
    {gather, " Gather "},
    {gather_elements, " GatherElements "},
    {gather_nd, " GatherND "},
    {expand, " Expand "},
    {tile, " Tile "},
    {resize, " Resize Upsample "},
    {depth_to_space, " DepthToSpace "},
    {space_to_depth, " SpaceToDepth "},
};

std::unordered_map<std::string_view, ShapeFunction> index_of_classes() {
  std::unordered_map<std::string_view, ShapeFunction> index;
  for (const Class& c : kClasses) {
    for (size_t at = 1; at < c.ops.size();) {
      const size_t end = c.ops.find(' ', at);
      index.emplace(c.ops.substr(at, end - at), c.function);
      at = end + 1;
    }
  }
  return index;
}

}  // namespace

ShapeFunction shape_function(std::string_view op) {
  static const auto kIndex = index_of_classes();
  const auto it = kIndex.find(op);
  return it == kIndex.end() ? nullptr : it->second;
}

int64_t multiply(int64_t a, int64_t b) {
  int64_t out = 0;
  return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &out) || out > kMaxSize ? -1 : out;
}

int64_t add(int64_t a, int64_t b) {
  int64_t out = 0;
  return a < 0 || b < 0 || __builtin_add_overflow(a, b, &out) || out > kMaxSize ? -1 : out;
}

int64_t product(std::span<const int64_t> dims) {
  int64_t out = 1;
  for (const int64_t d : dims) out = multiply(out, d);
  return out;
}

std::optional<size_t> axis_in(int64_t axis, size_t rank) {
  const auto n = static_cast<int64_t>(rank);
  if (axis < -n || axis >= n) return std::nullopt;
  return static_cast<size_t>(axis < 0 ? axis + n : axis);
}

Shape broadcast(const Shape& a, const Shape& b) {
  if (!a || !b) return std::nullopt;
  const Dims& longer = a->size() >= b->size() ? *a : *b;
  const Dims& shorter = a->size() >= b->size() ? *b : *a;
  Dims out = longer;
  const size_t skip = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t& x = out[skip + i];
    const int64_t y = shorter[i];
    if (x == y || y == 1) continue;
    if (x == 1 || (x < 0 && y > 1))
      x = y;
    else if (!(x > 1 && y < 0))
      x = -1;
  }
  return out;
}

}  // namespace snapgauge::onnx
