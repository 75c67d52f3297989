// The table of backend ops that the host executes, and what becomes of each.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lower/compositions.h"
#include "lower/elementwise.h"

namespace snapgauge {
namespace {

// ---- element by element

template <Function kFunction>
void unary(OpLowering& op) {
  unary(op, {kFunction, 0, 0});
}

template <Function kFunction>
void binary(OpLowering& op) {
  binary(op, kFunction);
}

void named_unary(OpLowering& op) { unary(op, {operation_of(op), 0, 0}); }
void named_binary(OpLowering& op) { binary(op, operation_of(op)); }

// ---- products

Window window_of(const OpLowering& op) {
  Window w;
  w.stride = op.pair("stride", 1);
  w.dilation = op.pair("dilation", 1);
  const std::vector<int64_t> pads = op.integers("pad_amount");
  if (pads.size() == 4) {
    w.pad_before = {pads[0], pads[2]};
    w.pad_after = {pads[1], pads[3]};
  } else if (!pads.empty()) {
    throw LowerFailure{"padding of another rank than 2"};
  }
  w.groups = static_cast<int64_t>(op.number("group", 1));
  return w;
}

void convolution(OpLowering& op) {
  const bool transposed = op.name() == "TransposeConv2d";
  const bool integers = op.multiplies_integers(1);
  Window w = window_of(op);
  std::vector<BufferId> in;
  for (size_t i = 0; i < 2; ++i) in.push_back(op.given(i, integers));
  if (op.has(2)) in.push_back(op.bias(integers));
  const std::vector<int64_t>& weights = op.buffer(in[1]).dims;
  if (weights.size() != 4 || op.buffer(in[0]).dims.size() != 4)
    throw LowerFailure{"a convolution of another rank than 2"};
  w.kernel = {weights[0], weights[1]};
  if (op.name() == "DepthWiseConv2d") w.groups = op.buffer(in[0]).dims[3];
  op.result(0, op.emit(transposed ? StepKind::kTransposedConvolution : StepKind::kConvolution, in, op.result_dims(0),
                       integers ? op.result_number(0) : kReal, w));
}

void fully_connected(OpLowering& op) {
  const bool integers = op.multiplies_integers(2);
  // The backend has weights [N, K].
  const BufferId w = op.forms().transposed(op.given(1, integers), {1, 0}, op.node());
  const int64_t depth = op.buffer(w).dims[0], columns = op.buffer(w).dims[1];
  const BufferId x = op.given(0, integers);
  const auto rows = static_cast<int64_t>(op.buffer(x).elements()) / std::max<int64_t>(1, depth);
  std::vector<BufferId> in{op.forms().view(x, {rows, depth}), w};
  if (op.has(2)) in.push_back(op.forms().view(op.bias(integers), {columns}));
  op.result(0, op.emit(StepKind::kMatMul, in, {rows, columns}, integers ? op.result_number(0) : kReal));
}

void matmul(OpLowering& op) {
  const bool integers = op.multiplies_integers(2);
  std::vector<BufferId> in;
  for (size_t i = 0; i < 2; ++i) {
    BufferId x = op.given(i, integers);
    const auto rank = static_cast<int8_t>(op.buffer(x).dims.size());
    if (rank < 2) throw LowerFailure{"a product with a vector"};
    if (op.truth(i == 0 ? "transpose_in0" : "transpose_in1", false)) {
      Order order;
      for (int8_t d = 0; d < rank; ++d) order.push_back(d < rank - 2 ? d : static_cast<int8_t>(2 * rank - 3 - d));
      x = op.forms().transposed(x, order, op.node());
    }
    in.push_back(x);
  }
  if (op.has(2)) in.push_back(op.bias(integers));
  op.result(0, op.emit(StepKind::kMatMul, in, op.result_dims(0), integers ? op.result_number(0) : kReal));
}

// ---- along dimensions

void softmax(OpLowering& op) {
  const bool log = op.name() == "LogSoftmax";
  const NumberForm from = op.number_at(0), to = op.result_number(0);
  const bool integers =
      !log && from.quant.per_tensor() && to.quant.per_tensor() && from.dtype == to.dtype && bit_width(to.dtype) == 8;
  const BufferId x = op.given(0, integers);
  const size_t rank = op.buffer(x).dims.size();
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis", static_cast<double>(rank) - 1)), rank);
  if (const double beta = op.number("beta", 1); beta != 1) throw LowerFailure{"a softmax with a factor"};
  op.result(0, op.emit(StepKind::kSoftmax, {x}, op.buffer(x).dims, integers ? to : kReal,
                       OverAxes{{axis}, 0, log ? Function::kLog : Function::kSum}));
}

void norm(OpLowering& op) {
  std::vector<BufferId> in;
  for (size_t i = 0; i < 3 && op.has(i); ++i) in.push_back(op.real(i));
  const std::vector<int64_t> dims = op.buffer(in[0]).dims;
  std::vector<int64_t> axes;
  for (const int64_t a : op.integers("axes")) axes.push_back(not_negative(a, dims.size()));
  std::sort(axes.begin(), axes.end());
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != static_cast<int64_t>(dims.size() - axes.size() + i))
      throw LowerFailure{"a norm over other than the last dimensions"};
  if (axes.empty()) axes = {static_cast<int64_t>(dims.size()) - 1};
  const StepKind kind = op.name() == "RmsNorm" ? StepKind::kRmsNorm : StepKind::kLayerNorm;
  op.result(0, op.emit(kind, in, dims, kReal,
                       OverAxes{{axes[0]}, static_cast<float>(op.number("epsilon")), Function::kMean}));
}

template <Function kFunction>
void reduce(OpLowering& op) {
  const BufferId x = op.real(0);
  const size_t rank = op.buffer(x).dims.size();
  OverAxes over{{}, 0, kFunction};
  for (const int64_t a : op.integers("axes")) over.axes.push_back(not_negative(a, rank));
  std::sort(over.axes.begin(), over.axes.end());
  if (over.axes.empty())
    for (size_t d = 0; d < rank; ++d) over.axes.push_back(static_cast<int64_t>(d));
  op.result(0, op.emit(StepKind::kReduce, {x}, op.result_dims(0), kReal, over));
}

void argmax(OpLowering& op) {
  const BufferId x = op.operand(0);
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis", 0)), op.buffer(x).dims.size());
  op.result(0, op.emit(StepKind::kArgMax, {x}, op.result_dims(0), {DType::kInt32, {}},
                       OverAxes{{axis}, 0, op.name() == "Argmin" ? Function::kSmallest : Function::kLargest}));
}

// ---- images

void pool(OpLowering& op) {
  const bool largest = op.name() == "PoolMax2d";
  Window w = window_of(op);
  w.kernel = op.pair("filter_size", 1);
  w.count_padding = op.truth("count_pad_for_edges", false);
  w.groups = 1;
  const BufferId x = largest ? op.operand(0) : op.real(0);
  const NumberForm number = largest ? op.number_at(0) : kReal;
  op.result(0, op.emit(largest ? StepKind::kMaxPool : StepKind::kAveragePool, {x}, op.result_dims(0), number, w));
}

void resize(OpLowering& op, const Resizing& r) {
  const BufferId x = r.linear ? op.real(0) : op.operand(0);
  if (op.buffer(x).dims.size() != 4) throw LowerFailure{"an image of another rank than 2"};
  op.result(0, op.emit(StepKind::kResize, {x}, op.result_dims(0), r.linear ? kReal : op.number_at(0), r));
}

void resize(OpLowering& op) {
  Resizing r;
  r.linear = op.name() == "ResizeBilinear";
  r.align_corners = op.truth("align_corners", false);
  r.half_pixel = op.truth("half_pixel_centers", false);
  r.nearest = r.align_corners ? Resizing::Nearest::kPreferCeil
              : r.half_pixel  ? Resizing::Nearest::kPreferFloor
                              : Resizing::Nearest::kFloor;
  resize(op, r);
}

/// A word of an op's and what it stands for; the first where the op does not say.
template <class T, size_t N>
T meaning(const OpLowering& op, std::string_view param, const std::array<std::pair<std::string_view, T>, N>& words) {
  const std::string word = op.word(param);
  if (word.empty()) return words[0].second;
  for (const auto& [name, means] : words)
    if (name == word) return means;
  throw LowerFailure{fmt::format("the host has no {} {}", param, word)};
}

void resize_by_words(OpLowering& op) {
  using Nearest = Resizing::Nearest;
  Resizing r;
  r.linear = meaning<bool, 2>(op, "interpolation_mode", {{{"NEAREST", false}, {"LINEAR", true}}});
  r.nearest = meaning<Nearest, 4>(op, "nearest_mode",
                                  {{{"ROUND_PREFER_FLOOR", Nearest::kPreferFloor},
                                    {"ROUND_PREFER_CEIL", Nearest::kPreferCeil},
                                    {"FLOOR", Nearest::kFloor},
                                    {"CEIL", Nearest::kCeil}}});
  const auto mode =
      meaning<int, 4>(op, "transformation_mode",
                      {{{"HALF_PIXEL", 0}, {"PYTORCH_HALF_PIXEL", 1}, {"ALIGN_CORNERS", 2}, {"ASYMMETRIC", 3}}});
  r.half_pixel = mode <= 1;
  r.zero_of_one = mode == 1;
  r.align_corners = mode == 2;
  resize(op, r);
}

void blocks(OpLowering& op) {
  const StepKind kind = op.name() == "DepthToSpace" ? StepKind::kDepthToSpace : StepKind::kSpaceToDepth;
  const Blocks params{op.pair("block_size", 1), op.word("mode") == "CRD"};
  op.result(0, op.emit(kind, {op.operand(0)}, op.result_dims(0), op.number_at(0), params));
}

// ---- movement: integers keep their encoding

void reshape(OpLowering& op) { op.result(0, op.forms().view(op.operand(0), op.result_dims(0))); }

void transpose(OpLowering& op) {
  Order order;
  for (const int64_t d : op.integers("perm")) order.push_back(static_cast<int8_t>(d));
  op.result(0, op.forms().transposed(op.operand(0), order, op.node()));
}

/// Where a dimension lies when they are stored in an order.
int64_t place_in(const Order& order, int64_t axis) {
  return std::find(order.begin(), order.end(), static_cast<int8_t>(axis)) - order.begin();
}

void concat(OpLowering& op) {
  const Order order = op.stored_order(0);
  const NumberForm number = op.result_number(0);
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis", 0)), order.size());
  std::vector<BufferId> in;
  std::vector<int64_t> dims;
  for (size_t i = 0; i < op.inputs(); ++i) {
    in.push_back(op.operand(i, number, order));
    const std::vector<int64_t>& own = op.buffer(in.back()).dims;
    const auto at = static_cast<size_t>(place_in(order, axis));
    if (dims.empty())
      dims = own;
    else
      dims[at] += own[at];
  }
  op.result(0, op.emit(StepKind::kConcat, in, dims, number, OverAxes{{place_in(order, axis)}, 0, Function::kSum}),
            order);
}

void strided_slice(OpLowering& op) {
  if (op.number("begin_mask", 0) != 0 || op.number("end_mask", 0) != 0 || op.number("shrink_axes", 0) != 0 ||
      op.number("new_axes_mask", 0) != 0)
    throw LowerFailure{"a slice with masks"};
  const BufferId x = op.operand(0);
  const std::vector<int64_t> ranges = op.integers("ranges");
  const std::vector<int64_t> dims = op.result_dims(0);
  if (ranges.size() != 3 * op.buffer(x).dims.size() || dims.size() != op.buffer(x).dims.size())
    throw LowerFailure{"a slice of another rank"};
  Region region;
  for (size_t d = 0; d < dims.size(); ++d) {
    region.begin.push_back(ranges[3 * d]);
    region.step.push_back(ranges[3 * d + 2]);
  }
  op.result(0, op.emit(StepKind::kSlice, {x}, dims, op.number_at(0), region));
}

void split(OpLowering& op) {
  const BufferId x = op.operand(0);
  const std::vector<int64_t> whole = op.buffer(x).dims;
  const auto axis = static_cast<size_t>(not_negative(static_cast<int64_t>(op.number("axis", 0)), whole.size()));
  int64_t first = 0;
  for (size_t i = 0; i < op.outputs(); ++i) {
    std::vector<int64_t> dims = op.result_dims(i);
    if (dims.size() != whole.size()) throw LowerFailure{"a part of another rank"};
    Region region{std::vector<int64_t>(whole.size()), std::vector<int64_t>(whole.size(), 1)};
    region.begin[axis] = first;
    first += dims[axis];
    op.result(i, op.emit(StepKind::kSlice, {x}, std::move(dims), op.number_at(0), region));
  }
}

/// What negative amounts leave; they are zero afterwards.
BufferId cropped(OpLowering& op, BufferId x, std::vector<int64_t>& amounts) {
  std::vector<int64_t> dims = op.buffer(x).dims;
  Region region{std::vector<int64_t>(dims.size()), std::vector<int64_t>(dims.size(), 1)};
  for (size_t d = 0; d < dims.size(); ++d)
    for (const size_t side : {2 * d, 2 * d + 1}) {
      if (amounts[side] >= 0) continue;
      dims[d] = std::max<int64_t>(0, dims[d] + std::max(amounts[side], -dims[d]));
      if (side == 2 * d) region.begin[d] = -amounts[side];
      amounts[side] = 0;
    }
  return op.emit(StepKind::kSlice, {x}, std::move(dims), op.number_at(0), region);
}

void pad(OpLowering& op) {
  BufferId x = op.operand(0);
  std::vector<int64_t> amounts = op.integers("pad_amount"), dims = op.buffer(x).dims;
  if (amounts.size() != 2 * dims.size()) throw LowerFailure{"amounts of another rank"};
  if (std::any_of(amounts.begin(), amounts.end(), [](int64_t a) { return a < 0; })) x = cropped(op, x, amounts);
  Padding padding;
  for (size_t i = 0; i < amounts.size(); i += 2) padding.before.push_back(amounts[i]);
  const std::string scheme = op.word("scheme");
  if (scheme == "MIRROR_REFLECT")
    padding.mode = Padding::Mode::kReflect;
  else if (scheme == "EDGE")
    padding.mode = Padding::Mode::kEdge;
  else if (scheme != "CONSTANT")
    throw LowerFailure{fmt::format("padding of the scheme {}", scheme)};
  padding.value = static_cast<float>(op.number("pad_constant_value", 0));
  op.result(0, op.emit(StepKind::kPad, {x}, op.result_dims(0), op.number_at(0), padding));
}

void gather(OpLowering& op) {
  const BufferId data = op.operand(0);
  const BufferId indices = op.operand(1, {DType::kInt32, {}}, {});
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis", 0)), op.buffer(data).dims.size());
  op.result(0, op.emit(StepKind::kGather, {data, indices}, op.result_dims(0), op.number_at(0),
                       OverAxes{{axis}, 0, Function::kSum}));
}

// ---- by indices

const NumberForm kIndex{DType::kInt32, {}};

void top_k(OpLowering& op) {
  const BufferId x = op.operand(0);
  std::vector<int64_t> dims = op.result_dims(0);
  const auto rank = op.buffer(x).dims.size();
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis", static_cast<double>(rank) - 1)), rank);
  const BufferId places =
      op.emit(StepKind::kTopK, {x}, dims, kIndex,
              OverAxes{{axis}, 0, op.truth("largest", true) ? Function::kLargest : Function::kSmallest});
  op.result(0, op.emit(StepKind::kGatherElements, {x, places}, dims, op.number_at(0),
                       Indexed{Indexed::Update::kReplace, axis, 0}));
  if (op.outputs() > 1) op.result(1, places);
}

void gather_elements(OpLowering& op) {
  const BufferId x = op.operand(0);
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis", 0)), op.buffer(x).dims.size());
  op.result(0, op.emit(StepKind::kGatherElements, {x, op.operand(1, kIndex, {})}, op.result_dims(0), op.number_at(0),
                       Indexed{Indexed::Update::kReplace, axis, 0}));
}

void gather_nd(OpLowering& op) {
  const Indexed how{Indexed::Update::kReplace, 0, static_cast<int64_t>(op.number("batch_dims", 0))};
  op.result(0, op.emit(StepKind::kGatherNd, {op.operand(0), op.operand(1, kIndex, {})}, op.result_dims(0),
                       op.number_at(0), how));
}

/// Integers that only move keep the encoding of the data.
template <StepKind kKind>
void scatter(OpLowering& op) {
  using Update = Indexed::Update;
  Indexed how;
  how.update =
      meaning<Update, 3>(op, "reduction", {{{"NONE", Update::kReplace}, {"ADD", Update::kAdd}, {"MUL", Update::kMul}}});
  const NumberForm own = op.number_at(0);
  const NumberForm number = how.update == Update::kReplace || own.quant.empty() ? own : kReal;
  const BufferId data = op.operand(0, number, {}), updates = op.operand(2, number, {});
  if (kKind == StepKind::kScatterElements)
    how.axis = not_negative(static_cast<int64_t>(op.number("axis", 0)), op.buffer(data).dims.size());
  op.result(0, op.emit(kKind, {data, op.operand(1, kIndex, {}), updates}, std::vector<int64_t>(op.buffer(data).dims),
                       number, how));
}

void cumulate(OpLowering& op) {
  const BufferId x = op.is_quantized(0) ? op.real(0) : op.operand(0);
  const std::vector<int64_t> dims = op.buffer(x).dims;
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis")), dims.size());
  op.result(0, op.emit(StepKind::kCumulate, {x}, dims, {op.buffer(x).dtype, {}},
                       Cumulation{axis, op.truth("exclusive", false), op.truth("reverse", false)}));
}

void cast(OpLowering& op) {
  const BufferId x = op.operand(0);
  const NumberForm to = op.result_number(0);
  op.result(0, op.forms().converted(x, to, op.node()));
}

struct HostOp {
  std::string_view name;
  LowerOp lower;
};

constexpr std::array<HostOp, 100> kOps{{
    {"Abs", unary<Function::kAbs>},
    {"Argmax", argmax},
    {"Argmin", argmax},
    {"Batchnorm", batch_norm},
    {"Cast", cast},
    {"ChannelShuffle", channel_shuffle},
    {"Concat", concat},
    {"Conv2d", convolution},
    {"Conv3d", convolution_3d},
    {"Convert", cast},
    {"CumulativeSum", cumulate},
    {"DepthToSpace", blocks},
    {"DepthWiseConv2d", convolution},
    {"Dequantize", cast},
    {"ElementWiseAbs", unary<Function::kAbs>},
    {"ElementWiseAdd", binary<Function::kAdd>},
    {"ElementWiseAnd", binary<Function::kAnd>},
    {"ElementWiseAsin", unary<Function::kAsin>},
    {"ElementWiseAtan", unary<Function::kAtan>},
    {"ElementWiseBinary", named_binary},
    {"ElementWiseCeil", unary<Function::kCeil>},
    {"ElementWiseCos", unary<Function::kCos>},
    {"ElementWiseDivide", binary<Function::kDiv>},
    {"ElementWiseEqual", binary<Function::kEqual>},
    {"ElementWiseExp", unary<Function::kExp>},
    {"ElementWiseFloor", unary<Function::kFloor>},
    {"ElementWiseFloorDiv", binary<Function::kFloorDiv>},
    {"ElementWiseFmod", binary<Function::kFmod>},
    {"ElementWiseGreater", binary<Function::kGreater>},
    {"ElementWiseGreaterEqual", binary<Function::kGreaterEqual>},
    {"ElementWiseLess", binary<Function::kLess>},
    {"ElementWiseLessEqual", binary<Function::kLessEqual>},
    {"ElementWiseLog", unary<Function::kLog>},
    {"ElementWiseMaximum", binary<Function::kMax>},
    {"ElementWiseMinimum", binary<Function::kMin>},
    {"ElementWiseMod", binary<Function::kMod>},
    {"ElementWiseMultiply", binary<Function::kMul>},
    {"ElementWiseNeg", unary<Function::kNeg>},
    {"ElementWiseNeuron", neuron},
    {"ElementWiseNot", logical_not},
    {"ElementWiseNotEqual", binary<Function::kNotEqual>},
    {"ElementWiseOr", binary<Function::kOr>},
    {"ElementWisePower", binary<Function::kPow>},
    {"ElementWiseRound", unary<Function::kRound>},
    {"ElementWiseRsqrt", unary<Function::kRsqrt>},
    {"ElementWiseSelect", select},
    {"ElementWiseSign", unary<Function::kSign>},
    {"ElementWiseSin", unary<Function::kSin>},
    {"ElementWiseSquareRoot", unary<Function::kSqrt>},
    {"ElementWiseSquaredDifference", binary<Function::kSquaredDifference>},
    {"ElementWiseSubtract", binary<Function::kSub>},
    {"ElementWiseUnary", named_unary},
    {"ElementWiseXor", binary<Function::kXor>},
    {"Elu", elu},
    {"FullyConnected", fully_connected},
    {"Gather", gather},
    {"GatherElements", gather_elements},
    {"GatherNd", gather_nd},
    {"Gelu", unary<Function::kGelu>},
    {"GroupNorm", group_norm},
    {"HardSwish", unary<Function::kHardSwish>},
    {"InstanceNorm", instance_norm},
    {"L2Norm", l2_norm},
    {"LayerNorm", norm},
    {"LogSoftmax", softmax},
    {"MatMul", matmul},
    {"OneHot", one_hot},
    {"Pack", pack},
    {"Pad", pad},
    {"PoolAvg2d", pool},
    {"PoolAvg3d", average_pool_3d},
    {"PoolMax2d", pool},
    {"PoolMax3d", max_pool_3d},
    {"Prelu", prelu},
    {"Quantize", cast},
    {"ReduceMax", reduce<Function::kLargest>},
    {"ReduceMean", reduce<Function::kMean>},
    {"ReduceMin", reduce<Function::kSmallest>},
    {"ReduceProd", reduce<Function::kProduct>},
    {"ReduceSum", reduce<Function::kSum>},
    {"Relu", unary<Function::kRelu>},
    {"ReluMinMax", clip},
    {"Reshape", reshape},
    {"Resize", resize_by_words},
    {"ResizeBilinear", resize},
    {"ResizeNearestNeighbor", resize},
    {"RmsNorm", norm},
    {"ScatterElements", scatter<StepKind::kScatterElements>},
    {"ScatterNd", scatter<StepKind::kScatterNd>},
    {"Sigmoid", unary<Function::kSigmoid>},
    {"Softmax", softmax},
    {"SpaceToDepth", blocks},
    {"Split", split},
    {"StridedSlice", strided_slice},
    {"Tanh", unary<Function::kTanh>},
    {"Tile", tile},
    {"TopK", top_k},
    {"Transpose", transpose},
    {"TransposeConv2d", convolution},
    {"UnPack", unpack},
}};
static_assert(std::is_sorted(kOps.begin(), kOps.end(),
                             [](const HostOp& a, const HostOp& b) { return a.name < b.name; }));

}  // namespace

LowerOp lowering_of(std::string_view backend_op) {
  const auto row = std::lower_bound(kOps.begin(), kOps.end(), backend_op,
                                    [](const HostOp& r, std::string_view name) { return r.name < name; });
  return row == kOps.end() || row->name != backend_op ? nullptr : row->lower;
}

}  // namespace snapgauge
