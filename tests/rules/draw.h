// Nodes drawn at random around what one row of the tables names: datatypes, limits, parameters.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "plan.h"
#include "rules/op_table.h"

namespace snapgauge::pairs {

using boundaries::Param;
using boundaries::spec_of;

struct Port {
  bool present = false, constant = false;
  DType dtype = DType::kUndefined;
  std::vector<int64_t> shape;
  std::optional<Spec> spec;
  std::vector<int64_t> data;
};

struct Drawn {
  std::vector<Port> in, out;
  std::map<std::string, Param> params;
};

constexpr int64_t kMostChannels = 4096;  // a limit on sizes is drawn, too: no scale for each of 2^31

/// Draws nodes for one row.
class Drawer {
 public:
  Drawer(const CompiledOp& op, const CompiledPredicate& row, const MasterOp* master, uint32_t seed)
      : op_(op), row_(row), master_(master), random_(seed) {
    collect_numbers(row.predicate.test);
    collect_numbers(*row.predicate.when);
    for (const Condition& c : row.predicate.then) collect_numbers(c);
    for (const Expr* e : {&row.predicate.lhs, &row.predicate.rhs, &row.predicate.extent})
      for (const Expr::Node& n : e->nodes)
        if (n.op == Expr::Op::kNumber) add_number(n.number);
  }

  Drawn draw() {
    Drawn node;
    const size_t members = 1 + pick(5);
    if (master_ != nullptr) {
      for (const auto* side : {&master_->inputs, &master_->outputs})
        for (const MasterPort& port : *side)
          if (port.mandatory || pick(2) == 0) add(node, parse_port(port.name), port.variadic, members);
    }
    for (const PortRef& column : op_.columns)
      if (master_ == nullptr || pick(2) == 0) add(node, column, false, members);
    if (pick(8) != 0) add(node, row_.predicate.port, false, members);
    fill(node);
    for (const MasterParam& p : op_.master.params)
      if (pick(p.name == row_.predicate.port.param ? 8 : 3) != 0) draw_param(node, p);
    // A parameter that the frontend's operator has and the vendor's has not.
    const PortRef& own = row_.predicate.port;
    if (own.side == PortRef::Side::kParam && op_.master.param(own.param) == nullptr) {
      MasterParam foreign;
      foreign.name = own.param;
      draw_param(node, foreign);
    }
    return node;
  }

 private:
  size_t pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  template <class T>
  const T& one_of(const std::vector<T>& list) {
    return list[pick(list.size())];
  }

  void collect_numbers(const Test& test) {
    for (const Test::Clause& c : test.clauses) {
      std::vector<Operand> operands{c.operand};
      if (c.operand.kind == Operand::Kind::kList) operands = c.operand.list;
      for (const Operand& o : operands)
        if (o.kind == Operand::Kind::kNumber || o.kind == Operand::Kind::kBool) add_number(o.number);
    }
  }
  /// A limit with its neighbours; those that a dimension can have are sizes, too.
  void add_number(double limit) {
    for (const double d : {-1.0, 0.0, 1.0}) {
      numbers_.push_back(limit + d);
      if (limit + d > 1 && limit + d < 1e10) sizes_.push_back(static_cast<int64_t>(limit + d));
    }
  }
  void collect_numbers(const Condition& c) {
    collect_numbers(c.value);
    collect_numbers(c.own.rank);
    for (const PortTest& t : c.ports) {
      collect_numbers(t.rank);
      collect_numbers(t.any_dim);
      for (const auto& [name, test] : t.dims) collect_numbers(test);
    }
    for (const auto& [name, test] : c.params) collect_numbers(test);
  }

  static void add(Drawn& node, const PortRef& p, bool repeated, size_t members) {
    if (p.side == PortRef::Side::kParam) return;
    auto& ports = p.side == PortRef::Side::kIn ? node.in : node.out;
    const size_t last = repeated || p.last == PortRef::kToEnd ? p.first + members - 1 : p.first;
    if (ports.size() <= last) ports.resize(last + 1);
    for (size_t i = p.first; i <= last; ++i) ports[i].present = true;
  }

  std::vector<int64_t> draw_shape() {
    static const std::vector<int64_t> usual{1, 1, 1, 2, 2, 3, 4, 4, 8, 16};
    // Most ops stop at rank 5; a row about ranks may name a larger one.
    const size_t ranks = row_.predicate.kind == PredicateKind::kRank ? 9 : 6;
    std::vector<int64_t> shape(1 + pick(ranks));
    for (int64_t& d : shape) d = sizes_.empty() || pick(4) != 0 ? one_of(usual) : one_of(sizes_);
    if (pick(8) == 0) shape[pick(shape.size())] = pick(4) == 0 ? 0 : kDynamicDim;
    return shape;
  }

