// Shared by the files that hold check shapes: shapes.cc (datatype and quantization), shapes_tensor.cc
// (shapes of tensors) and shapes_param.cc (parameters).
#pragma once

#include <string>

#include "rules/shapes.h"

namespace snapgauge::shapes {

void unknown(Outcome& out, std::string missing);
/// Stores the answer, and calls `explain` to fill expected and actual only when it is needed.
template <class Explain>
void expect(Outcome& out, Truth truth, const Explain& explain) {
  out.truth = truth;
  if (truth != Truth::kTrue) explain();
}

void rank(const ShapeInput& in, Outcome& out);
void dim(const ShapeInput& in, Outcome& out);
void squeezable(const ShapeInput& in, Outcome& out);
void same_rank(const ShapeInput& in, Outcome& out);
void same_shape(const ShapeInput& in, Outcome& out);
void same_dims_across(const ShapeInput& in, Outcome& out);
void batch_dims(const ShapeInput& in, Outcome& out);
void broadcast(const ShapeInput& in, Outcome& out);
void dynamic_dims(const ShapeInput& in, Outcome& out);
void nonempty(const ShapeInput& in, Outcome& out);
void relation(const ShapeInput& in, Outcome& out);
void resize_scale(const ShapeInput& in, Outcome& out);
void count(const ShapeInput& in, Outcome& out);

void value(const ShapeInput& in, Outcome& out);
void default_only(const ShapeInput& in, Outcome& out);
void unique_values(const ShapeInput& in, Outcome& out);
void index_range(const ShapeInput& in, Outcome& out);
void position_of_value(const ShapeInput& in, Outcome& out);
void pad_axes(const ShapeInput& in, Outcome& out);
void requires_one(const ShapeInput& in, Outcome& out);
void forbidden(const ShapeInput& in, Outcome& out);
void unsupported(const ShapeInput& in, Outcome& out);
void mandatory(const ShapeInput& in, Outcome& out);
void applies_only(const ShapeInput& in, Outcome& out);
void data_format(const ShapeInput& in, Outcome& out);

}  // namespace snapgauge::shapes
