#include "backend/expand_operands.h"

#include <fmt/format.h>

namespace snapgauge {
namespace {

constexpr int kMaxNesting = 8;  // of lists in an argument

bool is_operand(const std::optional<PlacedArg>& given) {
  return given && given->arg.kind != Arg::Kind::kNone && given->arg.kind != Arg::Kind::kString;
}

std::vector<PlacedArg> operands_of(const FrontendOperation& whole, const NodeSurroundings& around) {
  if (around.match != nullptr) return around.match->operands;
  std::vector<PlacedArg> operands;
  for (const Arg& arg : whole.graph->args_of(whole.graph->node(whole.node))) operands.push_back({whole.node, arg});
  return operands;
}

}  // namespace

WholeOperands::WholeOperands(const FrontendOperation& whole, const NodeSurroundings& around, bool in_float,
                             GraphBuilder& builder, NoExpansion& none)
    : from_(*whole.graph),
      node_(whole.node),
      sharing_(around.sharing),
      sources_(around.sources),
      staticness_(around.staticness),
      args_(operands_of(whole, around)),
      in_float_(in_float),
      builder_(builder),
      none_(none) {}

void WholeOperands::fail(std::string why, bool incomplete) {
  if (none_.why.empty()) none_ = {std::move(why), incomplete};
}

void WholeOperands::require(const InputSource& operand) {
  if (operand.variadic) {
    for (size_t i = static_cast<size_t>(operand.index); i < args_.size(); ++i) require(args_[i], 0);
  } else if (const auto given = argument(operand); is_operand(given)) {
    require(*given, 0);
  } else if (!operand.optional) {
    fail(fmt::format("in[{}]", operand.index), true);
  }
}

void WholeOperands::append(const InputSource& operand, std::vector<Arg>& out) {
  if (operand.variadic) {
    for (size_t i = static_cast<size_t>(operand.index); i < args_.size(); ++i) out.push_back(copied(args_[i]));
  } else {
    const auto given = argument(operand);
    out.push_back(given ? copied(*given) : Arg());
  }
}

std::string WholeOperands::name_of(const InputSource& operand) const {
  const auto given = argument(operand);
  if (!given || given->arg.kind != Arg::Kind::kUse) return {};
  const auto known = names_of_.find(edge(*given).index);
  return known == names_of_.end() ? std::string() : known->second;
}

std::optional<PlacedArg> WholeOperands::argument(const InputSource& source) const {
  const auto index = static_cast<size_t>(source.index);
  if (index < args_.size()) {
    const auto& [node, arg] = args_[index];
    if (!source.element || arg.kind != Arg::Kind::kList) return args_[index];
    const int64_t n = arg.list.count;
    const int64_t at = *source.element < 0 ? *source.element + n : *source.element;
    if (at < 0 || at >= n) return std::nullopt;
    return PlacedArg{node, from_.elements_of(arg)[static_cast<size_t>(at)]};
  }
  const NamedArg* named = source.name.empty() ? nullptr : from_.find_named(from_.node(node_), source.name);
  return named == nullptr ? std::nullopt : std::optional(PlacedArg{node_, named->arg});
}

SpecRef WholeOperands::spec_of(PlaceId place) {
  const Spec* spec = in_float_ ? nullptr : sharing_.spec(place);
  return spec == nullptr ? SpecRef{} : builder_.add_spec(*spec);
}

DType WholeOperands::storage_of(PlaceId place, ValueId value) const {
  return in_float_ && sharing_.spec(place) != nullptr ? DType::kFloat32 : from_.value(value).dtype;
}

std::optional<std::span<const int64_t>> WholeOperands::shape_of(ValueId value) const {
  const Value& v = from_.value(value);
  return v.rank < 0 ? std::nullopt : std::optional(from_.shape(v));
}

/// Makes the operand's node, once per tensor and parameters.
void WholeOperands::require(const PlacedArg& given, int depth) {
  if (depth > kMaxNesting) return fail("an operand is nested too deeply", false);
  if (given.arg.kind == Arg::Kind::kList)
    for (const Arg& e : from_.elements_of(given.arg)) require({given.node, e}, depth + 1);
  if (given.arg.kind != Arg::Kind::kUse) return;
  const uint32_t use = edge(given).index;
  if (names_of_.contains(use)) return;
  const EdgeSource& source = sources_[use];
  if (!source.value.valid()) return fail("an operand is not defined", false);
  const auto same = by_place_.find(source.place.index);
  if (same != by_place_.end()) {
    names_of_[use] = same->second;
    return;
  }
  const Value& value = from_.value(source.value);
  const bool fixed = staticness_[source.value.index] != Staticness::kDynamic;
  const std::string name = unique(std::string(from_.text(value.name)));
  builder_.begin_node(fixed ? NodeKind::kConstant : NodeKind::kInput, name, fixed ? "constant" : "input");
  const ValueId made = builder_.add_output(name, storage_of(source.place, source.value), shape_of(source.value));
  builder_.set_output_spec(made, spec_of(source.place));
  if (value.constant.valid()) {
    const Constant& c = from_.constants[value.constant.index];
    builder_.set_constant(made, builder_.add_constant(c.dtype, c.count, c.data));
  }
  names_of_[use] = name;
  by_place_[source.place.index] = name;
}

std::string WholeOperands::unique(std::string name) {
  while (!names_.insert(name).second) name += "'";
  return name;
}

Arg WholeOperands::copied(const PlacedArg& given) {
  const Arg& arg = given.arg;
  switch (arg.kind) {
    case Arg::Kind::kUse: {
      const UseId use = edge(given);
      const bool bare = from_.use(use).spec.kind == SpecRef::Kind::kNone;
      const SpecRef spec = bare ? SpecRef{} : spec_of(sources_[use.index].place);
      return builder_.make_use(names_of_[use.index], spec, spec.kind != SpecRef::Kind::kNone);
    }
    case Arg::Kind::kString: return builder_.make_string(from_.text(Symbol{arg.index}));
    case Arg::Kind::kTensor: {
      const Constant& c = from_.constants[arg.index];
      Arg out = arg;
      out.index = builder_.add_constant(c.dtype, c.count, c.data).index;
      return out;
    }
    case Arg::Kind::kList: {
      std::vector<Arg> elements;
      for (const Arg& e : from_.elements_of(arg)) elements.push_back(copied({given.node, e}));
      return builder_.make_list(elements);
    }
    default: return arg;
  }
}

}  // namespace snapgauge
