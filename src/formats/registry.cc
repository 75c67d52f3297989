// The rows, and what is the same for all of them.
#include "formats/registry.h"

#include <fmt/format.h>

#include "formats/onnx/format.h"
#include "formats/sgraph/format.h"

namespace snapgauge {

const FormatRegistry& FormatRegistry::shipped() {
  static const FormatRegistry registry({sgraph_format(), onnx_format()});
  return registry;
}

const FileFormat* FormatRegistry::find(std::string_view bytes) const {
  for (const FileFormat& format : formats_)
    if (format.probe(bytes)) return &format;
  return nullptr;
}

std::string FormatRegistry::write(const Graph& graph) const {
  for (const FileFormat& format : formats_)
    if (format.is_text && format.write != nullptr) return format.write(graph);
  return {};
}

Error FormatRegistry::unknown(std::string_view bytes, const std::string& name) const {
  if (bytes.empty()) return {ErrorCode::kParse, name, "the file is empty"};
  std::string known;
  for (const FileFormat& format : formats_)
    known += fmt::format("{}{}", known.empty() ? "neither " : " nor ", format.description);
  return {ErrorCode::kUnsupported, name, known};
}

Result<LoadedGraph> FormatRegistry::load(const std::string& path,
                                         const std::vector<std::string>& allowed_folders) const {
  auto opened = MappedFile::open(path);
  if (!opened) return opened.error();
  LoadedGraph loaded;
  loaded.file = std::make_shared<const MappedFile>(std::move(*opened));
  const FileFormat* format = find(loaded.file->text());
  if (format == nullptr) return unknown(loaded.file->text(), path);
  auto graph = format->read({loaded.file->text(), path, loaded.file, ExternalData{path, allowed_folders}});
  if (!graph) return graph.error();
  loaded.is_text = format->is_text;
  loaded.graph = std::move(*graph);
  return loaded;
}

Result<Graph> FormatRegistry::read(std::string_view bytes, const std::string& name) const {
  const FileFormat* format = find(bytes);
  if (format == nullptr) return unknown(bytes, name);
  return format->read({bytes, name, nullptr, std::nullopt});
}

Result<std::unique_ptr<EditableGraph>> FormatRegistry::edit(std::string bytes, const std::string& path,
                                                            const std::vector<std::string>& allowed_folders) const {
  const FileFormat* format = find(bytes);
  if (format == nullptr) return unknown(bytes, path);
  if (format->edit == nullptr) return Error{ErrorCode::kUnsupported, path, "files of this format are not changed"};
  return format->edit(std::move(bytes), {path, allowed_folders});
}

}  // namespace snapgauge
