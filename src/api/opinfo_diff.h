// What another SDK version changes: a backend's tables compared, and, for models, which of their ops and
// verdicts that concerns. Plain data and its two renderings (docs/opinfo-diff.md).
#pragma once

#include <string>
#include <vector>

#include "api/session.h"
#include "opinfo/diff.h"

namespace snapgauge {

struct OpInfoDiffOptions {
  TargetOptions target;                           // `sdk` is not looked at
  std::string before, after;                      // SDK versions as in TargetOptions
  std::vector<std::string> models;                // paths; empty: the whole tables
  std::vector<std::string> allowed_folders = {};  // for them, see load_graph()
  std::string op;                                 // only this one; empty: all
};

/// One side of the comparison.
struct SdkSide {
  std::string sdk;
  std::string obstacle;  // why nothing runs on the target with it; empty: no such reason
  size_t ops = 0;        // of those compared
};

/// A node that one version judges otherwise than the other.
struct NodeVerdictDiff {
  NodeReport before, after;  // the same node
};

struct ModelDiff {
  std::string path;
  FileVerdict before = FileVerdict::kAccepted, after = FileVerdict::kAccepted;
  size_t nodes = 0;                    // judged
  std::vector<std::string> ops;        // backend ops of its nodes, in alphabetical order
  std::vector<NodeVerdictDiff> diffs;  // in file order
};

struct OpInfoDiff {
  std::string backend, soc, arch, pipeline;
  SdkSide before, after;
  std::vector<OpDiff> ops;  // that differ, in alphabetical order; with models only those they use
  std::vector<ModelDiff> models;
  size_t compared = 0;  // ops of either table, or of the models
};

/// Versions without a table and ops in neither table are kUsage errors that say what is known.
Result<OpInfoDiff> diff_opinfo(const TableOptions& tables, const OpInfoDiffOptions& options);

/// Ops that differ with their rows, then the models, then one line that counts. Colours as a terminal's.
std::string render_opinfo_diff_text(const OpInfoDiff& diff, bool colour);
/// One JSON object, ending in a newline.
std::string render_opinfo_diff_json(const OpInfoDiff& diff);

}  // namespace snapgauge
