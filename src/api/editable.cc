#include "api/editable.h"

#include "api/session.h"
#include "formats/annotated_edit.h"
#include "formats/onnx.h"
#include "formats/onnx_edit.h"

namespace snapgauge {

Result<std::unique_ptr<EditableGraph>> EditableGraph::open(std::string bytes, const std::string& path) {
  std::unique_ptr<EditableGraph> out(new EditableGraph(std::move(bytes), path));
  const auto data = std::as_bytes(std::span(out->bytes_));
  out->is_onnx_ = looks_like_onnx(data);
  if (!out->is_onnx_) {
    auto document = JsonDocument::parse(out->bytes_, path);
    if (document && is_annotated_graph(*document)) out->document_ = std::move(*document);
  }
  auto graph = out->is_onnx_    ? read_onnx_bytes(data, path, folder_of(path))
               : out->document_ ? read_annotated_graph(*out->document_, &out->sites_)
                                : read_graph(out->bytes_, path);
  if (!graph) return graph.error();
  out->graph_ = std::move(*graph);
  return out;
}

Result<EditableGraph::Edited> EditableGraph::with(std::span<const SpecChange* const> changes) const {
  if (document_) {
    SpecEdits edits = edit_specs(*document_, bytes_, graph_, sites_, changes);
    return Edited{with_edits(bytes_, std::move(edits.edits)), std::move(edits.made)};
  }
  if (!is_onnx_) return Error{ErrorCode::kUnsupported, path_, "files of this format are not changed"};
  auto edited = edit_onnx_specs(bytes_, path_, folder_of(path_), graph_, changes);
  if (!edited) return edited.error();
  return Edited{std::move(edited->model), std::move(edited->made)};
}

bool EditableGraph::has_external_data() const {
  return is_onnx_ && snapgauge::has_external_data(std::as_bytes(std::span(bytes_)));
}

std::vector<std::vector<TextEdit>> EditableGraph::edits_apart(std::span<const SpecChange* const> changes) const {
  if (!document_) return std::vector<std::vector<TextEdit>>(changes.size());
  return edit_specs_apart(*document_, bytes_, graph_, sites_, changes);
}

Location EditableGraph::location_of(size_t offset) const {
  return document_ ? document_->location_of(offset) : Location{};
}

}  // namespace snapgauge