  void fill(Drawn& node) {
    std::vector<const CompiledVariant*> rows;
    for (const CompiledVariant& v : op_.variants)
      if ((v.config & row_.configs) != 0) rows.push_back(&v);
    const CompiledVariant* row = rows.empty() ? nullptr : one_of(rows);
    const auto shape = draw_shape();
    const auto lead = static_cast<DType>(pick(kDTypeCount));
    const bool plain = pick(2) == 0, calibrated = pick(4) != 0;
    std::optional<Spec> first;
    for (const auto side : {PortRef::Side::kIn, PortRef::Side::kOut}) {
      auto& ports = side == PortRef::Side::kIn ? node.in : node.out;
      for (size_t i = 0; i < ports.size(); ++i) {
        Port& port = ports[i];
        if (!port.present) continue;
        port.dtype = draw_dtype(row, side, i, lead);
        port.shape = pick(3) != 0 ? shape : draw_shape();
        port.constant = side == PortRef::Side::kIn && pick(i > 0 ? 2 : 4) == 0;
        if (!is_fixed_point(port.dtype)) {
          if (port.constant && pick(2) == 0) draw_data(port);
          continue;
        }
        port.spec = plain ? spec_of(port.dtype) : draw_spec(port, row_.predicate.port.covers(side, i));
        if (first && pick(3) == 0 && first->storage == port.spec->storage) port.spec = first;
        if (!calibrated) port.spec->scales.clear(), port.spec->zero_points.clear();
        if (!first) first = port.spec;
      }
    }
  }

  DType draw_dtype(const CompiledVariant* row, PortRef::Side side, size_t i, DType lead) {
    DTypeSet set = 0;
    for (size_t c = 0; row != nullptr && c < op_.columns.size(); ++c)
      if (op_.column_covers(c, side, i)) set |= row->columns[c];
    const bool own = row_.predicate.port.covers(side, i);
    if (own && row_.predicate.when->own.dtypes != 0 && pick(2) == 0) set = row_.predicate.when->own.dtypes;
    if (own && row_.predicate.dtypes != 0 && pick(2) == 0) set = row_.predicate.dtypes;
    // A row may ask for what the table of datatypes asks for as well: to break it is to break both.
    if (pick(own ? 8 : 16) == 0) set = 0;
    std::vector<DType> choices;
    for (int t = 1; t < kDTypeCount; ++t) {
      const auto type = static_cast<DType>(t);
      if ((set == 0 || contains(set, type)) && (!is_fixed_point(type) || spec_of(type))) choices.push_back(type);
    }
    if (choices.empty()) return DType::kFloat32;
    return std::find(choices.begin(), choices.end(), lead) != choices.end() ? lead : one_of(choices);
  }

  /// Half of the time of an encoding that the row speaks of, if one comes up.
  Spec draw_spec(const Port& port, bool own) {
    const EncodingSet wanted = own && pick(2) == 0 ? row_.predicate.when->own.encodings : EncodingSet{0};
    Spec spec = draw_spec(port);
    for (int i = 0; i < 16 && wanted != 0 && (wanted & encoding_bit(encoding_of(spec, false))) == 0; ++i)
      spec = draw_spec(port);
    return spec;
  }

  Spec draw_spec(const Port& port) {
    Spec spec = *spec_of(port.dtype);
    const IntegerRange range = *integer_range(spec.storage);
    switch (pick(9)) {
      case 0: spec.zero_points = {range.min + 3}; break;
      case 1: spec.scheme = Scheme::kPerTensorSymmetric; break;
      case 2:
      case 3:
      case 4: per_channel(spec, port.shape); break;
      case 5: narrow(spec, port); break;
      case 6:
        narrow(spec, port);
        per_channel(spec, port.shape);
        break;
      case 7:
        if (row_.predicate.scaled) {
          spec.scales = {row_.predicate.scale != 0 ? row_.predicate.scale : 1.0};
          spec.zero_points = {-row_.predicate.offset};
        }
        break;
      default:
        narrow(spec, port);
        per_channel(spec, port.shape);
        spec.block = {port.shape.back() > 1 ? port.shape.back() / 2 + port.shape.back() % 2 : 1};
        spec.axis = static_cast<int64_t>(port.shape.size()) - 1;
        spec.two_level = pick(2) == 0;
        spec.scales.clear();
        spec.zero_points.clear();
    }
    return spec;
  }

  void per_channel(Spec& spec, const std::vector<int64_t>& shape) {
    const auto axis = static_cast<int64_t>(pick(shape.size()));
    const int64_t channels = shape[static_cast<size_t>(axis)];
    if (channels < 1 || channels > kMostChannels) return;
    spec.scheme = pick(2) == 0 ? Scheme::kPerChannelAffine : Scheme::kPerChannelSymmetric;
    spec.axis = axis;
    spec.scales.assign(static_cast<size_t>(channels), 0.5);
    spec.zero_points.assign(static_cast<size_t>(channels), spec.zero_points[0]);
  }

