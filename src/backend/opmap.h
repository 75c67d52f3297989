// Op maps: how a frontend's operator becomes a backend op, several operators, or nothing, compiled from
// rules/opmap/*.json. The grammar is in rules/opmap/README.md. What a row holds that the grammar does not
// know is an error, so that nothing it says goes unread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backend/param_source.h"
#include "base/result.h"
#include "graph/graph.h"
#include "opinfo/database.h"
#include "opinfo/predicate.h"

namespace snapgauge {

struct InputSource {
  int index = 0;
  std::string name;            // keyword argument
  std::optional<int> element;  // of a list argument
  bool variadic = false;       // every element of the list, or every input from here on
  bool optional = false;       // "?": may be absent
  bool made = false;           // a tensor that the lowering makes itself
  bool operator==(const InputSource&) const = default;
};

/// "1", "2?", "1[-1]", "3=bias?", "0*", "-"; throws std::invalid_argument.
InputSource parse_operand(const std::string& text);

struct PortLayout {
  enum class Kind : uint8_t { kPermutation, kChannelLast, kMoveLast, kRows, kRow, kColumn, kFlat, kFlattenAt };
  PortRef port;
  Kind kind = Kind::kPermutation;
  std::vector<uint8_t> permutation;  // backend dimension i is frontend dimension permutation[i]
  ParamSource axis;                  // kMoveLast, kFlattenAt
  bool operator==(const PortLayout&) const = default;
};

/// What a part of a decomposition is given: an operand of the whole, a tensor between the parts, a literal.
struct PartArg {
  enum class Kind : uint8_t { kOperand, kTensor, kLiteral, kText, kSource, kList };
  Kind kind = Kind::kLiteral;
  InputSource operand;
  std::string text;  // name of a tensor, or the text itself
  ParamValue literal;
  ParamSource source;
  std::vector<PartArg> list;
  bool operator==(const PartArg&) const = default;
};

/// One operator of a decomposition, in the frontend's own words, so that it finds its own row.
struct Part {
  std::string op;
  std::vector<PartArg> args;
  std::vector<std::pair<std::string, PartArg>> attrs;
  std::vector<std::string> out;  // "out[0]" or the name of a tensor between the parts
  bool operator==(const Part&) const = default;
};

/// A tensor between the parts. Without `dtype` it is what `like` is: its datatype, and where that is
/// quantized a spec of the same type that the pipeline's observer fills later.
struct PartTensor {
  struct Dim {
    std::optional<PortRef> all_but;  // the dimensions of a port but the last `drop`
    int drop = 0;
    Expr size;
    bool operator==(const Dim&) const = default;
  };
  std::string name;
  PortRef like;
  std::optional<DType> dtype;
  std::optional<std::vector<Dim>> shape;  // absent: that of `like`
  std::string shares;                     // "1", "out[0]" or another tensor: it has the parameters of that one
  std::string shape_of;                   // a value of the pattern whose shape it has,
  int to_rank = 0;                        // without dimensions of 1 beyond this many
  std::vector<double> range;              // real bounds that the pipeline prescribes; two or none
  bool constant = false;                  // made by the lowering
  std::optional<ParamSource> number;      // of which it consists
  bool operator==(const PartTensor&) const = default;
};

/// One node of a pattern, by the names of the values it reads and writes; "" reads anything.
struct PatternNode {
  std::string op;
  std::vector<std::string> in;
  std::string out;
  std::vector<std::pair<std::string, double>> attrs;
  std::vector<std::pair<std::string, double>> attrs_or_default;  // or the attribute is absent
  bool over_last = false;  // its axes, an attribute or the second operand, are the last dimension alone
  bool in_float = false;   // its result has no quantization
  bool commutes = false;   // the first two inputs in either order
  uint32_t readers = 1;    // of its result, all of them in the pattern
  int rank = -1;           // of its result; -1: any
  bool operator==(const PatternNode&) const = default;
};

/// A value that must be a constant, with this number when there is one.
struct PatternValue {
  std::string name;
  std::optional<double> number;
  double tolerance = 1e-3;  // relative
  bool operator==(const PatternValue&) const = default;
};

struct Pattern {
  std::vector<PatternNode> nodes;  // the last one gives the result
  std::vector<PatternValue> values;
  std::vector<std::string> operands;             // values that the parts call 0, 1, ...
  std::vector<std::string> pipelines, backends;  // empty: all
  bool operator==(const Pattern&) const = default;
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
  bool in_float = false;       // handed over in floating point, between Dequantize and Quantize
  std::vector<PortLayout> layout;
  int rank_up = 0;
  std::vector<std::pair<std::string, ParamSource>> params;
  std::vector<std::pair<std::string, ParamSource>> let;       // values that conditions speak of, not handed over
  std::vector<std::pair<int, std::string>> must_be_constant;  // operands that fix the op's shape, and what they are
  std::vector<std::pair<PortRef, PortRef>> takes;             // a port without a spec has the parameters of another
  std::optional<PortRef> weight, bias;
  Pattern pattern;                  // of rows whose name begins with "~"
  std::vector<Part> parts;          // of kEmits
  std::vector<PartTensor> tensors;  // between them
  std::string unjudged;             // of kEmits: why the parts cannot be told; the node is unknown
  std::vector<std::pair<Condition, Boxed<OpMapping>>> select;  // first that holds replaces this row

  const PortLayout* layout_of(PortRef::Side side, size_t index) const;
  const PartTensor* tensor(std::string_view name) const;
  bool operator==(const OpMapping&) const = default;
};

/// Loads rows on demand and keeps them. Not thread safe.
class OpMaps {
 public:
  OpMaps(const Database& database, Frontend frontend) : database_(database), frontend_(frontend) {}

  /// The row for an operator; null when there is none. Errors are broken tables.
  Result<const OpMapping*> find(std::string_view op);
  /// The rows of patterns.
  Result<std::vector<const OpMapping*>> patterns();
  /// A row that replaces that of the tables, in their grammar.
  Status replace(const std::string& op, const std::string& json);
  /// Close names, for messages about unmapped operators.
  const std::vector<std::string>& similar(const std::string& op);

 private:
  Result<std::unique_ptr<OpMapping>> load(const std::string& op) const;
  Status load_patterns();

  const Database& database_;
  Frontend frontend_;
  std::unordered_map<std::string, std::unique_ptr<OpMapping>> rows_;

  std::optional<std::vector<std::string>> names_;     // of all operators with a row, once asked for
  std::optional<std::vector<std::string>> patterns_;  // likewise
  std::unordered_map<std::string, std::vector<std::string>> similar_;
};

/// Every row of a frontend, for OpMaps to find.
Status compile_maps(const Database& database, Frontend frontend, CompiledWriter& out);

/// Compiles one row; `json` is the row's object.
Result<std::unique_ptr<OpMapping>> compile_mapping(const std::string& json, const std::string& op);

}  // namespace snapgauge
