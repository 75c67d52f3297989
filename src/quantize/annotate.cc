// One walk over the nodes in file order: what the recipe wants, what the row allows, what the style writes.
#include "quantize/annotate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <tuple>
#include <unordered_map>

#include "base/text.h"
#include "graph/sharing.h"
#include "quantize/styles.h"

namespace snapgauge {
namespace {

/// One number along the input channels as elements per scale in every dimension.
std::vector<int64_t> whole_block(const Graph& graph, const Value& weight, int64_t axis, int64_t elements) {
  std::vector<int64_t> out(graph.shape(weight).size(), 1);
  const size_t along = axis == 0 ? 1 : static_cast<size_t>(axis) - 1;
  if (along < out.size()) out[along] = elements;
  return out;
}

/// Why the weight cannot be cut so; empty: it can.
std::string indivisible(std::span<const int64_t> shape, std::span<const int64_t> block) {
  if (shape.size() != block.size())
    return fmt::format("the block has {} dimensions, the weight {}", block.size(), shape.size());
  for (size_t i = 0; i < shape.size(); ++i)
    if (block[i] <= 0 || shape[i] < block[i] || shape[i] % block[i] != 0)
      return fmt::format("blocks of {} do not divide {} elements in dimension {}", block[i], shape[i], i);
  return {};
}

bool is_constant(const Graph& graph, const Node& node, int position) {
  const ValueId value = operand(graph, node, position);
  return value.valid() && graph.node(graph.value(value).producer).kind == NodeKind::kConstant;
}

/// Sets of specs by what they are made from; few.
class SpecSets {
 public:
  explicit SpecSets(GraphEdit& edit) : edit_(edit) {}

  SpecSet& of(const QuantConfig& config, Granularity granularity, bool symmetric) {
    const Key key{&config, granularity, symmetric};
    const auto it = std::find(keys_.begin(), keys_.end(), key);
    if (it != keys_.end()) return sets_[static_cast<size_t>(it - keys_.begin())];
    keys_.push_back(key);
    return sets_.emplace_back(edit_, config, granularity, symmetric);
  }

 private:
  using Key = std::tuple<const QuantConfig*, Granularity, bool>;
  GraphEdit& edit_;
  std::vector<Key> keys_;
  std::deque<SpecSet> sets_;
};

}  // namespace

std::string_view choice_name(QuantChoice::Kind kind) {
  constexpr std::array<std::string_view, 7> kNames{"annotated", "own",     "discarded", "no-row",
                                                   "inside",    "nothing", "refused"};
  return kNames[static_cast<size_t>(kind)];
}

Result<Annotator> Annotator::create(const QuantConfigs& configs, const AnnotationRows& rows, const Recipe& recipe) {
  const auto check = [&](const QuantWish& wish, const std::string& where) -> Status {
    const auto unknown = std::find_if(wish.configs.begin(), wish.configs.end(),
                                      [&](const std::string& name) { return configs.find(name) == nullptr; });
    if (unknown == wish.configs.end()) return Done{};
    std::vector<std::string> names;
    for (const QuantConfig& config : configs.all()) names.push_back(config.name);
    return Error{ErrorCode::kUsage, where,
                 fmt::format("\"{}\" is no quant config; known are {}", printable(*unknown), fmt::join(names, ", "))};
  };
  if (Status s = check(recipe.defaults, recipe.where); !s) return s.error();
  for (const RecipeRule& rule : recipe.rules)
    if (Status s = check(rule.wish, rule.where); !s) return s.error();
  return Annotator(configs, rows, recipe);
}

namespace {

/// Where configs meet a tensor has other parameters at a reader: a second pair quantizes it again.
void mark_conversions(GraphEdit& edit) {
  const Graph& graph = edit.graph();
  const Sharing sharing(graph);
  for (uint32_t u = 0; u < graph.uses.size(); ++u) {
    const Use& use = graph.uses[u];
    if (!use.value.valid() || use.repeats || use.spec.kind == SpecRef::Kind::kNone) continue;
    const Spec* own = sharing.spec(sharing.place(UseId{u}));
    const Spec* tensor = sharing.spec(sharing.place(use.value));
    const bool apart = sharing.group(sharing.place(UseId{u})) != sharing.group(sharing.place(use.value));
    if (own != nullptr && tensor != nullptr && apart && !same_attributes(*own, *tensor)) edit.convert(UseId{u});
  }
}

}  // namespace

/// What the recipe says of the node, before it is known what the node can have.
Annotator::Wish Annotator::wish_for(const Graph& graph, const Node& node, size_t skipped) const {
  Wish out;
  const auto fits = [&](const RecipeRule* rule) {
    if (rule->name && !rule->name->matches(graph.text(node.name))) return false;
    return rule->ops.empty() || std::find(rule->ops.begin(), rule->ops.end(), graph.text(node.op)) != rule->ops.end();
  };
  if (recipe_.custom) out.rule = recipe_.custom(graph.text(node.name));
  const auto found = out.rule != nullptr ? rules_.end() : std::find_if(rules_.begin(), rules_.end(), fits);
  if (found != rules_.end()) out.rule = *found;
  static const QuantWish kNone;
  const QuantWish& own = out.rule != nullptr ? out.rule->wish : kNone;
  const QuantWish& other = recipe_.defaults;
  const std::vector<std::string>& configs = own.configs.empty() ? other.configs : own.configs;
  out.config = configs.empty() ? &configs_.usual() : configs_.find(configs[std::min(skipped, configs.size() - 1)]);
  out.further = configs.size() > skipped + 1;
  out.block = own.block.empty() ? other.block : own.block;
  const bool own_blocks = !own.block.empty() || (!own.configs.empty() && out.config->block > 0);
  const bool other_blocks = !other.block.empty() || out.config->block > 0;
  out.granularity = own.granularity ? *own.granularity
                    : own_blocks    ? Granularity::kPerBlock
                    : other_blocks  ? other.granularity.value_or(Granularity::kPerBlock)
                                    : other.granularity.value_or(Granularity::kPerChannel);
  out.symmetric = own.symmetric.value_or(other.symmetric.value_or(false));
  out.per_channel_embedding = own.per_channel_embedding.value_or(other.per_channel_embedding.value_or(false));
  return out;
}

/// One run over one graph.
class Annotator::Walk {
 public:
  Walk(const Annotator& annotator, GraphEdit& edit, const OpGraph& ops, const std::vector<Retreat>& retreats)
      : annotator_(annotator),
        edit_(edit),
        graph_(edit.graph()),
        ops_(ops),
        retreats_(retreats),
        selections_(graph_),
        sets_(edit),
        first_of_(ops.ops.size()) {
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const OpId op = ops_.op_of[n];
      if (!op.valid()) continue;
      if (!first_of_[op.index].valid()) first_of_[op.index] = NodeId{n};
      if (first_of_[op.index] != ops_.op(op).node) members_[op.index].push_back(NodeId{n});
    }
  }

