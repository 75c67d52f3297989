// A lowered model for the vendor's own tools: a folder of data files that the converters, or ONNX Runtime's provider,
// take as they are. Making the files and writing them are apart, so that nothing is written unless everything can be.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/lowering.h"

namespace snapgauge {

/// Of an ONNX model that was lowered. Everything outlives the call, the file's bytes also what comes of it.
struct HandoffSource {
  std::string path;
  std::shared_ptr<const MappedFile> file;
  std::vector<std::string> allowed_folders;  // see ExternalData
  const Graph* graph = nullptr;
  const Target* target = nullptr;
  const Artifact* artifact = nullptr;  // the target, mode and options
  std::string partition;               // how it was divided, as JSON
};

struct HandoffFile {
  std::string name;  // below the folder
  std::string_view content;
  std::shared_ptr<const void> holder;  // of the content
};

struct Handoff {
  std::string kind, folder;
  std::vector<HandoffFile> files;
  std::vector<std::string> left_out;  // tensors whose parameters no file has
};

/// "qairt" or "ort".
bool is_handoff(std::string_view kind);
/// Whether a file that begins like this is of a format that is handed over.
bool handoff_takes(std::string_view model);

/// Errors: a model of another format, a backend that the tools do not have, a model that has no float form.
Result<Handoff> hand_off(const std::string& kind, const std::string& folder, const HandoffSource& source);

/// kUsage where a file would replace a different one that is there or that is written as well: another hand-off's, or
/// `output`. Files that are there already with the same content are none of these.
Status handoffs_are_free(std::span<const Handoff> handoffs, const std::string& output);
/// Folders are made.
Status write_handoff(const Handoff& handoff);

}  // namespace snapgauge
