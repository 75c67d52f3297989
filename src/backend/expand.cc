// What one node becomes, as a graph of its own: the node's operands are its inputs and constants, the parts
// its nodes, in the frontend's own words. Translating that graph finds the backend ops; checking it judges
// them as if the user had written them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "backend/expand_operands.h"
#include "backend/translate.h"
#include "base/number.h"
#include "base/text.h"
#include "evaluate/evaluate.h"
#include "graph/builder.h"

namespace snapgauge {
namespace {

constexpr int kMaxDepth = 4;                        // of parts of parts
constexpr uint64_t kMostMade = uint64_t{1} << 24U;  // elements of a constant that a row describes

/// The integers of `spec` spread evenly over [low, high), as quantizers prescribe it for sigmoids.
void prescribe_range(Spec& spec, double low, double high) {
  const auto range = effective_range(spec);
  if (!range) return;
  const double scale = (high - low) / (static_cast<double>(range->max - range->min) + 1);
  spec.fixed = true;
  spec.scales = {scale};
  spec.zero_points = {range->min - static_cast<int64_t>(std::llround(low / scale))};
}

class Expander {
 public:
  Expander(const FrontendOperation& whole, const NodeSurroundings& around, const Target& target)
      : whole_(whole),
        row_(*whole.mapping),
        from_(*whole.graph),
        node_(from_.node(whole.node)),
        sharing_(around.sharing),
        match_(around.match),
        target_(target),
        in_float_(row_.in_float && target.pipeline.partial_units_in_float),
        builder_(from_.file, from_.frontend),
        operands_(whole, around, in_float_, builder_, none_) {
    builder_.graph().opset = from_.opset;
  }

  /// Nothing, with none(), when a tensor cannot be told.
  std::optional<Graph> run() {
    for (const Part& part : row_.parts) add(part);
    if (!none_.why.empty()) return std::nullopt;
    return builder_.finish();
  }
  const NoExpansion& none() const { return none_; }

 private:
  void fail(std::string why) {
    if (none_.why.empty()) none_.why = std::move(why);
  }

  void require(const PartArg& arg) {
    switch (arg.kind) {
      case PartArg::Kind::kList:
        for (const PartArg& e : arg.list) require(e);
        return;
      case PartArg::Kind::kOperand: operands_.require(arg.operand); return;
      case PartArg::Kind::kTensor:
        if (!tensors_.contains(arg.text)) add_constant(arg.text);
        return;
      default: return;
    }
  }

  Arg from_value(const ParamValue& v, const std::string& type) {
    if (v.state != ParamValue::State::kKnown) return {};
    if (!v.name.empty()) return builder_.make_string(v.name);
    std::vector<Arg> elements;
    for (const double n : v.numbers) {
      if (type == "bool")
        elements.push_back(GraphBuilder::make_bool(n != 0));
      else if (const auto whole = whole_number(n); whole && type != "float")
        elements.push_back(GraphBuilder::make_int(*whole));
      else
        elements.push_back(GraphBuilder::make_real(n));
    }
    return !v.is_list && elements.size() == 1 ? elements[0] : builder_.make_list(elements);
  }

  void append(const PartArg& arg, std::vector<Arg>& out) {
    switch (arg.kind) {
      case PartArg::Kind::kOperand: operands_.append(arg.operand, out); return;
      case PartArg::Kind::kTensor: out.push_back(builder_.make_use(tensors_[arg.text])); return;
      case PartArg::Kind::kText: out.push_back(builder_.make_string(arg.text)); return;
      case PartArg::Kind::kSource: out.push_back(from_value(param_value(whole_, arg.source), {})); return;
      case PartArg::Kind::kLiteral: out.push_back(from_value(arg.literal, arg.text)); return;
      case PartArg::Kind::kList: {
        std::vector<Arg> elements;
        for (const PartArg& e : arg.list) append(e, elements);
        out.push_back(builder_.make_list(elements));
        return;
      }
    }
  }

  void add(const Part& part) {
    for (const PartArg& a : part.args) require(a);
    for (const auto& [name, a] : part.attrs) require(a);
    if (!none_.why.empty()) return;
    builder_.begin_node(NodeKind::kCall, operands_.unique(fmt::format("{}/{}", from_.text(node_.name), ++count_)),
                        part.op);
    std::vector<Arg> args;
    for (const PartArg& a : part.args) append(a, args);
    // Operands that the whole leaves out are left out here as well.
    while (!args.empty() && args.back().kind == Arg::Kind::kNone) args.pop_back();
    for (const Arg& a : args) builder_.add_arg(a);
    for (const auto& [name, a] : part.attrs) {
      std::vector<Arg> value;
      append(a, value);
      if (!value.empty() && value[0].kind != Arg::Kind::kNone) builder_.add_named(name, value[0]);
    }
    for (const std::string& out : part.out) add_result(out);
  }

