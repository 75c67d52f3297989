// Text is appended piece by piece: a tree of the whole file would take ten times its size.
#include "formats/sgraph/writer.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "base/encoding.h"

namespace snapgauge {
namespace {

// Larger ones are weights. Integers are indices, shapes and pads, which rules look at.
constexpr uint64_t kMostIntegers = 1024;
constexpr uint64_t kMostReals = 16;

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string number(double value) {
  if (std::isnan(value)) return R"({"float": "nan"})";
  if (std::isinf(value)) return value > 0 ? R"({"float": "inf"})" : R"({"float": "-inf"})";
  return nlohmann::json(value).dump();
}

class Writer {
 public:
  explicit Writer(const Graph& graph) : graph_(graph), entry_of_(graph.values.size(), NodeId::kNone) { name_results(); }

  std::string text() {
    out_ = R"({"format": "snapgauge-graph", "version": 1)";
    if (!graph_.model.empty()) out_ += ", \"model\": " + json_text(graph_.model);
    out_ += fmt::format(", \"frontend\": \"{}\"", row_of(graph_.frontend).name);
    if (graph_.opset > 0) out_ += fmt::format(", \"opset\": {}", graph_.opset);
    if (!graph_.backend_hint.empty()) out_ += ", \"backend\": " + json_text(graph_.backend_hint);
    if (!graph_.soc_hint.empty()) out_ += ", \"soc\": " + json_text(graph_.soc_hint);
    out_ += ",\n \"specs\": [";
    for (size_t i = 0; i < graph_.specs.size(); ++i) {
      out_ += i == 0 ? "\n  {" : ",\n  {";
      spec(graph_.specs[i]);
      out_ += '}';
    }
    out_ += "],\n \"nodes\": [";
    bool first = true;
    for (const Node& n : graph_.nodes) {
      if (n.kind == NodeKind::kFolded) continue;
      out_ += first ? "\n  " : ",\n  ";
      first = false;
      node(n);
    }
    out_ += "]}\n";
    return std::move(out_);
  }

 private:
  /// Node names are kept where they are unique; ONNX lets nodes and values share one.
  void name_results() {
    std::unordered_set<std::string> taken;
    node_names_.reserve(graph_.nodes.size());
    for (const Node& n : graph_.nodes) {
      const std::string wanted(n.name.valid() ? graph_.text(n.name) : "node");
      std::string name = wanted;
      while (!taken.insert(name).second) name = fmt::format("{}_{}", wanted, ++repeats_[wanted]);
      node_names_.push_back(std::move(name));
    }
  }
  std::string name_of(ValueId value) const {
    const Node& n = graph_.node(graph_.value(value).producer);
    const std::string& name = node_names_[graph_.value(value).producer.index];
    const uint32_t index = value.index - n.outputs.first;
    return index == 0 ? name : fmt::format("{}:{}", name, index);
  }

  static std::string_view word(NodeKind kind) {
    switch (kind) {
      case NodeKind::kInput: return "input";
      case NodeKind::kConstant: return "constant";
      case NodeKind::kOutput: return "output";
      default: return "call";
    }
  }

  void node(const Node& n) {
    const auto index = static_cast<size_t>(&n - graph_.nodes.data());
    const bool block = n.kind == NodeKind::kCall;
    const std::string_view next = block ? ",\n   " : ", ";
    out_ += fmt::format("{{\"name\": {}, \"op\": \"{}\"", json_text(node_names_[index]), word(n.kind));
    if (const std::string_view op = graph_.text(n.op); !op.empty() || n.kind == NodeKind::kCall)
      out_ += ", \"target\": " + json_text(op);
    if (const auto args = graph_.args_of(n); !args.empty()) {
      (out_ += next) += "\"args\": ";
      list(n, args);
    }
    if (const auto named = graph_.named_of(n); !named.empty()) {
      (out_ += next) += "\"kwargs\": {";
      for (size_t i = 0; i < named.size(); ++i) {
        out_ += (i == 0 ? "" : ", ") + json_text(graph_.text(named[i].name)) + ": ";
        argument(n, named[i].arg);
      }
      out_ += '}';
    }
    results(n, next);
    annotation(n, next);
    out_ += '}';
  }

