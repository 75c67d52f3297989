// Check shapes about ranks, dimensions and relations between tensors.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/number.h"
#include "rules/shapes_internal.h"

namespace snapgauge::shapes {
namespace {

constexpr std::string_view kNoShape = "its shape is not known";

const Port* other_port(const ShapeInput& in) {
  return in.predicate.with ? in.context.view.port(in.predicate.with->side, in.predicate.with->first) : nullptr;
}

/// Dimension from the end, 1 when the tensor has fewer.
int64_t trailing(const Port& port, int from_end) {
  return from_end < port.rank ? port.dim(port.rank - 1 - from_end) : 1;
}

bool has_dynamic(const Port& port) {
  for (int i = 0; i < port.rank; ++i)
    if (port.dim(i) == kDynamicDim) return true;
  return false;
}

}  // namespace

void rank(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr) return;
  if (in.port->rank < 0) return unknown(out, std::string(kNoShape));
  expect(out, test_number(in.predicate.test, in.port->rank, in.context, &in.self, &out.missing), [&] {
    out.expected = "rank " + in.predicate.test.text();
    out.actual = fmt::format("rank {} {}", in.port->rank, shape_text(*in.port));
  });
}

void dim(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr) return;
  if (in.port->rank < 0) return unknown(out, std::string(kNoShape));
  if (in.predicate.axes.empty()) return unknown(out, "the row names a dimension that the op definition does not have");
  Truth all = Truth::kTrue;
  for (int64_t i : in.predicate.axes) {
    const int64_t index = i < 0 ? i + in.port->rank : i;
    if (index < 0 || index >= in.port->rank) continue;
    const int64_t d = in.port->dim(static_cast<int>(index));
    if (d == kDynamicDim) out.missing = "a dimension is not known before run time";
    all = std::min(all, d == kDynamicDim ? Truth::kUnknown
                                         : test_number(in.predicate.test, static_cast<double>(d), in.context, &in.self,
                                                       &out.missing));
  }
  expect(out, all, [&] {
    out.expected = fmt::format("dimension {} {}", fmt::join(in.predicate.axes, ", "), in.predicate.test.text());
    out.actual = shape_text(*in.port);
  });
}

void squeezable(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr) return;
  const int64_t wanted = in.predicate.axes.empty() ? 0 : in.predicate.axes[0];
  if (in.port->rank < 0) return unknown(out, std::string(kNoShape));
  if (in.port->rank == wanted) return;
  int ones = 0;
  for (int i = 0; i < in.port->rank; ++i) ones += in.port->dim(i) == 1 ? 1 : 0;
  const bool holds = in.port->rank - ones <= wanted && in.port->rank > wanted &&
                     test_number(in.predicate.test, in.port->rank, in.context, &in.self, nullptr) == Truth::kTrue;
  expect(out, truth(holds), [&] {
    out.expected =
        fmt::format("rank {}, or rank {} with dimensions of size 1 to remove", wanted, in.predicate.test.text());
    out.actual = shape_text(*in.port);
  });
}

void same_rank(const ShapeInput& in, Outcome& out) {
  const Port* other = other_port(in);
  if (in.port == nullptr || other == nullptr) return;
  if (in.port->rank < 0 || other->rank < 0) return unknown(out, std::string(kNoShape));
  expect(out, truth(in.port->rank == other->rank), [&] {
    out.expected = fmt::format("rank {} as {}", other->rank, port_text(*in.predicate.with));
    out.actual = shape_text(*in.port);
  });
}

void same_shape(const ShapeInput& in, Outcome& out) {
  const Port* other = other_port(in);
  if (in.port == nullptr || other == nullptr) return;
  if (in.port->rank < 0 || other->rank < 0) return unknown(out, std::string(kNoShape));
  Truth same = truth(in.port->rank == other->rank);
  for (int i = 0; same != Truth::kFalse && i < in.port->rank; ++i) {
    const int64_t a = in.port->dim(i);
    const int64_t b = other->dim(i);
    if (a == kDynamicDim || b == kDynamicDim)
      same = std::min(same, a == b ? Truth::kTrue : Truth::kUnknown);
    else
      same = std::min(same, truth(a == b));
  }
  out.missing = "a dimension is not known before run time";
  expect(out, same, [&] {
    out.expected = fmt::format("{} as {}", shape_text(*other), port_text(*in.predicate.with));
    out.actual = shape_text(*in.port);
  });
}

