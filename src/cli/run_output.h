// What `run` writes and shows: tensors as files, tables, JSON.
#pragma once

#include <string>
#include <vector>

#include "api/layers.h"
#include "api/runner.h"
#include "report/json_parts.h"

namespace snapgauge::cli {

/// As NumPy files in a folder that is made where it is not there. Says in each tensor where it went.
Status write_outputs(std::vector<NamedTensor>& outputs, const std::string& folder);

/// Writes the results of steps as they come, each NUMBER.TENSOR.npy, stored as the plan has them.
class LayerFiles {
 public:
  static Result<LayerFiles> in(const std::string& folder);
  Status write(size_t step, const Buffer& result, std::span<const std::byte> bytes);
  /// index.json: what each file is. Last, so that a folder with one is whole.
  Status finish(const std::vector<Layer>& layers) const;

 private:
  explicit LayerFiles(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  Json index_ = Json::array();
};

std::string outputs_text(const std::vector<NamedTensor>& outputs);
Json outputs_json(const std::vector<NamedTensor>& outputs);
std::string comparison_text(const std::vector<OutputComparison>& all);
Json comparison_json(const std::vector<OutputComparison>& all);
/// A row a step, and which value is the first beyond its bound.
std::string layers_text(const std::vector<Layer>& layers, const Plan& plan);
Json layers_json(const std::vector<Layer>& layers);

}  // namespace snapgauge::cli
