#include "formats/onnx/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"
#include "formats/onnx/wire.h"

namespace snapgauge::onnx {
namespace {

constexpr size_t kMaxNodes = 20'000'000;
constexpr size_t kMaxEdges = 200'000'000;
constexpr size_t kMaxListElements = 1'000'000;
constexpr size_t kMaxTensors = 20'000'000;
constexpr size_t kMaxAttributes = 100'000'000;

// Indexed by TensorProto.DataType.
constexpr std::array<DType, 27> kDTypes{
    DType::kUndefined, DType::kFloat32, DType::kUint8,     DType::kInt8,    DType::kUint16,   DType::kInt16,
    DType::kInt32,     DType::kInt64,   DType::kString,    DType::kBool8,   DType::kFloat16,  DType::kFloat64,
    DType::kUint32,    DType::kUint64,  DType::kComplex,   DType::kComplex, DType::kBFloat16, DType::kFloat8,
    DType::kFloat8,    DType::kFloat8,  DType::kFloat8,                     // e4m3fn, e4m3fnuz, e5m2, e5m2fnuz
    DType::kUint4,     DType::kInt4,    DType::kUndefined, DType::kFloat8,  // float4e2m1, float8e8m0
    DType::kUint2,     DType::kInt2};

// Indexed by AttributeProto.AttributeType.
constexpr std::array<AttributeType, 15> kAttributeTypes{
    AttributeType::kUndefined, AttributeType::kFloat,   AttributeType::kInt,    AttributeType::kString,
    AttributeType::kTensor,    AttributeType::kGraph,   AttributeType::kFloats, AttributeType::kInts,
    AttributeType::kStrings,   AttributeType::kTensors, AttributeType::kGraphs, AttributeType::kOther,
    AttributeType::kOther,     AttributeType::kOther,   AttributeType::kOther};

uint64_t checked_unsigned(std::string_view digits, std::string_view key) {
  uint64_t out = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9' || out > (std::numeric_limits<uint64_t>::max() - 9) / 10)
      fail(ErrorCode::kParse, fmt::format("external data {} '{}' is not a number", key, printable(digits)));
    out = out * 10 + static_cast<uint64_t>(c - '0');
  }
  return out;
}

uint64_t element_count(const Tensor& t) {
  uint64_t count = 1;
  for (const int64_t d : t.dims) {
    if (d < 0) fail(ErrorCode::kParse, fmt::format("tensor '{}' has a negative dimension", printable(t.name)));
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(d), &count) || count > (uint64_t{1} << 48))
      fail(ErrorCode::kLimit, fmt::format("tensor '{}' has more than 2^48 elements", printable(t.name)));
  }
  return count;
}

class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_(bytes) { model_.slots.emplace_back(); }

  Model run();

 private:
  void parse_graph(std::string_view message);
  void parse_node(std::string_view message);
  Attribute parse_attribute(std::string_view message);
  uint32_t parse_tensor(std::string_view message);
  void parse_external(Tensor& tensor, std::string_view message);
  uint32_t parse_value_info(std::string_view message);
  void parse_opset(std::string_view message);
  void connect();
  void constant_node(uint32_t node);

  uint32_t slot(std::string_view name);
  void define(uint32_t slot, uint32_t node, uint32_t tensor);
  void at(const char* what, std::string_view message) {
    what_ = what;
    offset_ = static_cast<size_t>(message.data() - bytes_.data());
  }

  std::string_view bytes_;
  Model model_;
  // The message being read, for errors.
  const char* what_ = "model";
  size_t offset_ = 0;
  bool has_opset_ = false;
};

uint32_t Parser::slot(std::string_view name) {
  if (name.empty()) return 0;
  const auto [it, fresh] = model_.slot_by_name.try_emplace(name, static_cast<uint32_t>(model_.slots.size()));
  if (fresh) model_.slots.emplace_back().name = name;
  return it->second;
}

Model Parser::run() {
  try {
    Fields model(bytes_);
    std::string_view graph;
    bool has_graph = false;
    while (model.next()) {
      switch (model.number()) {
        case 1: model_.ir_version = model.integer(); break;
        case 7:
          // Others put the two together; whoever takes one of them leaves something unseen.
          if (has_graph) fail(ErrorCode::kParse, "the model has two graphs");
          graph = model.bytes();
          has_graph = true;
          break;
        case 8: parse_opset(model.bytes()); break;
        default: model.skip();
      }
    }
    if (!has_graph) fail(ErrorCode::kParse, "the model has no graph");
    // It stands behind the graph: a file cut off there is whole protobuf, too.
    if (!has_opset_) fail(ErrorCode::kParse, "the model imports no operator set");
    parse_graph(graph);
  } catch (const protozero::exception& e) {
    fail(ErrorCode::kParse, fmt::format("{} at byte {}: broken or truncated protobuf ({})", what_, offset_, e.what()));
  } catch (Failure& f) {
    f.error.text = fmt::format("{} at byte {}: {}", what_, offset_, f.error.text);
    throw;
  }
  return std::move(model_);
}

