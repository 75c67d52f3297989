// Each pass is a function that copies the graph node by node and writes some of them otherwise.
#include "quantize/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "backend/translate.h"
#include "base/number.h"
#include "base/text.h"
#include "graph/copy.h"
#include "quantize/styles.h"

namespace snapgauge {
namespace {

constexpr int kMostRounds = 6;  // parts of parts are four levels deep

/// How often each value is read.
std::vector<uint32_t> reader_counts(const Graph& graph) {
  std::vector<uint32_t> out(graph.values.size());
  for (const Use& use : graph.uses)
    if (use.value.valid()) ++out[use.value.index];
  return out;
}

/// An operator in place whose operand is read elsewhere, too: what reads it later gets the changed values.
bool changes_a_tensor(const Graph& graph, const Node& node, const std::vector<uint32_t>& readers) {
  const std::string_view op = graph.text(node.op);
  if (op.find("_.") == std::string_view::npos) return false;
  const ValueId in = operand(graph, node, 0);
  return in.valid() && readers[in.index] > 1;
}

ValueId result_of(const Node& node) { return node.outputs.count == 1 ? ValueId{node.outputs.first} : ValueId{}; }

bool is_constant(const Graph& graph, ValueId value) {
  return value.valid() && graph.node(graph.value(value).producer).kind == NodeKind::kConstant;
}

/// The elements of a float constant; nothing when it holds none here.
std::optional<std::vector<double>> numbers(const Graph& graph, ValueId value) {
  return value.valid() ? constant_reals(graph, graph.value(value).constant) : std::nullopt;
}

// ---- batch norms

/// A norm by channel behind a product whose result nothing else reads.
struct Fold {
  NodeId product, norm;
  const AnnotationRow* product_row = nullptr;
  const AnnotationRow* norm_row = nullptr;
};

double epsilon_of(const Graph& graph, const Node& norm, const AnnotationRow& row) {
  const NamedArg* named = row.epsilon_by.empty() ? nullptr : graph.find_named(norm, row.epsilon_by);
  const auto args = graph.args_of(norm);
  const Arg given = named != nullptr ? named->arg
                    : row.epsilon_arg >= 0 && static_cast<size_t>(row.epsilon_arg) < args.size()
                        ? args[static_cast<size_t>(row.epsilon_arg)]
                        : Arg();
  return given.kind == Arg::Kind::kFloat ? given.real : 1e-5;
}

class BatchNormFolding {
 public:
  BatchNormFolding(Graph& graph, const AnnotationRows& rows, std::vector<std::string>& changes)
      : graph_(graph), rows_(rows), changes_(changes) {}

  bool run() {
    find();
    if (folds_.empty()) return false;
    const std::vector<bool> idle = idle_constants();
    GraphCopy copy(graph_);
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const auto fold = folds_.find(n);
      if (norms_.contains(n) || idle[n]) continue;
      if (fold == folds_.end())
        copy.copy(NodeId{n});
      else
        write(fold->second, copy);
    }
    graph_ = GraphCopy::finish(std::move(copy), std::move(graph_));
    return true;
  }

 private:
  void find() {
    const std::vector<uint32_t> readers = reader_counts(graph_);
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& norm = graph_.nodes[n];
      if (norm.kind != NodeKind::kCall || norm.annotated || !result_of(norm).valid()) continue;
      const AnnotationRow* row = rows_.find(graph_.text(norm.op));
      if (row == nullptr || row->mean < 0) continue;
      const ValueId in = operand(graph_, norm, 0);
      if (!in.valid() || readers[in.index] != 1) continue;
      const NodeId producer = graph_.value(in).producer;
      const Node& product = graph_.node(producer);
      const AnnotationRow* product_row =
          product.kind == NodeKind::kCall && !product.annotated ? rows_.find(graph_.text(product.op)) : nullptr;
      const auto args = graph_.args_of(norm);
      const bool trains = row->training_arg >= 0 && static_cast<size_t>(row->training_arg) < args.size() &&
                          args[static_cast<size_t>(row->training_arg)].integer != 0;
      if (trains || product_row == nullptr ||
          (product_row->style != Style::kConv && product_row->style != Style::kLinear))
        continue;
      if (!result_of(product).valid()) continue;
      const Fold fold{producer, NodeId{n}, product_row, row};
      if (!is_foldable(fold)) continue;
      folds_.emplace(producer.index, fold);
      norms_.emplace(n, producer);
    }
  }

