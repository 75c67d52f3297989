// One graph judged for every target that the tables tell apart.
#pragma once

#include <string>

#include "api/session.h"
#include "report/matrix.h"

namespace snapgauge {

/// Every SoC group, backend and SDK version. `pipeline` empty: by the graph's format. Each different
/// target is judged once; SoCs that share all that a backend looks at share the answer.
Result<Matrix> judge_matrix(const Session& session, const Graph& graph, const std::string& pipeline);

}  // namespace snapgauge
