// Numbers as constants: observers see tensors only.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/number.h"
#include "base/text.h"
#include "graph/copy.h"
#include "quantize/passes.h"

namespace snapgauge {
namespace {

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
    std::string name = copy.fresh(fmt::format("{}.{}", graph_.name(id), position));
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
    for (const Value& value : graph_.outputs_of(node)) copy.result(value);
    changes_.push_back(fmt::format("{}: numbers became constants", printable(graph_.name(id))));
  }

  Graph& graph_;
  const AnnotationRows& rows_;
  std::vector<std::string>& changes_;
  std::vector<uint32_t> readers_;
};

}  // namespace

bool lift_numbers(Graph& graph, const AnnotationRows& rows, PassChanges& changes) {
  return ScalarLifting(graph, rows, changes).run();
}

}  // namespace snapgauge
