#include "lower/compositions.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace snapgauge {
namespace {

using Dims = std::vector<int64_t>;

/// Steps on floats, in the dimensions that their operands have.
class Floats {
 public:
  explicit Floats(OpLowering& op) : op_(op) {}

  BufferId binary(Function function, BufferId a, BufferId b) {
    const Dims &x = op_.buffer(a).dims, &y = op_.buffer(b).dims;
    Dims dims(std::max(x.size(), y.size()), 1);
    for (const Dims* operand : {&x, &y})
      for (size_t i = 0; i < operand->size(); ++i)
        if (int64_t& size = dims[dims.size() - 1 - i]; size == 1) size = (*operand)[operand->size() - 1 - i];
    return op_.emit(StepKind::kBinary, {a, b}, std::move(dims), kReal, Elementwise{function, 0, 0});
  }
  BufferId binary(Function function, BufferId a, double b) {
    return binary(function, a, op_.forms().constant(static_cast<float>(b)));
  }
  BufferId unary(Function function, BufferId x) {
    return op_.emit(StepKind::kUnary, {x}, Dims(op_.buffer(x).dims), kReal, Elementwise{function, 0, 0});
  }
  /// Dimensions stay, with size 1.
  BufferId reduce(Function function, BufferId x, const Dims& axes) {
    Dims dims = op_.buffer(x).dims;
    for (const int64_t a : axes) dims[static_cast<size_t>(a)] = 1;
    return op_.emit(StepKind::kReduce, {x}, std::move(dims), kReal, OverAxes{axes, 0, function});
  }
  /// (x - mean) / sqrt(variance + epsilon), both over `axes`.
  BufferId normal(BufferId x, const Dims& axes, double epsilon) {
    const BufferId centred = binary(Function::kSub, x, reduce(Function::kMean, x, axes));
    const BufferId variance = reduce(Function::kMean, binary(Function::kMul, centred, centred), axes);
    return binary(Function::kMul, centred, unary(Function::kRsqrt, binary(Function::kAdd, variance, epsilon)));
  }
  /// x * scale + bias, of operands 1 and 2, by channel.
  BufferId affine(BufferId x) {
    if (op_.has(1)) x = binary(Function::kMul, x, op_.real(1));
    return op_.has(2) ? binary(Function::kAdd, x, op_.real(2)) : x;
  }

 private:
  OpLowering& op_;
};

constexpr int64_t kMostElements = int64_t{1} << 40U, kMostDepth = int64_t{1} << 10U;
constexpr int64_t kMostPlaces = int64_t{1} << 24U;  // along a dimension, of which a table is made

Dims range(int64_t first, int64_t last) {
  Dims out(static_cast<size_t>(std::max<int64_t>(0, last - first)));
  std::iota(out.begin(), out.end(), first);
  return out;
}

/// Of a tensor, for products of its sizes.
void check_size(const Dims& dims) {
  int64_t elements = 1;
  for (const int64_t d : dims)
    if (d < 0 || __builtin_mul_overflow(elements, d, &elements) || elements > kMostElements)
      throw LowerFailure{"a tensor larger than any memory"};
}

}  // namespace

/// The backend's weight and bias are scale / sqrt(variance + epsilon) and bias - mean * that: the statistics are values
/// of the row, since no port has them.
void batch_norm(OpLowering& op) {
  if (op.is_quantized(1)) throw LowerFailure{"a batch norm with quantized parameters"};
  Floats f(op);
  const std::vector<double> mean = op.numbers("mean"), variance = op.numbers("variance");
  const double epsilon = op.number("variance_epsilon");
  std::vector<float> factor, shift;
  for (size_t i = 0; i < mean.size() && i < variance.size(); ++i) {
    factor.push_back(static_cast<float>(1 / std::sqrt(variance[i] + epsilon)));
    shift.push_back(static_cast<float>(-mean[i]));
  }
  const Dims& dims = op.buffer(op.real(0)).dims;
  if (factor.empty() || dims.empty() || static_cast<int64_t>(factor.size()) != dims.back())
    throw LowerFailure{"the statistics of a batch norm are not in the file"};
  const BufferId centred = f.binary(Function::kAdd, op.real(0), op.forms().constant(shift));
  op.result(0, f.affine(f.binary(Function::kMul, centred, op.forms().constant(factor))));
}

