// An ONNX model with QuantizeLinear and DequantizeLinear pairs as the float model that it stands for: without the
// pairs, stored integers as the numbers that they are, everything else byte by byte as it was.
//
// A tensor keeps the name that a graph read from the quantized model has for it: the one in front of its pairs, of a
// stored weight that of its integers. Only what a pair separates from an output of the graph takes the output's name.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/contract/content.h"

namespace snapgauge {

struct FloatModel {
  std::string model;
  std::map<std::string, std::string, std::less<>> renamed;  // tensors, and the outputs whose names they have now
};

/// Errors: integers that something else reads or computes, parameters that the graph computes, a node with a graph of
/// its own, a result beyond what protobuf holds. A model without pairs comes back as it is.
Result<FloatModel> float_model(std::string_view bytes, const std::string& name, std::optional<ExternalData> external);

struct ExternalFile {
  std::string location;  // as the model has it, below its folder
  std::shared_ptr<const MappedFile> file;
};

/// The files that tensors of a model lie in, by location.
Result<std::vector<ExternalFile>> external_files(std::string_view bytes, const ExternalData& external);

}  // namespace snapgauge
