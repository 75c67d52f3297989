// Within lower: ops that the host executes as several steps of other ops, all of them in the table of ops.cc.
#pragma once

#include "lower/op_lowering.h"

namespace snapgauge {

// Norms whose statistics are not those of the last dimensions.
void batch_norm(OpLowering& op);
void instance_norm(OpLowering& op);
void group_norm(OpLowering& op);
void l2_norm(OpLowering& op);
// Windows over three dimensions, as windows over two whose channels are those of all depths that a window covers.
void convolution_3d(OpLowering& op);
void max_pool_3d(OpLowering& op);
void average_pool_3d(OpLowering& op);
// Rearrangement.
void tile(OpLowering& op);
void pack(OpLowering& op);
void unpack(OpLowering& op);
void channel_shuffle(OpLowering& op);
void one_hot(OpLowering& op);

}  // namespace snapgauge
