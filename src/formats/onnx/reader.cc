#include "formats/onnx/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <protozero/pbf_reader.hpp>
#include <span>
#include <unordered_set>

#include "base/text.h"
#include "diag/rule.h"
#include "formats/onnx/data.h"
#include "formats/onnx/model.h"
#include "formats/onnx/quant.h"
#include "formats/onnx/shapes.h"
#include "graph/builder.h"

namespace snapgauge {
namespace onnx {
namespace {

// Longer text attributes hold binaries (EPContext), which nobody reads.
constexpr size_t kMaxText = 65536;

/// Makes names unique: ONNX allows nodes without a name and many of one name.
class Names {
 public:
  std::string unique(std::string name) {
    if (used_.insert(name).second) return name;
    for (uint32_t& next = next_[name];;) {
      std::string candidate = fmt::format("{}#{}", name, ++next + 1);
      if (used_.insert(candidate).second) return candidate;
    }
  }

 private:
  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, uint32_t> next_;
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name, std::optional<ExternalData> external)
      : builder_(name, Frontend::kOnnx), model_(parse_model(bytes)), data_(model_, builder_, std::move(external)) {}

  Graph run();

 private:
  void name_nodes();
  void emit_inputs();
  void emit_initializers();
  void emit_node(uint32_t index);
  void emit_folded(uint32_t index);
  void emit_outputs();
  void add_value(uint32_t slot, uint32_t producer);
  void add_folded_data(ValueId value, const Slot& slot, const Dims& elements);
  void add_input(uint32_t slot);
  void add_attribute(const Attribute& a);
  Arg list_of(const Attribute& a);
  void report_redefined();
  void report_twice(const Attribute& a);

