#include "evaluate/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "evaluate/evaluate_internal.h"

namespace snapgauge {

using evaluation::dim_of;
using evaluation::note;

namespace {

Truth all_of(Truth a, Truth b) { return std::min(a, b); }

/// One comparison of a scalar, given as a number or an enumerator.
class Comparison {
 public:
  Comparison(double number, std::string_view name, const EvalContext& context, const Subject* self,
             std::string* missing)
      : number_(number), name_(name), context_(context), self_(self), missing_(missing) {}

  Truth check(const Test::Clause& clause) const {
    using Op = Test::Op;
    switch (clause.op) {
      case Op::kEq: return equal(clause.operand);
      case Op::kNe: return negate(equal(clause.operand));
      case Op::kIn: return any(clause.operand);
      case Op::kNotIn: return negate(any(clause.operand));
      case Op::kMin: return compare(clause.operand, [](double a, double b) { return a >= b; });
      case Op::kMax: return compare(clause.operand, [](double a, double b) { return a <= b; });
      case Op::kGt: return compare(clause.operand, [](double a, double b) { return a > b; });
      case Op::kLt: return compare(clause.operand, [](double a, double b) { return a < b; });
      case Op::kMultipleOf:
        return compare(clause.operand, [](double a, double b) { return b != 0 && std::fmod(a, b) == 0; });
      case Op::kNotMultipleOf:
        return compare(clause.operand, [](double a, double b) { return b == 0 || std::fmod(a, b) != 0; });
      case Op::kNonzero: return truth((number_ != 0) == (clause.operand.number != 0));
      case Op::kContains: return equal(clause.operand);
    }
    return Truth::kUnknown;
  }

 private:
  static Truth negate(Truth t) { return t == Truth::kUnknown ? t : truth(t == Truth::kFalse); }

  std::optional<double> number_of(const Operand& o) const {
    switch (o.kind) {
      case Operand::Kind::kNumber:
      case Operand::Kind::kBool: return o.number;
      case Operand::Kind::kExpr: return evaluate(o.expr, context_, self_, missing_);
      case Operand::Kind::kDimName: return dimension(o.name);
      default: return std::nullopt;
    }
  }

  /// Position of the dimension called `name` in the first input.
  std::optional<double> dimension(const std::string& name) const {
    if (context_.master != nullptr)
      for (const auto& [known, where] : context_.master->dims)
        if (known == name || known == name + "_in") return where.second;
    // Channels are last in the vendor's layout.
    const Port* in = context_.view.port(PortRef::Side::kIn, 0);
    if (name == "channel" && in != nullptr && in->rank > 0) return in->rank - 1;
    note(missing_, fmt::format("the position of axis '{}' is not known", name));
    return std::nullopt;
  }

  Truth equal(const Operand& o) const {
    if (o.kind == Operand::Kind::kName) {
      if (name_.empty()) {
        note(missing_, fmt::format("the enumerator of {} is not known", number_text(number_)));
        return Truth::kUnknown;
      }
      return truth(o.name == name_);
    }
    if (o.kind == Operand::Kind::kList) return o.list.size() == 1 ? equal(o.list[0]) : Truth::kFalse;
    const auto v = number_of(o);
    if (!v) return Truth::kUnknown;
    return truth(*v == number_);
  }

  Truth any(const Operand& list) const {
    Truth best = Truth::kFalse;
    for (const Operand& o : list.list) best = std::max(best, equal(o));
    return best;
  }

  template <class F>
  Truth compare(const Operand& o, F f) const {
    const auto v = number_of(o);
    return v ? truth(f(number_, *v)) : Truth::kUnknown;
  }