  void list(const Node& n, std::span<const Arg> elements) {
    out_ += '[';
    for (size_t i = 0; i < elements.size(); ++i) {
      if (i > 0) out_ += ", ";
      argument(n, elements[i]);
    }
    out_ += ']';
  }

  void argument(const Node& n, const Arg& arg) {
    switch (arg.kind) {
      case Arg::Kind::kNone: out_ += "null"; return;
      case Arg::Kind::kInt: out_ += std::to_string(arg.integer); return;
      case Arg::Kind::kBool: out_ += arg.integer != 0 ? "true" : "false"; return;
      case Arg::Kind::kFloat: out_ += real_argument(arg.real); return;
      case Arg::Kind::kString: out_ += json_text(graph_.text(Symbol{arg.index})); return;
      case Arg::Kind::kList: list(n, graph_.elements_of(arg)); return;
      case Arg::Kind::kTensor: out_ += fmt::format("{{\"tensor\": [{}]}}", graph_.constants[arg.index].count); return;
      case Arg::Kind::kUse: break;
    }
    const ValueId value = graph_.use(graph_.use_of(n, arg)).value;
    out_ += value.valid() ? fmt::format("{{\"node\": {}}}", json_text(name_of(value))) : std::string("null");
  }
  /// Stays a real one.
  static std::string real_argument(double value) {
    std::string text = number(value);
    if (text.find_first_of(".e{") == std::string::npos) text += ".0";
    return text;
  }

  void results(const Node& n, std::string_view next) {
    if (n.outputs.count == 0) return;
    (out_ += next) += "\"val\": ";
    const auto values = graph_.outputs_of(n);
    if (values.size() > 1) out_ += '[';
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ", ";
      tensor(values[i]);
    }
    if (values.size() > 1) out_ += ']';
    // Not of constants alone: a reader may have found out what a shape computation yields.
    if (values.size() == 1) data(values.front());
  }

  void tensor(const Value& value) {
    if (value.rank < 0 && value.dtype == DType::kUndefined) {
      out_ += "null";
      return;
    }
    out_ += '{';
    if (value.rank >= 0) {
      out_ += "\"shape\": [";
      const auto shape = graph_.shape(value);
      for (size_t i = 0; i < shape.size(); ++i)
        out_ += (i == 0 ? "" : ", ") + (shape[i] < 0 ? std::string("null") : std::to_string(shape[i]));
      out_ += ']';
    }
    if (const std::string_view type = framework_name(value.dtype); !type.empty())
      out_ += fmt::format("{}\"dtype\": \"{}\"", value.rank >= 0 ? ", " : "", type);
    out_ += '}';
  }

  void data(const Value& value) {
    if (!value.constant.valid()) return;
    const Constant& constant = graph_.constants[value.constant.index];
    const bool whole = is_plain_integer(constant.dtype) || constant.dtype == DType::kBool8;
    if (constant.data == nullptr || constant.count > (whole ? kMostIntegers : kMostReals)) return;
    std::string text;
    const auto add = [&](const std::string& element) { text += (text.empty() ? "" : ", ") + element; };
    if (whole) {
      const auto integers = constant_integers(graph_, value.constant);
      if (!integers) return;
      for (const int64_t i : *integers) add(std::to_string(i));
    } else {
      const auto reals = constant_reals(graph_, value.constant);
      if (!reals) return;
      for (const double r : *reals) add(real_argument(r));
    }
    out_ += ", \"data\": [" + text + "]";
  }

