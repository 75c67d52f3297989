// Reader of annotated graphs in JSON: snapgauge's own *.sgraph.json ("format": "snapgauge-graph") and
// the dumps of ExecuTorch's quantizer ("format": "annotated-graph"), whose shape it extends.
// docs/schema/sgraph.schema.json is the published schema of the first.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "formats/json/document.h"
#include "graph/graph.h"

namespace snapgauge {

/// True when the document's "format" names a graph we read.
bool is_annotated_graph(const JsonDocument& document);

/// Where a file states its specs, for those who change them. The values belong to the document.
struct AnnotationSites {
  std::vector<JsonValue> specs;                            // the table
  std::vector<uint32_t> references;                        // how often the file refers to each of them
  std::unordered_map<uint32_t, JsonValue> outputs, edges;  // the reference of a value or use, by index
};

/// Wrong types, unknown node kinds and missing keys are errors with line and column; what is well
/// formed but makes no sense as a graph becomes findings of the graph.
Result<Graph> read_annotated_graph(const JsonDocument& document, AnnotationSites* sites = nullptr);

}  // namespace snapgauge
