// Op maps: how a frontend's operator becomes a backend op, compiled from rules/opmap/*.json. The
// grammar is in rules/opmap/README.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "opinfo/database.h"
#include "opinfo/predicate.h"

namespace snapgauge {

/// A parameter's value as the backend gets it.
struct ParamValue {
  enum class State : uint8_t { kUnset, kUnknown, kKnown };
  State state = State::kUnset;
  std::vector<double> numbers;  // flat; one element for scalars
  std::string name;             // enumerator, when it is one
  bool is_list = false;

  static ParamValue unknown() { return {State::kUnknown, {}, {}, false}; }
};

struct ParamSource {
  enum class Transform : uint8_t {
    kNone,
    kAxis,
    kAxisNew,
    kAxes,
    kBool,
    kNot,
    kNumber,
    kPair,
    kPair0,
    kPadsTorch,
    kPadsOnnx,
    kPadsOnnxFull,
    kPadsTorchFull,
    kAllAxesIfEmpty,
    kTrailingAxes,
    kAxesFrom,
    kAxisMask,
    kOther,
  };
  enum class Derive : uint8_t {
    kNone,
    kLastAxis,
    kDim,
    kMultiples,
    kSpatialOnes,
    kSpatialZeroPads,
    kGlobalFilter,
    kOther
  };
  int arg = -1;     // positional argument
  std::string key;  // keyword argument or attribute
  int input = -1;   // input whose constant data is the value
  std::optional<ParamValue> literal;
  ParamValue fallback;                                 // "default"
  std::shared_ptr<const ParamSource> fallback_source;  // a default that is computed
  std::shared_ptr<const ParamSource> axis;             // operand of some derivations and layouts
  std::string otherwise;                               // parameter used when this one is empty
  Derive derive = Derive::kNone;
  std::vector<std::pair<std::string, ParamValue>> enumerators;  // "map"
  Transform transform = Transform::kNone;
};

struct InputSource {
  int index = 0;
  std::string name;            // keyword by which the argument may be given instead
  std::optional<int> element;  // of a list argument, negative from the end
  bool made = false;           // a tensor that the lowering makes itself: nothing is known about it
  bool optional = false;
  bool variadic = false;  // a list argument, or all inputs from here on
};

struct PortLayout {
  enum class Kind : uint8_t { kPermutation, kChannelLast, kMoveLast, kRows, kRow, kColumn, kFlat, kFlattenAt };
  PortRef port;
  Kind kind = Kind::kPermutation;
  std::vector<uint8_t> permutation;  // backend dimension i is frontend dimension permutation[i]
  ParamSource axis;                  // kMoveLast, kFlattenAt
};

struct OpMapping {
  enum class Kind : uint8_t { kOp, kIdentity, kConstant, kEmits, kRefused };
  Kind kind = Kind::kOp;
  std::string backend_op;
  std::string refused;  // why the pipeline never hands the op over
  std::vector<InputSource> inputs;
  std::vector<int> outputs;  // empty with all_outputs
  bool all_outputs = false;
  // How the pipeline changes the node to make this row fit; empty: not at all.
  std::string rewrite_port, rewrite_change, rewrite_cost;
  bool drops_empty = false;    // operands without elements are left out
  bool checks_params = false;  // some parameter can fail to be handed over
  bool generic = false;        // "qnn.X": arguments are the ports, attributes the parameters
  std::vector<PortLayout> layout;
  int rank_up = 0;
  std::vector<std::pair<std::string, ParamSource>> params;
  std::vector<std::pair<int, std::string>> must_be_constant;  // operands that fix the op's shape, and what they are
  std::optional<PortRef> weight, bias;
  std::vector<std::string> emits;
  std::vector<std::pair<Condition, std::unique_ptr<OpMapping>>> select;  // first that holds replaces this row

  const PortLayout* layout_of(PortRef::Side side, size_t index) const;
};

/// Loads rows on demand and keeps them. Not thread safe.
class OpMaps {
 public:
  OpMaps(const Database& database, Frontend frontend) : database_(database), frontend_(frontend) {}

  /// The row for an operator; null when there is none. Errors are broken tables.
  Result<const OpMapping*> find(std::string_view op);
  /// Close names, for messages about unmapped operators.
  const std::vector<std::string>& similar(const std::string& op);

 private:
  const Database& database_;
  Frontend frontend_;
  std::unordered_map<std::string, std::unique_ptr<OpMapping>> rows_;
  std::vector<std::string> names_;  // of all rows, once asked for
  std::unordered_map<std::string, std::vector<std::string>> similar_;
};

/// Compiles one row; `json` is the row's object.
Result<std::unique_ptr<OpMapping>> compile_mapping(const std::string& json, const std::string& op);

}  // namespace snapgauge