  void add_result(const std::string& name) {
    const PortRef port = parse_port(name);
    if (port.side != PortRef::Side::kOut) {
      add_tensor(name, row_.tensor(name));
      return;
    }
    if (port.first >= node_.outputs.count) return fail(name + " is not stated in the file");
    const ValueId value{node_.outputs.first + port.first};
    const PlaceId place = sharing_.place(value);
    DType dtype = operands_.storage_of(place, value);
    std::optional<std::span<const int64_t>> shape = operands_.shape_of(value);
    // Where the file does not say, the row may.
    const PartTensor* row = row_.tensor(name);
    const Port* like = row == nullptr ? nullptr : whole_.port(row->like.side, row->like.first);
    std::vector<int64_t> dims;
    if (like != nullptr && !shape && shape_for(*row, *like, dims)) shape = dims;
    if (like != nullptr && dtype == DType::kUndefined) dtype = operands_.storage_of(like->place, like->value);
    const ValueId made =
        builder_.add_output(operands_.unique(std::string(from_.text(from_.value(value).name))), dtype, shape);
    builder_.set_output_spec(made, operands_.spec_of(place));
  }

  void add_constant(const std::string& name) {
    const PartTensor* row = row_.tensor(name);
    if (row == nullptr || !row->constant) return fail("tensor '" + name + "' has no row");
    builder_.begin_node(NodeKind::kConstant, operands_.unique(fmt::format("{}.{}", from_.text(node_.name), name)),
                        "constant");
    add_tensor(name, row);
    if (row->number && none_.why.empty()) add_number(*row->number);
  }

  /// Of the constant that was added last, where it is one of floats.
  void add_number(const ParamSource& source) {
    const ValueId made{static_cast<uint32_t>(builder_.graph().values.size() - 1)};
    const Value& v = builder_.graph().value(made);
    const ParamValue number = param_value(whole_, source);
    if (number.state != ParamValue::State::kKnown || number.numbers.size() != 1 || v.dtype != DType::kFloat32) return;
    uint64_t count = 1;
    for (const int64_t d : builder_.graph().shape(v)) {
      if (d < 0 || count > kMostMade / std::max<uint64_t>(1, static_cast<uint64_t>(d))) return;
      count *= static_cast<uint64_t>(d);
    }
    const auto value = static_cast<float>(number.numbers[0]);
    auto bytes = std::make_unique<std::byte[]>(count * sizeof value);
    for (uint64_t i = 0; i < count; ++i) std::memcpy(bytes.get() + i * sizeof value, &value, sizeof value);
    builder_.set_constant(made, builder_.add_constant(DType::kFloat32, count, std::move(bytes)));
  }

  void add_tensor(const std::string& name, const PartTensor* row) {
    PartTensor plain;
    plain.name = name;
    plain.like = parse_port("out[0]");
    const PartTensor& t = row != nullptr ? *row : plain;
    const Port* like = whole_.port(t.like.side, t.like.first);
    if (like == nullptr) return fail(port_text(t.like) + " is not given");
    std::vector<int64_t> dims;
    const bool known = shape_for(t, *like, dims);
    const DType dtype = t.dtype ? *t.dtype : operands_.storage_of(like->place, like->value);
    const std::string text = operands_.unique(fmt::format("{}.{}", from_.text(node_.name), name));
    tensors_[name] = text;
    const ValueId made =
        builder_.add_output(text, dtype, known ? std::optional(std::span<const int64_t>(dims)) : std::nullopt);
    if (t.dtype || in_float_ || like->spec == nullptr) return;
    if (const std::string shared = shared_with(t); !shared.empty())
      return builder_.set_output_spec(made, builder_.shared_node(shared));
    builder_.set_output_spec(made, builder_.add_spec(spec_for(t, *like->spec)));
  }

