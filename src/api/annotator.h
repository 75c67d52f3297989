// A float graph annotated for a target, and judged: what the recipe asks where the target takes it, coarser where it
// does not, in float where it takes nothing else.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "quantize/annotate.h"
#include "report/report.h"

namespace snapgauge {

class Session;

/// A node and what became of it, in words.
struct NodeChoice {
  std::string name, op;
  QuantChoice::Kind kind = QuantChoice::Kind::kNothing;
  std::string style, config, granularity;  // empty where nothing was annotated
  std::vector<int64_t> block;
  std::string decided_by;  // "recipe.toml:3", or "default"
  std::string note;        // why it is coarser than was asked for, or in float
};

struct AnnotatedGraph {
  std::vector<NodeChoice> nodes;     // calls, in file order
  std::vector<std::string> changes;  // of the graph itself, before
  FileReport gate;                   // the check of the result
  std::string text;                  // the annotated graph: *.sgraph.json
};

/// `judge`: the check, with what is suppressed. The graph is changed. `in_float`: called with what will be annotated,
/// whose tensors are the same afterwards. Errors: a backend that annotates nothing, a graph that is quantized already,
/// a recipe with unknown configs.
Result<AnnotatedGraph> annotate(Session& session, Graph& graph, const Recipe& recipe,
                                const std::function<Result<FileReport>(const Graph&)>& judge,
                                const std::function<Status(const Graph&)>& in_float = {});

}  // namespace snapgauge
