// A file format as the rest of snapgauge sees it: one row of the registry.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/finding.h"
#include "formats/contract/content.h"
#include "formats/contract/text_edit.h"
#include "graph/graph.h"

namespace snapgauge {

/// A graph together with the bytes that it was read from, for those who change its file.
class EditableGraph {
 public:
  EditableGraph(const EditableGraph&) = delete;
  EditableGraph& operator=(const EditableGraph&) = delete;
  virtual ~EditableGraph() = default;

  const Graph& graph() const { return graph_; }
  const std::string& bytes() const { return bytes_; }

  struct Edited {
    std::string bytes;
    std::vector<bool> made;  // by change: false where the file cannot express it beside the earlier ones
  };
  /// The file with new parameters.
  virtual Result<Edited> with(std::span<const SpecChange* const> changes) const = 0;

  virtual bool is_text() const { return false; }
  virtual bool has_external_data() const { return false; }
  /// Of text: the edits of each change made alone; none for other files.
  virtual std::vector<std::vector<TextEdit>> edits_apart(std::span<const SpecChange* const> changes) const {
    return std::vector<std::vector<TextEdit>>(changes.size());
  }
  /// Of text: line and column of a byte.
  virtual Location location_of(size_t) const { return {}; }

 protected:
  explicit EditableGraph(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
  Graph graph_;
};

struct FileFormat {
  std::string_view name;         // "onnx"
  std::string_view description;  // in a sentence: "an ONNX model"
  bool is_text;                  // lines and columns say where something stands
  /// Looks at the beginning only. The first format that recognizes the bytes reads them.
  bool (*probe)(std::string_view bytes);
  Result<Graph> (*read)(const Content& content);
  /// Null where files of the format are not changed. `external` has the path that names the bytes.
  Result<std::unique_ptr<EditableGraph>> (*edit)(std::string bytes, const ExternalData& external);
  /// Null where graphs are not written in the format. The same graph gives the same bytes.
  std::string (*write)(const Graph& graph);
};

}  // namespace snapgauge
