// The quantizer's first half: a float graph gets specs, node by node, as its backend's rows and a recipe say.
//
// What is written is what the check reads: specs on edges and results, shared and derived ones, in the graph itself.
// Nodes that are annotated already stay as they are. Facts: ExecuTorch pull request 17665; what is done otherwise, and
// why, is in docs/quantizing.md.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/op_graph.h"
#include "base/result.h"
#include "graph/edit.h"
#include "quantize/config.h"
#include "quantize/recipe.h"
#include "quantize/rows.h"

namespace snapgauge {

/// Why a node has the specs it has, or none.
struct QuantChoice {
  enum class Kind : uint8_t {
    kAnnotated,
    kOwn,        // it had specs before
    kDiscarded,  // the recipe leaves it in float
    kNoRow,      // the backend annotates no such operator
    kInside,     // the pipeline takes it together with the nodes around it
    kNothing,    // nothing about it is quantized: no float tensors, or no config for them
    kRefused,    // the backend takes no config that was tried, see Annotator
  };
  NodeId node;
  Kind kind = Kind::kNothing;
  const AnnotationRow* row = nullptr;
  const QuantConfig* config = nullptr;
  Granularity granularity = Granularity::kPerTensor;
  std::vector<int64_t> block;
  const RecipeRule* rule = nullptr;  // null: the default
  bool further = false;              // the recipe names another config to try
  std::string note;                  // why it is coarser than was asked for; empty: it is not
};
std::string_view choice_name(QuantChoice::Kind kind);

/// What to try for a node instead of what the recipe asks.
struct Retreat {
  enum class Step : uint8_t { kNone, kPerChannel, kPerTensor, kFloat } step = Step::kNone;
  std::string why = {};
  size_t skipped = 0;      // configs of the recipe
  bool exhausted = false;  // everything was tried: back to what was asked
};

class Annotator {
 public:
  /// Everything is referred to and must outlive it. Errors: a config that the recipe names and nobody knows.
  static Result<Annotator> create(const QuantConfigs& configs, const AnnotationRows& rows, const Recipe& recipe);

  /// One choice per call, in file order. `ops`: the float graph as its backend would get it, of which is used what
  /// the pipeline takes together. `retreats`: by NodeId; may be empty. Linear in the graph.
  std::vector<QuantChoice> annotate(GraphEdit& edit, const OpGraph& ops, const std::vector<Retreat>& retreats) const;

 private:
  class Walk;
  /// What the recipe says of a node.
  struct Wish {
    const RecipeRule* rule = nullptr;
    const QuantConfig* config = nullptr;
    bool further = false;  // there is another one behind it
    Granularity granularity = Granularity::kPerChannel;
    bool symmetric = false, per_channel_embedding = false;
    std::vector<int64_t> block;
  };
  Annotator(const QuantConfigs& configs, const AnnotationRows& rows, const Recipe& recipe)
      : configs_(configs), rows_(rows), recipe_(recipe), rules_(by_priority(recipe)) {}

  /// Without the first `skipped` configs.
  Wish wish_for(const Graph& graph, const Node& node, size_t skipped) const;

  const QuantConfigs& configs_;
  const AnnotationRows& rows_;
  const Recipe& recipe_;
  std::vector<const RecipeRule*> rules_;
};

}  // namespace snapgauge