  void annotation(const Node& n, std::string_view next) {
    std::string inputs, converts;
    const auto index = static_cast<uint32_t>(&n - graph_.nodes.data());
    for (const Use& use : graph_.uses_of(n)) {
      if (!use.annotated || !use.value.valid()) continue;
      // A tensor that is read twice has one entry.
      if (std::exchange(entry_of_[use.value.index], index) == index) continue;
      if (use.repeats) converts += (converts.empty() ? "" : ", ") + json_text(name_of(use.value));
      inputs +=
          fmt::format("{}[{}, {}]", inputs.empty() ? "" : ", ", json_text(name_of(use.value)), reference(use.spec));
    }
    const auto values = graph_.outputs_of(n);
    const bool stated =
        std::any_of(values.begin(), values.end(), [](const Value& v) { return v.spec.kind != SpecRef::Kind::kNone; });
    if (inputs.empty() && !stated && n.allow_implicit_sharing) return;
    (out_ += next) += "\"annotation\": {";
    std::string_view comma;
    const auto member = [&](const std::string& text) { ((out_ += comma) += text), comma = ", "; };
    if (!inputs.empty()) member("\"inputs\": [" + inputs + "]");
    if (stated && values.size() == 1) member("\"output\": " + reference(values.front().spec));
    if (stated && values.size() > 1) {
      std::string all;
      for (const Value& v : values) all += (all.empty() ? "" : ", ") + reference(v.spec);
      member("\"outputs\": [" + all + "]");
    }
    if (!converts.empty()) member("\"converts\": [" + converts + "]");
    if (!n.allow_implicit_sharing) member("\"allow_implicit_sharing\": false");
    out_ += '}';
  }

  std::string place(const SpecRef& ref) const {
    if (ref.kind == SpecRef::Kind::kSharedNode) return json_text(name_of(ValueId{ref.index}));
    if (ref.kind == SpecRef::Kind::kDangling) return json_text(graph_.text(Symbol{ref.index}));
    const EdgeRef& edge = graph_.edges[ref.index];
    return fmt::format("[{}, {}]", json_text(name_of(edge.value)), json_text(node_names_[edge.consumer.index]));
  }

  std::string reference(const SpecRef& ref) {
    if (ref.kind == SpecRef::Kind::kNone) return "null";
    if (ref.kind == SpecRef::Kind::kConcrete) return std::to_string(ref.index);
    if (ref.kind != SpecRef::Kind::kDerived) return "{\"shared\": " + place(ref) + "}";
    const DerivedSpec& derived = graph_.derived[ref.index];
    std::string sources;
    for (const SpecRef& source : graph_.sources_of(derived)) sources += (sources.empty() ? "" : ", ") + place(source);
    std::string outer = std::move(out_);
    out_.clear();
    spec(graph_.specs[derived.spec.index]);
    const std::string own = std::exchange(out_, std::move(outer));
    return fmt::format("{{\"derived\": {{\"from\": [{}], {}}}}}", sources, own);
  }

  void spec(const Spec& s) {
    out_ += fmt::format("\"dtype\": \"{}\"", framework_name(s.storage));
    if (s.fixed) out_ += ", \"kind\": \"fixed\"";
    if (s.qmin) out_ += fmt::format(", \"quant_min\": {}", *s.qmin);
    if (s.qmax) out_ += fmt::format(", \"quant_max\": {}", *s.qmax);
    if (s.scheme != Scheme::kUnknown) out_ += fmt::format(", \"qscheme\": \"{}\"", scheme_name(s.scheme));
    if (s.axis) out_ += fmt::format(", \"ch_axis\": {}", *s.axis);
    if (!s.block.empty()) out_ += fmt::format(", \"block_size\": [{}]", fmt::join(s.block, ", "));
    if (s.dynamic) out_ += ", \"is_dynamic\": true";
    if (s.scales.size() == 1) out_ += ", \"scale\": " + number(s.scales.front());
    if (s.scales.size() > 1) {
      out_ += ", \"scale\": [";
      for (size_t i = 0; i < s.scales.size(); ++i) out_ += (i == 0 ? "" : ", ") + number(s.scales[i]);
      out_ += ']';
    }
    if (s.zero_points.size() == 1) out_ += fmt::format(", \"zero_point\": {}", s.zero_points.front());
    if (s.zero_points.size() > 1) out_ += fmt::format(", \"zero_point\": [{}]", fmt::join(s.zero_points, ", "));
    if (s.observer.empty()) return;
    out_ += ", \"observer\": {\"class\": " + json_text(s.observer);
    if (s.eps > 0) out_ += ", \"kwargs\": {\"eps\": " + number(s.eps) + "}";
    out_ += '}';
  }

  const Graph& graph_;
  std::vector<std::string> node_names_;
  std::unordered_map<std::string, size_t> repeats_;
  std::vector<uint32_t> entry_of_;  // by ValueId: the last node with an entry for it
  std::string out_;
};

}  // namespace

std::string annotated_text(const Graph& graph) { return Writer(graph).text(); }

}  // namespace snapgauge
