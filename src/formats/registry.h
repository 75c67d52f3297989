// The one door for files: formats are rows, and nobody else asks what a file is.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/contract/format.h"

namespace snapgauge {

/// A file as it was read.
struct LoadedGraph {
  Graph graph;
  std::shared_ptr<const MappedFile> file;
  bool is_text = false;
};

class FormatRegistry {
 public:
  explicit FormatRegistry(std::vector<FileFormat> formats) : formats_(std::move(formats)) {}
  /// The formats that come with snapgauge.
  static const FormatRegistry& shipped();

  std::span<const FileFormat> formats() const { return formats_; }
  /// The format that the bytes begin like; null when there is none.
  const FileFormat* find(std::string_view bytes) const;

  /// In the format for people and editors, *.sgraph.json.
  std::string write(const Graph& graph) const;

  /// Errors name file and place. External data of a model may really lie in one of `allowed_folders`, too.
  Result<LoadedGraph> load(const std::string& path, const std::vector<std::string>& allowed_folders = {}) const;
  /// From memory, which outlives the graph; no other file is opened.
  Result<Graph> read(std::string_view bytes, const std::string& name) const;
  Result<std::unique_ptr<EditableGraph>> edit(std::string bytes, const std::string& path,
                                              const std::vector<std::string>& allowed_folders = {}) const;

 private:
  Error unknown(std::string_view bytes, const std::string& name) const;

  std::vector<FileFormat> formats_;
};

// Of the formats that come with snapgauge.
inline Result<LoadedGraph> load_graph(const std::string& path, const std::vector<std::string>& allowed_folders = {}) {
  return FormatRegistry::shipped().load(path, allowed_folders);
}
inline std::string write_graph(const Graph& graph) { return FormatRegistry::shipped().write(graph); }
inline Result<Graph> read_graph(std::string_view bytes, const std::string& name) {
  return FormatRegistry::shipped().read(bytes, name);
}
inline Result<std::unique_ptr<EditableGraph>> edit_graph(std::string bytes, const std::string& path,
                                                         const std::vector<std::string>& allowed_folders = {}) {
  return FormatRegistry::shipped().edit(std::move(bytes), path, allowed_folders);
}

}  // namespace snapgauge