void instance_norm(OpLowering& op) {
  const std::string region = op.word("region"), mode = op.word("mode");
  if ((!region.empty() && region != "ACROSS_SPATIAL") || (!mode.empty() && mode != "MU_SIGMA"))
    throw LowerFailure{"an instance norm of another kind"};
  Floats f(op);
  const BufferId x = op.real(0);
  const auto rank = static_cast<int64_t>(op.buffer(x).dims.size());
  if (rank < 3) throw LowerFailure{"an instance norm of another rank"};
  op.result(0, f.affine(f.normal(x, range(1, rank - 1), op.number("epsilon"))));
}

void group_norm(OpLowering& op) {
  Floats f(op);
  const BufferId x = op.real(0);
  const Dims dims = op.buffer(x).dims;
  const auto groups = static_cast<int64_t>(op.number("group"));
  if (dims.size() < 3 || groups < 1 || dims.back() % groups != 0) throw LowerFailure{"a group norm of another shape"};
  check_size(dims);
  const int64_t pixels = std::accumulate(dims.begin() + 1, dims.end() - 1, int64_t{1}, std::multiplies<>());
  const BufferId grouped = op.forms().view(x, {dims[0], pixels, groups, dims.back() / groups});
  const BufferId normal = f.normal(grouped, {1, 3}, op.number("epsilon"));
  op.result(0, f.affine(op.forms().view(normal, dims)));
}

void l2_norm(OpLowering& op) {
  Floats f(op);
  const BufferId x = op.real(0);
  const size_t rank = op.buffer(x).dims.size();
  Dims axes = op.integers("axes");
  if (axes.empty()) axes = {static_cast<int64_t>(op.number("axis", 0))};
  for (int64_t& a : axes) a = not_negative(a, rank);
  std::sort(axes.begin(), axes.end());
  const BufferId squares = f.reduce(Function::kSum, f.binary(Function::kMul, x, x), axes);
  const BufferId least = f.binary(Function::kMax, squares, op.number("epsilon", 1e-12));
  op.result(0, f.binary(Function::kMul, x, f.unary(Function::kRsqrt, least)));
}

namespace {

/// A window over [N, D, H, W, C].
struct Window3 {
  int64_t depth = 1, stride = 1, dilation = 1, before = 0, after = 0;  // of the first dimension
  Window plane;                                                        // of the others

  static Window3 of(const OpLowering& op, const Dims& kernel) {
    const auto three = [&](std::string_view name) {
      Dims v = op.integers(name);
      if (v.empty()) v = {1};
      if (v.size() == 1) v.assign(3, v[0]);
      if (v.size() != 3) throw LowerFailure{"a window of another rank than 3"};
      return v;
    };
    Window3 w;
    if (kernel.size() < 3) throw LowerFailure{"a window of another rank than 3"};
    const Dims stride = three("stride"), dilation = three("dilation");
    Dims pads = op.integers("pad_amount");
    pads.resize(6);
    w.depth = kernel[0], w.stride = stride[0], w.dilation = dilation[0], w.before = pads[0], w.after = pads[1];
    w.plane.kernel = {kernel[1], kernel[2]};
    w.plane.stride = {stride[1], stride[2]};
    w.plane.dilation = {dilation[1], dilation[2]};
    w.plane.pad_before = {pads[2], pads[4]};
    w.plane.pad_after = {pads[3], pads[5]};
    const auto fits = [](int64_t v, int64_t least) { return v >= least && v <= kMostDepth; };
    if (!fits(w.depth, 1) || !fits(w.stride, 1) || !fits(w.dilation, 1) || !fits(w.before, 0) || !fits(w.after, 0))
      throw LowerFailure{"a window that does not fit"};
    return w;
  }
};

/// For each depth of a window, the images that it covers, one behind the other: [N * OD, H, W, C].
std::vector<BufferId> images_by_depth(OpLowering& op, BufferId x, const NumberForm& number, const Window3& w,
                                      int64_t depths) {
  Dims dims = op.buffer(x).dims;
  if (w.before > 0 || w.after > 0) {
    Padding pad;
    pad.before = {0, w.before, 0, 0, 0};
    dims[1] += w.before + w.after;
    x = op.emit(StepKind::kPad, {x}, dims, number, pad);
  }
  if (w.dilation * (w.depth - 1) + w.stride * (depths - 1) >= dims[1]) throw LowerFailure{"a window that does not fit"};
  std::vector<BufferId> out;
  for (int64_t k = 0; k < w.depth; ++k) {
    Region region{Dims(5), Dims(5, 1)};
    region.begin[1] = k * w.dilation;
    region.step[1] = w.stride;
    const BufferId taken = op.emit(StepKind::kSlice, {x}, {dims[0], depths, dims[2], dims[3], dims[4]}, number, region);
    out.push_back(op.forms().view(taken, {dims[0] * depths, dims[2], dims[3], dims[4]}));
  }
  return out;
}

Dims five(Dims dims, const char* what) {
  if (dims.size() != 5) throw LowerFailure{std::string(what) + " of another rank than 3"};
  check_size(dims);
  return dims;
}

}  // namespace

