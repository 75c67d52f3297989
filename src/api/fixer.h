// Makes the fixes that findings carry, and only those that serve: a fix is kept when a check of the
// result no longer has the finding and has no other one instead. What a fix uncovers is fixed along
// with it or the fix is left out. Running it again on the result changes nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "report/report.h"

namespace snapgauge {

struct FixOptions {
  bool unsafe = false;                                       // fixes that may change values as well
  std::function<Result<FileReport>(const Graph&)> judge;     // the check, without findings that do not count
  std::function<void(size_t tried, size_t total)> progress;  // may be empty
  std::vector<std::string> allowed_folders = {};             // see load_graph()
  size_t most_judged = 0;                                    // nodes, over all checks; 0: what fix() itself bounds
};

struct FixedFinding {
  Finding finding;
  std::string place;          // whose parameters changed; that need not be where the finding is
  std::string before, after;  // the parameters
};

struct FixResult {
  std::string bytes;  // those of the file when nothing was fixed
  bool is_text = false;
  bool has_external_data = false;   // of a model that was fixed: it is looked for beside the file
  std::vector<FixedFinding> fixed;  // in the order in which they were
  size_t withheld = 0;              // unsafe fixes that were not asked for
  FileReport left;                  // the check of the result
};

/// `path` names the bytes in errors, and its folder is where external data lies.
Result<FixResult> fix(std::string bytes, const std::string& path, const FixOptions& options);

/// Fills in the replacements of a text's report, for the fixes that fix() would make without `unsafe`.
Status describe_replacements(FileReport& file, const std::string& bytes, const FixOptions& options);

}  // namespace snapgauge
