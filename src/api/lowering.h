// A model behind the gate: divided between the backend and the CPU, lowered, as an artifact's graph.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/session.h"
#include "artifact/artifact.h"
#include "options/options.h"
#include "plan/estimate.h"

namespace snapgauge {

struct LowerRequest {
  bool strict = true;                // only a graph that is lowered whole
  bool border_fallback = false;      // of backends that take whole graphs: nodes without weights may run on the CPU
  std::vector<OptionText> options;   // of compile time
  std::optional<uint64_t> drawn;     // seed of constants that the file leaves out, see graph/draw.h
  std::vector<std::string> samples;  // for specs that have no numbers yet, see Samples::open; none: there are none
};

/// Gives a graph what it lacks of constants and of numbers; the latter by calibration. kUsage: specs without numbers,
/// and no samples. Before it is judged.
Status complete(Session& session, Graph& graph, const LowerRequest& request);

/// A node that the backend does not run.
struct FallbackNode {
  std::string name, op, why;
  std::string change;  // the smallest that would make it one of the backend's; empty: none is known
  std::string weight;  // a constant that it computes with; empty: none
};

/// A tensor that goes from one part to another. Parts as in PartitionReport::part_name.
struct CutTensor {
  std::string name, from, to;  // nodes
  uint32_t from_part = 0, to_part = 0;
  std::string dtype;
  uint64_t bytes = 0;       // 0: not known
  std::string conversions;  // "Dequantize in partition 0, Quantize on the CPU"; empty: none
};

struct PartitionReport {
  std::vector<std::vector<std::string>> partitions;  // names of their nodes, in file order
  std::vector<FallbackNode> fallbacks;
  std::vector<CutTensor> cuts;
  std::string refusal;  // why nothing was lowered; empty: it was

  /// Parts count as in lower/partition.h: "partition 0", "the CPU".
  static std::string part_name(uint32_t part);
};

struct LoweredGraph {
  FileReport gate;
  PartitionReport partition;
  std::optional<ArtifactGraph> graph;  // nothing where it is refused
};

/// `gate`: what the check says of the graph. `holder` keeps the graph and what it views for as long as the result
/// lives. Errors: tables that are broken, and what the gate accepts but the host cannot execute.
Result<LoweredGraph> lower_graph(Session& session, const Graph& graph, FileReport gate,
                                 std::shared_ptr<const void> holder, const LowerRequest& request);

/// `key`: a file with the public key that must have signed it; empty: nobody must.
Result<ReadArtifact> open_artifact(const std::string& path, const std::string& key);

/// Everything of an artifact but its graphs, of which it will have so many. kUsage: a backend that nothing is lowered
/// for, or that takes fewer graphs, and options that do not fit.
Result<Artifact> artifact_for(Session& session, Frontend frontend, const LowerRequest& request, size_t graphs);
/// The options that it was lowered with.
Result<OptionSet> options_of(const Artifact& artifact);
/// When and where it runs, a line each; empty where its backend says nothing of it. See schedule_text().
std::string artifact_schedule(const Artifact& artifact);

}  // namespace snapgauge
