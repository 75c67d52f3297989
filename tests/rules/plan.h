// One node as boundaries_test.cc plans it, and an evaluation of the tables' tests and conditions on it
// that shares nothing with the one under test.
#pragma once

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "numerics/quant.h"
#include "opinfo/predicate.h"

namespace snapgauge::boundaries {

struct Param {
  std::vector<double> numbers;
  bool is_list = false;
  std::string name;  // enumerator
};

/// One node, before it is built.
struct Plan {
  struct Port {
    bool present = false;
    DType dtype = DType::kUndefined;
    int rank = 0;
  };
  std::vector<Port> in, out;
  std::map<std::string, Param> params;
  int64_t dim = 1;  // size of every dimension

  const Port* port(PortRef::Side side, size_t index) const {
    const auto& ports = side == PortRef::Side::kIn ? in : out;
    return index < ports.size() && ports[index].present ? &ports[index] : nullptr;
  }
  Port* port(PortRef::Side side, size_t index) {
    return const_cast<Port*>(static_cast<const Plan*>(this)->port(side, index));
  }
};

/// "rank(in[0])-1" and "max(0,rank(in[0])-2)", the only expressions beside numbers in these rows.
inline std::optional<double> number_of(const Operand& o, const Plan& plan) {
  if (o.kind == Operand::Kind::kNumber || o.kind == Operand::Kind::kBool) return o.number;
  if (o.kind == Operand::Kind::kList && o.list.size() == 1) return number_of(o.list[0], plan);
  if (o.kind != Operand::Kind::kExpr || plan.port(PortRef::Side::kIn, 0) == nullptr) return std::nullopt;
  std::string text = o.expr.text;
  const bool floored = text.substr(0, 6) == "max(0,";
  if (floored) text = text.substr(6, text.size() - 7);
  int minus = 0;
  if (std::sscanf(text.c_str(), "rank(in[0])-%d", &minus) != 1) return std::nullopt;
  const double value = plan.port(PortRef::Side::kIn, 0)->rank - minus;
  return floored ? std::max(value, 0.0) : value;
}

/// Does the test hold for a number? Nothing when it is not numeric.
inline std::optional<bool> accepts(const Test& test, double value, const Plan& plan) {
  bool all = true;
  for (const Test::Clause& c : test.clauses) {
    if (c.op == Test::Op::kIn) {
      bool any = false;
      for (const Operand& o : c.operand.list) {
        const auto n = number_of(o, plan);
        if (!n) return std::nullopt;
        any = any || *n == value;
      }
      all = all && any;
      continue;
    }
    const auto n = number_of(c.operand, plan);
    if (!n) return std::nullopt;
    switch (c.op) {
      case Test::Op::kEq: all = all && value == *n; break;
      case Test::Op::kNe: all = all && value != *n; break;
      case Test::Op::kMin: all = all && value >= *n; break;
      case Test::Op::kMax: all = all && value <= *n; break;
      case Test::Op::kGt: all = all && value > *n; break;
      case Test::Op::kLt: all = all && value < *n; break;
      default: return std::nullopt;
    }
  }
  return all;
}

/// The limits named by a test and their neighbours.
inline std::set<double> borders(const Test& test, const Plan& plan) {
  std::set<double> out;
  for (const Test::Clause& c : test.clauses) {
    std::vector<Operand> operands{c.operand};
    if (c.op == Test::Op::kIn) operands = c.operand.list;
    for (const Operand& o : operands) {
      const auto n = number_of(o, plan);
      if (!n) continue;
      out.insert(*n);
      if (o.kind == Operand::Kind::kBool) {
        out.insert(1 - *n);
        continue;
      }
      out.insert(*n - 1);
      out.insert(*n + 1);
    }
  }
  return out;
}

inline bool is_numeric(const Test& test) {
  const auto numeric = [](const Operand& o) {
    return o.kind == Operand::Kind::kNumber || o.kind == Operand::Kind::kBool || o.kind == Operand::Kind::kExpr;
  };
  return !test.empty() && std::all_of(test.clauses.begin(), test.clauses.end(), [&](const Test::Clause& c) {
    if (c.operand.kind == Operand::Kind::kList)
      return std::all_of(c.operand.list.begin(), c.operand.list.end(), numeric);
    return numeric(c.operand);
  });
}

inline std::optional<bool> param_holds(const Test& test, const std::string& name, const Plan& plan) {
  const auto it = plan.params.find(name);
  if (it == plan.params.end() || it->second.name.empty()) return std::nullopt;
  for (const Test::Clause& c : test.clauses) {
    const bool in = c.op == Test::Op::kIn;
    if (!in && c.op != Test::Op::kNotIn) return std::nullopt;
    const bool listed = std::any_of(c.operand.list.begin(), c.operand.list.end(),
                                    [&](const Operand& o) { return o.name == it->second.name; });
    if (listed != in) return false;
  }
  return true;
}

inline std::optional<bool> port_holds(const PortTest& test, const Plan::Port* port, const Plan& plan) {
  if (port == nullptr) return false;
  if (test.unknown || test.bits != 0 || test.encodings != 0 || !test.any_dim.empty() || !test.dims.empty() ||
      test.is_dynamic || test.is_static || test.is_quantized)
    return std::nullopt;
  if (test.dtypes != 0 && !contains(test.dtypes, port->dtype)) return false;
  if (test.dtypes_not != 0 && contains(test.dtypes_not, port->dtype)) return false;
  return test.rank.empty() ? std::optional(true) : accepts(test.rank, port->rank, plan);
}

/// Nothing: the condition is none of those that this test understands.
inline std::optional<bool> holds(const Condition& c, const PortRef& self, size_t index, const Plan& plan) {
  if (c.always) return true;
  if (!c.value.empty() || !c.size.empty() || !c.opset.empty() || c.set || !c.args.empty() || !c.attrs.empty() ||
      !c.pipelines.empty() || !c.backends.empty())
    return std::nullopt;
  std::vector<std::optional<bool>> parts;
  if (self.side != PortRef::Side::kParam) parts.push_back(port_holds(c.own, plan.port(self.side, index), plan));
  if (!c.last_index.empty()) parts.push_back(accepts(c.last_index, static_cast<double>(plan.in.size()) - 1, plan));
  for (const PortTest& t : c.ports) parts.push_back(port_holds(t, plan.port(t.port.side, t.port.first), plan));
  for (const auto& [name, t] : c.params) parts.push_back(param_holds(t, name, plan));
  for (const auto& p : parts)
    if (!p) return std::nullopt;
  return std::all_of(parts.begin(), parts.end(), [](const auto& p) { return *p; });
}

/// Spec of a tensor that the backend sees as `dtype`: its middle is the zero point.
inline std::optional<Spec> spec_of(DType dtype) {
  constexpr std::pair<DType, DType> kStorage[] = {
      {DType::kUfixed8, DType::kUint8},  {DType::kSfixed8, DType::kInt8},    {DType::kUfixed16, DType::kUint16},
      {DType::kSfixed16, DType::kInt16}, {DType::kUfixed32, DType::kUint32}, {DType::kSfixed32, DType::kInt32},
  };
  for (const auto& [fixed, storage] : kStorage) {
    if (fixed != dtype) continue;
    Spec spec;
    spec.storage = storage;
    spec.scheme = Scheme::kPerTensorAffine;
    spec.scales = {0.5};
    const IntegerRange range = *integer_range(storage);
    spec.zero_points = {range.min < 0 ? 0 : (range.max + 1) / 2};
    if (backend_dtype(spec) == dtype) return spec;
  }
  return std::nullopt;
}

}  // namespace snapgauge::boundaries