void Parser::parse_opset(std::string_view message) {
  Fields opset(message);
  std::string_view domain;
  int64_t version = 0;
  while (opset.next()) {
    switch (opset.number()) {
      case 1: domain = opset.bytes(); break;
      case 2: version = opset.integer(); break;
      default: opset.skip();
    }
  }
  if (version < 1)
    fail(ErrorCode::kParse, fmt::format("operator set version {} of domain '{}'", version, printable(domain)));
  has_opset_ = true;
  if (is_default_domain(domain)) model_.opset = static_cast<int>(std::clamp<int64_t>(version, 0, 1'000'000));
}

void Parser::parse_graph(std::string_view message) {
  at("graph", message);
  Fields graph(message);
  while (graph.next()) {
    const uint32_t number = graph.number();
    if (number == 1) {
      const auto node = graph.bytes();
      if (model_.nodes.size() >= kMaxNodes) fail(ErrorCode::kLimit, fmt::format("more than {} nodes", kMaxNodes));
      at("node", node);
      parse_node(node);
    } else if (number == 2) {
      model_.graph_name = graph.bytes();
    } else if (number == 5) {
      const auto tensor = graph.bytes();
      at("initializer", tensor);
      model_.initializers.push_back(parse_tensor(tensor));
    } else if (number == 11 || number == 12 || number == 13) {
      const auto info = graph.bytes();
      at(number == 11 ? "graph input" : number == 12 ? "graph output" : "value_info", info);
      const uint32_t id = parse_value_info(info);
      if (id == 0) continue;
      if (number == 11) model_.inputs.push_back(id);
      if (number == 12) {
        model_.outputs.push_back(id);
        model_.output_types.push_back(model_.slots[id].type.dtype);
      }
    } else {
      graph.skip();
    }
    at("graph", message);
  }
  connect();
}

// The names become definitions only now: inputs and initializers may stand behind the nodes.
void Parser::connect() {
  for (const uint32_t t : model_.initializers) define(slot(model_.tensors[t].name), kNone, t);
  for (const uint32_t id : model_.inputs) {
    if (model_.slots[id].input) model_.redefined.emplace_back(id, kNone);
    model_.slots[id].input = true;
  }
  for (uint32_t n = 0; n < model_.nodes.size(); ++n) {
    for (const uint32_t id : model_.outputs_of(model_.nodes[n])) define(id, n, kNone);
    const NodeView& node = model_.nodes[n];
    if (node.op == "Constant" && is_default_domain(node.domain)) constant_node(n);
  }
}

void Parser::define(uint32_t id, uint32_t node, uint32_t tensor) {
  if (id == 0) return;
  Slot& s = model_.slots[id];
  if (s.defined()) {
    model_.redefined.emplace_back(id, node);
    return;
  }
  s.producer = node;
  s.tensor = tensor;
  if (tensor == kNone) return;
  s.type.dtype = model_.tensors[tensor].dtype;
  s.type.shape = model_.tensors[tensor].dims;
}

void Parser::constant_node(uint32_t index) {
  const NodeView& node = model_.nodes[index];
  const uint32_t id = model_.output(node, 0);
  if (id == 0 || model_.slots[id].producer != index) return;
  for (const Attribute& a : model_.attributes_of(node)) {
    Tensor t;
    t.source = Tensor::Source::kAttribute;
    t.message = a.message;
    t.count = 1;
    uint32_t tensor = static_cast<uint32_t>(model_.tensors.size());
    if (a.name == "value" && a.type == AttributeType::kTensor && a.tensors.count == 1) {
      tensor = a.tensors.first;
    } else if (a.name == "value_int" || a.name == "value_float") {
      t.dtype = a.name == "value_int" ? DType::kInt64 : DType::kFloat32;
    } else if (a.name == "value_ints" || a.name == "value_floats") {
      t.dtype = a.name == "value_ints" ? DType::kInt64 : DType::kFloat32;
      t.count = a.name == "value_ints" ? attribute_integers(a).size() : attribute_reals(a).size();
      t.dims = {static_cast<int64_t>(t.count)};
    } else {
      continue;
    }
    if (tensor == model_.tensors.size()) model_.tensors.push_back(std::move(t));
    Slot& s = model_.slots[id];
    s.tensor = tensor;
    s.type.dtype = model_.tensors[tensor].dtype;
    s.type.shape = model_.tensors[tensor].dims;
    return;
  }
}

