// Check shapes: one generic evaluation per predicate kind of the op-info tables.
#pragma once

#include <string>

#include "evaluate/evaluate.h"
#include "graph/sharing.h"
#include "opinfo/predicate.h"
#include "rules/fixes.h"

namespace snapgauge {

/// What a shape found. The strings are filled only when the answer is not kTrue.
struct Outcome {
  Truth truth = Truth::kTrue;
  std::string expected, actual;
  std::string missing;    // of kUnknown: what was not known
  bool run_time = false;  // of kUnknown: it is data that only exists at run time
  Proposal fix = {};      // of kFalse
};

struct ShapeInput {
  const Predicate& predicate;
  const Subject& self;
  const Port* port;  // null for parameters
  const EvalContext& context;
  const Sharing& sharing;
};

/// Evaluates the predicate on one port or parameter whose condition holds.
void check_shape(const ShapeInput& input, Outcome& out);

/// True when the kind has a shape. Every kind that is not informational must.
bool has_shape(PredicateKind kind);

}  // namespace snapgauge
