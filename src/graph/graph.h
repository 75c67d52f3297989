// The annotated graph: what a reader makes of a user's file, in one shape for all file formats.
//
// Nodes, values, uses, arguments and specs live in flat arenas and refer to each other by index; what
// repeats (names, shapes, argument lists, specs) is kept once. A value is one tensor; a use is one appearance of a
// value among a node's arguments (an input edge), so a producer used twice by one node has two uses. The graph keeps
// the file's own layout (OIHW, NCHW) and names; backend/translate.h turns it into the backend's terms.
//
// Built once by a GraphBuilder, read-only afterwards; reading is thread safe.
#pragma once

#include <cassert>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/intern.h"
#include "diag/finding.h"
#include "diag/waiver.h"
#include "graph/frontend.h"
#include "numerics/dtype.h"
#include "numerics/quant.h"

namespace snapgauge {

struct NodeTag;
struct ValueTag;
struct UseTag;
struct SpecTag;
struct ConstantTag;
struct ArgumentsTag;
using NodeId = Id<NodeTag>;
using ValueId = Id<ValueTag>;
using UseId = Id<UseTag>;
using SpecId = Id<SpecTag>;
using ConstantId = Id<ConstantTag>;
using ArgumentsId = Id<ArgumentsTag>;

enum class NodeKind : uint8_t {
  kInput,     // graph input
  kConstant,  // parameter, buffer or initializer
  kCall,      // an operation: judged
  kFolded,    // Quantize/Dequantize that the reader turned into specs: not judged
  kSelect,    // picks one result of a multi-result node (getitem): passes its producer's port on
  kOutput,    // graph output
};

/// Where a quantization spec comes from. 4 bytes, since each place has one.
struct SpecRef {
  enum class Kind : uint8_t {
    kNone,        // nothing said
    kConcrete,    // index: SpecId
    kSharedNode,  // index: ValueId whose output spec is meant
    kSharedEdge,  // index: into Graph::edges
    kDerived,     // index: into Graph::derived
    kDangling,    // index: Symbol naming what the file referred to and does not define
  };
  static constexpr uint32_t kMaxIndex = (1U << 29U) - 1;

  Kind kind : 3;
  uint32_t index : 29;

  constexpr SpecRef() : kind(Kind::kNone), index(0) {}
  constexpr SpecRef(Kind k, uint32_t i) : kind(k), index(i & kMaxIndex) { assert(i <= kMaxIndex); }
  bool operator==(const SpecRef&) const = default;
};

/// The input edge that a shared spec names: where `consumer` reads `value`.
struct EdgeRef {
  ValueId value;
  NodeId consumer;
};

/// Parameters computed from those of other places (bias: input scale x weight scale).
struct DerivedSpec {
  Range from;   // in Graph::derived_from: kSharedNode, kSharedEdge or kDangling
  SpecId spec;  // dtype, range, scheme and axis of the result; scales when the file states them
};

/// One argument or attribute of a node.
struct Arg {
  enum class Kind : uint8_t { kNone, kUse, kInt, kFloat, kBool, kString, kList, kTensor };
  Kind kind = Kind::kNone;
  union {
    int64_t integer;  // kInt, kBool
    double real;      // kFloat
    uint32_t index;   // kUse: which of the node's uses, kString: Symbol, kTensor: ConstantId
    Range list;       // kList: elements in Graph::args
  };

  constexpr Arg() : integer(0) {}
  /// The content whatever its kind; of a list, where it lies.
  uint64_t bits() const {
    uint64_t content = 0;
    std::memcpy(&content, &integer, sizeof content);
    return content;
  }
  bool operator==(const Arg& other) const { return kind == other.kind && bits() == other.bits(); }
};

struct NamedArg {
  Symbol name;
  Arg arg;

  bool operator==(const NamedArg&) const = default;
};

/// All arguments of a node. Those that differ in nothing but the tensors they read are kept once, so two nodes
/// of one operator differ in their attributes exactly when they have different lists.
struct Arguments {
  Range args;   // positional, in Graph::args
  Range named;  // keyword arguments or attributes, in Graph::named

