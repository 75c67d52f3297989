// Writes an ONNX model again with some nodes, initializers, inputs and outputs changed. Fields that are not concerned
// are copied as they stand, unknown ones included.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "numerics/dtype.h"

namespace snapgauge::onnx {

struct NewTensor {
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
  std::string data;  // as in raw_data
  auto operator<=>(const NewTensor&) const = default;
};

struct NodeEdit {
  std::map<uint32_t, std::string> inputs;          // by position, which may be the one behind the last
  std::map<std::string, int64_t> attributes = {};  // integers that are set
  std::map<uint32_t, std::string> outputs = {};    // by position
};

struct ModelEdit {
  std::map<uint32_t, NodeEdit> nodes;         // by index in the graph
  std::map<std::string, NewTensor> replaced;  // initializers by name
  std::vector<std::pair<std::string, NewTensor>> added;
  std::set<uint32_t> dropped;                               // nodes, by index
  std::set<std::string, std::less<>> dropped_tensors = {};  // initializers, also where they stand among the inputs
  std::set<std::string, std::less<>> untyped = {};          // whose types are no longer declared inside the graph
  std::map<std::string, DType, std::less<>> retyped = {};   // inputs and outputs of the graph
  std::vector<std::pair<std::string, std::string>> copies;  // Identity nodes: from, to
};

/// `model` must have been parsed without error.
std::string rewritten(std::string_view model, const ModelEdit& edit);

}  // namespace snapgauge::onnx
