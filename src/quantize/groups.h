// Which tensors have one set of parameters: what calibration has to look at, and where its numbers go.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/sharing.h"

namespace snapgauge {

/// Places that use the same observer.
struct QuantGroup {
  uint32_t id = 0;               // of Sharing
  SpecId spec;                   // what is wanted
  std::vector<PlaceId> stated;   // that say so, and get the numbers
  std::vector<ValueId> tensors;  // whose numbers decide them; each once
  SpecId prescribed;             // with parameters that some place of it must have; nothing is observed then
  bool before_softmax = false;   // nothing but softmaxes reads its tensors
  std::vector<size_t> mask_of;   // of a constant that is added in front of softmaxes alone: the groups of the sums
  size_t observed_as = 0;        // the group that is observed for this one, as a rule itself; others have no tensors
};

/// Those in which some place has no numbers yet, in the order of their first places: without derived and dynamic ones.
/// What a concatenation reads is observed together with its result (ExecuTorch's ConcatObserver), so that it only moves
/// integers.
std::vector<QuantGroup> groups_to_observe(const Graph& graph, const Sharing& sharing);

}  // namespace snapgauge
