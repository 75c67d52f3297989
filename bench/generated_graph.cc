#include "generated_graph.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <random>
#include <string_view>
#include <vector>

#include "graph/builder.h"

namespace snapgauge::bench {
namespace {

using Shape = std::vector<int64_t>;
const Shape kImage{1, 32, 16, 16};
const Shape kTokens{1, 16, 64};

enum class Recipe : uint8_t {
  kUnary,       // one activation in, one out
  kFixed,       // the same, with the output's parameters prescribed
  kMovement,    // output and input share the producer's spec
  kBinary,      // the activation and an earlier one
  kConcat,      // the same two as a list
  kScaled,      // the activation and a constant of one value per channel
  kConv,        // signed per-channel weight, bias derived from input and weight
  kTransposed,  // the same with the channels in the weight's second dimension
  kLinear,
  kNorm,       // weight like an activation, 32-bit bias
  kRootNorm,   // without bias
  kEmbedding,  // output shares the table's spec
  kPicked,     // two results, each taken by a getitem
  kIdentity,   // no annotation; the pipeline removes it
};

/// One kind of node. `weight` is how often it occurs in the 119 HTP graphs of the annotation dumps;
/// ops with fewer than 5 occurrences in 6000, or without annotations there, are left out.
struct Row {
  std::string_view target;
  uint16_t weight;
  Recipe recipe;
  bool image;             // on the image trunk; else on the token trunk
  std::string_view args;  // behind the tensors: "1", "0.5", "[1,1]", "null"
  Shape out;              // empty: like the trunk, which goes on from here; else a side branch
};

const std::vector<Row>& rows() {
  using R = Recipe;
  static const std::vector<Row> table{
      {"aten.conv2d.default", 1419, R::kConv, true, "[1,1] [1,1]", {}},
      {"aten.linear.default", 424, R::kLinear, false, "", {}},
      {"aten.add.Tensor", 363, R::kBinary, true, "", {}},
      {"aten.relu_.default", 330, R::kUnary, true, "", {}},
      {"aten.relu.default", 322, R::kUnary, true, "", {}},
      {"aten.transpose.int", 296, R::kMovement, true, "2 3", {}},
      {"aten.reshape.default", 244, R::kMovement, true, "[1,32,16,16]", {}},
      {"aten.hardtanh_.default", 210, R::kUnary, true, "0.0 6.0", {}},
      {"aten.mul.Tensor", 195, R::kBinary, true, "", {}},
      {"aten.cat.default", 161, R::kConcat, true, "1", {1, 64, 16, 16}},
      {"aten.view.default", 160, R::kMovement, false, "[1,16,64]", {}},
      {"aten.layer_norm.default", 122, R::kNorm, false, "", {}},
      {"aten.matmul.default", 100, R::kBinary, true, "", {}},
      {"aten.hardswish_.default", 95, R::kUnary, true, "", {}},
      {"aten.contiguous.default", 80, R::kIdentity, true, "", {}},
      {"aten.div.Tensor", 74, R::kBinary, true, "", {}},
      {"aten.permute.default", 72, R::kMovement, true, "[0,1,3,2]", {}},
      {"aten.prelu.default", 69, R::kScaled, true, "", {}},
      {"aten.adaptive_avg_pool2d.default", 67, R::kUnary, true, "[1,1]", {1, 32, 1, 1}},
      {"aten.chunk.default", 65, R::kPicked, true, "2 1", {1, 16, 16, 16}},
      {"aten.softmax.int", 62, R::kUnary, true, "-1", {}},
      {"aten.gelu.default", 62, R::kUnary, false, "", {}},
      {"aten.hardsigmoid.default", 57, R::kFixed, true, "", {}},
      {"aten.conv_transpose2d.input", 46, R::kTransposed, true, "[1,1] [1,1]", {}},
      {"aten.sigmoid.default", 46, R::kFixed, false, "", {}},
      {"aten.slice.Tensor", 42, R::kUnary, true, "2 0 8", {1, 32, 8, 16}},
      {"aten.max_pool2d.default", 41, R::kUnary, true, "[2,2] [2,2]", {1, 32, 8, 8}},
      {"aten.tanh.default", 35, R::kUnary, false, "", {}},
      {"aten.add_.Tensor", 35, R::kBinary, false, "", {}},
      {"aten.hardswish.default", 32, R::kUnary, true, "", {}},
      {"aten.flatten.using_ints", 28, R::kMovement, true, "1", {1, 8192}},
      {"aten.embedding.default", 27, R::kEmbedding, false, "", {}},
      {"aten.elu.default", 24, R::kUnary, true, "1.0", {}},
      {"aten.clamp.default", 24, R::kUnary, true, "0.0 1.0", {}},
      {"aten.rms_norm.default", 24, R::kRootNorm, false, "1e-05", {}},
      {"aten.avg_pool2d.default", 17, R::kUnary, true, "[2,2] [2,2]", {1, 32, 8, 8}},
      {"aten.select.int", 17, R::kUnary, true, "1 0", {1, 16, 16}},
      {"aten.sub.Tensor", 17, R::kBinary, true, "", {}},
      {"aten.dropout.default", 16, R::kIdentity, false, "0.2 0", {}},
      {"aten.pixel_shuffle.default", 12, R::kMovement, true, "4", {1, 2, 64, 64}},
      {"aten.abs.default", 12, R::kUnary, true, "", {}},
      {"aten.log.default", 12, R::kUnary, true, "", {}},
      {"aten.rsqrt.default", 12, R::kUnary, true, "", {}},
      {"aten.sqrt.default", 12, R::kUnary, true, "", {}},
      {"aten.maximum.default", 12, R::kBinary, true, "", {}},
      {"aten.minimum.default", 12, R::kBinary, true, "", {}},
      {"aten.floor.default", 12, R::kUnary, true, "", {}},
      {"aten.neg.default", 12, R::kUnary, true, "", {}},
      {"aten.round.default", 12, R::kUnary, true, "", {}},
      {"aten.sin.default", 12, R::kUnary, true, "", {}},
      {"aten.cos.default", 12, R::kUnary, true, "", {}},
      {"aten.sign.default", 12, R::kUnary, true, "", {}},
      {"aten.square.default", 12, R::kUnary, true, "", {}},
      {"aten.unsqueeze.default", 12, R::kMovement, false, "1", {1, 1, 16, 64}},
      {"aten.squeeze.dim", 12, R::kMovement, false, "0", {16, 64}},
      {"aten.upsample_nearest2d.vec", 10, R::kUnary, true, "null [2.0,2.0]", {1, 32, 32, 32}},
      {"aten.upsample_bilinear2d.vec", 5, R::kUnary, true, "null 0 [2.0,2.0]", {1, 32, 32, 32}},
      {"aten.mean.dim", 5, R::kUnary, true, "[2,3]", {1, 32}},
      {"aten.exp.default", 5, R::kUnary, true, "", {}},
  };
  return table;
}

Spec quantized(DType storage, int64_t qmin, int64_t qmax, Scheme scheme, std::string_view observer) {
  Spec spec;
  spec.storage = storage;
  spec.qmin = qmin;
  spec.qmax = qmax;
  spec.scheme = scheme;
  spec.observer = observer;
  if (is_per_channel(scheme)) spec.axis = 0;
  return spec;
}

class Generator {
 public:
  explicit Generator(const GraphOptions& options)
      : options_(options), builder_("generated.sgraph.json", Frontend::kTorch), random_(options.seed) {
    for (const Row& row : rows()) total_weight_ += row.weight;
    Spec fixed = quantized(DType::kUint8, 0, 255, Scheme::kPerTensorAffine, "FixedQParamsObserver");
    fixed.scales = {1.0 / 256};
    fixed.zero_points = {0};
    fixed.fixed = true;
    fixed_ = builder_.add_spec(fixed);
    activation_ =
        builder_.add_spec(quantized(DType::kUint8, 0, 255, Scheme::kPerTensorAffine, "MovingAverageMinMaxObserver"));
    wide_ =
        builder_.add_spec(quantized(DType::kInt32, 0, 65535, Scheme::kPerTensorAffine, "MovingAverageMinMaxObserver"));
    bias_ = builder_.add_spec(
        quantized(DType::kInt32, INT32_MIN, INT32_MAX, Scheme::kPerTensorSymmetric, "MinMaxObserver"));
    Spec weight = quantized(DType::kInt8, -127, 127, Scheme::kPerChannelSymmetric, "PerChannelParamObserver");
    weight_ = builder_.add_spec(weight);
    weight.axis = 1;
    transposed_weight_ = builder_.add_spec(weight);
    bad_weight_ =
        builder_.add_spec(quantized(DType::kUint8, 0, 255, Scheme::kPerChannelAffine, "PerChannelParamObserver"));
  }

