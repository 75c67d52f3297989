#include <algorithm>

#include "api/matrix.h"
#include "cli/check_run.h"

namespace snapgauge::cli {

int run_matrix(const CheckArguments& arguments) {
  const std::string& path = arguments.files.front();
  if (auto free = output_is_free(arguments); !free) return fail(free.error());
  auto config = config_in_use(arguments, path);
  if (!config) return fail(config.error());
  const CheckArguments options = merged(arguments, *config);
  TargetOptions any;  // whatever backend, SoC and SDK the configuration names
  any.pipeline = options.target.pipeline;
  auto session = Session::open(options.tables, any);
  if (!session) return fail(session.error());
  auto loaded = load_graph(path, arguments.allowed_folders);
  if (!loaded) return fail(loaded.error());
  auto matrix =
      judge_matrix(**session, loaded->graph, {any.pipeline, selected_by(options), config->waivers, config->levels});
  if (!matrix) return fail(matrix.error());
  matrix->path = path;
  matrix->configuration = config->path;
  const std::string text = options.format == "json" ? render_matrix_json(*matrix) : render_matrix_text(*matrix);
  if (const int code = deliver(text, options.output); code != 0) return code;
  const auto takes = [](const MatrixCell& cell) { return cell.possible && cell.verdict == FileVerdict::kAccepted; };
  for (const MatrixTable& table : matrix->tables)
    for (const auto& row : table.cells)
      if (std::any_of(row.begin(), row.end(), takes)) return 0;
  return 1;
}

}  // namespace snapgauge::cli
