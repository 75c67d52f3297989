// Annotation rows: which style writes the specs of an operator's operands and results on a backend. The rows are
// rules/quantize/annotate-*.json, one file a backend, read when that backend is asked for. Grammar: the README there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "graph/frontend.h"
#include "opinfo/database.h"

namespace snapgauge {

/// How specs are laid on a node; each is one function of styles.cc.
enum class Style : uint8_t {
  kUnary,
  kSingleIn,
  kBinary,
  kAllFloatArgs,
  kShareOrInherit,
  kConv,
  kLinear,
  kMatmul,
  kConcat,
  kStack,
  kSplit,
  kUnbind,
  kSortTopk,
  kGetitem,
  kConstant,
  kBatchNorm,
  kGroupNorm,
  kLayerNorm,
  kRmsNorm,
  kEmbedding,
  kWriteValue,
  kScatter,
  kSliceScatter,
  kFixedUnitInterval,
  kTanhFixed16,
};
std::string_view style_name(Style style);
std::optional<Style> style_named(std::string_view name);

/// Positions are those of the frontend's arguments.
struct AnnotationRow {
  Style style = Style::kUnary;
  int weight = -1, bias = -1;
  int value = -1;                            // of styles that write one tensor into another
  std::optional<int64_t> channel_axis;       // of the weight, may count from its end; absent: never per channel
  std::string transposed_by;                 // attribute that, when it is 1, swaps the weight's two axes
  std::vector<std::string> factors;          // attributes that scale a product's operands; 1 when absent
  int transposed_arg = -1;                   // argument that, when it is true, makes the channel axis 1
  int mean = -1, variance = -1;              // of norms that a product in front can take in
  std::string epsilon_by;                    // their attribute,
  int training_arg = -1;                     // true: its numbers are those of the batch
  int epsilon_arg = -1;                      // or argument
  bool derived_bias = false;                 // of norms: from operand and weight, as their kernels want it
  bool weight_as_activation = false;         // of batch norms, with activations of 16 bits too
  std::vector<AnnotationRow> static_weight;  // instead, where operand 1 is a constant; one or none
};

/// An operator whose numbers are operands of another.
struct LiftRow {
  std::string to;                                     // the operator with tensors for them; empty: the same
  std::vector<int> operands;                          // positions of the numbers
  std::vector<std::pair<int, double>> missing;        // and what stands for those that are left out
  std::vector<std::pair<std::string, int>> names;     // positions of arguments that may be given by name
  std::vector<std::pair<int, std::string>> keywords;  // positions that the other operator has by name only
  bool swap = false;                                  // the first two change places
};

class AnnotationRows {
 public:
  /// Reads one document: what `backend` annotates in graphs of `frontend`. A backend without rows is an error that
  /// names those with some.
  static Result<AnnotationRows> load(const Database& database, const std::string& backend, Frontend frontend);

  /// Null: the operator is not annotated.
  const AnnotationRow* find(std::string_view op) const;
  /// Null: its numbers stay.
  const LiftRow* lift(std::string_view op) const;
  /// Of an operator that is written out before annotation, as the op map says, the arguments that its row reads by
  /// name; null: it is not.
  const std::vector<std::string>* written_out(std::string_view op) const;
  /// or as these rows of its grammar say instead: as JSON, by operator.
  const std::vector<std::pair<std::string, std::string>>& own_decompositions() const { return decompositions_; }
  /// Sorted.
  std::vector<std::string> ops() const;

 private:
  std::unordered_map<std::string, AnnotationRow> rows_;
  std::unordered_map<std::string, LiftRow> lifts_;
  std::unordered_map<std::string, std::vector<std::string>> written_out_;
  std::vector<std::pair<std::string, std::string>> decompositions_;
};

/// Backends with rows.
Result<std::vector<std::string>> annotating_backends(const Database& database);

}  // namespace snapgauge