  /// By node: what only folded nodes read, and read no more.
  std::vector<bool> idle_constants() const {
    std::vector<uint32_t> readers = reader_counts(graph_);
    const auto drop = [&](NodeId node, int position) {
      if (const ValueId value = operand(graph_, graph_.node(node), position); value.valid()) --readers[value.index];
    };
    for (const auto& [product, fold] : folds_) {
      for (const int position : {fold.product_row->weight, fold.product_row->bias}) drop(fold.product, position);
      for (const AnnotationRow* row = fold.norm_row;
           const int position : {row->weight, row->bias, row->mean, row->variance})
        drop(fold.norm, position);
    }
    const std::vector<uint32_t> before = reader_counts(graph_);
    std::vector<bool> out(graph_.nodes.size(), false);
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const ValueId value = result_of(graph_.nodes[n]);
      out[n] = graph_.nodes[n].kind == NodeKind::kConstant && value.valid() && before[value.index] > 0 &&
               readers[value.index] == 0;
    }
    return out;
  }

  /// Everything is a constant of known shape, with a number for each channel.
  bool is_foldable(const Fold& fold) const {
    const Node& product = graph_.node(fold.product);
    const Node& norm = graph_.node(fold.norm);
    const ValueId weight = operand(graph_, product, fold.product_row->weight);
    const auto axis = channel_axis(graph_, product, *fold.product_row);
    if (!is_constant(graph_, weight) || !axis || !norms_its_channels(product, graph_.value(weight))) return false;
    for (const int position :
         {fold.norm_row->weight, fold.norm_row->bias, fold.norm_row->mean, fold.norm_row->variance}) {
      const ValueId value = operand(graph_, norm, position);
      if (value.valid() && (!is_constant(graph_, value) || graph_.value(value).rank != 1)) return false;
    }
    const ValueId mean = operand(graph_, norm, fold.norm_row->mean);
    const ValueId bias = operand(graph_, product, fold.product_row->bias);
    if (!mean.valid() || (bias.valid() && !is_constant(graph_, bias))) return false;
    const int64_t channels = graph_.shape(graph_.value(mean))[0];
    const int64_t along = graph_.shape(graph_.value(weight))[static_cast<size_t>(*axis)];
    // Only a transposed weight has the channels of one group along its axis.
    return along > 0 && (channels == along || (*axis == 1 && channels > along && channels % along == 0));
  }
  /// The norm's channels are dimension 1 of the result; the product's are that with a batch in front. Operands by name
  /// are not looked for.
  bool norms_its_channels(const Node& product, const Value& weight) const {
    const Value& result = graph_.value(result_of(product));
    const auto is_operand = [&](const NamedArg& n) {
      return graph_.text(n.name) == "bias" || graph_.text(n.name) == "weight";
    };
    const auto named = graph_.named_of(product);
    return result.rank == weight.rank && std::none_of(named.begin(), named.end(), is_operand);
  }

  void write(const Fold& fold, GraphCopy& copy) {
    const Node& product = graph_.node(fold.product);
    const Node& norm = graph_.node(fold.norm);
    const std::string name(graph_.name(fold.product));
    const std::string weight = copy.fresh(name + ".weight.folded"), bias = copy.fresh(name + ".bias.folded");
    write_weights(fold, copy, weight, bias);
    GraphBuilder& to = copy.builder();
    to.begin_node(NodeKind::kCall, name, graph_.text(product.op), product.location);
    const auto args = graph_.args_of(product);
    const auto count = std::max<size_t>(args.size(), static_cast<size_t>(fold.product_row->bias) + 1);
    for (size_t i = 0; i < count; ++i) {
      if (static_cast<int>(i) == fold.product_row->weight)
        to.add_arg(to.make_use(weight));
      else if (static_cast<int>(i) == fold.product_row->bias)
        to.add_arg(to.make_use(bias));
      else
        to.add_arg(copy.argument(product, args[i]));
    }
    for (const NamedArg& named : graph_.named_of(product))
      to.add_named(graph_.text(named.name), copy.argument(product, named.arg));
    const Value& result = graph_.value(result_of(norm));
    const auto shape = result.rank < 0 ? std::nullopt : std::optional(graph_.shape(result));
    to.add_output(to.graph().names.add(graph_.text(result.name)), result.dtype, shape);
    changes_.push_back(fmt::format("{}: took in {}", printable(name), printable(graph_.name(fold.norm))));
  }

  void add_constant(GraphCopy& copy, const std::string& name, std::span<const int64_t> shape,
                    const std::optional<std::vector<float>>& values) {
    GraphBuilder& to = copy.builder();
    to.begin_node(NodeKind::kConstant, name, "constant");
    const ValueId made = to.add_output(to.graph().names.add(name), DType::kFloat32, shape);
    if (!values) return;
    auto bytes = std::make_unique<std::byte[]>(values->size() * sizeof(float) + 1);
    std::memcpy(bytes.get(), values->data(), values->size() * sizeof(float));
    to.set_constant(made, to.add_constant(DType::kFloat32, values->size(), std::move(bytes)));
  }

  /// w' = w * g, b' = (b - mean) * g + beta with g = gamma / sqrt(variance + epsilon), in double precision.
  void write_weights(const Fold& fold, GraphCopy& copy, const std::string& weight_name, const std::string& bias_name) {
    const Node& product = graph_.node(fold.product);
    const Node& norm = graph_.node(fold.norm);
    const ValueId weight = operand(graph_, product, fold.product_row->weight);
    const auto shape = graph_.shape(graph_.value(weight));
    const auto mean = numbers(graph_, operand(graph_, norm, fold.norm_row->mean));
    const auto variance = numbers(graph_, operand(graph_, norm, fold.norm_row->variance));
    const auto gamma = numbers(graph_, operand(graph_, norm, fold.norm_row->weight));
    const auto beta = numbers(graph_, operand(graph_, norm, fold.norm_row->bias));
    const auto bias = numbers(graph_, operand(graph_, product, fold.product_row->bias));
    const auto before = numbers(graph_, weight);
    const std::array<int64_t, 1> channels{graph_.shape(graph_.value(operand(graph_, norm, fold.norm_row->mean)))[0]};
    const bool whole = mean && variance && before;
    std::optional<std::vector<float>> new_weight, new_bias;
    if (whole) {
      std::vector<double> factor(mean->size());
      const double epsilon = epsilon_of(graph_, norm, *fold.norm_row);
      new_bias.emplace(mean->size());
      for (size_t c = 0; c < factor.size(); ++c) {
        factor[c] = (gamma ? (*gamma)[c] : 1.0) / std::sqrt((*variance)[c] + epsilon);
        (*new_bias)[c] =
            static_cast<float>(((bias ? (*bias)[c] : 0.0) - (*mean)[c]) * factor[c] + (beta ? (*beta)[c] : 0.0));
      }
      new_weight =
          scaled(*before, shape, static_cast<size_t>(*channel_axis(graph_, product, *fold.product_row)), factor);
    }
    add_constant(copy, weight_name, shape, new_weight);
    add_constant(copy, bias_name, channels, new_bias);
  }

  /// Transposed weights have the channels of one group along the axis; the groups follow each other along the first
  /// one.
  static std::vector<float> scaled(const std::vector<double>& weight, std::span<const int64_t> shape, size_t axis,
                                   const std::vector<double>& factor) {
    size_t inner = 1;
    for (size_t d = axis + 1; d < shape.size(); ++d) inner *= static_cast<size_t>(shape[d]);
    const auto along = static_cast<size_t>(shape[axis]);
    const size_t groups = factor.size() / along;
    const size_t outer = weight.size() / (inner * along);
    std::vector<float> out(weight.size());
    for (size_t o = 0; o < outer; ++o) {
      const size_t group = o * groups / outer;
      for (size_t c = 0; c < along; ++c)
        for (size_t i = 0; i < inner; ++i) {
          const size_t at = (o * along + c) * inner + i;
          out[at] = static_cast<float>(weight[at] * factor[group * along + c]);
        }
    }
    return out;
  }

  Graph& graph_;
  const AnnotationRows& rows_;
  std::vector<std::string>& changes_;
  std::unordered_map<uint32_t, Fold> folds_;    // by product
  std::unordered_map<uint32_t, NodeId> norms_;  // and the product of each
};

