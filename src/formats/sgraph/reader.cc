// Annotation files: nodes, their edges and results. Their specs are in specs.cc.
#include "formats/sgraph/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/text.h"
#include "diag/rule.h"
#include "formats/json/members.h"
#include "formats/sgraph/specs.h"
#include "graph/builder.h"

namespace snapgauge {
namespace {

constexpr uint32_t kMaxListDepth = 16;

struct FileMembers {
  enum Index : size_t { kVersion, kModel, kFrontend, kBackend, kSoc, kOpset, kSpecs, kNodes, kOwn };
  static constexpr std::array<JsonWord, 9> kNames{
      "version", "model", "frontend", "backend", "soc", "opset", "specs", "nodes", "x-snapgauge",
  };
};

struct NodeMembers {
  enum Index : size_t { kName, kOp, kTarget, kArgs, kVal, kAnnotation, kKwargs, kData, kOwn };
  static constexpr std::array<JsonWord, 9> kNames{
      "name", "op", "target", "args", "val", "annotation", "kwargs", "data", "x-snapgauge",
  };
};

struct AnnotationMembers {
  enum Index : size_t { kInputs, kOutput, kOutputs, kImplicitSharing, kConverts };
  static constexpr std::array<JsonWord, 5> kNames{"inputs", "output", "outputs", "allow_implicit_sharing", "converts"};
};

struct TensorMembers {
  enum Index : size_t { kShape, kDType };
  static constexpr std::array<JsonWord, 2> kNames{"shape", "dtype"};
};

struct OwnMembers {
  enum Index : size_t { kIgnore };
  static constexpr std::array<JsonWord, 1> kNames{"ignore"};
};

struct WaiverMembers {
  enum Index : size_t { kCode, kReason };
  static constexpr std::array<JsonWord, 2> kNames{"code", "reason"};
};

/// Findings that the file itself accepts.
class Waivers : JsonMembers {
 public:
  /// `line`: of the last place that was asked for.
  Waivers(const JsonDocument& document, Graph& graph, uint32_t& line)
      : JsonMembers(document), graph_(graph), line_(line) {}

  /// "x-snapgauge": {"ignore": [{"code": .., "reason": ..}]}. A key that we do not know may be a misspelt
  /// suppression, so here, unlike elsewhere in the file, it is an error.
  void read(JsonValue own, Waiver::Scope scope, std::string_view node) {
    if (own.missing()) return;
    for (const auto& [key, value] : own.members())
      if (key != "ignore")
        fail(value, fmt::format("\"{}\" is no key of \"x-snapgauge\"; it has \"ignore\"", printable(key)));
    const JsonValue list = need(JsonFields<OwnMembers>(own), OwnMembers::kIgnore, JsonValue::Type::kArray);
    if (list.size() > kMostWaivers)
      fail(list, fmt::format("more than {} suppressions in one list", kMostWaivers), ErrorCode::kLimit);
    for (const JsonValue entry : list.elements()) {
      if (!entry.is_object()) fail(entry, "a suppression must be {\"code\": ..., \"reason\": ...}");
      const JsonFields<WaiverMembers> members(entry);
      const std::string_view code = need_text(members, WaiverMembers::kCode);
      Waiver waiver{scope, printable(node), std::string(code), "", "", entry.location(line_)};
      if (const auto fault = code_fault(waiver.code)) fail(members[WaiverMembers::kCode], *fault);
      waiver.reason = std::string(need_text(members, WaiverMembers::kReason));
      if (waiver.reason.find_first_not_of(" \t") == std::string::npos)
        fail(members[WaiverMembers::kReason], "a suppression needs a reason");
      graph_.waivers.push_back(std::move(waiver));
    }
  }

 private:
  Graph& graph_;
  uint32_t& line_;
};

class Reader : JsonMembers {
 public:
  Reader(const JsonDocument& document, AnnotationSites* sites)
      : JsonMembers(document),
        file_(document.root()),
        sites_(sites),
        builder_(document.file(), frontend_of(file_[FileMembers::kFrontend])),
        specs_(document, builder_, sites),
        waivers_(document, builder_.graph(), line_) {}