  double number_;
  std::string_view name_;
  const EvalContext& context_;
  const Subject* self_;
  std::string* missing_;
};

/// A list against eq/ne of a list; nothing when the clause compares elements.
std::optional<Truth> whole_list(const Test::Clause& clause, const std::vector<double>& numbers,
                                const EvalContext& context, std::string* missing) {
  const bool equality = clause.op == Test::Op::kEq || clause.op == Test::Op::kNe;
  if (!equality || clause.operand.kind != Operand::Kind::kList) return std::nullopt;
  Truth same = truth(clause.operand.list.size() == numbers.size());
  for (size_t i = 0; same != Truth::kFalse && i < numbers.size(); ++i)
    same = all_of(same,
                  Comparison(numbers[i], {}, context, nullptr, missing).check({Test::Op::kEq, clause.operand.list[i]}));
  if (clause.op == Test::Op::kEq || same == Truth::kUnknown) return same;
  return truth(same == Truth::kFalse);
}

Truth test_list(const Test& test, const std::vector<double>& numbers, const EvalContext& context,
                std::string* missing) {
  std::vector<double> chosen = numbers;
  if (!test.at.empty()) {
    std::vector<int64_t> at = test.at;
    if (test.at_to) {
      const auto to = test.at_to->kind == Operand::Kind::kExpr ? evaluate(test.at_to->expr, context, nullptr, missing)
                                                               : std::optional(test.at_to->number);
      if (!to) return Truth::kUnknown;
      for (int64_t i = at[0] + 1; i <= static_cast<int64_t>(std::clamp(*to, -1.0, 64.0)); ++i) at.push_back(i);
    }
    chosen.clear();
    for (int64_t i : at)
      if (i >= 0 && static_cast<size_t>(i) < numbers.size()) chosen.push_back(numbers[static_cast<size_t>(i)]);
  }
  Truth result = Truth::kTrue;
  for (const Test::Clause& clause : test.clauses) {
    if (const auto whole = whole_list(clause, chosen, context, missing)) {
      result = all_of(result, *whole);
      continue;
    }
    // "contains" and "nonzero" ask for one element, the others speak of every element.
    const bool exists = clause.op == Test::Op::kContains || clause.op == Test::Op::kNonzero;
    Truth over = truth(!exists);
    for (size_t i = 0; i < chosen.size(); ++i) {
      const EvalContext at{context.view, context.target, context.master, static_cast<double>(i)};
      const Truth t = Comparison(chosen[i], {}, at, nullptr, missing).check(clause);
      over = exists ? std::max(over, t) : all_of(over, t);
    }
    result = all_of(result, over);
  }
  return result;
}

Truth test_dims(const PortTest& test, const Port& port, const EvalContext& context, std::string* missing) {
  Truth result = Truth::kTrue;
  for (const auto& [key, t] : test.dims) {
    std::optional<double> d;
    char* end = nullptr;
    const long index = std::strtol(key.c_str(), &end, 10);
    if (*end == '\0') {
      d = dim_of(port, index);
    } else if (key == "channel" && port.rank > 0) {
      d = dim_of(port, port.rank - 1);
    } else if (context.master != nullptr) {
      for (const auto& [name, where] : context.master->dims)
        if (name == key) d = dim_of(port, where.second);
    }
    if (!d) note(missing, fmt::format("dimension {} is not known", key));
    result = all_of(result, d ? test_number(t, *d, context, nullptr, missing) : Truth::kUnknown);
  }
  if (test.any_dim.empty()) return result;
  if (port.rank < 0) {
    note(missing, "the shape is not known");
    return Truth::kUnknown;
  }
  Truth any = Truth::kFalse;
  for (int i = 0; i < port.rank; ++i) {
    const auto d = dim_of(port, i);
    any = std::max(any, d ? test_number(test.any_dim, *d, context, nullptr, missing) : Truth::kUnknown);
  }
  return all_of(result, any);
}

/// A frontend's own argument; an absent one fails every test.
Truth test_value(const Test& test, const ParamValue& v, const EvalContext& context) {
  if (v.state == ParamValue::State::kUnset) return Truth::kFalse;
  if (v.state == ParamValue::State::kUnknown) return Truth::kUnknown;
  if (v.is_list) return test_list(test, v.numbers, context, nullptr);
  Truth result = Truth::kTrue;
  const Comparison comparison(v.numbers.empty() ? 0 : v.numbers[0], v.name, context, nullptr, nullptr);
  for (const Test::Clause& clause : test.clauses) result = all_of(result, comparison.check(clause));
  return result;
}

Truth set_test(DTypeSet wanted, const Port& port, std::string* missing) {
  if (port.dtypes == 0) {
    note(missing, "the datatype is not known");
    return Truth::kUnknown;
  }
  return truth((port.dtypes & wanted) != 0);
}

}  // namespace

Truth test_number(const Test& test, double value, const EvalContext& context, const Subject* self,
                  std::string* missing) {
  Truth result = Truth::kTrue;
  const Comparison comparison(value, {}, context, self, missing);
  for (const Test::Clause& clause : test.clauses) result = all_of(result, comparison.check(clause));
  return result;
}

ParamValue effective_param(std::string_view name, const EvalContext& context) {
  ParamValue v = context.view.param(name);
  const MasterParam* master = context.master != nullptr ? context.master->param(name) : nullptr;
  if (master == nullptr) return v;
  if (v.state == ParamValue::State::kUnset) {
    v = master->fallback;
    if (master->expression)
      if (const auto number = evaluate(*master->expression, context, nullptr, nullptr))
        v = {ParamValue::State::kKnown, {*number}, {}, false};
  }
  if (v.state != ParamValue::State::kKnown || master->values.empty()) return v;
  // An enumerator carries both its name and its number.
  if (v.name.empty() && v.numbers.size() == 1) v.name = std::string(master->enumerator(v.numbers[0]));
  if (!v.name.empty() && v.numbers.empty())
    for (const auto& [text, number] : master->values)
      if (text == v.name) v.numbers = {number};
  return v;
}

std::string param_text(const ParamValue& value) {
  if (value.state == ParamValue::State::kUnset) return "not set";
  if (value.state == ParamValue::State::kUnknown) return "not known before run time";
  if (!value.name.empty()) return value.name;
  if (!value.is_list && value.numbers.size() == 1) return number_text(value.numbers[0]);
  std::string out;
  for (size_t i = 0; i < value.numbers.size() && i < 12; ++i)
    out += (i > 0 ? ", " : "") + number_text(value.numbers[i]);
  return "[" + out + (value.numbers.size() > 12 ? ", ...]" : "]");
}

Truth test_param(const Test& test, std::string_view name, const EvalContext& context, std::string* missing) {
  const ParamValue v = effective_param(name, context);
  if (v.state == ParamValue::State::kUnknown) {
    note(missing, fmt::format("parameter {} is not known before run time", name));
    return Truth::kUnknown;
  }
  // Neither given nor defaulted: nothing that a test could hold for.
  if (v.state == ParamValue::State::kUnset) return Truth::kFalse;
  if (v.numbers.size() != 1 && v.name.empty()) return test_list(test, v.numbers, context, missing);
  if (v.is_list) return test_list(test, v.numbers, context, missing);
  Truth result = Truth::kTrue;
  const Comparison comparison(v.numbers.empty() ? 0 : v.numbers[0], v.name, context, nullptr, missing);
  for (const Test::Clause& clause : test.clauses) result = all_of(result, comparison.check(clause));
  return result;
}

Truth evaluate(const PortTest& test, const Port& port, const EvalContext& context, std::string* missing) {
  if (test.unknown) {
    note(missing, "the row has a condition that this version cannot evaluate");
    return Truth::kUnknown;
  }
  Truth result = Truth::kTrue;
  if (test.dtypes != 0) result = all_of(result, set_test(test.dtypes, port, missing));
  if (result != Truth::kFalse && test.dtypes_not != 0)
    result = all_of(result, port.dtypes == 0 ? Truth::kUnknown : truth((port.dtypes & ~test.dtypes_not) != 0));
  if (result != Truth::kFalse && test.bits != 0)
    result = all_of(result, port.dtypes == 0
                                ? Truth::kUnknown
                                : truth((test.bits >> (static_cast<unsigned>(bit_width(port.dtype)) & 63U) & 1U) != 0));
  if (result != Truth::kFalse && test.encodings != 0)
    result =
        all_of(result, truth((test.encodings & encoding_bit(port.encoding)) != 0 && port.encoding != Encoding::kNone));
  if (result != Truth::kFalse && !test.rank.empty()) {
    if (port.rank < 0) {
      note(missing, "the rank is not known");
      result = Truth::kUnknown;
    } else {
      result = all_of(result, test_number(test.rank, port.rank, context, nullptr, missing));
    }
  }
  if (result != Truth::kFalse && (!test.dims.empty() || !test.any_dim.empty()))
    result = all_of(result, test_dims(test, port, context, missing));
  if (result != Truth::kFalse && test.is_static)
    result = all_of(result, truth((port.staticness != Staticness::kDynamic) == *test.is_static));
  if (result != Truth::kFalse && test.is_quantized)
    result = all_of(result, truth((port.spec != nullptr) == *test.is_quantized));
  if (result != Truth::kFalse && test.is_dynamic) {
    bool dynamic = false;
    for (int i = 0; i < port.rank; ++i) dynamic = dynamic || port.dim(i) == kDynamicDim;
    result = all_of(result, port.rank < 0 ? Truth::kUnknown : truth(dynamic == *test.is_dynamic));
  }
  return result;
}

namespace {

/// What only op maps ask: about the frontend's node itself.
Truth frontend_part(const Condition& condition, const EvalContext& context, std::string* missing) {
  const Operation& view = context.view;
  Truth result = Truth::kTrue;
  if (!condition.operands.empty())
    result = all_of(result, test_number(condition.operands, view.operand_count(), context, nullptr, missing));
  for (const auto& [position, test] : condition.given)
    result = all_of(result, test_number(test, view.given_in_list(position), context, nullptr, missing));
  for (const int index : condition.used) result = all_of(result, truth(view.result_used(index)));
  if (const auto& port = condition.absent)
    result = all_of(result, truth(view.port(port->side, port->first) == nullptr));
  for (const Relation& r : condition.relations) {
    if (result == Truth::kFalse) return result;
    const auto lhs = evaluate(r.lhs, context, nullptr, missing), rhs = evaluate(r.rhs, context, nullptr, missing);
    result = all_of(result, lhs && rhs ? truth(compared(*lhs, r.compare, *rhs).value_or(false)) : Truth::kUnknown);
  }
  return result;
}

}  // namespace

Truth evaluate(const Condition& condition, const EvalContext& context, const Subject* self, std::string* missing) {
  if (condition.always) return Truth::kTrue;
  Truth result = Truth::kTrue;
  const bool is_param = self != nullptr && !self->param.empty();
  const Port* own = self != nullptr && !is_param ? context.view.port(self->side, self->index) : nullptr;
  if (own != nullptr)
    result = all_of(result, evaluate(condition.own, *own, context, missing));
  else if (condition.own.unknown)
    return Truth::kUnknown;
  if (result == Truth::kFalse) return result;
  if (!condition.pipelines.empty())
    result = all_of(result, truth(std::find(condition.pipelines.begin(), condition.pipelines.end(),
                                            context.target.pipeline.name) != condition.pipelines.end()));
  if (!condition.backends.empty())
    result = all_of(result, truth(std::find(condition.backends.begin(), condition.backends.end(),
                                            context.target.backend.name) != condition.backends.end()));
  for (const auto& [position, test] : condition.args)
    if (result != Truth::kFalse) result = all_of(result, test_value(test, context.view.argument(position), context));
  for (const auto& [name, test] : condition.attrs)
    if (result != Truth::kFalse) result = all_of(result, test_value(test, context.view.attribute(name), context));
  if (result != Truth::kFalse) result = all_of(result, frontend_part(condition, context, missing));
  if (!condition.opset.empty() && result != Truth::kFalse)
    result = all_of(result, test_number(condition.opset, context.view.graph->opset, context, nullptr, missing));
  if (!condition.last_index.empty() && self != nullptr) {
    // A parameter's row speaks of the repeated input.
    const auto& ports = self->side == PortRef::Side::kOut ? context.view.out : context.view.in;
    result = all_of(
        result, test_number(condition.last_index, static_cast<double>(ports.size()) - 1, context, nullptr, missing));
  }
  for (const PortTest& test : condition.ports) {
    if (result == Truth::kFalse) return result;
    const auto& ports = test.port.side == PortRef::Side::kIn ? context.view.in : context.view.out;
    // A test on a repeated port holds when it holds for one of its members.
    Truth any = Truth::kFalse;
    for (size_t i = test.port.first; i < ports.size() && i <= test.port.last; ++i)
      if (ports[i].present) any = std::max(any, evaluate(test, ports[i], context, missing));
    result = all_of(result, any);
  }
  for (const auto& [name, test] : condition.params) {
    if (result == Truth::kFalse) return result;
    result = all_of(result, test_param(test, name, context, missing));
  }
  if (result == Truth::kFalse || !is_param) return result;
  if (!condition.value.empty()) result = all_of(result, test_param(condition.value, self->param, context, missing));
  if (!condition.size.empty()) {
    const ParamValue v = effective_param(self->param, context);
    result = all_of(result,
                    v.state == ParamValue::State::kKnown
                        ? test_number(condition.size, static_cast<double>(v.numbers.size()), context, nullptr, missing)
                        : Truth::kUnknown);
  }
  if (condition.set)
    result =
        all_of(result, truth((context.view.param(self->param).state != ParamValue::State::kUnset) == *condition.set));
  return result;
}

}  // namespace snapgauge
