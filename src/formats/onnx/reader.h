// Reader of ONNX models: QuantizeLinear and DequantizeLinear become specs of the values and edges
// around them, everything else becomes nodes as they are.
//
// A value keeps the name of its float tensor: an edge behind Quantize/Dequantize nodes leads to the
// tensor in front of them and carries the parameters of the last Dequantize. The folded nodes stay as
// kFolded nodes; each has one use, of the same value, with its own parameters, so that a finding can
// name it. Their results are values that nothing uses.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "graph/graph.h"

namespace snapgauge {

/// Tensors with more elements whose data would have to be copied or fetched keep their type and shape alone.
inline constexpr uint64_t kOnnxMaxConstantElements = 65536;

/// True when the bytes start like an ONNX ModelProto, also when they are cut off inside the graph.
bool looks_like_onnx(std::span<const std::byte> bytes);

/// Where the external data of a model may lie: it is looked for beside `model`, and what is found there is read when
/// its real path lies below the folder of the model's real path or below one of `allowed`.
struct ExternalData {
  std::string model;
  std::vector<std::string> allowed = {};
};

/// Reads a model. The graph keeps `file` alive and points into it.
Result<Graph> read_onnx(std::shared_ptr<const MappedFile> file, const ExternalData& external);

/// The same from memory, which must outlive the graph; without `external` its data is looked for nowhere.
Result<Graph> read_onnx_bytes(std::span<const std::byte> bytes, const std::string& name,
                              std::optional<ExternalData> external = {});
/// Whether tensors of a readable model lie in other files.
bool has_external_data(std::span<const std::byte> bytes);

}  // namespace snapgauge
