// Within encodings: what a graph says about each of its tensors, in AIMET's convention.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace snapgauge {

struct EncodedTensor {
  enum class Granularity : uint8_t { kTensor, kChannel, kBlock };

  std::string_view name;
  bool parameter = false;  // else an activation
  int bits = 0;
  bool symmetric = false;
  Granularity granularity = Granularity::kTensor;
  std::vector<double> scales;    // of blocks: all of the first channel, all of the second, ...
  std::vector<int64_t> offsets;  // as many; stored values count from 0
  size_t channels = 1;
  int64_t block_size = 0;
  bool two_level = false;
};

struct EncodedTensors {
  std::vector<EncodedTensor> tensors;  // in the graph's order
  std::vector<std::string> left_out;   // have numbers that the format has no words for
};

/// `blocks`: the format knows them; else tensors in blocks are left out.
EncodedTensors encoded_tensors(const Graph& graph, bool blocks);

/// The width that all these tensors have; 0: they differ, or there are none. A bias is wide whatever weights are.
int common_width(const std::vector<EncodedTensor>& tensors, bool parameters);

}  // namespace snapgauge