void same_dims_across(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr || in.self.index == 0) return;
  const Port* first = in.context.view.port(in.self.side, 0);
  if (first == nullptr) return;
  if (first->rank < 0 || in.port->rank < 0) return unknown(out, std::string(kNoShape));
  const auto axis = evaluate(in.predicate.extent, in.context, &in.self, &out.missing);
  if (!axis) return unknown(out, out.missing);
  const auto along = whole_number(*axis);
  if (!along) return unknown(out, "the axis is not an integer");
  Truth same = truth(first->rank == in.port->rank);
  for (int i = 0; same != Truth::kFalse && i < first->rank; ++i)
    if (i != *along) same = std::min(same, truth(first->dim(i) == in.port->dim(i)));
  expect(out, same, [&] {
    out.expected = fmt::format("{} except on axis {}", shape_text(*first), *along);
    out.actual = shape_text(*in.port);
  });
}

void batch_dims(const ShapeInput& in, Outcome& out) {
  const auto count = evaluate(in.predicate.extent, in.context, &in.self, &out.missing);
  if (!count) return unknown(out, out.missing.empty() ? "the number of batch dimensions is not known" : out.missing);
  if (!(std::abs(*count) <= INT8_MAX)) return unknown(out, "there are more batch dimensions than dimensions");
  std::vector<const Port*> ports;
  for (const PortRef& p : in.predicate.of) ports.push_back(in.context.view.port(p.side, p.first));
  for (const Port* p : ports) {
    if (p == nullptr) return;
    if (p->rank < 0) return unknown(out, std::string(kNoShape));
  }
  if (ports.size() < 2) return;
  const std::string& relation = in.predicate.text;
  Truth all = Truth::kTrue;
  // Batch dimensions are matched from the last one back, as broadcasting does; the last two are the matrix.
  for (int i = 2; i < static_cast<int>(*count) + 2; ++i) {
    const int64_t a = trailing(*ports[0], i);
    int64_t widest = 1;
    bool agree = true;
    for (size_t k = 1; k < ports.size(); ++k) {
      const int64_t b = trailing(*ports[k], i);
      if (a == kDynamicDim || b == kDynamicDim) continue;
      widest = std::max(widest, b);
      if (relation == "equal") agree = agree && a == b && ports[k]->rank > i;
      if (relation == "equal_or_one_or_absent") agree = agree && (a == b || a == 1 || b == 1);
    }
    if (relation == "broadcast_of") agree = a == kDynamicDim || a == widest;
    all = std::min(all, truth(agree));
  }
  expect(out, all, [&] {
    out.expected = fmt::format("batch dimensions {} those of {}", relation == "equal" ? "equal to" : "compatible with",
                               port_text(in.predicate.of[1]));
    out.actual = fmt::format("{} against {}", shape_text(*ports[0]), shape_text(*ports[1]));
  });
}

/// All inputs broadcast to the port's shape. Traced graphs give some results of a decomposition the shape of the
/// whole, so a result that is larger than its operands contradicts nothing.
void broadcast_result(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr || in.port->rank < 0) return unknown(out, std::string(kNoShape));
  int rank = 0;
  for (const Port& p : in.context.view.in) rank = p.present ? std::max<int>(rank, p.rank) : rank;
  Truth holds = truth(in.port->rank >= rank);
  for (const Port& p : in.context.view.in) {
    // What the lowering makes has a shape that nobody states.
    if (!p.present || p.rank < 0) return;
    for (int i = 0; i < p.rank && i < in.port->rank && holds != Truth::kFalse; ++i) {
      const int64_t x = trailing(p, i), y = trailing(*in.port, i);
      if (x == y || x == 1) continue;
      holds = std::min(holds, x == kDynamicDim || y == kDynamicDim ? Truth::kUnknown : Truth::kFalse);
    }
  }
  if (holds == Truth::kUnknown) return unknown(out, "a dimension is not known before run time");
  expect(out, holds, [&] {
    std::string shapes;
    for (const Port& p : in.context.view.in) shapes += (shapes.empty() ? "" : " and ") + shape_text(p);
    out.expected = "a shape that " + shapes + " broadcast to";
    out.actual = shape_text(*in.port);
  });
}