// ---- decompositions

/// The name in the whole graph of what an expansion reads under this one; empty: it made it itself.
std::string outer_name(const GraphCopy& copy, std::string name) {
  for (;;) {
    if (copy.has_value(name)) return name;
    if (name.empty() || name.back() != '\'') return {};
    name.pop_back();
  }
}

class Decomposition {
 public:
  Decomposition(Graph& graph, const AnnotationRows& rows, OpMaps& maps, const Target& target,
                std::vector<std::string>& changes)
      : graph_(graph), rows_(rows), maps_(maps), target_(target), changes_(changes) {}

  Result<bool> run() {
    readers_ = reader_counts(graph_);
    const auto written = [&](const Node& node) { return is_candidate(node); };
    if (std::none_of(graph_.nodes.begin(), graph_.nodes.end(), written)) return false;
    // Without sharing, each node's expansion has that node's own names.
    const auto whole = translate_whole(graph_, maps_, target_, {.share = false});
    if (!whole) return whole.error();
    const OpGraph& ops = whole.value().ops;
    std::vector<const Expansion*> of(graph_.nodes.size());
    bool any = false;
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) any = (of[n] = written_out(ops, NodeId{n})) != nullptr || any;
    if (!any) return false;
    GraphCopy copy(graph_);
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      if (of[n] == nullptr)
        copy.copy(NodeId{n});
      else
        splice(copy, NodeId{n}, of[n]->graph);
    }
    graph_ = GraphCopy::finish(std::move(copy), std::move(graph_));
    return true;
  }

 private:
  /// Null: the node stays. Nodes of patterns are one op already.
  const Expansion* written_out(const OpGraph& ops, NodeId id) const {
    if (!is_candidate(graph_.node(id)) || !ops.op_of[id.index].valid()) return nullptr;
    const OpClass& cls = ops.class_of(ops.op(ops.op_of[id.index]));
    if (cls.mapped != Mapped::kExpansion || cls.parts == nullptr || !cls.mapping->pattern.nodes.empty()) return nullptr;
    return cls.parts.get();
  }

  /// By what can be seen of the node alone. Only results in floating point are written out: divisions of integers are
  /// not what their parts compute.
  bool is_candidate(const Node& node) const {
    if (node.kind != NodeKind::kCall || node.annotated) return false;
    const std::vector<std::string>* keywords = rows_.written_out(graph_.text(node.op));
    if (keywords == nullptr || changes_a_tensor(graph_, node, readers_)) return false;
    if (graph_.frontend == Frontend::kTorch && !takes_only(node, *keywords)) return false;
    const auto values = graph_.outputs_of(node);
    return std::all_of(values.begin(), values.end(), [](const Value& v) { return is_float(v.dtype); });
  }
  /// Rows read positions, and by name what they say.
  bool takes_only(const Node& node, const std::vector<std::string>& keywords) const {
    const auto named = graph_.named_of(node);
    return std::all_of(named.begin(), named.end(), [&](const NamedArg& n) {
      return std::find(keywords.begin(), keywords.end(), graph_.text(n.name)) != keywords.end();
    });
  }

  void splice(GraphCopy& copy, NodeId node, const Graph& parts) {
    std::unordered_map<std::string, std::string> names;
    for (const Value& value : parts.values) {
      const std::string own(parts.text(value.name));
      if (std::string outer = outer_name(copy, own); !outer.empty()) names[own] = std::move(outer);
    }
    std::string ops;
    for (uint32_t p = 0; p < parts.nodes.size(); ++p) {
      const Node& part = parts.nodes[p];
      const std::string name(parts.text(part.name));
      if (part.kind == NodeKind::kInput || (part.kind == NodeKind::kConstant && names.contains(name))) continue;
      if (part.kind == NodeKind::kCall) ops += fmt::format("{}{}", ops.empty() ? "" : ", ", parts.text(part.op));
      copy.splice(parts, NodeId{p}, names);
    }
    changes_.push_back(fmt::format("{}: {} written out as {}", printable(graph_.name(node)),
                                   printable(graph_.text(graph_.node(node).op)), printable(ops)));
  }

  Graph& graph_;
  const AnnotationRows& rows_;
  OpMaps& maps_;
  const Target& target_;
  std::vector<std::string>& changes_;
  std::vector<uint32_t> readers_;
};

