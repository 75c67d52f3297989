// Contents of ONNX tensors: where they stand in the file, decoded from typed fields, or mapped from
// an external file.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/onnx/model.h"
#include "formats/onnx/reader.h"
#include "graph/builder.h"

namespace snapgauge::onnx {

class TensorData {
 public:
  /// Without `external`, external files are looked for nowhere.
  TensorData(const Model& model, GraphBuilder& builder, std::optional<ExternalData> external);

  /// The tensor as a constant of the graph, made once. Without data when it is absent, not numeric or
  /// (unless `needed`) too large to matter. Throws Failure when it contradicts its shape, or is needed
  /// and absent.
  ConstantId constant(uint32_t tensor, bool needed = false);

  std::optional<std::vector<int64_t>> integers(uint32_t tensor, bool needed = false);
  std::optional<std::vector<double>> reals(uint32_t tensor, bool needed = false);

  /// A whole external file that a tensor names. Throws Failure where it cannot be read.
  std::shared_ptr<const MappedFile> file(const std::string& location) const;

 private:
  ConstantId load(const Tensor& t, bool needed);
  ConstantId load_external(const Tensor& t, uint64_t size, bool needed);
  std::string allowed_path(const std::string& location) const;
  const MappedFile* external_file(const std::string& location, bool needed);

  const Model& model_;
  GraphBuilder& builder_;
  std::optional<ExternalData> external_;
  std::vector<ConstantId> made_;  // parallel to Model::tensors
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace snapgauge::onnx
