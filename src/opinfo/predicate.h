// Compiled predicates: the JSON form of the op-info tables (docs/opinfo-schema.md) parsed once into
// what the check shapes evaluate. Port names become PortRefs, expressions become syntax trees,
// conditions become lists of tests that must all hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boxed.h"
#include "base/result.h"
#include "numerics/dtype.h"
#include "numerics/quant.h"
#include "opinfo/database.h"

namespace snapgauge {

/// "in[1]", "in[2..m]", "out[0]" or a parameter's name.
struct PortRef {
  enum class Side : uint8_t { kIn, kOut, kParam };
  static constexpr uint32_t kToEnd = UINT32_MAX;
  Side side = Side::kIn;
  uint32_t first = 0;
  uint32_t last = 0;  // inclusive; kToEnd for "..m"
  std::string param;

  bool covers(Side s, size_t index) const { return s == side && index >= first && index <= last; }
  bool operator==(const PortRef&) const = default;
};
PortRef parse_port(std::string_view text);
std::string port_text(const PortRef& port);
std::string port_text(PortRef::Side side, size_t index);

/// Integer expression over ports and parameters. Node 0 is the root; children have larger indices.
struct Expr {
  enum class Op : uint8_t {
    kNumber,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kNeg,
    kRank,
    kDim,
    kSize,
    kCount,
    kPresent,
    kMin,
    kMax,
    kFloor,
    kIf,
    kSumOver,
    kProdOver,
    kName,   // parameter, loop index or dimension name
    kIndex,  // name[expr]
  };
  struct Node {
    Op op = Op::kNumber;
    double number = 0;
    std::string name;
    std::optional<PortRef> port;
    std::optional<uint32_t> port_index;  // expression node giving the index of "in[i+5]"
    std::vector<uint32_t> children;
    bool operator==(const Node&) const = default;
  };
  std::vector<Node> nodes;
  std::string text;
  bool valid() const { return !nodes.empty(); }
  bool operator==(const Expr&) const = default;
};
/// Nothing when the text is not in the language of docs/opinfo-schema.md ("{1,num_classes}", "unset_bits(x)").
std::optional<Expr> parse_expression(std::string_view text);

struct Operand {
  enum class Kind : uint8_t { kNumber, kBool, kName, kList, kExpr, kDimName };
  Kind kind = Kind::kNumber;
  double number = 0;  // also of kBool
  std::string name;
  std::vector<Operand> list;
  Expr expr;
  bool operator==(const Operand&) const = default;
};

/// V: one or more comparisons that must all hold.
struct Test {
  enum class Op : uint8_t {
    kEq,
    kNe,
    kIn,
    kNotIn,
    kMin,
    kMax,
    kGt,
    kLt,
    kMultipleOf,
    kNotMultipleOf,
    kContains,
    kNonzero
  };
  struct Clause {
    Op op = Op::kEq;
    Operand operand;
    bool operator==(const Clause&) const = default;
  };
  std::vector<Clause> clauses;
  std::vector<int64_t> at;       // only these elements; empty: all of them, or the value itself
  std::optional<Operand> at_to;  // "at": {"from", "to"}
  bool empty() const { return clauses.empty(); }
  std::string text() const;  // "at most 4", "one of A, B"
  bool operator==(const Test&) const = default;
};

struct PortTest {
  PortRef port;
  DTypeSet dtypes = 0, dtypes_not = 0;
  uint64_t bits = 0;  // bit n set: width n is listed
  EncodingSet encodings = 0;
  Test rank, any_dim;
  std::vector<std::pair<std::string, Test>> dims;  // index ("0", "-1") or dimension name
  std::optional<bool> is_dynamic, is_static, is_quantized;
  bool unknown = false;  // holds a key we do not know: can never be decided
  bool operator==(const PortTest&) const = default;
};

/// lhs compare rhs, over dimensions and parameters.
struct Relation {
  Expr lhs, rhs;
  std::string compare;  // "==", "!=", "<", "<=", ">", ">="
  bool operator==(const Relation&) const = default;
};
/// Nothing for another `compare`.
std::optional<bool> compared(double lhs, std::string_view compare, double rhs);

/// All parts must hold. An empty condition always holds.
struct Condition {
  PortTest own;
  Test value, size, last_index, opset;
  std::optional<bool> set;
  std::vector<PortTest> ports;
  std::vector<std::pair<std::string, Test>> params;
  // Of the frontend's node, in op maps.
  std::vector<std::pair<int, Test>> args;
  std::vector<std::pair<std::string, Test>> attrs;
  std::vector<std::pair<int, Test>> given;  // how many tensors list argument k holds
  std::vector<int> used;                    // results that something reads
  std::optional<PortRef> absent;            // a port that is not given
  Test operands;                            // how many inputs are given
  std::vector<Relation> relations;
  std::vector<std::string> pipelines, backends;
  bool always = true;
  bool operator==(const Condition&) const = default;
};

enum class PredicateKind : uint8_t {
  kRank,
  kDim,
  kSqueezable,
  kSameRank,
  kSameShape,
  kSameDtype,
  kSameDimsAcross,
  kBatchDims,
  kBroadcast,
  kDynamicDims,
  kNonempty,
  kRelation,
  kDtypeAllowed,
  kDtypeForbidden,
  kOperationDtypes,
  kDtypeDependsOn,
  kStorageDtype,
  kInterpretedAs,
  kSymmetric,
  kAsymmetric,
  kSigned,
  kBitwidth,
  kEncodingAllowed,
  kEncodingForbidden,
  kEncodingAxis,
  kEncodingDefinition,
  kEqualQuantization,
  kFixedScaleOffset,
  kUpdateableQuantization,
  kStatic,
  kMinArch,
  kRequires,
  kForbidden,
  kValue,
  kDefaultOnly,
  kImplicitValue,
  kUniqueValues,
  kIndexRange,
  kPositionOfValue,
  kCountOfValue,
  kPadAxes,
  kResizeScale,
  kCount,
  kLastIndex,
  kUnsupported,
  kOptional,
  kMandatory,
  kIgnored,
  kAppliesOnly,
  kDataFormat,
  kSameDataFormat,
  kEqualValue,
  kRole,
  kNote,
};
inline constexpr size_t kPredicateKinds = static_cast<size_t>(PredicateKind::kNote) + 1;
std::string_view predicate_kind_name(PredicateKind kind);
std::optional<PredicateKind> predicate_kind_from_name(std::string_view name);
/// Restricts nothing: roles, optional ports, implicit defaults.
bool is_informational(PredicateKind kind);

struct Predicate {
  PredicateKind kind = PredicateKind::kNote;
  PortRef port;
  Boxed<Condition> when;
  // What the kinds use of these is listed beside their check shapes in rules/shapes.cc.
  Test test;
  std::vector<Condition> then;  // requires: one of; forbidden: all of
  DTypeSet dtypes = 0;
  EncodingSet encodings = 0;
  std::optional<PortRef> with;
  std::vector<PortRef> of;
  double scale = 0;
  int64_t offset = 0;   // the vendor's sign
  bool scaled = false;  // scale and offset are given
  int arch = 0;
  std::vector<int64_t> axes;
  std::string text;  // axis name, relation word, summary
  Expr lhs, rhs, extent;
  std::string compare;
  std::vector<std::pair<std::string, DTypeSet>> by_operation;
  std::vector<std::string> flags;
  bool flag = false;        // or_static_chain, elements, supported
  bool unreadable = false;  // the row has a form this version cannot evaluate
  std::string body;         // the row's JSON, for display
  Source source;
  std::string pipeline;
  Strength strength = Strength::kBinding;
  bool operator==(const Predicate&) const = default;
};

/// A row of a known kind always compiles; parts that cannot be understood set `unreadable`, so that
/// the check can say that it did not look. An unknown kind or broken JSON is an error.
Result<Predicate> compile_predicate(const ConstraintRow& row);
/// The condition language alone, as op maps use it. `json` is an object.
Result<Condition> compile_condition(const std::string& json, const std::string& subject);

}  // namespace snapgauge
