#include <algorithm>

#include "api/matrix.h"
#include "cli/commands.h"

namespace snapgauge::cli {

int run_matrix(const MatrixArguments& arguments) {
  TargetOptions any;
  any.pipeline = arguments.pipeline;
  auto session = Session::open(arguments.tables, any);
  if (!session) return fail(session.error());
  auto loaded = load_graph(arguments.file);
  if (!loaded) return fail(loaded.error());
  auto matrix = judge_matrix(**session, loaded->graph, arguments.pipeline);
  if (!matrix) return fail(matrix.error());
  matrix->path = arguments.file;
  const std::string text = arguments.format == "json" ? render_matrix_json(*matrix) : render_matrix_text(*matrix);
  if (const int code = deliver(text, arguments.output); code != 0) return code;
  const auto takes = [](const MatrixCell& cell) { return cell.possible && cell.verdict == FileVerdict::kAccepted; };
  for (const MatrixTable& table : matrix->tables)
    for (const auto& row : table.cells)
      if (std::any_of(row.begin(), row.end(), takes)) return 0;
  return 1;
}

}  // namespace snapgauge::cli