  void narrow(Spec& spec, const Port& port) {
    if (port.dtype != DType::kSfixed8 && port.dtype != DType::kUfixed8) return;
    const bool is_signed = port.dtype == DType::kSfixed8;
    const int64_t half = pick(4) == 0 ? 2 : 8;  // 2 or 4 bits
    spec.qmin = is_signed ? 1 - half : 0;
    spec.qmax = is_signed ? half - 1 : 2 * half - 1;
    spec.zero_points = {is_signed ? 0 : half};
  }

  void draw_data(Port& port) {
    uint64_t count = 1;
    for (int64_t d : port.shape) {
      if (d < 0 || d > 64 || count > 64) return;
      count *= static_cast<uint64_t>(d);
    }
    if (count > 64) return;
    const bool limits = !numbers_.empty() && pick(2) == 0;
    for (uint64_t i = 0; i < count; ++i)
      port.data.push_back(limits && pick(4) == 0 ? static_cast<int64_t>(one_of(numbers_))
                                                 : static_cast<int64_t>(pick(5)) - 1);
  }

  void draw_param(Drawn& node, const MasterParam& master) {
    Param param;
    if (!master.values.empty() && pick(16) == 0) {
      param.name = "NOT_AN_ENUMERATOR";
    } else if (!master.values.empty()) {
      const auto& [name, number] = one_of(master.values);
      param = {{number}, false, name};
    } else {
      static const std::vector<double> usual{0, 1, 1, 2, 3, 4, -1, 0.5, 128};
      const bool own = master.name == row_.predicate.port.param && !numbers_.empty();
      const auto number = [&] { return own && pick(2) == 0 ? one_of(numbers_) : one_of(usual); };
      param.is_list = pick(2) == 0;
      const size_t rank = node.in.empty() || node.in[0].shape.empty() ? 1 : node.in[0].shape.size();
      const size_t length = !param.is_list ? 1 : pick(3) == 0 ? 1 + pick(4) : pick(2) == 0 ? rank : 2 * rank;
      const double same = number();
      const bool all_same = pick(2) == 0;
      for (size_t i = 0; i < length; ++i) param.numbers.push_back(all_same ? same : number());
    }
    node.params[master.name] = param;
  }

  const CompiledOp& op_;
  const CompiledPredicate& row_;
  const MasterOp* master_;
  std::mt19937 random_;
  std::vector<double> numbers_;
  std::vector<int64_t> sizes_;
};

inline Graph build(const CompiledOp& op, const Drawn& node) {
  GraphBuilder b("node", Frontend::kTorch);
  const auto add_value = [&](const std::string& name, const Port& port) {
    const ValueId id = b.add_output(name, is_fixed_point(port.dtype) ? DType::kFloat32 : port.dtype, port.shape);
    if (port.spec) b.set_output_spec(id, b.add_spec(*port.spec));
    if (port.data.empty()) return;
    auto bytes = std::make_unique<std::byte[]>(8 * port.data.size());
    std::memcpy(bytes.get(), port.data.data(), 8 * port.data.size());
    b.set_constant(id, b.add_constant(DType::kInt64, port.data.size(), std::move(bytes)));
  };
  for (size_t i = 0; i < node.in.size(); ++i) {
    if (!node.in[i].present) continue;
    const std::string name = "x" + std::to_string(i);
    b.begin_node(node.in[i].constant ? NodeKind::kConstant : NodeKind::kInput, name, "");
    add_value(name, node.in[i]);
  }
  b.begin_node(NodeKind::kCall, "node", "qnn." + op.name);
  for (size_t i = 0; i < node.in.size(); ++i)
    b.add_arg(node.in[i].present ? b.make_use("x" + std::to_string(i)) : Arg());
  for (const auto& [name, p] : node.params) {
    if (!p.name.empty()) {
      b.add_named(name, b.make_string(p.name));
      continue;
    }
    std::vector<Arg> elements;
    for (const double n : p.numbers)
      elements.push_back(n == std::floor(n) ? GraphBuilder::make_int(static_cast<int64_t>(n))
                                            : GraphBuilder::make_real(n));
    b.add_named(name, p.is_list ? b.make_list(elements) : elements[0]);
  }
  for (size_t i = 0; i < node.out.size(); ++i)
    if (node.out[i].present) add_value(i == 0 ? "node" : "node:" + std::to_string(i), node.out[i]);
  return b.finish();
}

}  // namespace snapgauge::pairs
