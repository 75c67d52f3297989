// Operands in the forms that functions of one, two or three of them take.
#include "lower/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace snapgauge {
namespace {

const NumberForm kTruth{DType::kBool8, {}};

/// A row's function, or the one that its `operation` names.
struct FunctionName {
  std::string_view name;
  Function function;
};
constexpr std::array<FunctionName, 44> kOperations{{
    {"ELU", Function::kElu},
    {"GELU", Function::kGelu},
    {"HARD_SIGMOID", Function::kHardSigmoid},
    {"HARD_SWISH", Function::kHardSwish},
    {"RELU", Function::kRelu},
    {"RELU_MIN_MAX", Function::kClip},
    {"SIGMOID", Function::kSigmoid},
    {"SOFTPLUS", Function::kSoftplus},
    {"TANH", Function::kTanh},
    {"ABS", Function::kAbs},
    {"ASIN", Function::kAsin},
    {"ATAN", Function::kAtan},
    {"CEIL", Function::kCeil},
    {"COS", Function::kCos},
    {"EXP", Function::kExp},
    {"FLOOR", Function::kFloor},
    {"LOG", Function::kLog},
    {"NEG", Function::kNeg},
    {"RECIPROCAL", Function::kReciprocal},
    {"ROUND", Function::kRound},
    {"RSQRT", Function::kRsqrt},
    {"SIGN", Function::kSign},
    {"SIN", Function::kSin},
    {"SQRT", Function::kSqrt},
    {"ADD", Function::kAdd},
    {"AND", Function::kAnd},
    {"DIVIDE", Function::kDiv},
    {"EQUAL", Function::kEqual},
    {"FLOOR_DIV", Function::kFloorDiv},
    {"FMOD", Function::kFmod},
    {"GREATER", Function::kGreater},
    {"GREATER_EQUAL", Function::kGreaterEqual},
    {"LESS", Function::kLess},
    {"LESS_EQUAL", Function::kLessEqual},
    {"MAXIMUM", Function::kMax},
    {"MINIMUM", Function::kMin},
    {"MOD", Function::kMod},
    {"MULTIPLY", Function::kMul},
    {"NOT_EQUAL", Function::kNotEqual},
    {"OR", Function::kOr},
    {"POWER", Function::kPow},
    {"SQUARED_DIFFERENCE", Function::kSquaredDifference},
    {"SUBTRACT", Function::kSub},
    {"XOR", Function::kXor},
}};

/// An operand of a function that broadcasts, its dimensions in `order` of a result of `rank`. `along`: where a list
/// goes; from the last dimension when it is negative.
BufferId broadcast_operand(OpLowering& op, size_t input, const NumberForm& number, const Order& order, size_t rank,
                           int along) {
  if (const auto number_made = op.made(input)) {
    const BufferId one = op.forms().constant(*number_made);
    return op.forms().converted(op.forms().view(one, std::vector<int64_t>(rank, 1)), number, op.node());
  }
  const std::vector<int64_t> dims = op.frontend_dims(input);
  if (dims.size() == rank) return op.operand(input, number, order);
  std::vector<int64_t> whole(rank - std::min(rank, dims.size()), 1);
  whole.insert(whole.end(), dims.begin(), dims.end());
  if (along >= 0 && dims.size() == 1) std::swap(whole.back(), whole[static_cast<size_t>(along)]);
  return op.forms().transposed(op.forms().view(op.operand(input, number, {}), std::move(whole)), order, op.node());
}

/// What all operands are read as: integers that are numbers of their own stay so.
NumberForm common_number(const OpLowering& op, size_t first) {
  NumberForm number = op.number_at(first);
  for (size_t i = first; i < op.inputs(); ++i)
    if (!number.quant.empty() || (!op.made(i) && !(op.number_at(i) == number))) return kReal;
  return number;
}

/// The shape that operands broadcast to.
std::vector<int64_t> broadcast_dims(OpLowering& op, size_t rank) {
  std::vector<int64_t> out(rank, 1);
  for (size_t i = 0; i < op.inputs(); ++i) {
    if (op.made(i)) continue;
    const std::vector<int64_t> dims = op.frontend_dims(i);
    for (size_t d = 0; d < dims.size(); ++d)
      if (int64_t& size = out[rank - dims.size() + d]; size == 1) size = dims[d];
  }
  return out;
}

/// Whether a sum or a product is taken of the integers: all of them 8-bit, of one type, with one scale.
bool takes_integers(const OpLowering& op, Function function) {
  if (function != Function::kAdd && function != Function::kMul) return false;
  const NumberForm y = op.result_number(0);
  const auto fits = [&](const NumberForm& n) { return n.dtype == y.dtype && n.quant.per_tensor(); };
  if (op.inputs() != 2 || op.made(0) || op.made(1) || bit_width(y.dtype) != 8 || !y.quant.per_tensor()) return false;
  return fits(op.number_at(0)) && fits(op.number_at(1));
}

/// `numbers`: of each operand, then of the result. `along`: see broadcast_operand().
void broadcasting(OpLowering& op, StepKind kind, const StepParams& params, const std::vector<NumberForm>& numbers,
                  int along = -1) {
  size_t rank = 0, lead = 0;
  for (size_t i = 0; i < op.inputs(); ++i) {
    const size_t own = op.made(i) ? 0 : op.frontend_dims(i).size();
    if (own > rank) lead = i;
    rank = std::max(rank, own);
  }
  const Order order = op.stored_order(lead);
  std::vector<BufferId> operands;
  for (size_t i = 0; i < op.inputs(); ++i)
    operands.push_back(broadcast_operand(op, i, numbers[i], order, rank, i == lead ? -1 : along));
  const std::vector<int64_t> dims = along >= 0 ? op.frontend_dims(lead) : broadcast_dims(op, rank);
  std::vector<int64_t> stored;
  for (const int8_t d : order) stored.push_back(dims[static_cast<size_t>(d)]);
  op.result(0, op.emit(kind, std::move(operands), std::move(stored), numbers.back(), params), order);
}

}  // namespace

