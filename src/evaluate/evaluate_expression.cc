// Expressions of the op-info tables on an OpView.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "evaluate/evaluate.h"
#include "evaluate/evaluate_internal.h"

namespace snapgauge {

namespace evaluation {

void note(std::string* missing, std::string text) {
  if (missing != nullptr && missing->empty()) *missing = std::move(text);
}

std::optional<double> dim_of(const Port& port, int64_t index) {
  if (port.rank < 0) return std::nullopt;
  if (index < 0) index += port.rank;
  if (index < 0 || index >= port.rank) return std::nullopt;
  const int64_t d = port.dim(static_cast<int>(index));
  return d == kDynamicDim ? std::nullopt : std::optional(static_cast<double>(d));
}

}  // namespace evaluation

using evaluation::dim_of;
using evaluation::note;

namespace {

constexpr int kMaxSteps = 10000;  // of one expression, loops included

/// An index into something that exists; nothing for what no index can be (huge, negative, NaN).
std::optional<size_t> as_index(double value) {
  if (!(value >= 0 && value < 1e6)) return std::nullopt;
  return static_cast<size_t>(value);
}

class ExprEvaluator {
 public:
  ExprEvaluator(const Expr& expr, const EvalContext& context, std::string* missing)
      : expr_(expr), context_(context), missing_(missing) {}

  std::optional<double> run(uint32_t index) {
    if (++steps_ > kMaxSteps) return std::nullopt;
    using Op = Expr::Op;
    const Expr::Node& n = expr_.nodes[index];
    switch (n.op) {
      case Op::kNumber: return n.number;
      case Op::kNeg: return unary(n, [](double a) { return -a; });
      case Op::kFloor: return unary(n, [](double a) { return std::floor(a); });
      case Op::kAdd: return binary(n, [](double a, double b) { return std::optional(a + b); });
      case Op::kSub: return binary(n, [](double a, double b) { return std::optional(a - b); });
      case Op::kMul: return binary(n, [](double a, double b) { return std::optional(a * b); });
      case Op::kDiv:
        return binary(n, [this](double a, double b) { return b == 0 ? fail("a divisor") : std::optional(a / b); });
      case Op::kMod:
        return binary(
            n, [this](double a, double b) { return b == 0 ? fail("a divisor") : std::optional(std::fmod(a, b)); });
      case Op::kMin:
      case Op::kMax: return extreme(n);
      case Op::kIf: return choose(n);
      case Op::kSumOver:
      case Op::kProdOver: return over(n);
      case Op::kRank:
      case Op::kDim:
      case Op::kSize:
      case Op::kCount:
      case Op::kPresent: return of_port(n);
      case Op::kName: return name(n.name);
      case Op::kIndex: return element(n);
    }
    return std::nullopt;
  }

 private:
  template <class F>
  std::optional<double> unary(const Expr::Node& n, F f) {
    const auto a = n.children.size() == 1 ? run(n.children[0]) : std::nullopt;
    return a ? std::optional(f(*a)) : std::nullopt;
  }

  template <class F>
  std::optional<double> binary(const Expr::Node& n, F f) {
    const auto a = run(n.children[0]);
    const auto b = run(n.children[1]);
    return a && b ? f(*a, *b) : std::nullopt;
  }

  std::optional<double> extreme(const Expr::Node& n) {
    std::optional<double> best;
    for (uint32_t child : n.children) {
      const auto v = run(child);
      if (!v) return std::nullopt;
      best = !best ? *v : n.op == Expr::Op::kMin ? std::min(*best, *v) : std::max(*best, *v);
    }
    return best;
  }

  std::optional<double> choose(const Expr::Node& n) {
    if (n.children.size() != 3) return std::nullopt;
    const auto c = run(n.children[0]);
    return c ? run(n.children[*c != 0 ? 1 : 2]) : std::nullopt;
  }