void convolution_3d(OpLowering& op) {
  const bool integers = op.multiplies_integers(1);
  const NumberForm number = integers ? op.number_at(0) : kReal;
  const BufferId x = op.given(0, integers), weights = op.given(1, integers);
  const Dims kernel = five(op.buffer(weights).dims, "a convolution");
  const Dims from = five(op.buffer(x).dims, "a convolution"), to = five(op.result_dims(0), "a convolution");
  const Window3 w = Window3::of(op, kernel);
  if (op.number("group", 1) != 1) throw LowerFailure{"a three-dimensional convolution in groups"};
  const std::vector<BufferId> images = images_by_depth(op, x, number, w, to[1]);
  const BufferId deep = op.emit(StepKind::kConcat, images, {from[0] * to[1], from[2], from[3], from[4] * w.depth},
                                number, OverAxes{{3}, 0, Function::kSum});
  // Of [D, H, W, I, O] to [H, W, D * I, O].
  const BufferId moved = op.forms().transposed(weights, {1, 2, 0, 3, 4}, op.node());
  std::vector<BufferId> in{deep, op.forms().view(moved, {kernel[1], kernel[2], kernel[0] * kernel[3], kernel[4]})};
  if (op.has(2)) in.push_back(op.bias(integers));
  op.result(0, op.emit(StepKind::kConvolution, in, {to[0] * to[1], to[2], to[3], to[4]},
                       integers ? op.result_number(0) : kReal, w.plane));
}

void max_pool_3d(OpLowering& op) {
  const Dims to = five(op.result_dims(0), "pooling");
  const Window3 w = Window3::of(op, op.integers("filter_size"));
  const BufferId x = op.operand(0);
  const NumberForm number = op.number_at(0);
  (void)five(op.buffer(x).dims, "pooling");
  if (w.before > 0 || w.after > 0) throw LowerFailure{"pooling with padding over the first of three dimensions"};
  const std::vector<BufferId> images = images_by_depth(op, x, number, w, to[1]);
  const Dims plane{to[0] * to[1], to[2], to[3], to[4]};
  // The largest of a window's depths, a channel each: [.., C * D], of which windows along the channels are taken.
  std::vector<BufferId> pooled;
  for (const BufferId image : images) {
    const BufferId one = op.emit(StepKind::kMaxPool, {image}, plane, number, w.plane);
    pooled.push_back(op.forms().view(one, {plane[0] * plane[1] * plane[2] * plane[3], 1, 1, 1}));
  }
  const auto depth = static_cast<int64_t>(pooled.size());
  const int64_t elements = plane[0] * plane[1] * plane[2] * plane[3];
  const BufferId together =
      op.emit(StepKind::kConcat, pooled, {elements, depth, 1, 1}, number, OverAxes{{1}, 0, Function::kSum});
  Window over;
  over.kernel = {depth, 1};
  op.result(0, op.emit(StepKind::kMaxPool, {together}, {elements, 1, 1, 1}, number, over));
}

void average_pool_3d(OpLowering& op) {
  const Dims to = five(op.result_dims(0), "pooling");
  Window3 w = Window3::of(op, op.integers("filter_size"));
  w.plane.count_padding = op.truth("count_pad_for_edges", false);
  const BufferId x = op.real(0);
  (void)five(op.buffer(x).dims, "pooling");
  // The mean of means is the mean where all of them are of as many elements.
  if ((w.before > 0 || w.after > 0) && !w.plane.count_padding)
    throw LowerFailure{"pooling with padding over the first of three dimensions"};
  Floats f(op);
  BufferId sum;
  for (const BufferId image : images_by_depth(op, x, kReal, w, to[1])) {
    const BufferId one = op.emit(StepKind::kAveragePool, {image}, {to[0] * to[1], to[2], to[3], to[4]}, kReal, w.plane);
    sum = sum.valid() ? f.binary(Function::kAdd, sum, one) : one;
  }
  op.result(0, f.binary(Function::kMul, sum, 1.0 / static_cast<double>(w.depth)));
}