void Parser::parse_node(std::string_view message) {
  NodeView node;
  Fields fields(message);
  std::vector<uint32_t> inputs, outputs;
  std::vector<Attribute> attributes;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: inputs.push_back(slot(fields.bytes())); break;
      case 2: outputs.push_back(slot(fields.bytes())); break;
      case 3: node.name = fields.bytes(); break;
      case 4: node.op = fields.bytes(); break;
      case 5: attributes.push_back(parse_attribute(fields.bytes())); break;
      case 7: node.domain = fields.bytes(); break;
      default: fields.skip();
    }
  }
  auto append = [](auto& arena, const auto& items) {
    const Range range{static_cast<uint32_t>(arena.size()), static_cast<uint32_t>(items.size())};
    arena.insert(arena.end(), items.begin(), items.end());
    return range;
  };
  if (model_.edges.size() + inputs.size() + outputs.size() > kMaxEdges)
    fail(ErrorCode::kLimit, fmt::format("the nodes have more than {} inputs and outputs", kMaxEdges));
  if (model_.attributes.size() + attributes.size() > kMaxAttributes)
    fail(ErrorCode::kLimit, fmt::format("the nodes have more than {} attributes", kMaxAttributes));
  node.inputs = append(model_.edges, inputs);
  node.outputs = append(model_.edges, outputs);
  node.attributes = append(model_.attributes, attributes);
  model_.nodes.push_back(node);
}

Attribute Parser::parse_attribute(std::string_view message) {
  Attribute a;
  a.message = message;
  a.tensors.first = static_cast<uint32_t>(model_.tensors.size());
  int64_t type = 0;
  size_t elements = 0;
  AttributeType seen = AttributeType::kUndefined;  // files of the first IR versions do not state the type
  Fields fields(message);
  while (fields.next()) {
    const uint32_t number = fields.number();
    switch (number) {
      case 1: a.name = fields.bytes(); break;
      case 2: a.real = fields.real(); break;
      case 3: a.integer = fields.integer(); break;
      case 4: a.text = fields.bytes(); break;
      case 5:
      case 10: parse_tensor(fields.bytes()); break;
      case 7: fields.reals([&](float) { ++elements; }); break;
      case 8: fields.integers([&](int64_t) { ++elements; }); break;
      case 9:
        fields.bytes();
        ++elements;
        break;
      case 20: type = fields.integer(); break;
      default: fields.skip();
    }
    if (number >= 2 && number <= 11) seen = kAttributeTypes[number - 1];
  }
  if (elements > kMaxListElements)
    fail(ErrorCode::kLimit,
         fmt::format("attribute '{}' has more than {} elements", printable(a.name), kMaxListElements));
  a.tensors.count = static_cast<uint32_t>(model_.tensors.size()) - a.tensors.first;
  a.type = type > 0 && type < static_cast<int64_t>(kAttributeTypes.size()) ? kAttributeTypes[static_cast<size_t>(type)]
           : type == 0                                                     ? seen
                                                                           : AttributeType::kOther;
  return a;
}

uint32_t Parser::parse_tensor(std::string_view message) {
  Tensor t;
  t.message = message;
  int64_t type = 0;
  Fields fields(message);
  while (fields.next()) {
    switch (fields.number()) {
      case 1:
        fields.integers([&](int64_t d) {
          if (t.dims.size() >= kMaxRank) fail(ErrorCode::kLimit, fmt::format("a tensor of rank above {}", kMaxRank));
          t.dims.push_back(d);
        });
        break;
      case 2: type = fields.integer(); break;
      case 8: t.name = fields.bytes(); break;
      case 9: t.raw = fields.bytes(); break;
      case 13: parse_external(t, fields.bytes()); break;
      case 14: t.external = fields.integer() == 1; break;
      default: fields.skip();
    }
  }
  if (model_.tensors.size() >= kMaxTensors) fail(ErrorCode::kLimit, fmt::format("more than {} tensors", kMaxTensors));
  t.dtype = dtype_of(type);
  t.count = element_count(t);
  model_.tensors.push_back(std::move(t));
  return static_cast<uint32_t>(model_.tensors.size() - 1);
}

