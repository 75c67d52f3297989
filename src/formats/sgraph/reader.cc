// Annotation files: nodes, their edges and results. Their specs are in annotated_specs.cc.
#include "formats/sgraph/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "diag/rule.h"
#include "formats/json/members.h"
#include "formats/sgraph/specs.h"
#include "graph/builder.h"

namespace snapgauge {
namespace {

constexpr uint32_t kMaxListDepth = 16;

class Reader : JsonMembers {
 public:
  Reader(const JsonDocument& document, AnnotationSites* sites)
      : JsonMembers(document),
        document_(document),
        sites_(sites),
        builder_(document.file(), frontend_of(document.root())),
        specs_(document, builder_, sites) {}

  Graph read() {
    const JsonValue root = document_.root();
    if (const JsonValue version = root["version"]; !version.missing() && version.integer() != 1)
      fail(version, "this version of the format is not known; the reader knows 1", ErrorCode::kUnsupported);
    if (const JsonValue frontend = root["frontend"];
        !frontend.missing() && frontend.string() != "aten" && frontend.string() != "onnx")
      fail(frontend, "\"frontend\" must be aten or onnx", ErrorCode::kUnsupported);
    Graph& graph = builder_.graph();
    graph.model = std::string(optional_text(root, "model", ""));
    graph.backend_hint = std::string(optional_text(root, "backend", ""));
    graph.soc_hint = std::string(optional_text(root, "soc", ""));
    const int64_t opset = optional_int(root, "opset").value_or(0);
    if (opset < 0 || opset > 10000) fail(root["opset"], "\"opset\" is out of range");
    graph.opset = static_cast<int>(opset);
    specs_.read_table(root["specs"]);
    const JsonValue nodes = need(root, "nodes", JsonValue::Type::kArray);
    graph.nodes.reserve(nodes.size());
    for (uint32_t i = 0; i < nodes.size(); ++i) read_node(nodes.at(i));
    read_waivers(root, Waiver::Scope::kFile, "");
    return builder_.finish();
  }

