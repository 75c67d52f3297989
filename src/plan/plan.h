// The flat executable form of a graph: steps in order, each with the buffers it reads and writes and its parameters
// as plain values; buffers with their types, shapes and encodings; constants as views or owned blobs; one arena laid
// out ahead. Rules, tables and graphs are behind it: whoever executes a plan needs nothing else.
//
// Shapes are those of the stored bytes, outermost dimension first; images are stored NHWC. Made by lower(), changed
// only by passes, then laid out and executed; reading is thread safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "numerics/dtype.h"

namespace snapgauge {

struct BufferTag;
using BufferId = Id<BufferTag>;

/// Of places in the arena and in scratch memory, in bytes: a cache line.
inline constexpr uint64_t kPlanAlignment = 64;
constexpr uint64_t aligned(uint64_t bytes) { return (bytes + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment; }

/// How stored integers are read: real = (q - zero_point) * scale, as ONNX has it. One of each per tensor, or one per
/// index of `axis`. Empty scales: the numbers themselves.
struct BufferQuant {
  std::vector<float> scales;
  std::vector<int32_t> zero_points;  // as many as scales
  int axis = -1;                     // of the stored shape; -1: per tensor

  bool empty() const { return scales.empty(); }
  bool per_tensor() const { return scales.size() == 1; }
  bool operator==(const BufferQuant&) const = default;
};

enum class BufferRole : uint8_t { kInput, kConstant, kTemporary };

struct Buffer {
  std::string name;  // of the tensor in the user's graph
  DType dtype = DType::kFloat32;
  BufferRole role = BufferRole::kTemporary;
  std::vector<int64_t> dims;
  BufferQuant quant;
  BufferId same_bytes;              // another buffer whose bytes these are, in another shape; invalid: bytes of its own
  std::span<const std::byte> data;  // of constants
  uint64_t offset = 0;              // of others in the arena, see lay_out()

  uint64_t elements() const;
  uint64_t bytes() const;
};

/// What a step does. Element types are those of its buffers.
enum class StepKind : uint8_t {
  kConvolution,            // x NHWC, weights HWIO, bias
  kTransposedConvolution,  // x NHWC, weights HWIO, bias
  kMatMul,                 // a [..., M, K], b [..., K, N], bias [N]
  kUnary,                  // by Function
  kBinary,                 // by Function; operands broadcast
  kSoftmax,                // over an axis; its logarithm when the function is log
  kLayerNorm,              // over the last dimensions: x, scale, bias
  kRmsNorm,                // the same without mean
  kMaxPool,                // NHWC
  kAveragePool,            // NHWC
  kResize,                 // NHWC
  kTranspose,
  kConcat,
  kSlice,
  kPad,
  kGather,  // data, indices
  kReduce,  // by Function
  kArgMax,
  kDepthToSpace,     // NHWC
  kSpaceToDepth,     // NHWC
  kTopK,             // the places of the largest along an axis, largest first
  kGatherElements,   // data, indices; along an axis
  kGatherNd,         // data, indices [..., n]
  kScatterElements,  // data, indices, updates; along an axis
  kScatterNd,        // data, indices [..., n], updates
  kCumulate,         // sums so far along an axis
  kSelect,           // condition, then, else
  kQuantize,         // float to integers
  kDequantize,       // integers to float
  kRequantize,       // integers to others of the same numbers
  kCast,
  kCopy,
  kForeign,  // what only another program can execute
};
std::string_view step_name(StepKind kind);

enum class Function : uint8_t {
  kRelu,
  kClip,
  kSigmoid,
  kTanh,
  kElu,
  kGelu,
  kHardSwish,
  kHardSigmoid,
  kExp,
  kLog,
  kSqrt,
  kRsqrt,
  kNeg,
  kAbs,
  kFloor,
  kCeil,
  kRound,
  kSign,
  kSin,
  kCos,
  kErf,
  kAsin,
  kAtan,
  kSoftplus,
  kReciprocal,
  kHalf,  // the nearest 16-bit float
  kNot,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMax,
  kMin,
  kPow,
  kPrelu,
  kFloorDiv,
  kMod,   // with the sign of the divisor
  kFmod,  // with the sign of the dividend
  kSquaredDifference,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kXor,
  kSum,
  kMean,
  kLargest,
  kSmallest,
  kProduct,
};
std::string_view function_name(Function function);
/// Whether its results are truth values of two operands.
constexpr bool is_truth(Function f) { return f >= Function::kEqual && f <= Function::kXor; }

/// Height, then width.
struct Window {
  std::array<int64_t, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1}, pad_before{0, 0}, pad_after{0, 0};
  int64_t groups = 1;
  bool count_padding = false;  // of an average
  bool operator==(const Window&) const = default;
};
struct Elementwise {
  Function function = Function::kRelu;
  float a = 0, b = 0;  // clip: bounds; elu, hard sigmoid: alpha, beta
  bool operator==(const Elementwise&) const = default;
};
struct OverAxes {
  std::vector<int64_t> axes;  // not negative, rising
  float epsilon = 0;          // of norms
  Function function = Function::kSum;
  bool operator==(const OverAxes&) const = default;
};
struct Permutation {
  std::vector<int64_t> order;  // result dimension i is dimension order[i] of the operand
  bool operator==(const Permutation&) const = default;
};
struct Region {
  std::vector<int64_t> begin, step;  // slices: of each dimension
  bool operator==(const Region&) const = default;
};
struct Padding {
  enum class Mode : uint8_t { kConstant, kReflect, kEdge } mode = Mode::kConstant;
  std::vector<int64_t> before;
  float value = 0;
  bool operator==(const Padding&) const = default;
};
struct Resizing {
  enum class Nearest : uint8_t { kPreferFloor, kPreferCeil, kFloor, kCeil } nearest = Nearest::kFloor;
  bool linear = false;  // else the nearest
  bool align_corners = false, half_pixel = false;
  bool zero_of_one = false;  // a result of one element lies at 0
  bool operator==(const Resizing&) const = default;
};
/// How indices are meant. Negative ones count from the end. One that is still outside reads the nearest element, and
/// writes nothing.
struct Indexed {
  enum class Update : uint8_t { kReplace, kAdd, kMul } update = Update::kReplace;
  int64_t axis = 0;        // of elements
  int64_t batch_dims = 0;  // of Nd: leading dimensions that data and indices have in common
  bool operator==(const Indexed&) const = default;
};
struct Cumulation {
  int64_t axis = 0;
  bool exclusive = false, reverse = false;
  bool operator==(const Cumulation&) const = default;
};
struct Blocks {
  std::array<int64_t, 2> size{1, 1};
  bool columns_first = false;  // the channel is [C, bh, bw] (CRD), not [bh, bw, C] (DCR)
  bool operator==(const Blocks&) const = default;
};

struct Foreign {
  std::string op;       // as the user's graph calls it
  uint32_t result = 0;  // which of the node's
  bool operator==(const Foreign&) const = default;
};

using StepParams = std::variant<std::monostate, Window, Elementwise, OverAxes, Permutation, Region, Padding, Resizing,
                                Blocks, Indexed, Cumulation, Foreign>;

/// Who executes a step.
enum class Executor : uint8_t {
  kBackend,
  kCpu,     // what the backend does not take
  kBetween  // conversions and transpositions; see split()
};

struct Step {
  StepKind kind = StepKind::kCopy;
  std::string node;              // of the user's graph
  std::vector<BufferId> inputs;  // an optional operand that is not there is invalid
  BufferId output;
  StepParams params;
  Executor executor = Executor::kBackend;
};

/// Steps in a row that one executor runs: of the backend a partition, else what the CPU does before the next.
struct PlanPart {
  Executor executor = Executor::kBackend;
  uint32_t first = 0, count = 0;          // in Plan::steps
  std::vector<BufferId> inputs, outputs;  // not constant; owners of their bytes, each once, rising
  bool operator==(const PlanPart&) const = default;
};

struct Plan {
  std::vector<Buffer> buffers;
  std::vector<Step> steps;                // in order
  std::vector<BufferId> inputs, outputs;  // in the order of the user's graph
  std::vector<std::string> output_names;  // as outputs; a buffer may stand for several
  std::vector<PlanPart> parts;            // all steps, in order; empty before split()
  uint64_t arena_bytes = 0;
  std::vector<std::shared_ptr<std::byte[]>> blobs;      // of constants; copies of a plan share them
  std::vector<std::shared_ptr<const void>> keep_alive;  // what other constants view

