// One graph judged for every target that the tables tell apart.
#pragma once

#include <string>
#include <vector>

#include "api/session.h"
#include "diag/waiver.h"
#include "report/matrix.h"

namespace snapgauge {

/// What holds for every target; the same as for a check.
struct MatrixOptions {
  std::string pipeline;               // empty: by the graph's format
  std::vector<std::string> selected;  // see Gauge::set_selected
  std::vector<Waiver> waivers;        // beside those of the graph
  std::vector<LevelRule> levels;
};

/// Every SoC group, backend and SDK version. Each different target is judged once; SoCs that share all
/// that a backend looks at share the answer.
Result<Matrix> judge_matrix(const Session& session, const Graph& graph, const MatrixOptions& options);

}  // namespace snapgauge
