#include "backend/op_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "evaluate/evaluate.h"

namespace snapgauge {

OpGraph::OpGraph() = default;
OpGraph::OpGraph(OpGraph&&) = default;             // NOLINT(performance-noexcept-move-constructor)
OpGraph& OpGraph::operator=(OpGraph&&) = default;  // NOLINT(performance-noexcept-move-constructor)
OpGraph::~OpGraph() = default;

ValueId OpGraph::passed_on(ValueId result) const {
  const auto it = std::lower_bound(identities.begin(), identities.end(), result,
                                   [](const auto& pair, ValueId id) { return pair.first < id; });
  return it != identities.end() && it->first == result ? it->second : ValueId{};
}

size_t OpGraph::bytes() const {
  size_t total = sizeof(*this) + ops.capacity() * sizeof(Op) + op_of.capacity() * sizeof(OpId) +
                 tensors.capacity() * sizeof(EdgeSource) + ports.capacity() * sizeof(Port) +
                 origins.capacity() * sizeof(int32_t) + classes.capacity() * sizeof(OpClass) +
                 shapes.size() * sizeof(Shape) + reasons.capacity() * sizeof(std::string);
  for (const OpClass& c : classes)
    if (c.parts != nullptr) total += sizeof(Expansion) + c.parts->ops.bytes();
  return total;
}

void OpView::assign(const OpGraph& ops, const Op& op) {
  const OpClass& cls = ops.class_of(op);
  graph = ops.graph;
  node = op.node;
  mapping = cls.mapping;
  cls_ = op.cls;
  const auto of_class = ops.class_ports(cls);
  ports_.assign(of_class.begin(), of_class.end());
  const auto own = ops.tensors_of(op);
  for (size_t p = 0; p < ports_.size(); ++p) {
    ports_[p].place = own[p].place;
    ports_[p].value = own[p].value;
  }
  in = std::span<const Port>(ports_).first(cls.inputs);
  out = std::span<const Port>(ports_).subspan(cls.inputs);
}

OpView::OpView(const OpView& other, std::span<const Port> inputs, std::span<const Port> outputs) {
  graph = other.graph;
  node = other.node;
  mapping = other.mapping;
  cls_ = other.cls_;
  in = inputs;
  out = outputs;
}

namespace {

std::string_view encoding_text(const Port& port) {
  return port.spec == nullptr ? std::string_view() : encoding_name(port.encoding);
}

std::string port_line(const OpGraph& ops, PortRef::Side side, size_t index, const Port& port) {
  const std::string name = port_text(side, index);
  if (!port.present) return fmt::format("{}: {}", name, port.made ? "made by the lowering" : "absent");
  const Value& value = ops.graph->value(port.value);
  std::string out = fmt::format("{}: {} {} {}", name, printable(ops.graph->text(value.name)), dtype_name(port.dtype),
                                shape_text(port));
  if (const auto encoding = encoding_text(port); !encoding.empty()) out += fmt::format(" {}", encoding);
  if (const auto axis = port.axis()) out += fmt::format(" axis {}", *axis);
  if (port.cast != nullptr) out += fmt::format(" converted from {}", dtype_name(port.cast->from));
  if (port.from != nullptr) {
    std::vector<int> from(port.from, port.from + port.rank);
    out += fmt::format(" from [{}]", fmt::join(from, ", "));
  }
  if (port.staticness != Staticness::kDynamic) out += " constant";
  return out;
}

std::string heading(const OpGraph& ops, const Op& op) {
  const OpClass& cls = ops.class_of(op);
  const std::string reason = ops.reasons[cls.reason];
  switch (cls.mapped) {
    case Mapped::kOp: return cls.mapping->backend_op;
    case Mapped::kExpansion: return "several ops";
    case Mapped::kRefused: return "refused: " + cls.mapping->refused;
    case Mapped::kUnmapped: return "no row";
    case Mapped::kIncomplete: return "incomplete: " + reason + " is not given";
    case Mapped::kUndecided: return "undecided: " + reason;
  }
  return {};
}

void print(const OpGraph& ops, const std::string& indent, std::string& out) {
  for (const Op& op : ops.ops) {
    const Node& node = ops.graph->node(op.node);
    const OpClass& cls = ops.class_of(op);
    out += fmt::format("{}{} ({}): {}\n", indent, printable(ops.graph->text(node.name)),
                       printable(ops.graph->text(node.op)), heading(ops, op));
    if (cls.mapped == Mapped::kExpansion) {
      print(cls.parts->ops, indent + "  ", out);
      continue;
    }
    const OpView view(ops, op);
    for (size_t i = 0; i < view.in.size(); ++i)
      out += fmt::format("{}  {}\n", indent, port_line(ops, PortRef::Side::kIn, i, view.in[i]));
    for (size_t i = 0; i < view.out.size(); ++i)
      out += fmt::format("{}  {}\n", indent, port_line(ops, PortRef::Side::kOut, i, view.out[i]));
    if (cls.mapped == Mapped::kOp)
      for (const auto& [name, value] : view.params())
        if (value.state != ParamValue::State::kUnset)
          out += fmt::format("{}  {} = {}\n", indent, name, param_text(value));
  }
}

}  // namespace

std::string to_text(const OpGraph& ops) {
  std::string out;
  print(ops, "", out);
  return out;
}

}  // namespace snapgauge
