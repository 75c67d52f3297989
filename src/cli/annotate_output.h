// What `annotate` and `quantize` have in common: the recipe, what became of the nodes, and files beside the model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/annotator.h"
#include "base/result.h"
#include "report/json_parts.h"

namespace snapgauge::cli {

class CheckRun;
struct AnnotateArguments;

/// The file's own recipe, else the configuration's, and above both what stands on the command line.
Result<Recipe> recipe_for(const AnnotateArguments& arguments, const CheckRun& gate);

/// To the file that is named, else beside the model under its name with another ending: that one is not overwritten
/// when it holds something else. The name.
Result<std::string> write_beside(const AnnotateArguments& arguments, const std::string& path, std::string_view ending,
                                 const std::string& content);

/// A row a node: what it got and which line decided it.
std::string explained(const std::vector<NodeChoice>& nodes);
/// What a reader would not expect: nodes that were left in float and weights that got coarser.
std::string surprises(const std::vector<NodeChoice>& nodes);
Json choices_json(const std::vector<NodeChoice>& nodes);

}  // namespace snapgauge::cli
