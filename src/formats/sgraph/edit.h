// Changes the quantization parameters of places in an annotated graph's own text.
//
// A tensor has a place where it is computed and one at each edge that reads it. Those that share one
// observer because their specs are equal change together, or they would part. A spec of the table that
// other places refer to as well stays; those that change refer to a new one behind it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "diag/finding.h"
#include "formats/json/edit.h"
#include "formats/sgraph/reader.h"

namespace snapgauge {

struct SpecEdits {
  std::vector<TextEdit> edits;
  std::vector<bool> made;  // by change; one that meets an earlier one at the same spec is left out
};

/// All changes made together. `graph` and `sites` must come from `document`, and
/// `document` from `text`.
SpecEdits edit_specs(const JsonDocument& document, std::string_view text, const Graph& graph,
                     const AnnotationSites& sites, std::span<const SpecChange* const> changes);
/// The same for each change as if it were the only one.
std::vector<std::vector<TextEdit>> edit_specs_apart(const JsonDocument& document, std::string_view text,
                                                    const Graph& graph, const AnnotationSites& sites,
                                                    std::span<const SpecChange* const> changes);

}  // namespace snapgauge