  Graph read() {
    if (const JsonValue version = file_[FileMembers::kVersion]; !version.missing() && version.integer() != 1)
      fail(version, "this version of the format is not known; the reader knows 1", ErrorCode::kUnsupported);
    if (const JsonValue frontend = file_[FileMembers::kFrontend];
        !frontend.missing() && frontend.string() != "aten" && frontend.string() != "onnx")
      fail(frontend, "\"frontend\" must be aten or onnx", ErrorCode::kUnsupported);
    Graph& graph = builder_.graph();
    graph.model = std::string(optional_text(file_, FileMembers::kModel, ""));
    graph.backend_hint = std::string(optional_text(file_, FileMembers::kBackend, ""));
    graph.soc_hint = std::string(optional_text(file_, FileMembers::kSoc, ""));
    const int64_t opset = optional_int(file_, FileMembers::kOpset).value_or(0);
    if (opset < 0 || opset > 10000) fail(file_[FileMembers::kOpset], "\"opset\" is out of range");
    graph.opset = static_cast<int>(opset);
    specs_.read_table(file_[FileMembers::kSpecs]);
    const JsonValue nodes = need(file_, FileMembers::kNodes, JsonValue::Type::kArray);
    graph.nodes.reserve(nodes.size());
    for (const JsonValue node : nodes.elements()) read_node(node);
    waivers_.read(optional_member(file_, FileMembers::kOwn, JsonValue::Type::kObject), Waiver::Scope::kFile, "");
    return builder_.finish();
  }

 private:
  using NodeFields = JsonFields<NodeMembers>;
  using AnnotationFields = JsonFields<AnnotationMembers>;

  static Frontend frontend_of(JsonValue word) {
    return frontend_named(text_or(word, row_of(kDefaultFrontend).name)).value_or(kDefaultFrontend);
  }

  static constexpr std::array<std::pair<std::string_view, NodeKind>, 8> kKinds{{
      {"placeholder", NodeKind::kInput},
      {"input", NodeKind::kInput},
      {"get_attr", NodeKind::kConstant},
      {"constant", NodeKind::kConstant},
      {"call_function", NodeKind::kCall},
      {"call_module", NodeKind::kCall},
      {"call", NodeKind::kCall},
      {"output", NodeKind::kOutput},
  }};

  NodeKind kind_of(const NodeFields& node) const {
    const std::string_view word = need_text(node, NodeMembers::kOp);
    for (const auto& [name, kind] : kKinds) {
      if (name != word) continue;
      const bool selects = text_or(node[NodeMembers::kTarget], "") == "_operator.getitem";
      return kind == NodeKind::kCall && selects ? NodeKind::kSelect : kind;
    }
    fail(node[NodeMembers::kOp], fmt::format("\"{}\" is no kind of node", printable(word)));
  }

  void read_node(JsonValue v) {
    if (!v.is_object()) fail(v, "a node must be an object");
    const NodeFields members(v);
    const std::string_view name = need_text(members, NodeMembers::kName);
    const NodeKind kind = kind_of(members);
    const std::string_view op =
        kind == NodeKind::kCall ? need_text(members, NodeMembers::kTarget) : text_or(members[NodeMembers::kTarget], "");
    const NodeId id = builder_.begin_node(kind, name, op, v.location(line_));
    const AnnotationFields annotation(optional_member(members, NodeMembers::kAnnotation, JsonValue::Type::kObject));
    optional_member(annotation, AnnotationMembers::kOutputs, JsonValue::Type::kArray);
    read_edges(annotation[AnnotationMembers::kInputs]);
    read_args(members[NodeMembers::kArgs], members[NodeMembers::kKwargs]);
    report_unused_edges(id);
    read_conversions(id, optional_member(annotation, AnnotationMembers::kConverts, JsonValue::Type::kArray));
    const SpecRef output = specs_.ref(annotation[AnnotationMembers::kOutput]);
    if (kind != NodeKind::kOutput) read_results(id, members, output, annotation);
    Node& node = builder_.graph().nodes[id.index];
    node.annotated =
        !edges_.empty() || output.kind != SpecRef::Kind::kNone || annotation[AnnotationMembers::kOutputs].size() > 0;
    node.allow_implicit_sharing = optional_bool(annotation, AnnotationMembers::kImplicitSharing, true);
    waivers_.read(optional_member(members, NodeMembers::kOwn, JsonValue::Type::kObject), Waiver::Scope::kNode, name);
  }

  struct Edge {
    std::string_view from;
    SpecRef spec;
    JsonValue site;
    bool used = false;
  };

  void read_edges(JsonValue inputs) {
    edges_.clear();
    if (!edge_of_.empty()) edge_of_.clear();
    if (inputs.missing() || inputs.is_null()) return;
    if (!inputs.is_array()) fail(inputs, "\"inputs\" must be a list of [source, spec] pairs");
    for (const JsonValue input : inputs.elements()) {
      const auto edge = input.pair();
      if (!edge || !edge->first.is_string()) fail(input, "an input must be a [source, spec] pair");
      edges_.push_back({*edge->first.string(), specs_.ref(edge->second), edge->second, false});
    }
    constexpr size_t kFew = 16;
    if (edges_.size() <= kFew) return;
    for (size_t i = 0; i < edges_.size(); ++i) edge_of_.emplace(edges_[i].from, i);
  }