void broadcast(const ShapeInput& in, Outcome& out) {
  if (in.predicate.text == "result") return broadcast_result(in, out);
  const Port* a = in.context.view.port(PortRef::Side::kIn, 0);
  const Port* b = in.context.view.port(PortRef::Side::kIn, 1);
  if (a == nullptr || b == nullptr) return;
  if (a->rank < 0 || b->rank < 0) return unknown(out, std::string(kNoShape));
  bool a_expands = a->rank < b->rank;
  bool b_expands = b->rank < a->rank;
  Truth together = Truth::kTrue;
  for (int i = 0; i < std::max(a->rank, b->rank); ++i) {
    const int64_t x = trailing(*a, i);
    const int64_t y = trailing(*b, i);
    a_expands = a_expands || (x == 1 && y != 1);
    b_expands = b_expands || (y == 1 && x != 1);
    if (x == y || x == 1 || y == 1) continue;
    together = std::min(together, x == kDynamicDim || y == kDynamicDim ? Truth::kUnknown : Truth::kFalse);
  }
  Truth holds = Truth::kTrue;
  if (in.predicate.text == "mixed")
    holds = truth(!(a_expands && b_expands));
  else if (in.predicate.text == "any")
    holds = truth(!a_expands && !b_expands);
  else if (in.predicate.flag)  // operands of this type are combined by broadcasting, which equal shapes satisfy
    holds = together;
  if (holds == Truth::kUnknown) return unknown(out, "a dimension is not known before run time");
  expect(out, holds, [&] {
    out.expected = in.predicate.text == "mixed" ? "at most one operand that is broadcast"
                   : in.predicate.flag          ? "operands that go together by broadcasting"
                                                : "operands of equal shape";
    out.actual = fmt::format("{} and {}", shape_text(*a), shape_text(*b));
  });
}

void dynamic_dims(const ShapeInput& in, Outcome& out) {
  // Rows that say which dimensions must be dynamic together restrict graphs with dynamic shapes only.
  if (in.port == nullptr || in.port->rank < 0 || !in.predicate.of.empty()) return;
  expect(out, truth(in.predicate.flag || !has_dynamic(*in.port)), [&] {
    out.expected = "static dimensions";
    out.actual = shape_text(*in.port);
  });
}

void nonempty(const ShapeInput& in, Outcome& out) {
  if (in.port == nullptr) return;
  if (in.port->rank < 0) return unknown(out, std::string(kNoShape));
  bool empty = false;
  for (int i = 0; i < in.port->rank; ++i) empty = empty || in.port->dim(i) == 0;
  expect(out, truth(!empty), [&] {
    out.expected = "no dimension of size 0";
    out.actual = shape_text(*in.port);
  });
}

void relation(const ShapeInput& in, Outcome& out) {
  const auto lhs = evaluate(in.predicate.lhs, in.context, &in.self, &out.missing);
  const auto rhs = evaluate(in.predicate.rhs, in.context, &in.self, &out.missing);
  if (!lhs || !rhs) return unknown(out, out.missing.empty() ? "a part of the relation is not known" : out.missing);
  const std::string& c = in.predicate.compare;
  const auto holds = compared(*lhs, c, *rhs);
  if (!holds) return unknown(out, "the row compares with '" + c + "'");
  expect(out, truth(*holds), [&] {
    out.expected = fmt::format("{} {} {}", in.predicate.lhs.text, c, in.predicate.rhs.text);
    out.actual = fmt::format("{} and {}", *lhs, *rhs);
  });
}

void resize_scale(const ShapeInput& in, Outcome& out) {
  const Port* from = in.context.view.port(PortRef::Side::kIn, 0);
  const Port* to = in.context.view.port(PortRef::Side::kOut, 0);
  if (from == nullptr || to == nullptr) return;
  if (from->rank < 4 || to->rank != from->rank) return unknown(out, std::string(kNoShape));
  std::vector<double> scales;
  for (int i = 1; i < from->rank - 1; ++i) {
    if (from->dim(i) <= 0 || to->dim(i) <= 0) return unknown(out, "a dimension is not known before run time");
    scales.push_back(static_cast<double>(to->dim(i)) / static_cast<double>(from->dim(i)));
  }
  bool holds = true;
  for (const std::string& flag : in.predicate.flags)
    for (double s : scales) {
      if (flag == "upsample_only") holds = holds && s >= 1;
      if (flag == "integer") holds = holds && s == std::floor(s);
      if (flag == "same_aspect") holds = holds && s == scales[0];
    }
  expect(out, truth(holds), [&] {
    out.expected = fmt::format("a scale that is {}", fmt::join(in.predicate.flags, " and "));
    out.actual = fmt::format("scales {}", fmt::join(scales, ", "));
  });
}

void count(const ShapeInput& in, Outcome& out) {
  if (in.self.index != in.predicate.port.first) return;  // once per op, not per member
  const auto& ports = in.self.side == PortRef::Side::kIn ? in.context.view.in : in.context.view.out;
  double n = static_cast<double>(ports.size());
  if (in.predicate.kind == PredicateKind::kLastIndex)
    n -= 1;
  else
    n -= in.predicate.port.first;
  expect(out, test_number(in.predicate.test, n, in.context, &in.self, &out.missing), [&] {
    out.expected =
        in.predicate.test.text() + (in.predicate.kind == PredicateKind::kLastIndex ? " as highest index" : " members");
    out.actual = fmt::format("{}", n);
  });
}

}  // namespace snapgauge::shapes