  GraphBuilder builder_;
  Model model_;
  TensorData data_;
  KnownIntegers known_;
  std::optional<Folding> folding_;
  Names names_;
  std::vector<std::string> node_names_;
};

Graph Reader::run() {
  Graph& graph = builder_.graph();
  graph.opset = model_.opset;
  graph.model = std::string(model_.graph_name);
  known_ = infer_types(model_, data_);
  folding_.emplace(model_, data_, builder_);
  name_nodes();
  emit_inputs();
  emit_initializers();
  for (uint32_t n = 0; n < model_.nodes.size(); ++n) folding_->folded(n) ? emit_folded(n) : emit_node(n);
  emit_outputs();
  report_redefined();
  return builder_.finish();
}

// Names that are stated go first, so that they stay what they are.
void Reader::name_nodes() {
  node_names_.resize(model_.nodes.size());
  std::vector<uint32_t> others;
  std::unordered_set<std::string_view> stated;
  for (uint32_t n = 0; n < model_.nodes.size(); ++n) {
    const std::string_view name = model_.nodes[n].name;
    if (!name.empty() && stated.insert(name).second)
      node_names_[n] = names_.unique(std::string(name));
    else
      others.push_back(n);
  }
  for (const uint32_t n : others) {
    const NodeView& node = model_.nodes[n];
    node_names_[n] = names_.unique(node.name.empty() ? fmt::format("{}_{}", node.op, n) : std::string(node.name));
  }
}

void Reader::add_value(uint32_t slot, uint32_t producer) {
  const Slot& s = model_.slots[slot];
  // A second definition of a name says nothing about the type of the first.
  if (slot == 0 || s.producer != producer) {
    builder_.add_output(s.name, DType::kUndefined, std::nullopt);
    return;
  }
  std::optional<std::span<const int64_t>> shape;
  if (s.type.shape) shape = *s.type.shape;
  const ValueId value = builder_.add_output(s.name, s.type.dtype, shape);
  const SpecRef spec = folding_->value_spec(slot);
  builder_.set_output_spec(value, spec);
  if (spec.kind != SpecRef::Kind::kNone) builder_.graph().nodes.back().annotated = true;
  if (s.tensor != kNone)
    if (const ConstantId data = data_.constant(s.tensor); builder_.graph().constants[data.index].data != nullptr)
      builder_.set_constant(value, data);
  if (s.tensor != kNone || spec.kind != SpecRef::Kind::kNone) return;
  if (const auto known = known_.find(slot); known != known_.end()) add_folded_data(value, s, known->second);
}

/// The integers that shape arithmetic comes to, where all of them are known and as many as the shape says.
void Reader::add_folded_data(ValueId value, const Slot& slot, const Dims& elements) {
  if (std::find(elements.begin(), elements.end(), kUnknownElement) != elements.end()) return;
  if (slot.type.dtype != DType::kInt64 || !slot.type.shape) return;
  if (product(*slot.type.shape) != static_cast<int64_t>(elements.size())) return;
  auto data = std::make_unique<std::byte[]>(elements.size() * sizeof(int64_t));
  const auto bytes = std::as_bytes(std::span(elements));
  std::copy(bytes.begin(), bytes.end(), data.get());  // memcpy takes no null, which no elements may have
  builder_.set_constant(value, builder_.add_constant(DType::kInt64, elements.size(), std::move(data)));
}

void Reader::emit_inputs() {
  for (const uint32_t slot : model_.inputs) {
    if (model_.slots[slot].tensor != kNone) continue;  // old files list their initializers as inputs too
    builder_.begin_node(NodeKind::kInput, names_.unique(std::string(model_.slots[slot].name)), "input");
    add_value(slot, kNone);
  }
}

void Reader::emit_initializers() {
  std::vector<bool> used(model_.slots.size());
  for (uint32_t n = 0; n < model_.nodes.size(); ++n) {
    const NodeView& node = model_.nodes[n];
    for (const uint32_t slot : folding_->folded(n) ? model_.outputs_of(node).first(1) : model_.inputs_of(node))
      used[folding_->edge(slot).slot] = true;
  }
  for (const uint32_t slot : model_.outputs) used[folding_->edge(slot).slot] = true;
  for (const uint32_t t : model_.initializers) {
    const auto it = model_.slot_by_name.find(model_.tensors[t].name);
    if (it == model_.slot_by_name.end() || !used[it->second] || model_.slots[it->second].tensor != t) continue;
    builder_.begin_node(NodeKind::kConstant, names_.unique(std::string(it->first)), "initializer");
    add_value(it->second, kNone);
  }
}

void Reader::add_input(uint32_t slot) {
  if (slot == 0) return builder_.add_arg(Arg());
  const Edge edge = folding_->edge(slot);
  const Arg arg = builder_.make_use(model_.slots[edge.slot].name, edge.spec, edge.annotated);
  Graph& graph = builder_.graph();
  graph.uses.back().repeats = edge.repeats;
  if (edge.spec.kind != SpecRef::Kind::kNone) graph.nodes.back().annotated = true;
  builder_.add_arg(arg);
}

std::string op_name(const NodeView& node) {
  return is_default_domain(node.domain) ? std::string(node.op) : fmt::format("{}.{}", node.domain, node.op);
}

void Reader::emit_node(uint32_t index) {
  const NodeView& node = model_.nodes[index];
  const bool constant = node.op == "Constant" && is_default_domain(node.domain);
  builder_.begin_node(constant ? NodeKind::kConstant : NodeKind::kCall, node_names_[index], op_name(node));
  for (const uint32_t slot : model_.inputs_of(node)) add_input(slot);
  if (!constant)
    for (const Attribute& a : model_.attributes_of(node)) add_attribute(a);
  for (const uint32_t slot : model_.outputs_of(node)) add_value(slot, index);
}

void Reader::emit_folded(uint32_t index) {
  const NodeView& node = model_.nodes[index];
  builder_.begin_node(NodeKind::kFolded, node_names_[index], op_name(node));
  const Edge edge = folding_->edge(model_.output(node, 0));  // what its readers read instead
  builder_.add_arg(builder_.make_use(model_.slots[edge.slot].name, folding_->node_spec(index), true));
  builder_.graph().nodes.back().annotated = true;
  for (const uint32_t slot : model_.outputs_of(node)) add_value(slot, index);
}

void Reader::emit_outputs() {
  for (size_t i = 0; i < model_.outputs.size(); ++i) {
    const uint32_t slot = model_.outputs[i];
    builder_.begin_node(NodeKind::kOutput, names_.unique(std::string(model_.slots[slot].name)), "output");
    add_input(slot);
    // The tensor that leaves the graph may be the integers or the floats of one quantized value.
    if (model_.output_types[i] != DType::kUndefined)
      builder_.add_named("dtype", builder_.make_string(dtype_name(model_.output_types[i])));
  }
}

Arg Reader::list_of(const Attribute& a) {
  std::vector<Arg> items;
  if (a.type == AttributeType::kInts)
    for (const int64_t v : attribute_integers(a)) items.push_back(GraphBuilder::make_int(v));
  if (a.type == AttributeType::kFloats)
    for (const float v : attribute_reals(a)) items.push_back(GraphBuilder::make_real(static_cast<double>(v)));
  if (a.type == AttributeType::kStrings)
    for (const std::string_view v : attribute_texts(a)) items.push_back(builder_.make_string(v.substr(0, kMaxText)));
  for (uint32_t t = a.tensors.first; a.type == AttributeType::kTensors && t < a.tensors.end(); ++t) {
    Arg& tensor = items.emplace_back();
    tensor.kind = Arg::Kind::kTensor;
    tensor.index = data_.constant(t).index;
  }
  return builder_.make_list(items);
}

void Reader::add_attribute(const Attribute& a) {
  Arg arg;
  switch (a.type) {
    case AttributeType::kFloat: arg = GraphBuilder::make_real(static_cast<double>(a.real)); break;
    case AttributeType::kInt: arg = GraphBuilder::make_int(a.integer); break;
    case AttributeType::kString:
      arg = builder_.make_string(a.text.size() <= kMaxText ? std::string(a.text)
                                                           : fmt::format("<{} bytes>", a.text.size()));
      break;
    case AttributeType::kTensor:
      if (a.tensors.count == 0) break;
      arg.kind = Arg::Kind::kTensor;
      arg.index = data_.constant(a.tensors.first).index;
      break;
    case AttributeType::kGraph:
    case AttributeType::kGraphs: arg = builder_.make_string("<graph>"); break;
    case AttributeType::kFloats:
    case AttributeType::kInts:
    case AttributeType::kStrings:
    case AttributeType::kTensors: arg = list_of(a); break;
    case AttributeType::kUndefined:
    case AttributeType::kOther: arg = builder_.make_string("<other>"); break;
  }
  if (!builder_.add_named(a.name, arg)) report_twice(a);
}

void Reader::report_twice(const Attribute& a) {
  Graph& graph = builder_.graph();
  const std::string name = printable(a.name);
  Finding f = make_finding(2, {{"name", name}});
  f.message = fmt::format("the attribute '{}' is there twice", name);
  f.node = printable(graph.text(graph.nodes.back().name));
  f.expected = "each attribute of a node once";
  f.actual = "a second one, which is ignored";
  graph.findings.push_back(std::move(f));
}

void Reader::report_redefined() {
  for (const auto& [slot, node] : model_.redefined) {
    const std::string name = printable(model_.slots[slot].name);
    Finding f = make_finding(2, {{"name", name}});
    f.message = fmt::format("the tensor '{}' is defined twice", name);
    f.node = node == kNone ? name : printable(node_names_[node]);
    f.value = name;
    f.expected = "each tensor defined once";
    f.actual = "a second definition, which is ignored";
    builder_.graph().findings.push_back(std::move(f));
  }
}

Result<Graph> read(std::string_view bytes, const std::string& name, std::optional<ExternalData> external) {
  try {
    return Reader(bytes, name, std::move(external)).run();
  } catch (Failure& failure) {
    failure.error.subject = name;
    return std::move(failure.error);
  } catch (const protozero::exception& e) {
    return Error{ErrorCode::kParse, name, fmt::format("broken protobuf: {}", e.what())};
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kLimit, name, "not enough memory for this model"};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, name, e.what()};
  }
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace
}  // namespace onnx