  void report_unused_edges(NodeId id) {
    for (const Edge& edge : edges_) {
      if (edge.used) continue;
      const Node& node = builder_.graph().node(id);
      Finding f = make_finding(6, {{"name", printable(edge.from)}});
      f.node = printable(builder_.graph().name(id));
      f.value = printable(edge.from);
      f.location = node.location;
      f.expected = "annotated inputs that the node has";
      f.actual = fmt::format("'{}' is no argument of '{}'", f.value, f.node);
      builder_.graph().findings.push_back(std::move(f));
    }
  }

  /// Sources of edges on which the tensor is quantized a second time. The node's uses still have no values.
  void read_conversions(NodeId id, JsonValue list) {
    if (list.missing()) return;
    converted_.clear();
    for (const JsonValue source : list.elements()) {
      const auto name = source.string();
      if (!name) fail(source, "\"converts\" must be a list of sources");
      if (edge_from(*name) == nullptr) fail(source, fmt::format("\"{}\" is no annotated input", printable(*name)));
      converted_.insert(*name);
    }
    Graph& graph = builder_.graph();
    for (uint32_t u = graph.nodes[id.index].uses.first; u < graph.uses.size(); ++u)
      graph.uses[u].repeats = converted_.contains(builder_.name_of(UseId{u}));
  }

  Edge* edge_from(std::string_view name) {
    if (!edge_of_.empty()) {
      const auto known = edge_of_.find(name);
      return known == edge_of_.end() ? nullptr : &edges_[known->second];
    }
    const auto edge = std::find_if(edges_.begin(), edges_.end(), [&](const Edge& e) { return e.from == name; });
    return edge == edges_.end() ? nullptr : &*edge;
  }

  Arg use_of(std::string_view name) {
    Edge* edge = edge_from(name);
    if (edge == nullptr) return builder_.make_use(name);
    edge->used = true;
    const Arg use = builder_.make_use(name, edge->spec, true);
    if (sites_ != nullptr) sites_->edges.emplace(builder_.last_use().index, edge->site);
    return use;
  }

  void read_args(JsonValue args, JsonValue kwargs) {
    if (!args.missing() && !args.is_array()) fail(args, "\"args\" must be a list");
    for (const JsonValue arg : args.elements()) builder_.add_arg(read_arg(arg, 0));
    if (!kwargs.missing() && !kwargs.is_object()) fail(kwargs, "\"kwargs\" must be an object");
    for (const auto& [key, value] : kwargs.members())
      if (!builder_.add_named(key, read_arg(value, 0)))
        fail(value, fmt::format("\"{}\" is there twice", printable(key)));
  }

  Arg read_arg(JsonValue v, uint32_t depth) {
    if (depth > kMaxListDepth) fail(v, "arguments nested too deeply", ErrorCode::kLimit);
    if (v.is_object()) return read_special(v);
    if (v.is_array()) return read_list(v, depth);
    if (const auto text = v.string()) return builder_.make_string(*text);
    if (const auto truth = v.boolean()) return GraphBuilder::make_bool(*truth);
    if (const auto integer = v.integer()) return GraphBuilder::make_int(*integer);
    if (const auto real = v.real()) return GraphBuilder::make_real(*real);
    return {};
  }

  Arg read_list(JsonValue v, uint32_t depth) {
    const size_t first = elements_.size();
    for (const JsonValue element : v.elements()) elements_.push_back(read_arg(element, depth + 1));
    const Arg list = builder_.make_list(std::span(elements_).subspan(first));
    elements_.resize(first);
    return list;
  }

  Arg read_special(JsonValue v) {
    if (const auto node = v["node"].string()) return use_of(*node);
    if (!v["float"].missing()) return GraphBuilder::make_real(need_real(v, "float"));
    if (const auto type = v["dtype"].string()) return builder_.make_string(*type);
    if (const auto text = v["str"].string()) return builder_.make_string(*text);
    if (!v["slice"].missing() || !v["tensor"].missing()) return {};
    fail(v, "an argument object must be one of node, float, dtype, str, slice, tensor");
  }

  // ---- results

  /// `spec` is the one under "output".
  void read_results(NodeId node, const NodeFields& members, SpecRef spec, const AnnotationFields& annotation) {
    const JsonValue val = members[NodeMembers::kVal];
    const JsonValue site = annotation[AnnotationMembers::kOutput];
    const JsonElements specs = annotation[AnnotationMembers::kOutputs].elements();
    const Symbol name = builder_.graph().node(node).name;
    const bool stated = spec.kind != SpecRef::Kind::kNone;
    auto own = specs.begin();
    if (!val.is_array()) {
      const ValueId id = add_value(val, name);
      const JsonValue first = own != specs.end() ? *own : JsonValue();
      set_spec(id, stated ? spec : specs_.ref(first), stated ? site : first);
      if (const JsonValue data = members[NodeMembers::kData]; data.is_array()) attach_data(id, data);
      return;
    }
    uint32_t index = 0;
    for (const JsonValue result : val.elements()) {
      const ValueId id = add_value(result, index == 0 ? name : name_of_result(name, index));
      if (index++ == 0 && stated) set_spec(id, spec, site);
      if (own == specs.end()) continue;
      set_spec(id, specs_.ref(*own), *own);
      ++own;
    }
  }

