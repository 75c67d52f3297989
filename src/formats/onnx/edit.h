// Changes the quantization parameters of places in an ONNX model: the scale and zero point of the
// QuantizeLinear and DequantizeLinear nodes of a tensor, and the integers that the file stores for it,
// so that they keep the values that they stood for. Everything else in the file stays as it is, byte by
// byte; an initializer that other nodes read as well stays too, those that change get one of their own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/finding.h"
#include "formats/onnx/reader.h"
#include "graph/graph.h"

namespace snapgauge {

struct EditedModel {
  std::string model;
  std::vector<bool> made;  // by change; left out are those whose new parameters stored values do not fit
                           // into, that meet an earlier change, or whose nodes are no Q/DQ pair
};

/// `graph` must have been read from `bytes`; `external` as in reading.
Result<EditedModel> edit_onnx_specs(std::string_view bytes, const std::string& name,
                                    std::optional<ExternalData> external, const Graph& graph,
                                    std::span<const SpecChange* const> changes);

}  // namespace snapgauge
