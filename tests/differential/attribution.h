// Which weakness of upstream's algorithm explains that a node's two verdicts differ. Decided from the
// graph, the table and the two verdicts, never from the name of a file, an edit or a node.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "check/check.h"
#include "differential/recorded.h"
#include "graph/sharing.h"

namespace snapgauge::differential {

struct Explanation {
  int outcome = 0;  // see upstream.h
  std::string detail;
};

class Attribution {
 public:
  /// `ops` is the synthetic table. All three must outlive this.
  Attribution(const Graph& graph, const CheckResult& result, const Json& ops);

  /// Nothing when we do not judge the node.
  std::optional<NodeVerdict> verdict(const std::string& node) const;
  /// `upstream` is a recorded verdict with "valid".
  Explanation explain(const std::string& node, const Json& upstream) const;

 private:
  struct Judged {
    const NodeResult* result = nullptr;
    std::string reason = {};  // of its verdict
    std::vector<const Finding*> findings;
  };
  /// A place that one of the two complains about.
  struct Complaint {
    const Node& node;
    const Json& upstream;
    const Finding* finding = nullptr;  // ours; null when the complaint is upstream's
    std::string_view message;          // upstream's
    PlaceId place;
    bool output = false;
    size_t port = 0;
  };

  PlaceId place_of(const Node& node, std::string_view value, bool output) const;
  bool same_cause(const Judged& ours, const Json& upstream) const;
  Explanation stricter(const Node& node, const Judged& ours, const Json& upstream) const;
  Explanation laxer(const Node& node, const Judged& ours, const Json& upstream) const;
  int explain_ours(const Complaint& complaint) const;
  int explain_theirs(const Complaint& complaint, const Judged& ours) const;
  const Json* constraints(const Complaint& complaint) const;
  bool lists_encoding(const Complaint& complaint, Encoding encoding) const;
  bool has_free_alternative(const Complaint& complaint, Encoding encoding) const;
  bool same_dtype(const Complaint& complaint) const;
  bool repeats(const Complaint& complaint) const;

  const Graph& graph_;
  const Json& ops_;
  Sharing sharing_;
  std::map<std::string_view, NodeId> nodes_;
  std::map<std::string, Judged> judged_;
};

}  // namespace snapgauge::differential