Function operation_of(const OpLowering& op) {
  const std::string word = op.word("operation");
  for (const FunctionName& row : kOperations)
    if (row.name == word) return row.function;
  throw LowerFailure{fmt::format("the host has no operation {}", word)};
}

void unary(OpLowering& op, const Elementwise& params) {
  const Order order = op.stored_order(0);
  const BufferId x = op.operand(0, kReal, order);
  op.result(0, op.emit(StepKind::kUnary, {x}, op.buffer(x).dims, kReal, params), order);
}

void elu(OpLowering& op) { unary(op, {Function::kElu, static_cast<float>(op.number("alpha")), 0}); }

void clip(OpLowering& op) {
  unary(op, {Function::kClip, static_cast<float>(op.number("min_value")), static_cast<float>(op.number("max_value"))});
}

void neuron(OpLowering& op) {
  const Function function = operation_of(op);
  Elementwise params{function, 0, 0};
  if (function == Function::kClip) return clip(op);
  if (function == Function::kElu || function == Function::kHardSigmoid)
    params.a = static_cast<float>(op.number("alpha"));
  if (function == Function::kHardSigmoid) params.b = static_cast<float>(op.number("beta"));
  unary(op, params);
}

void binary(OpLowering& op, Function function) {
  const Elementwise params{function, 0, 0};
  if (takes_integers(op, function))
    return broadcasting(op, StepKind::kBinary, params, {op.number_at(0), op.number_at(1), op.result_number(0)});
  const NumberForm number = common_number(op, 0);
  broadcasting(op, StepKind::kBinary, params, {number, number, is_truth(function) ? kTruth : number});
}

void prelu(OpLowering& op) {
  const bool by_channel = op.frontend().slopes_by_channel && op.has(1) && op.frontend_dims(0).size() > 1;
  const NumberForm number = common_number(op, 0);
  broadcasting(op, StepKind::kBinary, Elementwise{Function::kPrelu, 0, 0}, {number, number, number},
               by_channel ? 1 : -1);
}

void select(OpLowering& op) {
  const NumberForm number = common_number(op, 1);
  broadcasting(op, StepKind::kSelect, {}, {kTruth, number, number, number});
}

void logical_not(OpLowering& op) {
  const Order order = op.stored_order(0);
  const BufferId x = op.operand(0, kTruth, order);
  op.result(0, op.emit(StepKind::kUnary, {x}, op.buffer(x).dims, kTruth, Elementwise{Function::kNot, 0, 0}), order);
}

}  // namespace snapgauge
