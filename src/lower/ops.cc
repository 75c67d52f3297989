// The table of backend ops that the host executes, and what becomes of each.
#include <fmt/format.h>

#include <algorithm>
#include <array>

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

/// Integers when the encodings of all are known, else floats.
bool in_integers(const OpLowering& op) {
  return op.is_quantized(0) && op.is_quantized(1) && !op.result_number(0).quant.empty();
}

/// Integers of 32 bits, or numbers.
BufferId bias(OpLowering& op, bool integers) {
  const BufferId b = integers ? op.operand(2) : op.real(2);
  return op.buffer(b).dtype == DType::kInt32 ? b : op.forms().converted(b, kReal, op.node());
}

void convolution(OpLowering& op) {
  const bool transposed = op.name() == "TransposeConv2d";
  const bool integers = in_integers(op);
  Window w = window_of(op);
  std::vector<BufferId> in;
  for (size_t i = 0; i < 2; ++i) in.push_back(integers ? op.operand(i) : op.real(i));
  if (op.has(2)) in.push_back(bias(op, integers));
  const std::vector<int64_t>& weights = op.buffer(in[1]).dims;
  if (weights.size() != 4 || op.buffer(in[0]).dims.size() != 4)
    throw LowerFailure{"a convolution of another rank than 2"};
  w.kernel = {weights[0], weights[1]};
  if (op.name() == "DepthWiseConv2d") w.groups = op.buffer(in[0]).dims[3];
  op.result(0, op.emit(transposed ? StepKind::kTransposedConvolution : StepKind::kConvolution, in, op.result_dims(0),
                       integers ? op.result_number(0) : kReal, w));
}

void fully_connected(OpLowering& op) {
  const bool integers = in_integers(op);
  const auto given = [&](size_t i) { return integers ? op.operand(i) : op.real(i); };
  // The backend has weights [N, K].
  const BufferId w = op.forms().transposed(given(1), {1, 0}, op.node());
  const int64_t depth = op.buffer(w).dims[0], columns = op.buffer(w).dims[1];
  const BufferId x = given(0);
  const auto rows = static_cast<int64_t>(op.buffer(x).elements()) / std::max<int64_t>(1, depth);
  std::vector<BufferId> in{op.forms().view(x, {rows, depth}), w};
  if (op.has(2)) in.push_back(op.forms().view(bias(op, integers), {columns}));
  op.result(0, op.emit(StepKind::kMatMul, in, {rows, columns}, integers ? op.result_number(0) : kReal));
}

void matmul(OpLowering& op) {
  const bool integers = in_integers(op);
  std::vector<BufferId> in;
  for (size_t i = 0; i < 2; ++i) {
    BufferId x = integers ? op.operand(i) : op.real(i);
    const auto rank = static_cast<int8_t>(op.buffer(x).dims.size());
    if (rank < 2) throw LowerFailure{"a product with a vector"};
    if (op.truth(i == 0 ? "transpose_in0" : "transpose_in1", false)) {
      Order order;
      for (int8_t d = 0; d < rank; ++d) order.push_back(d < rank - 2 ? d : static_cast<int8_t>(2 * rank - 3 - d));
      x = op.forms().transposed(x, order, op.node());
    }
    in.push_back(x);
  }
  if (op.has(2)) in.push_back(bias(op, integers));
  op.result(0, op.emit(StepKind::kMatMul, in, op.result_dims(0), integers ? op.result_number(0) : kReal));
}

// ---- along dimensions

int64_t not_negative(int64_t axis, size_t rank) {
  if (axis < 0) axis += static_cast<int64_t>(rank);
  if (axis < 0 || axis >= static_cast<int64_t>(rank)) throw LowerFailure{"an axis outside of its tensor"};
  return axis;
}