  Graph run() {
    input("x", DType::kFloat32, kImage);
    input("tokens", DType::kFloat32, kTokens);
    input("ids", DType::kInt64, {1, 16});
    image_ = earlier_image_ = "x";
    token_ = earlier_token_ = "tokens";
    while (judged_ < options_.nodes) add(pick());
    const std::string image = image_, token = token_;
    builder_.begin_node(NodeKind::kOutput, "output", "output");
    const std::array<Arg, 2> results{builder_.make_use(image), builder_.make_use(token)};
    builder_.add_arg(builder_.make_list(results));
    return builder_.finish();
  }

 private:
  /// Of the engine's own values: the standard's distributions differ between libraries.
  uint64_t below(uint64_t n) { return random_() % n; }

  const Row& pick() {
    uint64_t at = below(total_weight_);
    for (const Row& row : rows()) {
      if (at < row.weight) return row;
      at -= row.weight;
    }
    return rows().front();
  }

  void input(std::string_view name, DType dtype, const Shape& shape) {
    builder_.begin_node(NodeKind::kInput, name, name);
    builder_.add_output(name, dtype, shape);
  }

  std::string constant(std::string_view role, const Shape& shape) {
    std::string name = fmt::format("{}_{}", role, constants_++);
    builder_.begin_node(NodeKind::kConstant, name, name);
    builder_.add_output(name, DType::kFloat32, shape);
    return name;
  }