  std::vector<QuantChoice> run() {
    std::vector<QuantChoice> choices;
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (node.kind != NodeKind::kCall && node.kind != NodeKind::kSelect) continue;
      QuantChoice choice;
      choice.node = NodeId{n};
      choice.kind = decide(node, choice);
      if (node.kind == NodeKind::kCall) choices.push_back(std::move(choice));
    }
    return choices;
  }

 private:
  /// What several nodes become when it is annotated as one op; invalid: the node is annotated by itself.
  OpId group_of(NodeId node) const {
    const OpId op = ops_.op_of[node.index];
    if (!op.valid() || first_of_[op.index] == ops_.op(op).node) return {};
    const OpMapping* row = ops_.class_of(ops_.op(op)).mapping;
    if (row == nullptr || row->parts.size() != 1) return {};
    const auto in_float = [](const PatternNode& member) { return member.in_float; };
    if (std::any_of(row->pattern.nodes.begin(), row->pattern.nodes.end(), in_float)) return {};
    const AnnotationRow* known = annotator_.rows_.find(row->parts.front().op);
    return known != nullptr && known->style == Style::kUnary ? op : OpId{};
  }

  QuantChoice::Kind decide(const Node& node, QuantChoice& choice) {
    const Retreat* retreat = choice.node.index < retreats_.size() ? &retreats_[choice.node.index] : nullptr;
    const Wish wish =
        annotator_.wish_for(graph_, node, retreat == nullptr || retreat->exhausted ? 0 : retreat->skipped);
    choice.further = wish.further;
    choice.rule = wish.rule;
    choice.config = wish.config;
    if (node.annotated) return QuantChoice::Kind::kOwn;
    if (wish.rule != nullptr && wish.rule->discard) return discard(choice.node);
    const OpId group = group_of(choice.node);
    if (group.valid() && ops_.op(group).node != choice.node) return QuantChoice::Kind::kInside;
    choice.row = annotator_.rows_.find(group.valid() ? ops_.class_of(ops_.op(group)).mapping->parts.front().op
                                                     : graph_.text(node.op));
    if (choice.row == nullptr)
      return ops_.op_of[choice.node.index].valid() ? QuantChoice::Kind::kNoRow : QuantChoice::Kind::kNothing;
    if (!choice.row->static_weight.empty() && is_constant(graph_, node, choice.row->static_weight[0].weight))
      choice.row = choice.row->static_weight.data();
    const int64_t axis = fit_granularity(node, wish, choice);
    if (retreat != nullptr && !follow(*retreat, choice)) {
      discard(choice.node);
      return QuantChoice::Kind::kRefused;
    }
    SpecSet& specs = sets_.of(*choice.config, choice.granularity, wish.symmetric);
    const bool wrote = group.valid() ? annotate_group(group, specs)
                                     : write_style({edit_, selections_, choice.node, *choice.row, specs, axis,
                                                    choice.block, wish.per_channel_embedding});
    return wrote ? QuantChoice::Kind::kAnnotated : QuantChoice::Kind::kNothing;
  }

  /// Says that the node is in float where the file would otherwise take its neighbours' parameters for it.
  QuantChoice::Kind discard(NodeId id) {
    const Node& node = graph_.node(id);
    if (row_of(graph_.frontend).has_qdq_pairs)
      for (uint32_t i = 0; i < node.uses.count; ++i) {
        const UseId use{node.uses.first + i};
        if (const ValueId value = graph_.use(use).value; value.valid() && is_quantizable(graph_.value(value)))
          edit_.annotate(use, SpecRef());
      }
    return QuantChoice::Kind::kDiscarded;
  }

  /// As fine as the node's weight allows; returns the axis of its channels.
  int64_t fit_granularity(const Node& node, const Wish& wish, QuantChoice& choice) {
    const auto axis = channel_axis(graph_, node, *choice.row);
    const bool whole_table = choice.row->style == Style::kEmbedding && !wish.per_channel_embedding;
    choice.granularity = axis && !whole_table ? wish.granularity : Granularity::kPerTensor;
    if (choice.granularity != Granularity::kPerBlock) return axis.value_or(0);
    const Value& weight = graph_.value(operand(graph_, node, std::max(choice.row->weight, 0)));
    const int64_t usual = choice.config->block > 0 ? choice.config->block : annotator_.configs_.usual_block();
    choice.block = wish.block.size() > 1
                       ? wish.block
                       : whole_block(graph_, weight, *axis, wish.block.empty() ? usual : wish.block.front());
    choice.note = indivisible(graph_.shape(weight), choice.block);
    if (!choice.note.empty()) coarsen(choice, Granularity::kPerChannel);
    return *axis;
  }

  static void coarsen(QuantChoice& choice, Granularity most) {
    choice.granularity = std::min(choice.granularity, most);
    if (choice.granularity != Granularity::kPerBlock) choice.block.clear();
  }

  /// False: nothing is left to try.
  static bool follow(const Retreat& retreat, QuantChoice& choice) {
    if (retreat.exhausted || (retreat.step == Retreat::Step::kNone && retreat.skipped == 0)) return true;
    choice.note = retreat.why;
    if (retreat.step == Retreat::Step::kNone) return true;
    coarsen(choice, retreat.step == Retreat::Step::kPerChannel ? Granularity::kPerChannel : Granularity::kPerTensor);
    return retreat.step != Retreat::Step::kFloat;
  }

  /// The edges by which tensors come into it, and the result of its last node.
  bool annotate_group(OpId group, SpecSet& specs) {
    if (specs.config().in_float()) return false;
    const NodeId last = ops_.op(group).node;
    for (const NodeId member : members_.at(group.index))
      for (uint32_t i = 0; i < graph_.node(member).uses.count; ++i)
        if (const UseId use{graph_.node(member).uses.first + i}; enters(use, group))
          edit_.annotate(use, specs.activation());
    edit_.annotate(ValueId{graph_.node(last).outputs.first}, specs.activation());
    return true;
  }
  bool enters(UseId use, OpId group) const {
    const ValueId value = graph_.use(use).value;
    if (!value.valid() || !is_quantizable(graph_.value(value))) return false;
    const NodeId producer = graph_.value(value).producer;
    return ops_.op_of[producer.index] != group && graph_.node(producer).kind != NodeKind::kConstant;
  }

  const Annotator& annotator_;
  GraphEdit& edit_;
  const Graph& graph_;
  const OpGraph& ops_;
  const std::vector<Retreat>& retreats_;
  Selections selections_;
  SpecSets sets_;
  std::vector<NodeId> first_of_;                               // by OpId: of several nodes that become one op the first
  std::unordered_map<uint32_t, std::vector<NodeId>> members_;  // likewise: all of them
};

std::vector<QuantChoice> Annotator::annotate(GraphEdit& edit, const OpGraph& ops,
                                             const std::vector<Retreat>& retreats) const {
  std::vector<QuantChoice> choices = Walk(*this, edit, ops, retreats).run();
  if (row_of(edit.graph().frontend).has_qdq_pairs) mark_conversions(edit);
  return choices;
}

}  // namespace snapgauge
