// Within formats/onnx: an ONNX model that grows node by node.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"

namespace snapgauge::onnx {

struct NodeMessage {
  std::string op, name;
  std::string_view domain;
  std::vector<std::string> inputs, outputs, attributes = {};
};

class ModelBuilder {
 public:
  /// Names of tensors in `graph`, which outlives it, are taken.
  ModelBuilder(const Graph& graph, int opset);

  /// A name that no tensor has.
  std::string fresh(const std::string& wanted);
  void add(const NodeMessage& node);
  void initializer(const std::string& name, DType dtype, std::span<const int64_t> dims, std::string_view data);
  void input(const std::string& name, const Value& value);
  void output(const std::string& name, const Value& value);

  /// The whole file; nothing can be added any more.
  Result<std::string> finish();

 private:
  void value_info(uint32_t field, const std::string& name, const Value& value);

  const Graph& graph_;
  const int opset_;
  std::unordered_set<std::string> taken_;
  std::set<std::string> domains_{""};
  std::string body_, initializers_, ends_;
};

/// An attribute of a node as a message.
Result<std::string> attribute_message(const Graph& graph, const Node& node, const NamedArg& named);

}  // namespace snapgauge::onnx
