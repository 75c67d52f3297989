// From the user's graph to the backend's: rows of the op maps choose what each node becomes, conditions
// choose among a row's forms, layouts and casts of the pipeline are applied, identities are looked through.
#pragma once

#include "backend/op_graph.h"
#include "backend/patterns.h"
#include "base/result.h"
#include "targets/target.h"

namespace snapgauge {

struct TranslateOptions {
  bool share = true;  // equal nodes are translated once; the result is the same
  int depth = 0;      // of expansions within expansions
};

/// Graph, sharing, staticness, maps and target outlive the result. Errors are broken op-map tables.
Result<OpGraph> translate(const Graph& graph, const Sharing& sharing, const std::vector<Staticness>& staticness,
                          OpMaps& maps, const Target& target, TranslateOptions options = {});

/// An OpGraph with what it refers to of its graph, which outlives it as the maps and the target do.
struct BackendGraph {
  std::unique_ptr<Sharing> sharing;
  std::unique_ptr<std::vector<Staticness>> staticness;
  OpGraph ops;
};
Result<BackendGraph> translate_whole(const Graph& graph, OpMaps& maps, const Target& target,
                                     TranslateOptions options = {});

/// Where a node stands.
struct NodeSurroundings {
  const Sharing& sharing;
  const std::vector<Staticness>& staticness;
  const std::vector<EdgeSource>& sources;  // by UseId
  const PatternMatch* match = nullptr;     // the node is the last of a pattern
};

/// Why a node has no expansion: the row cannot tell, or the node lacks an operand.
struct NoExpansion {
  std::string why;
  bool incomplete = false;
};

/// What the parts of a row make of a node whose ports are `operation`'s; null, with the reason in `none`.
Result<std::unique_ptr<Expansion>> expand(const FrontendOperation& operation, const NodeSurroundings& around,
                                          OpMaps& maps, const Target& target, int depth, NoExpansion& none);

/// A parameter that cannot be handed to the backend.
struct ParamProblem {
  enum class Kind : uint8_t { kRunTime, kQuantized, kUnmapped } kind;
  std::string param;  // or "operand 1" when the backend has no parameter for it
  std::string expected, actual;
  ValueId value;  // the operand's tensor; invalid for attributes
};
std::vector<ParamProblem> param_problems(const OpGraph& ops, const Op& op);

}  // namespace snapgauge
