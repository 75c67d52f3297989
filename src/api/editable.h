// A graph together with the bytes that it was read from, for those who change its file.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "diag/finding.h"
#include "formats/annotated.h"
#include "formats/json_edit.h"
#include "formats/onnx/reader.h"
#include "graph/graph.h"

namespace snapgauge {

class EditableGraph {
 public:
  /// `path` names the bytes in errors; external data lies beside it, or really in one of `allowed_folders`.
  static Result<std::unique_ptr<EditableGraph>> open(std::string bytes, const std::string& path,
                                                     const std::vector<std::string>& allowed_folders = {});

  const Graph& graph() const { return graph_; }
  const std::string& bytes() const { return bytes_; }
  bool is_text() const { return document_.has_value(); }
  bool has_external_data() const;

  struct Edited {
    std::string bytes;
    std::vector<bool> made;  // by change: false where the file cannot express it beside the earlier ones
  };
  /// The file with new parameters; see formats/annotated_edit.h and formats/onnx/edit.h.
  Result<Edited> with(std::span<const SpecChange* const> changes) const;

  /// Of text: the edits of each change made alone; none for other files.
  std::vector<std::vector<TextEdit>> edits_apart(std::span<const SpecChange* const> changes) const;
  /// Of text: line and column of a byte.
  Location location_of(size_t offset) const;

 private:
  EditableGraph(std::string bytes, ExternalData external) : bytes_(std::move(bytes)), external_(std::move(external)) {}

  std::string bytes_;
  ExternalData external_;  // with the path
  bool is_onnx_ = false;
  std::optional<JsonDocument> document_;
  AnnotationSites sites_;
  Graph graph_;
};

}  // namespace snapgauge