bool looks_like_onnx(std::span<const std::byte> bytes) {
  using protozero::pbf_wire_type;
  constexpr uint32_t kVarints = 1U << 1 | 1U << 5;  // ir_version, model_version
  constexpr uint32_t kLastField = 31;
  bool version = false, graph = false;
  try {
    const std::string_view text = onnx::text_of(bytes);
    protozero::pbf_reader fields(text.data(), text.size());
    while (!(version && graph) && fields.next()) {
      const uint32_t number = fields.tag();
      const bool varint = number <= kLastField && (kVarints >> number & 1U) != 0;
      const auto expected = varint ? pbf_wire_type::varint : pbf_wire_type::length_delimited;
      if (number > kLastField || !fields.has_wire_type(expected)) return false;
      graph = graph || number == 7;
      if (number == 1) {
        const int64_t value = fields.get_int64();
        if (value < 1 || value > 1000) return false;
        version = true;
      } else {
        fields.skip();
      }
    }
  } catch (const protozero::exception&) {
    // Cut off: what stands before the cut decides.
  }
  return version && graph;
}

bool has_external_data(std::span<const std::byte> bytes) {
  try {
    const onnx::Model model = onnx::parse_model(onnx::text_of(bytes));
    return std::any_of(model.tensors.begin(), model.tensors.end(), [](const onnx::Tensor& t) { return t.external; });
  } catch (const onnx::Failure&) {
    return false;
  }
}

Result<Graph> read_onnx_bytes(std::span<const std::byte> bytes, const std::string& name,
                              std::optional<ExternalData> external) {
  return onnx::read(onnx::text_of(bytes), name, std::move(external));
}

}  // namespace snapgauge