  /// sum(i, body): over the members of the repeated port or the elements that the body indexes by i.
  std::optional<double> over(const Expr::Node& n) {
    if (expr_.nodes[n.children[0]].op != Expr::Op::kName) return fail("a loop index");
    const std::string saved = loop_name_;
    const double saved_value = loop_value_;
    loop_name_ = expr_.nodes[n.children[0]].name;
    double total = n.op == Expr::Op::kSumOver ? 0 : 1;
    std::optional<double> result;
    const size_t count = std::max(context_.view.in.size(), size_t{1});
    for (size_t i = 0; i < count; ++i) {
      loop_value_ = static_cast<double>(i);
      const auto v = run(n.children[1]);
      if (!v) {
        result.reset();
        break;
      }
      total = n.op == Expr::Op::kSumOver ? total + *v : total * *v;
      result = total;
    }
    loop_name_ = saved;
    loop_value_ = saved_value;
    return result;
  }

  const Port* port_of(const Expr::Node& n) {
    size_t index = n.port->first;
    if (n.port_index) {
      const auto i = run(*n.port_index);
      const auto at = i ? as_index(*i) : std::nullopt;
      if (!at) return nullptr;
      index = *at;
    }
    return context_.view.port(n.port->side, index);
  }

  std::optional<double> of_port(const Expr::Node& n) {
    using Op = Expr::Op;
    if (n.port->side == PortRef::Side::kParam) {
      const ParamValue v = effective_param(n.port->param, context_);
      if (n.op == Op::kPresent) return v.state == ParamValue::State::kUnset ? 0 : 1;
      if (v.state != ParamValue::State::kKnown) return fail(n.port->param);
      return n.op == Op::kSize ? std::optional(static_cast<double>(v.numbers.size())) : std::nullopt;
    }
    if (n.op == Op::kCount) {
      const auto& ports = n.port->side == PortRef::Side::kIn ? context_.view.in : context_.view.out;
      const size_t last = std::min<size_t>(ports.size(), static_cast<size_t>(n.port->last) + 1);
      return last > n.port->first ? static_cast<double>(last - n.port->first) : 0;
    }
    const Port* port = port_of(n);
    if (n.op == Op::kPresent) return port != nullptr ? 1 : 0;
    if (port == nullptr || port->rank < 0) return fail("the shape of " + port_text(*n.port));
    if (n.op == Op::kRank) return port->rank;
    if (n.op == Op::kDim) {
      const auto i = n.children.empty() ? std::nullopt : run(n.children[0]);
      const bool usable = i && std::abs(*i) < 1e6;
      const auto d = usable ? dim_of(*port, static_cast<int64_t>(*i)) : std::nullopt;
      return d ? d : fail("a dimension of " + port_text(*n.port));
    }
    double size = 1;
    for (int i = 0; i < port->rank; ++i) {
      const auto d = dim_of(*port, i);
      if (!d) return fail("a dimension of " + port_text(*n.port));
      size *= *d;
    }
    return size;
  }

  std::optional<double> name(const std::string& text) {
    if (!loop_name_.empty() && text == loop_name_) return loop_value_;
    if (context_.element && text == "i") return context_.element;
    const ParamValue v = effective_param(text, context_);
    if (v.state == ParamValue::State::kKnown && v.numbers.size() == 1) return v.numbers[0];
    if (context_.master != nullptr)
      for (const auto& [known, where] : context_.master->dims) {
        if (known != text) continue;
        const Port* port = context_.view.port(where.first.side, where.first.first);
        const auto d = port != nullptr ? dim_of(*port, where.second) : std::nullopt;
        if (d) return d;
      }
    return fail(text);
  }

  std::optional<double> element(const Expr::Node& n) {
    const auto i = run(n.children[0]);
    const ParamValue v = effective_param(n.name, context_);
    if (!i || v.state != ParamValue::State::kKnown) return fail(n.name);
    const auto index = as_index(*i);
    return index && *index < v.numbers.size() ? std::optional(v.numbers[*index]) : fail(n.name);
  }

  std::optional<double> fail(const std::string& what) {
    note(missing_, what + " is not known");
    return std::nullopt;
  }

  const Expr& expr_;
  const EvalContext& context_;
  std::string* missing_;
  std::string loop_name_;
  double loop_value_ = 0;
  int steps_ = 0;
};

}  // namespace

std::optional<double> evaluate(const Expr& expr, const EvalContext& context, const Subject* /*self*/,
                               std::string* missing) {
  if (!expr.valid()) return std::nullopt;
  return ExprEvaluator(expr, context, missing).run(0);
}

}  // namespace snapgauge
