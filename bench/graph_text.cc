// A writer for the parts of the annotation format that generated graphs use.
#include <fmt/format.h>

#include <iterator>

#include "generated_graph.h"

namespace snapgauge::bench {
namespace {

class Writer {
 public:
  explicit Writer(const Graph& graph) : graph_(graph) {}

  std::string run() {
    put("{{\"format\":\"snapgauge-graph\",\"version\":1,\"model\":\"generated\",\"frontend\":\"aten\",\n\"specs\":[");
    for (const Spec& spec : graph_.specs) {
      if (&spec != graph_.specs.data()) put(",");
      put("\n");
      put_spec(spec);
    }
    put("],\n\"nodes\":[");
    for (const Node& node : graph_.nodes) {
      if (&node != graph_.nodes.data()) put(",");
      put("\n");
      put_node(node);
    }
    put("]}}\n");
    return std::move(out_);
  }

 private:
  template <class... T>
  void put(fmt::format_string<T...> format, T&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<T>(values)...);
  }

  std::string_view name_of(ValueId id) const { return graph_.text(graph_.value(id).name); }

  void put_range(const Spec& spec) {
    put("\"dtype\":\"{}\",\"quant_min\":{},\"quant_max\":{},\"qscheme\":\"{}\"",
        spec.storage == DType::kUint8  ? "uint8"
        : spec.storage == DType::kInt8 ? "int8"
                                       : "int32",
        *spec.qmin, *spec.qmax, scheme_name(spec.scheme));
    if (spec.axis) put(",\"ch_axis\":{}", *spec.axis);
  }

  void put_spec(const Spec& spec) {
    put("{{\"kind\":\"{}\",", spec.fixed ? "fixed" : "spec");
    put_range(spec);
    if (!spec.scales.empty()) put(",\"scale\":{},\"zero_point\":{}", spec.scales[0], spec.zero_points[0]);
    put(",\"observer\":{{\"class\":\"{}\",\"kwargs\":{{}}}}}}", spec.observer);
  }

  void put_place(const SpecRef& ref) {
    if (ref.kind != SpecRef::Kind::kSharedEdge) return put("\"{}\"", name_of(ValueId{ref.index}));
    const auto& [value, consumer] = graph_.edges[ref.index];
    put("[\"{}\",\"{}\"]", name_of(value), graph_.name(consumer));
  }

  void put_ref(const SpecRef& ref) {
    switch (ref.kind) {
      case SpecRef::Kind::kConcrete: put("{}", ref.index); break;
      case SpecRef::Kind::kSharedNode:
      case SpecRef::Kind::kSharedEdge:
        put("{{\"shared\":");
        put_place(ref);
        put("}}");
        break;
      case SpecRef::Kind::kDerived: {
        const DerivedSpec& derived = graph_.derived[ref.index];
        put("{{\"derived\":{{\"from\":[");
        const auto sources = graph_.sources_of(derived);
        for (const SpecRef& from : sources) {
          if (&from != sources.data()) put(",");
          put_place(from);
        }
        put("],");
        put_range(graph_.specs[derived.spec.index]);
        put("}}}}");
        break;
      }
      default: put("null");
    }
  }

  /// Lists of generated graphs are one level deep.
  void put_arg(const Node& node, const Arg& arg) {
    switch (arg.kind) {
      case Arg::Kind::kUse: put("{{\"node\":\"{}\"}}", name_of(graph_.use(graph_.use_of(node, arg)).value)); break;
      case Arg::Kind::kInt: put("{}", arg.integer); break;
      case Arg::Kind::kFloat: put("{}", arg.real); break;
      case Arg::Kind::kList: put_args(node, graph_.elements_of(arg)); break;
      default: put("null");
    }
  }

  void put_args(const Node& node, std::span<const Arg> args) {
    put("[");
    for (const Arg& arg : args) {
      if (&arg != args.data()) put(",");
      put_arg(node, arg);
    }
    put("]");
  }

  void put_value(const Value& value) {
    put("{{\"shape\":[{}],\"dtype\":\"{}\"}}", fmt::join(graph_.shape(value), ","),
        value.dtype == DType::kInt64 ? "int64" : "float32");
  }

  static std::string_view kind_word(NodeKind kind) {
    switch (kind) {
      case NodeKind::kInput: return "placeholder";
      case NodeKind::kConstant: return "get_attr";
      case NodeKind::kOutput: return "output";
      default: return "call_function";
    }
  }

  void put_node(const Node& node) {
    put("{{\"name\":\"{}\",\"op\":\"{}\",\"target\":\"{}\",\"args\":", graph_.text(node.name), kind_word(node.kind),
        graph_.text(node.op));
    put_args(node, graph_.args_of(node));
    const auto outputs = graph_.outputs_of(node);
    if (outputs.size() > 1) {
      put(",\"val\":[");
      for (const Value& value : outputs) {
        if (&value != outputs.data()) put(",");
        put_value(value);
      }
      put("]");
    } else if (outputs.size() == 1) {
      put(",\"val\":");
      put_value(outputs[0]);
    }
    if (node.annotated) put_annotation(node);
    put("}}");
  }

  void put_annotation(const Node& node) {
    put(",\"annotation\":{{\"inputs\":[");
    bool first = true;
    for (const Use& use : graph_.uses_of(node)) {
      if (!use.annotated) continue;
      put("{}[\"{}\",", first ? "" : ",", name_of(use.value));
      put_ref(use.spec);
      put("]");
      first = false;
    }
    put("],\"output\":");
    put_ref(graph_.outputs_of(node)[0].spec);
    put(",\"annotated\":true}}");
  }

  const Graph& graph_;
  std::string out_;
};

}  // namespace

std::string sgraph_text(const Graph& graph) { return Writer(graph).run(); }

}  // namespace snapgauge::bench