void softmax(OpLowering& op) {
  const bool log = op.name() == "LogSoftmax";
  const BufferId x = op.real(0);
  const size_t rank = op.buffer(x).dims.size();
  const int64_t axis = not_negative(static_cast<int64_t>(op.number("axis", static_cast<double>(rank) - 1)), rank);
  if (const double beta = op.number("beta", 1); beta != 1) throw LowerFailure{"a softmax with a factor"};
  op.result(0, op.emit(StepKind::kSoftmax, {x}, op.buffer(x).dims, kReal,
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

void resize(OpLowering& op) {
  Resizing r;
  r.linear = op.name() == "ResizeBilinear";
  r.align_corners = op.truth("align_corners", false);
  r.half_pixel = op.truth("half_pixel_centers", false);
  const BufferId x = r.linear ? op.real(0) : op.operand(0);
  op.result(0, op.emit(StepKind::kResize, {x}, op.result_dims(0), r.linear ? kReal : op.number_at(0), r));
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

void pad(OpLowering& op) {
  const BufferId x = op.operand(0);
  const std::vector<int64_t> amounts = op.integers("pad_amount");
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

void cast(OpLowering& op) {
  const BufferId x = op.operand(0);
  const NumberForm to = op.result_number(0);
  op.result(0, op.forms().converted(x, to, op.node()));
}

struct HostOp {
  std::string_view name;
  LowerOp lower;
};

constexpr std::array<HostOp, 73> kOps{{
    {"Abs", unary<Function::kAbs>},
    {"Argmax", argmax},
    {"Argmin", argmax},
    {"Cast", cast},
    {"Concat", concat},
    {"Conv2d", convolution},
    {"Convert", cast},
    {"DepthToSpace", blocks},
    {"DepthWiseConv2d", convolution},
    {"Dequantize", cast},
    {"ElementWiseAbs", unary<Function::kAbs>},
    {"ElementWiseAdd", binary<Function::kAdd>},
    {"ElementWiseAnd", binary<Function::kAnd>},
    {"ElementWiseBinary", named_binary},
    {"ElementWiseCeil", unary<Function::kCeil>},
    {"ElementWiseCos", unary<Function::kCos>},
    {"ElementWiseDivide", binary<Function::kDiv>},
    {"ElementWiseEqual", binary<Function::kEqual>},
    {"ElementWiseExp", unary<Function::kExp>},
    {"ElementWiseFloor", unary<Function::kFloor>},
    {"ElementWiseGreater", binary<Function::kGreater>},
    {"ElementWiseGreaterEqual", binary<Function::kGreaterEqual>},
    {"ElementWiseLess", binary<Function::kLess>},
    {"ElementWiseLessEqual", binary<Function::kLessEqual>},
    {"ElementWiseLog", unary<Function::kLog>},
    {"ElementWiseMaximum", binary<Function::kMax>},
    {"ElementWiseMinimum", binary<Function::kMin>},
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
    {"ElementWiseSubtract", binary<Function::kSub>},
    {"ElementWiseUnary", named_unary},
    {"Elu", elu},
    {"FullyConnected", fully_connected},
    {"Gather", gather},
    {"Gelu", unary<Function::kGelu>},
    {"HardSwish", unary<Function::kHardSwish>},
    {"LayerNorm", norm},
    {"LogSoftmax", softmax},
    {"MatMul", matmul},
    {"Pad", pad},
    {"PoolAvg2d", pool},
    {"PoolMax2d", pool},
    {"Prelu", binary<Function::kPrelu>},
    {"Quantize", cast},
    {"ReduceMax", reduce<Function::kLargest>},
    {"ReduceMean", reduce<Function::kMean>},
    {"ReduceMin", reduce<Function::kSmallest>},
    {"ReduceSum", reduce<Function::kSum>},
    {"Relu", unary<Function::kRelu>},
    {"ReluMinMax", clip},
    {"Reshape", reshape},
    {"ResizeBilinear", resize},
    {"ResizeNearestNeighbor", resize},
    {"RmsNorm", norm},
    {"Sigmoid", unary<Function::kSigmoid>},
    {"Softmax", softmax},
    {"SpaceToDepth", blocks},
    {"Split", split},
    {"StridedSlice", strided_slice},
    {"Tanh", unary<Function::kTanh>},
    {"Transpose", transpose},
    {"TransposeConv2d", convolution},
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
