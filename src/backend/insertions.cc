#include "backend/insertions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace snapgauge {
namespace {

using Kind = Insertion::Kind;

/// The order in which a port keeps the file's dimensions; empty: the file's own, or not a permutation.
std::vector<int8_t> order_of(const Port& port) {
  if (port.from == nullptr || port.rank != port.frontend_rank) return {};
  std::vector<int8_t> order(port.from, port.from + port.rank);
  std::vector<bool> seen(order.size(), false);
  for (const int8_t d : order) {
    if (d < 0 || static_cast<size_t>(d) >= seen.size() || seen[static_cast<size_t>(d)]) return {};
    seen[static_cast<size_t>(d)] = true;
  }
  return std::is_sorted(order.begin(), order.end()) ? std::vector<int8_t>() : order;
}

std::vector<int8_t> identity(size_t rank) {
  std::vector<int8_t> out(rank);
  for (size_t i = 0; i < rank; ++i) out[i] = static_cast<int8_t>(i);
  return out;
}

class InsertionSearch {
 public:
  InsertionSearch(const OpGraph& ops, const Target& target) : ops_(ops), graph_(*ops.graph), target_(target) {
    makers_.resize(graph_.values.size());
    for (uint32_t o = 0; o < ops.ops.size(); ++o) {
      const OpView view(ops, ops.ops[o]);
      for (uint32_t i = 0; i < view.out.size(); ++i)
        if (view.out[i].present) makers_[view.out[i].value.index] = {OpId{o}, i};
    }
  }

  std::vector<Insertion> run() {
    for (uint32_t o = 0; o < ops_.ops.size(); ++o) {
      const OpView view(ops_, ops_.ops[o]);
      for (size_t i = 0; i < view.in.size(); ++i)
        if (view.in[i].present && view.in[i].staticness == Staticness::kDynamic) look_at(OpId{o}, i, view.in[i]);
    }
    if (target_.quantizes_border()) look_at_outputs();
    return std::move(out_);
  }

 private:
  struct Maker {
    OpId op;
    uint32_t output = 0;
  };

  /// The port that writes a value; nothing when none of the graph's ops does.
  std::optional<Port> made(ValueId value) const {
    const Maker& maker = makers_[value.index];
    if (!maker.op.valid()) return std::nullopt;
    return OpView(ops_, ops_.op(maker.op)).out[maker.output];
  }

  Insertion& add(Kind kind, const Port& port, OpId op, PortRef::Side side, size_t index) {
    Insertion& i = out_.emplace_back(Insertion{kind, port.value, op, {}, {}});
    i.port.side = side;
    i.port.first = i.port.last = static_cast<uint32_t>(index);
    return i;
  }

  /// Between the tensor as it was made, or came in, and the port that reads it.
  void look_at(OpId op, size_t index, const Port& port) {
    const std::optional<Port> writer = made(port.value);
    const auto wants = order_of(port);
    const auto has = writer ? order_of(*writer) : std::vector<int8_t>();
    if (wants != has) {
      const size_t rank = std::max(wants.size(), has.size());
      const auto to = wants.empty() ? identity(rank) : wants, from = has.empty() ? identity(rank) : has;
      Insertion& i = add(Kind::kTranspose, port, op, PortRef::Side::kIn, index);
      for (const int8_t d : to)
        i.perm.push_back(static_cast<int8_t>(std::find(from.begin(), from.end(), d) - from.begin()));
    }
    if (port.spec == nullptr) return;
    const Spec* written = writer ? writer->spec : nullptr;
    const DType before = port.cast != nullptr ? port.cast->from : port.dtype;
    if (written != nullptr && ops_.sharing->group(port.place) != ops_.sharing->group(writer->place) &&
        !(*written == *port.spec)) {
      Insertion& i = add(Kind::kConvert, port, op, PortRef::Side::kIn, index);
      i.from = writer->dtype;
      i.to = before;
    }
    if (!writer && target_.quantizes_border() && is_float(graph_.value(port.value).dtype)) {
      Insertion& i = add(Kind::kQuantize, port, op, PortRef::Side::kIn, index);
      i.from = graph_.value(port.value).dtype;
      i.to = before;
    }
    if (port.cast != nullptr) {
      Insertion& i = add(Kind::kCast, port, op, PortRef::Side::kIn, index);
      i.from = port.cast->from;
      i.to = port.cast->to;
    }
  }

  void look_at_outputs() {
    for (const Node& node : graph_.nodes) {
      if (node.kind != NodeKind::kOutput) continue;
      for (const Use& use : graph_.uses_of(node)) {
        if (!use.value.valid() || !is_float(graph_.value(use.value).dtype)) continue;
        const std::optional<Port> writer = made(use.value);
        if (!writer || writer->spec == nullptr) continue;
        const Maker& maker = makers_[use.value.index];
        Insertion& i = add(Kind::kDequantize, *writer, maker.op, PortRef::Side::kOut, maker.output);
        i.from = writer->dtype;
        i.to = graph_.value(use.value).dtype;
      }
    }
  }

  const OpGraph& ops_;
  const Graph& graph_;
  const Target& target_;
  std::vector<Maker> makers_;  // by ValueId
  std::vector<Insertion> out_;
};

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kTranspose: return "transpose";
    case Kind::kConvert: return "convert";
    case Kind::kCast: return "cast";
    case Kind::kQuantize: return "quantize";
    case Kind::kDequantize: return "dequantize";
  }
  return {};
}

}  // namespace

std::vector<Insertion> insertions(const OpGraph& ops, const Target& target) {
  return InsertionSearch(ops, target).run();
}

std::string to_text(const OpGraph& ops, const std::vector<Insertion>& inserted) {
  std::string out;
  for (const Insertion& i : inserted) {
    const std::string what = i.kind == Kind::kTranspose ? fmt::format("[{}]", fmt::join(i.perm, ", "))
                                                        : fmt::format("{} -> {}", dtype_name(i.from), dtype_name(i.to));
    out += fmt::format("{} {} of {} {} {} of {}\n", kind_name(i.kind), what,
                       printable(ops.graph->text(ops.graph->value(i.value).name)),
                       i.port.side == PortRef::Side::kIn ? "for" : "behind", port_text(i.port),
                       printable(ops.graph->name(ops.op(i.op).node)));
  }
  return out;
}

}  // namespace snapgauge