  /// Name in the new graph of the tensor whose parameters this one has; empty: it has its own.
  std::string shared_with(const PartTensor& t) {
    if (t.shares.empty()) return {};
    if (const auto known = tensors_.find(t.shares); known != tensors_.end()) return known->second;
    if (const PortRef port = parse_port(t.shares); port.side == PortRef::Side::kOut)
      return port.first < node_.outputs.count
                 ? std::string(from_.text(from_.values[node_.outputs.first + port.first].name))
                 : "";
    return operands_.name_of(parse_operand(t.shares));
  }

  /// The type of the neighbour's, one scale for the tensor, which the pipeline's observer finds later.
  static Spec spec_for(const PartTensor& t, const Spec& like) {
    Spec spec = like;
    spec.scales.clear();
    spec.zero_points.clear();
    spec.block.clear();
    spec.axis.reset();
    spec.two_level = spec.fixed = spec.computed_scale = spec.double_quantized = false;
    if (is_per_channel(spec.scheme))
      spec.scheme = is_symmetric(spec.scheme) ? Scheme::kPerTensorSymmetric : Scheme::kPerTensorAffine;
    if (!t.range.empty()) {
      spec.scheme = Scheme::kPerTensorAffine;
      prescribe_range(spec, t.range[0], t.range[1]);
    }
    return spec;
  }

  /// The shape of a value inside the pattern, without as many dimensions of 1 as it takes.
  bool shape_of_value(const PartTensor& t, std::vector<int64_t>& dims) {
    for (const auto& [name, value] : match_ != nullptr ? match_->values : decltype(match_->values)()) {
      if (name != t.shape_of) continue;
      const auto shape = operands_.shape_of(value);
      if (!shape) return false;
      dims.assign(shape->begin(), shape->end());
      while (t.to_rank > 0 && dims.size() > static_cast<size_t>(t.to_rank)) {
        const auto one = std::find(dims.begin(), dims.end(), 1);
        if (one == dims.end()) break;
        dims.erase(one);
      }
      return true;
    }
    fail("value '" + t.shape_of + "' is not in the pattern");
    return false;
  }

  bool shape_for(const PartTensor& t, const Port& like, std::vector<int64_t>& dims) {
    if (!t.shape_of.empty()) return shape_of_value(t, dims);
    if (!t.shape) {
      const auto shape = operands_.shape_of(like.value);
      if (!shape) return false;
      if (t.constant) return true;  // one element
      dims.assign(shape->begin(), shape->end());
      return true;
    }
    const EvalContext context{whole_, target_, nullptr};
    for (const PartTensor::Dim& d : *t.shape) {
      if (!d.all_but) {
        const auto size = evaluate(d.size, context, nullptr, nullptr);
        dims.push_back((size ? whole_number(*size) : std::nullopt).value_or(kDynamicDim));
        continue;
      }
      const Port* port = whole_.port(d.all_but->side, d.all_but->first);
      const auto shape = port == nullptr ? std::nullopt : operands_.shape_of(port->value);
      if (!shape || shape->size() < static_cast<size_t>(d.drop)) return false;
      dims.insert(dims.end(), shape->begin(), shape->end() - d.drop);
    }
    return true;
  }

  const FrontendOperation& whole_;
  const OpMapping& row_;
  const Graph& from_;
  const Node& node_;
  const Sharing& sharing_;
  const PatternMatch* match_;
  const Target& target_;
  const bool in_float_;
  GraphBuilder builder_;
  NoExpansion none_;
  WholeOperands operands_;
  std::unordered_map<std::string, std::string> tensors_;  // between the parts: their names in the new graph
  int count_ = 0;
};

}  // namespace

Result<std::unique_ptr<Expansion>> expand(const FrontendOperation& operation, const NodeSurroundings& around,
                                          OpMaps& maps, const Target& target, int depth, NoExpansion& none) {
  if (depth >= kMaxDepth) {
    none.why = "its parts are made of parts, too deep to follow";
    return std::unique_ptr<Expansion>();
  }
  Expander expander(operation, around, target);
  auto graph = expander.run();
  if (!graph) {
    none = expander.none();
    return std::unique_ptr<Expansion>();
  }
  auto out = std::make_unique<Expansion>();
  out->graph = std::move(*graph);
  out->sharing.emplace(out->graph);
  out->staticness = staticness(out->graph);
  auto ops = translate(out->graph, *out->sharing, out->staticness, maps, target, {.share = false, .depth = depth + 1});
  if (!ops) return ops.error();
  out->ops = std::move(*ops);
  return out;
}

}  // namespace snapgauge