  bool operator==(const Arguments&) const = default;
};

struct Node {
  Symbol name;
  Symbol op;  // "aten.conv2d.default", "Conv", "com.microsoft.Gelu", "qnn.Conv2d"
  NodeKind kind = NodeKind::kCall;
  bool annotated = false;  // carries at least one spec, or says so
  bool allow_implicit_sharing = true;
  ArgumentsId arguments;
  Range uses;     // in Graph::uses, in order of appearance in the positional, then the named arguments
  Range outputs;  // in Graph::values
  Location location;
};

struct Value {
  Symbol name;
  NodeId producer;
  DType dtype = DType::kUndefined;  // storage type as traced, kUndefined when unknown
  bool selected = false;            // a kSelect node picks this result: Graph::selected_as
  int16_t rank = -1;                // -1: shape unknown
  uint32_t dims = 0;                // first of `rank` entries in Graph::dims; equal shapes are kept once
  SpecRef spec;                     // output annotation
  ConstantId constant;              // data, when the file holds it and it is small enough to matter
};

struct Use {
  ValueId value;
  NodeId node;
  SpecRef spec;            // annotation of this input edge
  bool annotated = false;  // the file has an entry for this edge, even if it is "none"
  bool repeats = false;    // a second DequantizeLinear/QuantizeLinear pair sits on this edge
};

/// Dimension of unknown or symbolic size.
inline constexpr int64_t kDynamicDim = -1;

/// Tensor data, owned by Graph::storage or by the mapped file it keeps alive.
struct Constant {
  DType dtype = DType::kUndefined;
  uint64_t count = 0;
  const std::byte* data = nullptr;  // little endian, `count` elements; null: not available
};

struct Graph {
  std::string file;
  std::string model;
  std::string soc_hint, backend_hint;  // what the file says it was annotated for; may be empty
  Frontend frontend = Frontend::kTorch;
  int opset = 0;  // ONNX default-domain opset; 0 otherwise

  Interner names;
  std::vector<Node> nodes;  // in file order
  std::vector<Value> values;
  std::vector<Use> uses;
  std::vector<Arg> args;  // of arguments and of the lists among them
  std::vector<NamedArg> named;
  std::vector<Arguments> arguments;
  std::vector<int64_t> dims;
  std::vector<Spec> specs;  // equal ones are kept once, as a rule
  std::vector<DerivedSpec> derived;
  std::vector<SpecRef> derived_from;
  std::vector<EdgeRef> edges;                           // that shared specs name
  std::vector<std::pair<ValueId, ValueId>> selections;  // result, value of the kSelect node that picks it; sorted
  std::vector<Constant> constants;
  std::vector<std::unique_ptr<std::byte[]>> storage;
  std::vector<std::shared_ptr<const void>> keep_alive;
  std::vector<Finding> findings;  // what the reader noticed
  std::vector<Waiver> waivers;    // findings that the file itself accepts

  const Node& node(NodeId id) const { return nodes[id.index]; }
  const Value& value(ValueId id) const { return values[id.index]; }
  const Use& use(UseId id) const { return uses[id.index]; }
  std::string_view text(Symbol s) const { return names.text(s); }
  std::string_view name(NodeId id) const { return text(node(id).name); }
  std::span<const int64_t> shape(const Value& v) const {
    return v.rank < 0 ? std::span<const int64_t>() : std::span(dims).subspan(v.dims, static_cast<size_t>(v.rank));
  }
  std::span<const Arg> elements_of(const Arg& list) const {
    return std::span(args).subspan(list.list.first, list.list.count);
  }
  std::span<const Arg> args_of(const Node& n) const {
    const Range r = arguments[n.arguments.index].args;
    return std::span(args).subspan(r.first, r.count);
  }
  std::span<const NamedArg> named_of(const Node& n) const {
    const Range r = arguments[n.arguments.index].named;
    return std::span(named).subspan(r.first, r.count);
  }
  /// Of an argument of this kind.
  UseId use_of(const Node& n, const Arg& arg) const { return UseId{n.uses.first + arg.index}; }
  std::span<const Use> uses_of(const Node& n) const { return std::span(uses).subspan(n.uses.first, n.uses.count); }
  std::span<const SpecRef> sources_of(const DerivedSpec& d) const {
    return std::span(derived_from).subspan(d.from.first, d.from.count);
  }
  std::span<const Value> outputs_of(const Node& n) const {
    return std::span(values).subspan(n.outputs.first, n.outputs.count);
  }
  const NamedArg* find_named(const Node& n, std::string_view key) const;
  /// The value of the kSelect node that picks this result; invalid when none does.
  ValueId selected_as(ValueId result) const;
};

/// Elements of a constant as integers or reals; nothing when it has no data or another kind of type.
std::optional<std::vector<int64_t>> constant_integers(const Graph& graph, ConstantId id);
std::optional<std::vector<double>> constant_reals(const Graph& graph, ConstantId id);

/// One element; nothing when the constant has no data or another kind of type.
std::optional<double> constant_number(const Graph& graph, ConstantId id, uint64_t index);
/// Least and largest element of an integer constant that has data and elements.
std::optional<IntegerRange> constant_range(const Graph& graph, ConstantId id);

/// A value is static when it comes from a constant, static by chain when everything it is computed
/// from is. Indexed by ValueId.
enum class Staticness : uint8_t { kDynamic, kChain, kStatic };
std::vector<Staticness> staticness(const Graph& graph);

/// Checks the invariants readers must establish (indices in range, uses point back to their node).
/// Returns the first broken one, empty when sound. For tests and debug builds.
std::string verify(const Graph& graph);

}  // namespace snapgauge