  Arg number(std::string_view text) {
    if (text == "null") return {};
    if (text.find_first_of(".e") == std::string_view::npos) {
      int64_t value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return GraphBuilder::make_int(value);
    }
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return GraphBuilder::make_real(value);
  }

  void add_args(std::string_view text) {
    while (!text.empty()) {
      std::string_view word = text.substr(0, text.find(' '));
      text.remove_prefix(std::min(text.size(), word.size() + 1));
      if (word.front() != '[') {
        builder_.add_arg(number(word));
        continue;
      }
      std::vector<Arg> elements;
      for (word = word.substr(1, word.size() - 2); !word.empty();) {
        const std::string_view element = word.substr(0, word.find(','));
        word.remove_prefix(std::min(word.size(), element.size() + 1));
        elements.push_back(number(element));
      }
      builder_.add_arg(builder_.make_list(elements));
    }
  }

  void use(std::string_view name, SpecRef spec) { builder_.add_arg(builder_.make_use(name, spec, true)); }

  NodeId begin(const Row& row, const std::string& name) {
    const NodeId id = builder_.begin_node(NodeKind::kCall, name, row.target);
    if (row.recipe == Recipe::kIdentity) return id;
    builder_.graph().nodes[id.index].annotated = true;
    ++judged_;
    return id;
  }

  void finish(const Row& row, const std::string& name, SpecRef spec) {
    add_args(row.args);
    const Shape& trunk = row.image ? kImage : kTokens;
    builder_.set_output_spec(builder_.add_output(name, DType::kFloat32, row.out.empty() ? trunk : row.out), spec);
    if (!row.out.empty()) return;
    (row.image ? earlier_image_ : earlier_token_) = row.image ? image_ : token_;
    (row.image ? image_ : token_) = name;
    (row.image ? image_spec_ : token_spec_) = spec;
  }

  void add(const Row& row) {
    const bool faulty =
        row.recipe != Recipe::kIdentity && row.recipe != Recipe::kPicked && below(1000) < options_.faults_per_mille;
    const std::string name = fmt::format("n{}", calls_++);
    const std::string from = row.image ? image_ : token_;
    const std::string earlier = row.image ? earlier_image_ : earlier_token_;
    const SpecRef input_spec = faulty ? wide_ : activation_;
    switch (row.recipe) {
      case Recipe::kConv: return add_weighted(row, name, from, {32, 32, 3, 3}, faulty ? bad_weight_ : weight_);
      case Recipe::kTransposed:
        return add_weighted(row, name, from, {32, 32, 3, 3}, faulty ? bad_weight_ : transposed_weight_);
      case Recipe::kLinear: return add_weighted(row, name, from, {64, 64}, faulty ? bad_weight_ : weight_);
      case Recipe::kNorm:
      case Recipe::kRootNorm: return add_norm(row, name, from, input_spec);
      case Recipe::kPicked: return add_picked(row, name, from);
      case Recipe::kEmbedding: return add_embedding(row, name, faulty);
      default: break;
    }
    const std::string slope = row.recipe == Recipe::kScaled ? constant("slope", {32}) : std::string();
    begin(row, name);
    SpecRef output = activation_;
    if (row.recipe == Recipe::kIdentity) {
      builder_.add_arg(builder_.make_use(from));
      output = {};
    } else if (row.recipe == Recipe::kMovement) {
      // Behind a node without annotation the edge states the spec, as after `contiguous` in the dumps.
      const SpecRef source = row.image ? image_spec_ : token_spec_;
      const bool bare = source.kind == SpecRef::Kind::kNone;
      use(from, bare ? activation_ : builder_.shared_node(from));
      output = faulty ? wide_ : bare ? builder_.shared_edge(from, name) : builder_.shared_node(from);
    } else if (row.recipe == Recipe::kFixed) {
      use(from, activation_);
      output = faulty ? activation_ : fixed_;
    } else if (row.recipe == Recipe::kConcat) {
      const std::array<Arg, 2> list{builder_.make_use(from, input_spec, true),
                                    builder_.make_use(earlier, activation_, true)};
      builder_.add_arg(builder_.make_list(list));
    } else {
      use(from, input_spec);
      if (row.recipe == Recipe::kBinary) use(earlier, activation_);
      if (row.recipe == Recipe::kScaled) use(slope, activation_);
    }
    finish(row, name, output);
  }

