// The row, and the model that can be changed.
#include "formats/onnx/format.h"

#include "formats/onnx/edit.h"
#include "formats/onnx/reader.h"

namespace snapgauge {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

bool probe(std::string_view bytes) { return looks_like_onnx(bytes_of(bytes)); }

Result<Graph> read_model(const Content& content) {
  auto graph = read_onnx_bytes(bytes_of(content.bytes), content.name, content.external);
  if (graph && content.file != nullptr) graph->keep_alive.push_back(content.file);
  return graph;
}

class EditableModel final : public EditableGraph {
 public:
  static Result<std::unique_ptr<EditableGraph>> open(std::string bytes, const ExternalData& external) {
    std::unique_ptr<EditableModel> out(new EditableModel(std::move(bytes), external));
    auto graph = read_onnx_bytes(bytes_of(out->bytes_), external.model, external);
    if (!graph) return graph.error();
    out->graph_ = std::move(*graph);
    return std::unique_ptr<EditableGraph>(std::move(out));
  }

  bool has_external_data() const override { return snapgauge::has_external_data(bytes_of(bytes_)); }
  Result<Edited> with(std::span<const SpecChange* const> changes) const override {
    auto edited = edit_onnx_specs(bytes_, external_.model, external_, graph_, changes);
    if (!edited) return edited.error();
    return Edited{std::move(edited->model), std::move(edited->made)};
  }

 private:
  EditableModel(std::string bytes, ExternalData external)
      : EditableGraph(std::move(bytes)), external_(std::move(external)) {}

  ExternalData external_;
};

}  // namespace

FileFormat onnx_format() { return {"onnx", "an ONNX model", false, probe, read_model, EditableModel::open, nullptr}; }

}  // namespace snapgauge