void Parser::parse_external(Tensor& t, std::string_view message) {
  Fields fields(message);
  std::string_view key, value;
  while (fields.next()) {
    switch (fields.number()) {
      case 1: key = fields.bytes(); break;
      case 2: value = fields.bytes(); break;
      default: fields.skip();
    }
  }
  if (key == "location") t.location = value;
  if (key == "offset") t.offset = checked_unsigned(value, key);
  if (key == "length") t.length = checked_unsigned(value, key);
}

Shape parse_shape(std::string_view message) {
  std::vector<int64_t> dims;
  Fields shape(message);
  while (shape.next()) {
    if (shape.number() != 1) {
      shape.skip();
      continue;
    }
    if (dims.size() >= kMaxRank) fail(ErrorCode::kLimit, fmt::format("a shape of rank above {}", kMaxRank));
    int64_t size = -1;
    Fields dim(shape.bytes());
    while (dim.next()) {
      if (dim.number() == 1)
        size = dim.integer();
      else
        dim.skip();
    }
    dims.push_back(std::max<int64_t>(size, -1));
  }
  return dims;
}

TensorType parse_tensor_type(std::string_view message) {
  TensorType out;
  Fields type(message);
  while (type.next()) {
    switch (type.number()) {
      case 1: out.dtype = dtype_of(type.integer()); break;
      case 2: out.shape = parse_shape(type.bytes()); break;
      default: type.skip();
    }
  }
  return out;
}

uint32_t Parser::parse_value_info(std::string_view message) {
  std::string_view name;
  TensorType type;
  Fields info(message);
  while (info.next()) {
    if (info.number() == 1) {
      name = info.bytes();
    } else if (info.number() == 2) {
      Fields kinds(info.bytes());
      while (kinds.next()) {
        // Sequences, maps and optionals are no tensors; their type stays unknown.
        if (kinds.number() == 1)
          type = parse_tensor_type(kinds.bytes());
        else
          kinds.skip();
      }
    } else {
      info.skip();
    }
  }
  const uint32_t id = slot(name);
  if (id == 0) return id;
  TensorType& known = model_.slots[id].type;
  if (known.dtype == DType::kUndefined) known.dtype = type.dtype;
  if (!known.shape) known.shape = std::move(type.shape);
  return id;
}

template <class T, class Read>
std::vector<T> list_of(const Attribute& a, uint32_t number, Read read) {
  std::vector<T> out;
  Fields fields(a.message);
  while (fields.next()) {
    if (fields.number() == number)
      read(fields, out);
    else
      fields.skip();
  }
  return out;
}

}  // namespace

void fail(ErrorCode code, std::string text) { throw Failure{{code, {}, std::move(text), 0, 0}}; }

bool is_default_domain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

DType dtype_of(int64_t type) {
  return type >= 0 && type < static_cast<int64_t>(kDTypes.size()) ? kDTypes[static_cast<size_t>(type)]
                                                                  : DType::kUndefined;
}

std::vector<int64_t> attribute_integers(const Attribute& a) {
  return list_of<int64_t>(a, 8, [](Fields& f, auto& out) { f.integers([&](int64_t v) { out.push_back(v); }); });
}

std::vector<float> attribute_reals(const Attribute& a) {
  return list_of<float>(a, 7, [](Fields& f, auto& out) { f.reals([&](float v) { out.push_back(v); }); });
}

std::vector<std::string_view> attribute_texts(const Attribute& a) {
  return list_of<std::string_view>(a, 9, [](Fields& f, auto& out) { out.push_back(f.bytes()); });
}

const Attribute* Model::attribute(const NodeView& n, std::string_view name) const {
  for (const Attribute& a : attributes_of(n))
    if (a.name == name) return &a;
  return nullptr;
}

int64_t Model::integer(const NodeView& n, std::string_view name, int64_t otherwise) const {
  const Attribute* a = attribute(n, name);
  return a != nullptr && a->type == AttributeType::kInt ? a->integer : otherwise;
}

float Model::real(const NodeView& n, std::string_view name, float otherwise) const {
  const Attribute* a = attribute(n, name);
  return a != nullptr && a->type == AttributeType::kFloat ? a->real : otherwise;
}

std::string_view Model::text(const NodeView& n, std::string_view name) const {
  const Attribute* a = attribute(n, name);
  return a != nullptr && a->type == AttributeType::kString ? a->text : std::string_view();
}

std::optional<std::vector<int64_t>> Model::integers(const NodeView& n, std::string_view name) const {
  const Attribute* a = attribute(n, name);
  if (a == nullptr || a->type != AttributeType::kInts) return std::nullopt;
  return attribute_integers(*a);
}

Model parse_model(std::string_view bytes) { return Parser(bytes).run(); }

}  // namespace snapgauge::onnx
