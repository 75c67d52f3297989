// Fixes that a program can make: new quantization parameters for the place that a finding is about.
// Whether a fix serves its purpose is not decided here: whoever makes it checks the result.
#pragma once

#include <memory>
#include <optional>

#include "backend/op_graph.h"
#include "diag/finding.h"
#include "graph/sharing.h"

namespace snapgauge {

/// No change: there is nothing that a program could do.
struct Proposal {
  FixSafety safety = FixSafety::kShow;
  std::shared_ptr<const SpecChange> change = {};

  void attach_to(Finding& finding) const;
};

/// One scale and zero point for the whole tensor.
Proposal prescribe(const Graph& graph, const Port& port, double scale, int64_t zero_point);

/// Zero points in the middle of the range, with scales that still cover what was covered before.
Proposal make_symmetric(const Graph& graph, PlaceId place, const Spec& spec, ValueId value);

/// For an operator that only moves data: the port takes the parameters of the other one. From the only
/// quantized input the output takes them, which clips nothing, whichever of the two is `port`.
Proposal share(const Operation& view, const Port& port, const Port& other);
/// The same for two places of one tensor; unsafe, as one of them means other values than it says.
Proposal take_over(PlaceId place, PlaceId from, const Spec& spec);

/// Another channel axis, in the file's own layout.
Proposal move_axis(const Graph& graph, PlaceId place, const Spec& spec, ValueId value, int64_t axis);
/// The same where the stated axis cannot be meant: the only one with as many elements as there are scales.
Proposal find_axis(const Graph& graph, PlaceId place, const Spec& spec, ValueId value);

/// The scales, one per tensor or per channel along axis 0, and zero point 0.
Proposal rescale(const Port& port, std::vector<double> scales);

}  // namespace snapgauge