  void add_weighted(const Row& row, const std::string& name, const std::string& from, const Shape& shape,
                    SpecRef weight_spec) {
    const std::string weight = constant("weight", shape), bias = constant("bias", {shape[0]});
    begin(row, name);
    use(from, activation_);
    use(weight, weight_spec);
    const std::array sources{builder_.shared_edge(from, name), builder_.shared_edge(weight, name)};
    use(bias, builder_.add_derived(sources,
                                   quantized(DType::kInt32, INT32_MIN, INT32_MAX, Scheme::kPerChannelSymmetric, "")));
    finish(row, name, activation_);
  }

  void add_norm(const Row& row, const std::string& name, const std::string& from, SpecRef input_spec) {
    const std::string weight = constant("weight", {64});
    const std::string bias = row.recipe == Recipe::kNorm ? constant("bias", {64}) : std::string();
    begin(row, name);
    use(from, input_spec);
    add_args("[64]");
    use(weight, activation_);
    if (!bias.empty()) use(bias, bias_);
    finish(row, name, activation_);
  }

  void add_embedding(const Row& row, const std::string& name, bool faulty) {
    const std::string table = constant("table", {100, 64});
    begin(row, name);
    use(table, activation_);
    builder_.add_arg(builder_.make_use("ids"));
    finish(row, name, faulty ? wide_ : builder_.shared_edge(table, name));
  }

  void add_picked(const Row& row, const std::string& name, const std::string& from) {
    begin(row, name);
    use(from, activation_);
    add_args(row.args);
    for (int i = 0; i < 2; ++i)
      builder_.add_output(i == 0 ? name : fmt::format("{}:{}", name, i), DType::kFloat32, row.out);
    for (int i = 0; i < 2; ++i) {
      const std::string part = fmt::format("{}_{}", name, i);
      const NodeId id = builder_.begin_node(NodeKind::kSelect, part, "_operator.getitem");
      builder_.graph().nodes[id.index].annotated = true;
      builder_.add_arg(builder_.make_use(name));
      builder_.add_arg(GraphBuilder::make_int(i));
      builder_.set_output_spec(builder_.add_output(part, DType::kFloat32, row.out), builder_.shared_edge(from, name));
    }
  }

  const GraphOptions options_;
  GraphBuilder builder_;
  std::mt19937_64 random_;
  uint64_t total_weight_ = 0;
  uint32_t judged_ = 0, calls_ = 0, constants_ = 0;
  std::string image_, earlier_image_, token_, earlier_token_;
  SpecRef image_spec_, token_spec_;  // output annotation of the trunks' last nodes
  SpecRef activation_, fixed_, wide_, bias_, weight_, transposed_weight_, bad_weight_;
};

}  // namespace

Graph generated_graph(const GraphOptions& options) { return Generator(options).run(); }

Graph shared_chain(uint32_t nodes) {
  GraphBuilder builder("chain.sgraph.json", Frontend::kTorch);
  builder.begin_node(NodeKind::kInput, "x", "x");
  const ValueId input = builder.add_output("x", DType::kFloat32, kTokens);
  builder.set_output_spec(input, builder.add_spec(quantized(DType::kUint8, 0, 255, Scheme::kPerTensorAffine,
                                                            "MovingAverageMinMaxObserver")));
  std::string from = "x";
  for (uint32_t i = 0; i < nodes; ++i) {
    std::string name = fmt::format("n{}", i);
    const NodeId id = builder.begin_node(NodeKind::kCall, name, "aten.view.default");
    builder.graph().nodes[id.index].annotated = true;
    builder.add_arg(builder.make_use(from, builder.shared_node(from), true));
    builder.set_output_spec(builder.add_output(name, DType::kFloat32, kTokens), builder.shared_edge(from, name));
    from = std::move(name);
  }
  return builder.finish();
}

}  // namespace snapgauge::bench