void tile(OpLowering& op) {
  BufferId x = op.operand(0);
  const Dims multiples = op.integers("multiples");
  if (multiples.size() != op.buffer(x).dims.size()) throw LowerFailure{"a repetition of another rank"};
  for (size_t d = 0; d < multiples.size(); ++d) {
    Dims dims = op.buffer(x).dims;
    const int64_t size = dims[d];
    if (multiples[d] == 1) continue;
    if (multiples[d] < 0 || size > kMostPlaces || multiples[d] > kMostPlaces / std::max<int64_t>(1, size))
      throw LowerFailure{"a repetition that does not fit"};
    std::vector<int32_t> places;
    for (int64_t i = 0; i < size * multiples[d]; ++i) places.push_back(static_cast<int32_t>(i % size));
    dims[d] = static_cast<int64_t>(places.size());
    x = op.emit(StepKind::kGather, {x, op.forms().constant(places)}, std::move(dims), op.number_at(0),
                OverAxes{{static_cast<int64_t>(d)}, 0, Function::kSum});
  }
  op.result(0, x);
}

void pack(OpLowering& op) {
  const NumberForm number = op.result_number(0);
  const Dims dims = op.result_dims(0);
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis")), dims.size());
  Dims one = dims;
  one[static_cast<size_t>(axis)] = 1;
  std::vector<BufferId> in;
  for (size_t i = 0; i < op.inputs(); ++i) in.push_back(op.forms().view(op.operand(i, number, {}), one));
  op.result(0, op.emit(StepKind::kConcat, in, dims, number, OverAxes{{axis}, 0, Function::kSum}));
}

void unpack(OpLowering& op) {
  const BufferId x = op.operand(0);
  Dims dims = op.buffer(x).dims;
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis")), dims.size());
  if (static_cast<int64_t>(op.outputs()) > dims[static_cast<size_t>(axis)])
    throw LowerFailure{"more results than its axis has elements"};
  dims[static_cast<size_t>(axis)] = 1;
  for (size_t i = 0; i < op.outputs(); ++i) {
    Region region{Dims(dims.size()), Dims(dims.size(), 1)};
    region.begin[static_cast<size_t>(axis)] = static_cast<int64_t>(i);
    const BufferId part = op.emit(StepKind::kSlice, {x}, dims, op.number_at(0), region);
    op.result(i, op.forms().view(part, op.result_dims(i)));
  }
}

void channel_shuffle(OpLowering& op) {
  const BufferId x = op.operand(0);
  const Dims dims = op.buffer(x).dims;
  const int64_t axis =
      not_negative(static_cast<int64_t>(op.number("axis", static_cast<double>(dims.size()) - 1)), dims.size());
  const auto groups = static_cast<int64_t>(op.number("num_groups"));
  if (groups < 1 || dims[static_cast<size_t>(axis)] % groups != 0) throw LowerFailure{"groups that do not fit"};
  Dims split = dims;
  split[static_cast<size_t>(axis)] = groups;
  split.insert(split.begin() + axis + 1, dims[static_cast<size_t>(axis)] / groups);
  Order order(split.size());
  std::iota(order.begin(), order.end(), int8_t{0});
  std::swap(order[static_cast<size_t>(axis)], order[static_cast<size_t>(axis) + 1]);
  op.result(0, op.forms().view(op.forms().transposed(op.forms().view(x, split), order, op.node()), dims));
}

void one_hot(OpLowering& op) {
  const Dims dims = op.result_dims(0);
  const int64_t axis =
      not_negative(static_cast<int64_t>(op.number("axis", static_cast<double>(dims.size()) - 1)), dims.size());
  const int64_t depth = dims[static_cast<size_t>(axis)];
  if (depth > kMostPlaces) throw LowerFailure{"a depth that does not fit"};
  std::vector<int32_t> places(static_cast<size_t>(depth));
  std::iota(places.begin(), places.end(), 0);
  Dims along(dims.size(), 1), one = dims;
  along[static_cast<size_t>(axis)] = depth;
  one[static_cast<size_t>(axis)] = 1;
  const NumberForm index{DType::kInt32, {}}, truth{DType::kBool8, {}};
  const BufferId x = op.forms().view(op.operand(0, index, {}), one);
  const BufferId all = op.forms().view(op.forms().constant(places), along);
  const BufferId same = op.emit(StepKind::kBinary, {x, all}, dims, truth, Elementwise{Function::kEqual, 0, 0});
  const BufferId on = op.forms().constant(static_cast<float>(op.number("on_value", 1))),
                 off = op.forms().constant(static_cast<float>(op.number("off_value", 0)));
  op.result(0, op.emit(StepKind::kSelect, {same, on, off}, dims, kReal));
}

}  // namespace snapgauge
