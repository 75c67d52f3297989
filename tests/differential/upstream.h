// Upstream's recorded verdicts beside ours, node by node, each difference with the weakness of
// upstream's algorithm that explains it. Their numbers are those of docs/upstream-verdicts.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check/check.h"
#include "differential/recorded.h"
#include "opinfo/database.h"
#include "targets/target.h"

namespace snapgauge::differential {

/// Numbers of weaknesses; these stand beside them.
inline constexpr int kSame = 0;
inline constexpr int kUnexplained = -1;
inline constexpr int kDoubtfulRow = -2;  // upstream rejects, we warn: its own device tests disagree with the rule

/// One node of one graph.
struct Comparison {
  std::string file, backend, config;
  std::string edit;  // empty: the graph as annotated
  std::string node;
  bool repeats = false;  // an edit of something else changed neither verdict: counted with the first
  int outcome = kSame;
  std::string detail;  // of a difference: both sides in words
};

struct Comparisons {
  std::vector<Comparison> rows;    // nodes that upstream judged
  size_t skipped_by_upstream = 0;  // annotated nodes without a rule or a row (weakness 29)
  size_t skipped_and_judged = 0;   // of those, judged by us
  std::vector<std::string> without_dump;
};

/// Judges for any target against the synthetic table. Not thread safe.
class SyntheticTable {
 public:
  /// `constraints` is the table as recorded. Its axes are the framework's, which upstream never reads;
  /// they are rewritten to the backend's layout. The shipped architecture gates are added, since
  /// upstream applies its own outside of the table. `folder` is a scratch directory.
  SyntheticTable(const std::string& constraints, const std::string& folder);

  bool ready() const { return database_ != nullptr; }
  Gauge* gauge(const std::string& backend, const std::string& soc);
  const Json& ops() const { return table_["ops"]; }

 private:
  Json table_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<TargetCatalog> catalog_;
  std::map<std::string, std::unique_ptr<Gauge>> gauges_;
};

/// The dump with the edit's spec in place of what its edge or output had.
Json edited(const Json& dump, const Json& edit);

Comparisons compare(const DataSet& data, SyntheticTable& table);

}  // namespace snapgauge::differential
