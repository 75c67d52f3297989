// Which nodes of a checked model a message of a log is about. The model comes as plain data: this
// module neither reads files nor judges.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "decode/decoder.h"
#include "diag/finding.h"
#include "diag/verdict.h"

namespace snapgauge {

struct ModelNode {
  std::string name, op, backend_op;
  NodeVerdict verdict = NodeVerdict::kAccepted;
  std::vector<Finding> findings;
};

struct CheckedModel {
  std::string path;
  std::string target;  // "htp SM8750 (V79), SDK latest, pipeline ort-qnn"
  FileVerdict verdict = FileVerdict::kAccepted;
  std::vector<ModelNode> nodes;  // those judged, in file order
};

enum class FoundBy : uint8_t { kNothing, kName, kOp, kRule };
std::string_view found_by_name(FoundBy how);

/// The nodes of the model that explain a message, or a sentence on why there are none.
struct Explanation {
  FoundBy by = FoundBy::kNothing;
  std::vector<const ModelNode*> nodes;
  std::string sentence;
};

class ModelIndex {
 public:
  /// The model must outlive the index.
  static Result<std::unique_ptr<ModelIndex>> create(const CheckedModel& model);

  /// By name; else the rejected nodes of the message's op; else those with a finding of its rules.
  Explanation explain(const DecodedMessage& message) const;
  const CheckedModel& model() const { return model_; }

 private:
  explicit ModelIndex(const CheckedModel& model) : model_(model) {}
  /// A name with each step of its mangling undone, the untouched one first.
  std::vector<std::string> spellings(std::string_view name) const;
  std::set<std::string> ops_of(const DecodedMessage& message) const;
  void by_name(const DecodedMessage& message, Explanation& into) const;
  void by_findings(const DecodedMessage& message, Explanation& into) const;
  std::string without_nodes(const DecodedMessage& message) const;

  const CheckedModel& model_;
  std::vector<std::unique_ptr<RE2>> steps_;
  std::unordered_map<std::string, std::vector<size_t>> names_;
  std::vector<std::pair<std::string, std::string>> ops_;  // of each node: the file's and the backend's
};

}  // namespace snapgauge
