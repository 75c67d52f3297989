#include "formats/onnx/model_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <protozero/pbf_writer.hpp>

#include "base/text.h"
#include "formats/onnx/messages.h"
#include "snapgauge/version.h"

namespace snapgauge::onnx {
namespace {

using protozero::pbf_writer;

// Of protobuf messages; what is larger needs external data.
constexpr size_t kMostBytes = (size_t{1} << 31) - 1;

/// The IR version that came with an opset; the same for all up to the next.
struct IrVersion {
  int opset, version;
};
constexpr IrVersion kIrVersions[]{{25, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}, {0, 7}};

std::string text_of(const Graph& graph, Symbol s) { return s.valid() ? std::string(graph.text(s)) : std::string(); }

Status list(pbf_writer& writer, const Graph& graph, const Node& node, std::span<const Arg> elements) {
  const auto all = [&](Arg::Kind kind) {
    return std::all_of(elements.begin(), elements.end(), [&](const Arg& a) { return a.kind == kind; });
  };
  const bool reals = !elements.empty() && all(Arg::Kind::kFloat);
  const bool texts = !elements.empty() && all(Arg::Kind::kString);
  if (!reals && !texts && !all(Arg::Kind::kInt))
    return Error{ErrorCode::kUnsupported, printable(graph.text(node.name)), "has a list of mixed or other elements"};
  for (const Arg& a : elements) {
    if (reals) writer.add_float(kReals, static_cast<float>(a.real));
    if (texts) writer.add_string(kTexts, text_of(graph, Symbol{a.index}));
    if (!reals && !texts) writer.add_int64(kIntegers, a.integer);
  }
  writer.add_int32(kType, reals ? kRealsKind : texts ? kTextsKind : kIntegersKind);
  return Done{};
}

Status content(pbf_writer& writer, const Graph& graph, const Node& n, const Arg& arg) {
  const auto type = [&](AttributeKind kind) {
    writer.add_int32(kType, kind);
    return Done{};
  };
  const auto refused = [&](const char* why) {
    return Error{ErrorCode::kUnsupported, printable(graph.text(n.name)), why};
  };
  switch (arg.kind) {
    case Arg::Kind::kInt:
    case Arg::Kind::kBool: writer.add_int64(kInteger, arg.integer); return type(kIntegerKind);
    case Arg::Kind::kFloat: writer.add_float(kReal, static_cast<float>(arg.real)); return type(kRealKind);
    case Arg::Kind::kString:
      // What the reader leaves of a subgraph.
      if (graph.text(Symbol{arg.index}) == "<graph>") return refused("has a graph of its own, which is not written");
      writer.add_string(kText, text_of(graph, Symbol{arg.index}));
      return type(kTextKind);
    case Arg::Kind::kTensor: {
      const Constant& c = graph.constants[arg.index];
      if (c.data == nullptr) return refused("has an attribute whose data is not there");
      const size_t bytes = (c.count * static_cast<size_t>(bit_width(c.dtype)) + 7) / 8;
      const std::vector<int64_t> dims{static_cast<int64_t>(c.count)};
      writer.add_bytes(kTensor, tensor_message("", "", c.dtype, dims, {reinterpret_cast<const char*>(c.data), bytes}));
      return type(kTensorKind);
    }
    case Arg::Kind::kList: return list(writer, graph, n, graph.elements_of(arg));
    default: return refused("has an attribute of no known type");
  }
}

}  // namespace

ModelBuilder::ModelBuilder(const Graph& graph, int opset) : graph_(graph), opset_(opset) {
  for (const Value& v : graph.values)
    if (v.name.valid()) taken_.insert(std::string(graph.text(v.name)));
}

std::string ModelBuilder::fresh(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 2; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

void ModelBuilder::add(const NodeMessage& n) {
  std::string out;
  pbf_writer writer(out);
  for (const std::string& i : n.inputs) writer.add_string(kInput, i);
  for (const std::string& o : n.outputs) writer.add_string(kOutput, o);
  writer.add_string(kNodeName, n.name);
  writer.add_string(kOpType, n.op);
  for (const std::string& a : n.attributes) writer.add_bytes(kAttribute, a);
  if (!n.domain.empty()) writer.add_bytes(kDomain, n.domain.data(), n.domain.size());
  domains_.insert(std::string(n.domain));
  pbf_writer(body_).add_bytes(kNode, out);
}

void ModelBuilder::initializer(const std::string& name, DType dtype, std::span<const int64_t> dims,
                               std::string_view data) {
  pbf_writer(initializers_).add_bytes(kInitializer, tensor_message(name, "", dtype, dims, data));
}

void ModelBuilder::input(const std::string& name, const Value& value) { value_info(kGraphInput, name, value); }
void ModelBuilder::output(const std::string& name, const Value& value) { value_info(kGraphOutput, name, value); }

void ModelBuilder::value_info(uint32_t field, const std::string& name, const Value& value) {
  std::string tensor;
  pbf_writer type(tensor);
  type.add_int32(kElementType, type_number(value.dtype == DType::kUndefined ? DType::kFloat32 : value.dtype));
  if (value.rank >= 0) {
    std::string shape;
    for (const int64_t d : graph_.shape(value)) {
      std::string dim;
      if (d >= 0) pbf_writer(dim).add_int64(kDimValue, d);
      pbf_writer(shape).add_bytes(kDim, dim);
    }
    type.add_bytes(kShape, shape);
  }
  std::string holder, info;
  pbf_writer(holder).add_bytes(kTensorType, tensor);
  pbf_writer writer(info);
  writer.add_string(kInfoName, name);
  writer.add_bytes(kInfoType, holder);
  pbf_writer(ends_).add_bytes(field, info);
}

Result<std::string> ModelBuilder::finish() {
  std::string graph = std::move(body_);
  pbf_writer(graph).add_string(kGraphName, graph_.model.empty() ? "graph" : graph_.model);
  if (graph.size() + initializers_.size() + ends_.size() > kMostBytes)
    return Error{ErrorCode::kLimit, printable(graph_.file),
                 "the quantized model is larger than 2 GiB, which protobuf cannot hold"};
  graph += initializers_;
  graph += ends_;
  std::string out;
  pbf_writer writer(out);
  const auto* ir = std::find_if(std::begin(kIrVersions), std::end(kIrVersions),
                                [&](const IrVersion& row) { return opset_ >= row.opset; });
  writer.add_int64(kIrVersion, ir == std::end(kIrVersions) ? kIrVersions[0].version : ir->version);
  writer.add_string(kProducer, "snapgauge");
  writer.add_bytes(kProducerVersion, kVersion.data(), kVersion.size());
  writer.add_bytes(kGraph, graph);
  for (const std::string& domain : domains_) {
    std::string opset;
    pbf_writer row(opset);
    row.add_string(kOpsetDomain, domain);
    row.add_int64(kOpsetVersion, domain.empty() ? opset_ : 1);
    writer.add_bytes(kOpset, opset);
  }
  return out;
}

Result<std::string> attribute_message(const Graph& graph, const Node& node, const NamedArg& named) {
  std::string out;
  pbf_writer writer(out);
  writer.add_string(kAttributeName, text_of(graph, named.name));
  if (Status s = content(writer, graph, node, named.arg); !s) return s.error();
  return out;
}

}  // namespace snapgauge::onnx
