// Within lower: ops that go element by element.
#pragma once

#include "lower/op_lowering.h"

namespace snapgauge {

/// The function that an op's `operation` names.
Function operation_of(const OpLowering& op);
/// In the order in which the operand is stored.
void unary(OpLowering& op, const Elementwise& params);
void elu(OpLowering& op);
void clip(OpLowering& op);
void neuron(OpLowering& op);
/// Operands broadcast; in the order in which the one of highest rank is stored.
void binary(OpLowering& op, Function function);
void prelu(OpLowering& op);
void select(OpLowering& op);
void logical_not(OpLowering& op);

}  // namespace snapgauge