// ---- numbers as constants

class ScalarLifting {
 public:
  ScalarLifting(Graph& graph, const AnnotationRows& rows, std::vector<std::string>& changes)
      : graph_(graph), rows_(rows), changes_(changes) {}

  bool run() {
    readers_ = reader_counts(graph_);
    const auto lifted = [&](const Node& node) { return row_for(node) != nullptr; };
    if (std::none_of(graph_.nodes.begin(), graph_.nodes.end(), lifted)) return false;
    GraphCopy copy(graph_);
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      if (const LiftRow* row = row_for(graph_.nodes[n]))
        write(copy, NodeId{n}, *row);
      else
        copy.copy(NodeId{n});
    }
    graph_ = GraphCopy::finish(std::move(copy), std::move(graph_));
    return true;
  }

 private:
  static bool is_number(const Arg& arg) {
    return arg.kind == Arg::Kind::kInt || arg.kind == Arg::Kind::kFloat || arg.kind == Arg::Kind::kBool;
  }

  const LiftRow* row_for(const Node& node) const {
    if (node.kind != NodeKind::kCall || node.annotated) return nullptr;
    const LiftRow* row = rows_.lift(graph_.text(node.op));
    if (row == nullptr || changes_a_tensor(graph_, node, readers_)) return nullptr;
    const auto args = graph_.args_of(node);
    const auto named_number = [&](const auto& name) {
      const NamedArg* given = graph_.find_named(node, name.first);
      return given != nullptr && is_number(given->arg);
    };
    if (std::any_of(row->names.begin(), row->names.end(), named_number)) return row;
    const auto number = [&](int position) {
      return static_cast<size_t>(position) < args.size() && is_number(args[static_cast<size_t>(position)]);
    };
    const bool any = std::any_of(row->operands.begin(), row->operands.end(), number);
    return any || !row->missing.empty() ? row : nullptr;
  }

  /// Numbers take the type that the operation has: that of its result, or where that is none of numbers its operand's,
  /// unless that cannot hold them.
  DType type_for(const Node& node, const Arg& number) const {
    const ValueId result = result_of(node);
    DType type = result.valid() ? graph_.value(result).dtype : DType::kUndefined;
    if (type == DType::kBool8 || type == DType::kUndefined) {
      type = DType::kFloat32;
      for (const Use& use : graph_.uses_of(node))
        if (use.value.valid() && graph_.value(use.value).dtype != DType::kBool8) {
          type = graph_.value(use.value).dtype;
          break;
        }
    }
    const bool whole = number.kind != Arg::Kind::kFloat || whole_number(number.real).has_value();
    return is_plain_integer(type) && !whole ? DType::kFloat32 : type;
  }

  std::string add_constant(GraphCopy& copy, NodeId id, size_t position, const Arg& number) {
    const DType type = type_for(graph_.node(id), number);
    const bool is_real = number.kind == Arg::Kind::kFloat;
    const std::string name = copy.fresh(fmt::format("{}.{}", graph_.name(id), position));
    GraphBuilder& to = copy.builder();
    to.begin_node(NodeKind::kConstant, name, "constant");
    const ValueId made = to.add_output(to.graph().names.add(name), type, std::span<const int64_t>());
    const int64_t whole = is_real ? whole_number(number.real).value_or(0) : number.integer;
    const double real = is_real ? number.real : static_cast<double>(number.integer);
    auto bytes = std::make_unique<std::byte[]>(sizeof real);
    std::memcpy(bytes.get(), is_plain_integer(type) ? static_cast<const void*>(&whole) : &real, sizeof real);
    const DType stored = is_plain_integer(type) ? DType::kInt64 : DType::kFloat64;
    to.set_constant(made, to.add_constant(stored, 1, std::move(bytes)));
    return name;
  }

  /// The node's arguments in order, with those in their places that are given by name or that a row stands in for.
  std::vector<Arg> ordered(const Node& node, const LiftRow& row) const {
    const auto args = graph_.args_of(node);
    std::vector<Arg> out(args.begin(), args.end());
    const auto put = [&](size_t position, const Arg& arg) {
      if (position >= out.size()) out.resize(position + 1);
      if (out[position].kind == Arg::Kind::kNone) out[position] = arg;
    };
    for (const auto& [name, position] : row.names)
      if (const NamedArg* given = graph_.find_named(node, name)) put(static_cast<size_t>(position), given->arg);
    for (const auto& [position, number] : row.missing)
      put(static_cast<size_t>(position), GraphBuilder::make_real(number));
    return out;
  }

  void write(GraphCopy& copy, NodeId id, const LiftRow& row) {
    const Node& node = graph_.node(id);
    std::vector<Arg> args = ordered(node, row);
    std::vector<std::string> made(args.size());
    for (const int operand : row.operands)
      if (const auto i = static_cast<size_t>(operand); i < args.size() && is_number(args[i]))
        made[i] = add_constant(copy, id, i, args[i]);
    GraphBuilder& to = copy.builder();
    to.begin_node(NodeKind::kCall, graph_.name(id), row.to.empty() ? graph_.text(node.op) : std::string_view(row.to),
                  node.location);
    const auto by_keyword = [&](size_t i) {
      const auto found = std::find_if(row.keywords.begin(), row.keywords.end(),
                                      [&](const auto& k) { return static_cast<size_t>(k.first) == i; });
      return found == row.keywords.end() ? nullptr : &found->second;
    };
    for (size_t i = 0; i < args.size(); ++i) {
      const size_t from = row.swap && i < 2 ? 1 - i : i;
      if (by_keyword(from) != nullptr) continue;
      to.add_arg(made[from].empty() ? copy.argument(node, args[from]) : to.make_use(made[from]));
    }
    for (size_t i = 0; i < args.size(); ++i)
      if (const std::string* keyword = by_keyword(i)) to.add_named(*keyword, copy.argument(node, args[i]));
    for (const NamedArg& named : graph_.named_of(node))
      if (std::none_of(row.names.begin(), row.names.end(),
                       [&](const auto& n) { return n.first == graph_.text(named.name); }))
        to.add_named(graph_.text(named.name), copy.argument(node, named.arg));
    for (const Value& value : graph_.outputs_of(node)) {
      const auto shape = value.rank < 0 ? std::nullopt : std::optional(graph_.shape(value));
      to.add_output(to.graph().names.add(graph_.text(value.name)), value.dtype, shape);
    }
    changes_.push_back(fmt::format("{}: numbers became constants", printable(graph_.name(id))));
  }

  Graph& graph_;
  const AnnotationRows& rows_;
  std::vector<std::string>& changes_;
  std::vector<uint32_t> readers_;
};

}  // namespace

Result<Prepared> prepare_for_annotation(Graph graph, const AnnotationRows& rows, OpMaps& maps, const Target& target) {
  Prepared out{std::move(graph), {}};
  if (!out.graph.findings.empty()) return out;
  for (int round = 0; round < kMostRounds; ++round) {
    bool changed = BatchNormFolding(out.graph, rows, out.changes).run();
    const auto decomposed = Decomposition(out.graph, rows, maps, target, out.changes).run();
    if (!decomposed) return decomposed.error();
    changed = decomposed.value() || changed;
    changed = ScalarLifting(out.graph, rows, out.changes).run() || changed;
    if (!changed) break;
  }
  return out;
}

}  // namespace snapgauge
