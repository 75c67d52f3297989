// Folding: w' = w * g, b' = (b - mean) * g + beta with g = gamma / sqrt(variance + epsilon), in double precision.
// Constants without values keep their shapes alone.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "base/text.h"
#include "graph/copy.h"
#include "quantize/passes.h"
#include "quantize/styles.h"

namespace snapgauge {
namespace {

bool is_constant(const Graph& graph, ValueId value) {
  return value.valid() && graph.node(graph.value(value).producer).kind == NodeKind::kConstant;
}

/// The elements of a float constant; nothing when it holds none here.
std::optional<std::vector<double>> numbers(const Graph& graph, ValueId value) {
  return value.valid() ? constant_reals(graph, graph.value(value).constant) : std::nullopt;
}

constexpr int64_t kMostElements = int64_t{1} << 40U;

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
    const ValueId mean = operand(graph_, norm, fold.norm_row->mean);
    const ValueId bias = operand(graph_, product, fold.product_row->bias);
    const ValueId variance = operand(graph_, norm, fold.norm_row->variance);
    if (!mean.valid() || !variance.valid() || graph_.value(mean).rank != 1) return false;
    const int64_t channels = graph_.shape(graph_.value(mean))[0];
    const auto fits = [&](ValueId value) { return !value.valid() || is_filled(value, channels); };
    for (const int position :
         {fold.norm_row->weight, fold.norm_row->bias, fold.norm_row->mean, fold.norm_row->variance})
      if (!fits(operand(graph_, norm, position))) return false;
    if (!fits(bias) || !is_filled(weight, std::nullopt) || has_factors(product, fold.product_row->factors) ||
        !factors_of(fold))
      return false;
    const int64_t along = graph_.shape(graph_.value(weight))[static_cast<size_t>(*axis)];
    // Only a transposed weight has the channels of one group along its axis.
    return along > 0 && (channels == along || (*axis == 1 && channels > along && channels % along == 0));
  }
  /// A constant of that many elements, all of which it has if it has any.
  bool is_filled(ValueId id, std::optional<int64_t> elements) const {
    const Value& value = graph_.value(id);
    if (!is_constant(graph_, id) || value.rank < 1) return false;
    int64_t count = 1;
    for (const int64_t size : graph_.shape(value)) {
      if (size <= 0 || count > kMostElements / size) return false;
      count *= size;
    }
    if (elements && count != *elements) return false;
    return !value.constant.valid() || graph_.constants[value.constant.index].count == static_cast<uint64_t>(count);
  }
  /// Of a matrix product that scales its operands.
  bool has_factors(const Node& product, const std::vector<std::string>& names) const {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      const NamedArg* factor = graph_.find_named(product, name);
      return factor != nullptr && (factor->arg.kind != Arg::Kind::kFloat || factor->arg.real != 1);
    });
  }
  /// None of the operands that are there is known by its shape alone.
  bool has_all_numbers(const Fold& fold) const {
    const auto known = [&](NodeId node, int position) {
      const ValueId value = operand(graph_, graph_.node(node), position);
      return !value.valid() || numbers(graph_, value).has_value();
    };
    const AnnotationRow &norm = *fold.norm_row, &product = *fold.product_row;
    return known(fold.norm, norm.weight) && known(fold.norm, norm.bias) && known(fold.norm, norm.mean) &&
           known(fold.norm, norm.variance) && known(fold.product, product.weight) && known(fold.product, product.bias);
  }
  /// One for each channel, as far as the numbers are known; nothing when one of them is not finite.
  std::optional<std::vector<double>> factors_of(const Fold& fold) const {
    const Node& norm = graph_.node(fold.norm);
    const auto variance = numbers(graph_, operand(graph_, norm, fold.norm_row->variance));
    const auto gamma = numbers(graph_, operand(graph_, norm, fold.norm_row->weight));
    const double epsilon = epsilon_of(graph_, norm, *fold.norm_row);
    std::vector<double> out(variance ? variance->size() : 0);
    for (size_t c = 0; c < out.size(); ++c) {
      out[c] = (gamma ? (*gamma)[c] : 1.0) / std::sqrt((*variance)[c] + epsilon);
      if (!std::isfinite(out[c])) return std::nullopt;
    }
    return out;
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
    copy.result(graph_.value(result_of(norm)));
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
    const std::array<int64_t, 1> channels{graph_.shape(graph_.value(operand(graph_, norm, fold.norm_row->mean)))[0]};
    std::optional<std::vector<float>> new_weight, new_bias;
    if (has_all_numbers(fold)) {
      const std::vector<double> factor = *factors_of(fold);
      const auto mean = numbers(graph_, operand(graph_, norm, fold.norm_row->mean));
      const auto beta = numbers(graph_, operand(graph_, norm, fold.norm_row->bias));
      const auto bias = numbers(graph_, operand(graph_, product, fold.product_row->bias));
      new_bias.emplace(factor.size());
      for (size_t c = 0; c < factor.size(); ++c)
        (*new_bias)[c] =
            static_cast<float>(((bias ? (*bias)[c] : 0.0) - (*mean)[c]) * factor[c] + (beta ? (*beta)[c] : 0.0));
      new_weight = scaled(*numbers(graph_, weight), shape,
                          static_cast<size_t>(*channel_axis(graph_, product, *fold.product_row)), factor);
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

}  // namespace

bool fold_batch_norms(Graph& graph, const AnnotationRows& rows, PassChanges& changes) {
  return BatchNormFolding(graph, rows, changes).run();
}

}  // namespace snapgauge
