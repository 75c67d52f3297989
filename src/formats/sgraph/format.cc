// Any JSON is taken for an annotated graph, so that what is wrong with it is told as exactly as can be.
#include "formats/sgraph/format.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"
#include "formats/json/document.h"
#include "formats/json/edit.h"
#include "formats/sgraph/edit.h"
#include "formats/sgraph/reader.h"
#include "formats/sgraph/writer.h"

namespace snapgauge {
namespace {

bool looks_like_json(std::string_view bytes) {
  bytes = without_byte_order_mark(bytes);
  const size_t at = bytes.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && (bytes[at] == '{' || bytes[at] == '[');
}

Error not_a_graph(const JsonDocument& document, const std::string& name) {
  const auto format = document.root()["format"].string();
  if (!format) return {ErrorCode::kUnsupported, name, "JSON without a \"format\" that names a graph", 1, 1};
  return {ErrorCode::kUnsupported, name,
          fmt::format("JSON of format '{}', which is not one of snapgauge-graph, annotated-graph", printable(*format)),
          1, 1};
}

Result<Graph> read_annotations(const Content& content) {
  auto document = JsonDocument::parse(content.bytes, content.name);
  if (!document) return document.error();
  if (!is_annotated_graph(*document)) return not_a_graph(*document, content.name);
  return read_annotated_graph(*document);
}

class EditableAnnotations final : public EditableGraph {
 public:
  static Result<std::unique_ptr<EditableGraph>> open(std::string bytes, const ExternalData& external) {
    std::unique_ptr<EditableAnnotations> out(new EditableAnnotations(std::move(bytes)));
    auto document = JsonDocument::parse(out->bytes_, external.model);
    if (!document) return document.error();
    if (!is_annotated_graph(*document)) return not_a_graph(*document, external.model);
    out->document_ = std::move(*document);
    auto graph = read_annotated_graph(*out->document_, &out->sites_);
    if (!graph) return graph.error();
    out->graph_ = std::move(*graph);
    return std::unique_ptr<EditableGraph>(std::move(out));
  }

  bool is_text() const override { return true; }
  Result<Edited> with(std::span<const SpecChange* const> changes) const override {
    SpecEdits edits = edit_specs(*document_, bytes_, graph_, sites_, changes);
    return Edited{with_edits(bytes_, std::move(edits.edits)), std::move(edits.made)};
  }
  std::vector<std::vector<TextEdit>> edits_apart(std::span<const SpecChange* const> changes) const override {
    return edit_specs_apart(*document_, bytes_, graph_, sites_, changes);
  }
  Location location_of(size_t offset) const override { return document_->location_of(offset); }

 private:
  using EditableGraph::EditableGraph;

  std::optional<JsonDocument> document_;
  AnnotationSites sites_;
};

}  // namespace

FileFormat sgraph_format() {
  return {"sgraph",         "a JSON annotation file",  true,          looks_like_json,
          read_annotations, EditableAnnotations::open, annotated_text};
}

}  // namespace snapgauge
