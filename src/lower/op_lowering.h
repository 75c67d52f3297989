// Within lower: one backend op on its way to steps, with its operands in the forms that a row of the table asks for.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/op_graph.h"
#include "lower/forms.h"

namespace snapgauge {

/// Counted from the front; LowerFailure where a tensor of `rank` has no such axis.
int64_t not_negative(int64_t axis, size_t rank);

class OpLowering {
 public:
  /// All outlive it.
  /// `in_float`: what is quantized is seen as the numbers it stands for.
  OpLowering(const OpView& op, const OpGraph& ops, Forms& forms, const Plan& plan, bool in_float)
      : op_(op), ops_(ops), forms_(forms), plan_(plan), in_float_(in_float), node_(ops.graph->name(op.node)) {}

  std::string_view name() const { return op_.op(); }
  const std::string& node() const { return node_; }
  Forms& forms() { return forms_; }
  const FrontendRow& frontend() const { return row_of(ops_.graph->frontend); }
  size_t inputs() const { return op_.in.size(); }
  size_t outputs() const { return op_.out.size(); }
  bool has(size_t input) const { return input < op_.in.size() && op_.in[input].present; }

  // ---- parameters; LowerFailure where one is not known

  double number(std::string_view param) const;  // which the op must have
  double number(std::string_view param, double otherwise) const;
  bool truth(std::string_view param, bool otherwise) const { return number(param, otherwise ? 1 : 0) != 0; }
  std::vector<double> numbers(std::string_view param) const;    // empty: not given
  std::vector<int64_t> integers(std::string_view param) const;  // the same
  std::string word(std::string_view param) const;               // of an enumerator; empty: not given
  /// Height and width; one number stands for both.
  std::array<int64_t, 2> pair(std::string_view param, int64_t otherwise) const;

  // ---- operands

  /// What the op sees there: integers where the tensor is quantized and calibrated, else its numbers.
  NumberForm number_at(size_t input) const { return number_of(port(input)); }
  NumberForm result_number(size_t output) const { return number_of(out_port(output)); }
  bool is_quantized(size_t input) const { return !number_at(input).quant.empty(); }
  /// An operand as the op sees it, or as floats; with its dimensions as the port has them, or in another order.
  BufferId operand(size_t input) { return at_port(input, number_at(input)); }
  BufferId real(size_t input) { return at_port(input, NumberForm()); }
  BufferId operand(size_t input, const NumberForm& number, const Order& order);
  BufferId given(size_t input, bool integers) { return integers ? operand(input) : real(input); }
  /// Whether a product of operands 0 and 1 is one of integers: the encodings of all are known, and operands from
  /// `prepared` on, which integer kernels prepare ahead, are constant.
  bool multiplies_integers(size_t prepared) const;
  /// Operand 2 of a product: integers of 32 bits, or numbers.
  BufferId bias(bool integers);
  /// The order in which a tensor is stored already.
  Order stored_order(size_t input) { return forms_.order_of(port(input).value); }
  std::vector<int64_t> frontend_dims(size_t input) { return forms_.dims_of(port(input).value); }
  /// The number of which the lowering makes a tensor: the parameter that the row calls as the port.
  std::optional<float> made(size_t input) const;
  const Buffer& buffer(BufferId id) const { return plan_.buffer(id); }

  // ---- results

  /// The dimensions of a result as its port has them; LowerFailure when one is free.
  std::vector<int64_t> result_dims(size_t output) const;
  BufferId emit(StepKind kind, std::vector<BufferId> inputs, std::vector<int64_t> dims, const NumberForm& number,
                StepParams params = {});
  /// Hands a result on, converted to what its port says: in the port's dimensions, or in an order of the frontend's.
  void result(size_t output, BufferId computed);
  void result(size_t output, BufferId computed, const Order& order);

 private:
  const Port& port(size_t input) const;
  const Port& out_port(size_t output) const;
  BufferId at_port(size_t input, const NumberForm& number);
  NumberForm number_of(const Port& port) const;
  static NumberForm meaning_of(const Port& port);
  static bool has_blocks(const Port& port);
  Order order_of(const Port& port) const;
  std::vector<int64_t> frontend_dims(const Port& port) const;

  const OpView& op_;
  const OpGraph& ops_;
  Forms& forms_;
  const Plan& plan_;
  const bool in_float_;
  std::string node_;
};

/// Nothing where the host has no kernel for the op.
using LowerOp = void (*)(OpLowering&);
LowerOp lowering_of(std::string_view backend_op);

}  // namespace snapgauge
