// Reader of ONNX models: QuantizeLinear and DequantizeLinear become specs of the values and edges
// around them, everything else becomes nodes as they are.
//
// A value keeps the name of its float tensor: an edge behind Quantize/Dequantize nodes leads to the
// tensor in front of them and carries the parameters of the last Dequantize. The folded nodes stay as
// kFolded nodes; each has one use, of the same value, with its own parameters, so that a finding can
// name it. Their results are values that nothing uses.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "formats/contract/content.h"
#include "graph/graph.h"

namespace snapgauge {

/// Tensors with more elements whose data would have to be copied or fetched keep their type and shape alone.
inline constexpr uint64_t kOnnxMaxConstantElements = 65536;

/// True when the bytes start like an ONNX ModelProto, also when they are cut off inside the graph.
bool looks_like_onnx(std::span<const std::byte> bytes);

/// Reads a model from memory, which must outlive the graph. Without `external` its data is looked for nowhere.
Result<Graph> read_onnx_bytes(std::span<const std::byte> bytes, const std::string& name,
                              std::optional<ExternalData> external = {});
/// Whether tensors of a readable model lie in other files.
bool has_external_data(std::span<const std::byte> bytes);

}  // namespace snapgauge
