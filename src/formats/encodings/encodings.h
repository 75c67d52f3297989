// Writes the numbers of a calibrated graph as the files that other tools take them from, by the names of its tensors.
//
// Both formats count stored values from 0, also those of signed tensors: real = scale * (stored + offset). A tensor has
// one entry: that of its producer's side, else of the first edge that reads it with numbers. Specs without scales have
// no entry.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace snapgauge {

struct EncodingsText {
  std::string text;
  /// Tensors with numbers that the format has no words for, in the graph's order.
  std::vector<std::string> left_out;
  bool empty = false;  // no tensor has numbers that are written
};

/// AIMET's `.encodings`, version 1.0.0 (docs/schema/aimet-encodings-1.0.0.json): a tensor, a channel or a block a
/// scale, and blocks of two levels (LPBQ) where their scales are whole multiples of one. The same graph gives the same
/// bytes.
EncodingsText aimet_encodings(const Graph& graph);

/// `--quantization_overrides` of the QNN converters (docs/schema/quantization-overrides.json), in the shape of AIMET
/// 0.6.1: a tensor or a channel a scale. `renamed`: tensors that the float model has under another name.
EncodingsText qairt_overrides(const Graph& graph, const std::map<std::string, std::string, std::less<>>& renamed = {});

/// The bits that all activations have, and all parameters but biases; 0: they differ, or there are none.
struct CommonWidths {
  int activations = 0, parameters = 0;
};
CommonWidths common_widths(const Graph& graph);

}  // namespace snapgauge