  Symbol name_of_result(Symbol node, uint32_t index) {
    Interner& names = builder_.graph().names;
    return names.add(fmt::format("{}:{}", names.text(node), index));
  }

  void set_spec(ValueId id, SpecRef spec, JsonValue site) {
    builder_.set_output_spec(id, spec);
    if (sites_ != nullptr) sites_->outputs.insert_or_assign(id.index, site);
  }

  ValueId add_value(JsonValue val, Symbol name) {
    if (val.missing() || val.is_null()) return builder_.add_output(name, DType::kUndefined, std::nullopt);
    if (!val.is_object()) fail(val, "\"val\" must describe one tensor or a list of tensors");
    const Symbol words = tensor_words_.add(val.text());
    if (words.index < tensors_.size()) return builder_.add_output(name, tensors_[words.index]);
    tensors_.push_back(read_tensor(val, name));
    return tensors_.back();
  }

  ValueId read_tensor(JsonValue val, Symbol name) {
    const JsonFields<TensorMembers> members(val);
    DType dtype = DType::kUndefined;
    if (const std::string_view word = optional_text(members, TensorMembers::kDType, ""); !word.empty())
      dtype = specs_.dtype(members[TensorMembers::kDType], word);
    const JsonValue shape = optional_member(members, TensorMembers::kShape, JsonValue::Type::kArray);
    if (!shape.is_array()) return builder_.add_output(name, dtype, std::nullopt);
    if (shape.size() > kMostDimensions)
      fail(shape, fmt::format("more than {} dimensions", kMostDimensions), ErrorCode::kLimit);
    std::array<int64_t, kMostDimensions> dims;
    size_t rank = 0;
    for (const JsonValue d : shape.elements()) {
      const auto size = d.integer();
      if (!size && !d.is_string() && !d.is_null()) fail(d, "a dimension must be an integer, a symbol or null");
      if (size && *size < 0) fail(d, fmt::format("dimension {} is negative", *size));
      dims[rank++] = size.value_or(kDynamicDim);
    }
    return builder_.add_output(name, dtype, std::span(dims).first(rank));
  }

  void attach_data(ValueId id, JsonValue data) {
    const uint32_t count = data.size();
    const Value& value = builder_.graph().values[id.index];
    uint64_t elements = 1;
    for (int64_t d : builder_.graph().shape(value))
      elements = d < 0 || d > UINT32_MAX ? UINT64_MAX : elements * static_cast<uint64_t>(d);
    if (value.rank >= 0 && elements != count)
      fail(data, fmt::format("{} elements of \"data\" do not fill the shape", count));
    bool whole = true;
    for (const JsonValue element : data.elements()) whole = whole && element.integer().has_value();
    auto bytes = std::make_unique<std::byte[]>(size_t{8} * count + 1);
    std::byte* out = bytes.get();
    for (const JsonValue element : data.elements()) {
      const int64_t integer = element.integer().value_or(0);
      const double real = whole ? 0 : need_real(element, "data");
      std::memcpy(out, whole ? static_cast<const void*>(&integer) : &real, 8);
      out += 8;
    }
    builder_.set_constant(id, builder_.add_constant(whole ? DType::kInt64 : DType::kFloat64, count, std::move(bytes)));
  }

  JsonFields<FileMembers> file_;
  AnnotationSites* sites_;
  uint32_t line_ = 1;  // of the last place that was asked for
  GraphBuilder builder_;
  AnnotatedSpecs specs_;
  Waivers waivers_;
  Interner tensor_words_;                                 // what "val" says of one tensor
  std::vector<ValueId> tensors_;                          // by its words, the first that they described
  std::vector<Arg> elements_;                             // of the lists that are open
  std::vector<Edge> edges_;                               // of the node at hand
  std::unordered_set<std::string_view> converted_;        // of those, the sources quantized again
  std::unordered_map<std::string_view, size_t> edge_of_;  // by source, where there are many
};

}  // namespace

bool is_annotated_graph(const JsonDocument& document) {
  const auto format = document.root()["format"].string();
  return format == "annotated-graph" || format == "snapgauge-graph";
}

Result<Graph> read_annotated_graph(const JsonDocument& document, AnnotationSites* sites) {
  try {
    return Reader(document, sites).read();
  } catch (JsonMembers::Fault& fault) {
    return std::move(fault.error);
  }
}

}  // namespace snapgauge