 private:
  static Frontend frontend_of(const JsonValue& root) {
    return frontend_named(text_or(root["frontend"], row_of(kDefaultFrontend).name)).value_or(kDefaultFrontend);
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

  NodeKind kind_of(const JsonValue& node) const {
    const std::string_view word = need_text(node, "op");
    for (const auto& [name, kind] : kKinds) {
      if (name != word) continue;
      return kind == NodeKind::kCall && text_or(node["target"], "") == "_operator.getitem" ? NodeKind::kSelect : kind;
    }
    fail(node["op"], fmt::format("\"{}\" is no kind of node", printable(word)));
  }

  void read_node(const JsonValue& v) {
    if (!v.is_object()) fail(v, "a node must be an object");
    const std::string_view name = need_text(v, "name");
    const NodeKind kind = kind_of(v);
    const std::string_view op = kind == NodeKind::kCall ? need_text(v, "target") : text_or(v["target"], "");
    const NodeId id = builder_.begin_node(kind, name, op, v.location());
    const JsonValue annotation = optional_member(v, "annotation", JsonValue::Type::kObject);
    optional_member(annotation, "outputs", JsonValue::Type::kArray);
    read_edges(annotation["inputs"]);
    if (const JsonValue args = v["args"]; !args.missing()) {
      if (!args.is_array()) fail(args, "\"args\" must be a list");
      for (uint32_t i = 0; i < args.size(); ++i) builder_.add_arg(read_arg(args.at(i), 0));
    }
    if (const JsonValue kwargs = v["kwargs"]; !kwargs.missing()) {
      if (!kwargs.is_object()) fail(kwargs, "\"kwargs\" must be an object");
      for (uint32_t i = 0; i < kwargs.size(); ++i) builder_.add_named(kwargs.key_at(i), read_arg(kwargs.at(i), 0));
    }
    report_unused_edges(name, v);
    const SpecRef output = specs_.ref(annotation["output"]);
    if (kind != NodeKind::kOutput) read_results(v, name, output, annotation);
    Node& node = builder_.graph().nodes[id.index];
    node.annotated = !edges_.empty() || output.kind != SpecRef::Kind::kNone || annotation["outputs"].size() > 0;
    node.allow_implicit_sharing = optional_bool(annotation, "allow_implicit_sharing", true);
    read_waivers(v, Waiver::Scope::kNode, name);
  }

  /// "x-snapgauge": {"ignore": [{"code": .., "reason": ..}]}. A key that we do not know may be a misspelt
  /// suppression, so here, unlike elsewhere in the file, it is an error.
  void read_waivers(const JsonValue& owner, Waiver::Scope scope, std::string_view node) {
    const JsonValue own = optional_member(owner, "x-snapgauge", JsonValue::Type::kObject);
    if (!own.is_object()) return;
    for (uint32_t i = 0; i < own.size(); ++i)
      if (own.key_at(i) != "ignore")
        fail(own.at(i),
             fmt::format("\"{}\" is no key of \"x-snapgauge\"; it has \"ignore\"", printable(own.key_at(i))));
    const JsonValue list = need(own, "ignore", JsonValue::Type::kArray);
    if (list.size() > kMostWaivers)
      fail(list, fmt::format("more than {} suppressions in one list", kMostWaivers), ErrorCode::kLimit);
    for (uint32_t i = 0; i < list.size(); ++i) {
      const JsonValue entry = list.at(i);
      if (!entry.is_object()) fail(entry, "a suppression must be {\"code\": ..., \"reason\": ...}");
      Waiver waiver{scope, printable(node), std::string(need_text(entry, "code")), "", "", entry.location()};
      if (const auto fault = code_fault(waiver.code)) fail(entry["code"], *fault);
      waiver.reason = std::string(need_text(entry, "reason"));
      if (waiver.reason.find_first_not_of(" \t") == std::string::npos)
        fail(entry["reason"], "a suppression needs a reason");
      builder_.graph().waivers.push_back(std::move(waiver));
    }
  }

  struct Edge {
    std::string_view from;
    SpecRef spec;
    JsonValue site;
    bool used = false;
  };

  void read_edges(const JsonValue& inputs) {
    edges_.clear();
    edge_of_.clear();
    if (inputs.missing() || inputs.is_null()) return;
    if (!inputs.is_array()) fail(inputs, "\"inputs\" must be a list of [source, spec] pairs");
    for (uint32_t i = 0; i < inputs.size(); ++i) {
      const JsonValue pair = inputs.at(i);
      if (!pair.is_array() || pair.size() != 2 || !pair.at(0).is_string())
        fail(pair, "an input must be a [source, spec] pair");
      edges_.push_back({*pair.at(0).string(), specs_.ref(pair.at(1)), pair.at(1), false});
    }
    constexpr size_t kFew = 16;
    if (edges_.size() <= kFew) return;
    for (size_t i = 0; i < edges_.size(); ++i) edge_of_.emplace(edges_[i].from, i);
  }

  void report_unused_edges(std::string_view node, const JsonValue& at) {
    for (const Edge& edge : edges_) {
      if (edge.used) continue;
      Finding f = make_finding(6, {{"name", printable(edge.from)}});
      f.node = printable(node);
      f.value = printable(edge.from);
      f.location = at.location();
      f.expected = "annotated inputs that the node has";
      f.actual = fmt::format("'{}' is no argument of '{}'", f.value, f.node);
      builder_.graph().findings.push_back(std::move(f));
    }
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

  Arg read_arg(const JsonValue& v, uint32_t depth) {
    if (depth > kMaxListDepth) fail(v, "arguments nested too deeply", ErrorCode::kLimit);
    switch (v.type()) {
      case JsonValue::Type::kBool: return GraphBuilder::make_bool(*v.boolean());
      case JsonValue::Type::kInt: return GraphBuilder::make_int(*v.integer());
      case JsonValue::Type::kReal: return GraphBuilder::make_real(*v.real());
      case JsonValue::Type::kString: return builder_.make_string(*v.string());
      case JsonValue::Type::kArray: {
        std::vector<Arg> elements;
        for (uint32_t i = 0; i < v.size(); ++i) elements.push_back(read_arg(v.at(i), depth + 1));
        return builder_.make_list(elements);
      }
      case JsonValue::Type::kObject: return read_special(v);
      default: return {};
    }
  }

  Arg read_special(const JsonValue& v) {
    if (const auto node = v["node"].string()) return use_of(*node);
    if (!v["float"].missing()) return GraphBuilder::make_real(need_real(v, "float"));
    if (const auto type = v["dtype"].string()) return builder_.make_string(*type);
    if (const auto text = v["str"].string()) return builder_.make_string(*text);
    if (!v["slice"].missing() || !v["tensor"].missing()) return {};
    fail(v, "an argument object must be one of node, float, dtype, str, slice, tensor");
  }

  // ---- results

  /// `spec` is the one under "output".
  void read_results(const JsonValue& node, std::string_view name, SpecRef spec, const JsonValue& annotation) {
    const JsonValue val = node["val"];
    const JsonValue specs = annotation["outputs"];
    const bool stated = spec.kind != SpecRef::Kind::kNone;
    if (!val.is_array()) {
      const ValueId id = add_value(val, std::string(name));
      set_spec(id, stated ? spec : specs_.ref(specs.at(0)), stated ? annotation["output"] : specs.at(0));
      if (const JsonValue data = node["data"]; data.is_array()) attach_data(id, data);
      return;
    }
    for (uint32_t i = 0; i < val.size(); ++i) {
      const ValueId id = add_value(val.at(i), i == 0 ? std::string(name) : fmt::format("{}:{}", name, i));
      if (i == 0 && stated) set_spec(id, spec, annotation["output"]);
      if (i < specs.size()) set_spec(id, specs_.ref(specs.at(i)), specs.at(i));
    }
  }

  void set_spec(ValueId id, SpecRef spec, const JsonValue& site) {
    builder_.set_output_spec(id, spec);
    if (sites_ != nullptr) sites_->outputs.insert_or_assign(id.index, site);
  }

  ValueId add_value(const JsonValue& val, const std::string& name) {
    if (val.missing() || val.is_null()) return builder_.add_output(name, DType::kUndefined, std::nullopt);
    if (!val.is_object()) fail(val, "\"val\" must describe one tensor or a list of tensors");
    DType dtype = DType::kUndefined;
    if (const std::string_view word = optional_text(val, "dtype", ""); !word.empty())
      dtype = specs_.dtype(val["dtype"], word);
    const JsonValue shape = optional_member(val, "shape", JsonValue::Type::kArray);
    if (!shape.is_array()) return builder_.add_output(name, dtype, std::nullopt);
    if (shape.size() > kMostDimensions)
      fail(shape, fmt::format("more than {} dimensions", kMostDimensions), ErrorCode::kLimit);
    std::vector<int64_t> dims;
    for (uint32_t i = 0; i < shape.size(); ++i) {
      const JsonValue d = shape.at(i);
      const auto size = d.integer();
      if (!size && !d.is_string() && !d.is_null()) fail(d, "a dimension must be an integer, a symbol or null");
      if (size && *size < 0) fail(d, fmt::format("dimension {} is negative", *size));
      dims.push_back(size.value_or(kDynamicDim));
    }
    return builder_.add_output(name, dtype, dims);
  }

  void attach_data(ValueId id, const JsonValue& data) {
    const auto count = data.size();
    const Value& value = builder_.graph().values[id.index];
    uint64_t elements = 1;
    for (int64_t d : builder_.graph().shape(value))
      elements = d < 0 || d > UINT32_MAX ? UINT64_MAX : elements * static_cast<uint64_t>(d);
    if (value.rank >= 0 && elements != count)
      fail(data, fmt::format("{} elements of \"data\" do not fill the shape", count));
    bool whole = true;
    for (uint32_t i = 0; i < count; ++i) whole = whole && data.at(i).integer().has_value();
    auto bytes = std::make_unique<std::byte[]>(size_t{8} * count + 1);
    for (uint32_t i = 0; i < count; ++i) {
      const int64_t integer = data.at(i).integer().value_or(0);
      const double real = whole ? 0 : need_real(data.at(i), "data");
      std::memcpy(bytes.get() + size_t{8} * i, whole ? static_cast<const void*>(&integer) : &real, 8);
    }
    builder_.set_constant(id, builder_.add_constant(whole ? DType::kInt64 : DType::kFloat64, count, std::move(bytes)));
  }

  const JsonDocument& document_;
  AnnotationSites* sites_;
  GraphBuilder builder_;
  AnnotatedSpecs specs_;
  std::vector<Edge> edges_;                               // of the node at hand
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