  Buffer& buffer(BufferId id) { return buffers[id.index]; }
  const Buffer& buffer(BufferId id) const { return buffers[id.index]; }
  BufferId add(Buffer buffer);
  /// The buffer that has the bytes.
  BufferId owner(BufferId id) const;
  /// Room for a constant's bytes, which the plan keeps. Nothing is in them yet.
  std::span<std::byte> add_blob(uint64_t bytes);
};

/// Orders the steps by parts, with as few of the backend as their order allows, and fills Plan::parts. What the CPU can
/// do first comes first. Steps between two executors are decided: a transposition is the backend's when what it reads
/// or all that read it is, a conversion only when both are or `converts_border`, that is when the backend quantizes its
/// own inputs and outputs. Linear in the steps but for their sorting.
void split(Plan& plan, bool converts_border);

/// Gives every buffer that is no constant its place in the arena, 64-byte aligned: places are used again as soon as
/// nobody reads them any more. Sets Plan::arena_bytes.
void lay_out(Plan& plan);

/// The first thing that is wrong, empty when the plan is sound: every buffer written before it is read and only once,
/// constants with all their bytes, live buffers apart, shapes and encodings of each step fitting.
std::string verify(const Plan& plan);

/// One line a buffer that is read or written from outside, one a step.
std::string to_text(const Plan& plan);

}  // namespace snapgauge
