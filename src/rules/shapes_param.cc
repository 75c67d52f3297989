// Check shapes about parameters, values of constants, and conditions that go together.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/number.h"
#include "rules/shapes_internal.h"

namespace snapgauge::shapes {
namespace {

constexpr std::string_view kRunTime = "its values exist at run time only";

/// Elements of a port that is a constant; sets the outcome when it is none.
std::optional<std::vector<double>> constant_elements(const ShapeInput& in, const Port* port, Outcome& out) {
  if (port == nullptr) return std::nullopt;
  const Value& v = in.context.view.graph->value(port->value);
  if (v.constant.valid())
    if (auto elements = constant_reals(*in.context.view.graph, v.constant)) return elements;
  unknown(out, std::string(kRunTime));
  out.run_time = true;
  return std::nullopt;
}

bool names_param(const ShapeInput& in) { return !in.self.param.empty(); }

std::string condition_text(const Condition& c) {
  std::string out;
  auto add = [&](const std::string& text) { out += (out.empty() ? "" : " and ") + text; };
  if (!c.value.empty()) add("a value " + c.value.text());
  if (!c.size.empty()) add("a size " + c.size.text());
  for (const PortTest& p : c.ports) {
    const std::string port = port_text(p.port);
    if (p.bits != 0) add(fmt::format("{} of {} bits", port, __builtin_ctzll(p.bits)));
    if (p.dtypes != 0) add(port + " " + dtype_set_text(p.dtypes));
    if (p.encodings != 0) add(port + " " + encoding_set_text(p.encodings));
    if (!p.rank.empty()) add(port + " with rank " + p.rank.text());
    for (const auto& [name, t] : p.dims) add(fmt::format("dimension {} of {} {}", name, port, t.text()));
  }
  for (const auto& [name, t] : c.params) add(fmt::format("{} {}", name, t.text()));
  return out.empty() ? "the stated condition" : out;
}

std::string actual_text(const ShapeInput& in) {
  if (names_param(in))
    return fmt::format("{} = {}", in.self.param, param_text(effective_param(in.self.param, in.context)));
  if (in.port == nullptr) return "absent";
  return fmt::format("{} {}", dtype_name(in.port->dtype), shape_text(*in.port));
}

}  // namespace

void value(const ShapeInput& in, Outcome& out) {
  if (names_param(in)) {
    const ParamValue v = effective_param(in.self.param, in.context);
    if (v.state == ParamValue::State::kUnset) return;  // the default applies, and the table allows it
    expect(out, test_param(in.predicate.test, in.self.param, in.context, &out.missing), [&] {
      out.expected = in.predicate.test.text();
      out.actual = param_text(v);
    });
    return;
  }
  if (in.self.side == PortRef::Side::kOut) {
    unknown(out, std::string(kRunTime));
    out.run_time = true;
    return;
  }
  const auto elements = constant_elements(in, in.port, out);
  if (!elements) return;
  Truth all = Truth::kTrue;
  double worst = 0;
  for (double e : *elements) {
    const Truth t = test_number(in.predicate.test, e, in.context, &in.self, &out.missing);
    if (t < all) worst = e;
    all = std::min(all, t);
  }
  expect(out, all, [&] {
    out.expected = "elements " + in.predicate.test.text();
    out.actual = fmt::format("an element {}", worst);
  });
}

/// An optional port that must be left out, or hold nothing but its default.
void default_port(const ShapeInput& in, Outcome& out) {
  if (in.predicate.test.empty()) {
    if (in.predicate.flag) expect(out, Truth::kFalse, [&] { out.expected = "nothing", out.actual = "a tensor"; });
    return;
  }
  const auto elements = constant_elements(in, in.port, out);
  if (!elements) return;
  Truth all = Truth::kTrue;
  for (double e : *elements) all = std::min(all, test_number(in.predicate.test, e, in.context, &in.self, &out.missing));
  expect(out, all, [&] {
    out.expected = "the default, " + in.predicate.test.text();
    out.actual = "other values";
  });
}

void default_only(const ShapeInput& in, Outcome& out) {
  if (in.port != nullptr) return default_port(in, out);
  const ParamValue given = in.context.view.param(in.self.param);
  if (given.state == ParamValue::State::kUnset) return;
  if (given.state == ParamValue::State::kUnknown)
    return unknown(out, fmt::format("parameter {} is not known before run time", in.self.param));
  const MasterParam* master = in.context.master != nullptr ? in.context.master->param(in.self.param) : nullptr;
  ParamValue wanted;
  if (master != nullptr) {
    wanted = master->fallback;
    if (master->expression)
      if (const auto n = evaluate(*master->expression, in.context, &in.self, &out.missing))
        wanted = {ParamValue::State::kKnown, {*n}, {}, false};
  }
  if (wanted.state != ParamValue::State::kKnown && !in.predicate.test.empty()) {
    out.truth = test_param(in.predicate.test, in.self.param, in.context, &out.missing);
    if (out.truth == Truth::kTrue) return;
    out.expected = "the default, " + in.predicate.test.text();
    out.actual = param_text(given);
    return;
  }
  if (wanted.state != ParamValue::State::kKnown)
    return unknown(out, fmt::format("the default of {} is not known", in.self.param));
  const ParamValue actual = effective_param(in.self.param, in.context);
  // A scalar default stands for every element.
  const bool filled =
      wanted.numbers.size() == 1 && !actual.numbers.empty() &&
      std::all_of(actual.numbers.begin(), actual.numbers.end(), [&](double n) { return n == wanted.numbers[0]; });
  const bool same = filled || (!wanted.numbers.empty() ? wanted.numbers == actual.numbers : wanted.name == actual.name);
  expect(out, truth(same), [&] {
    out.expected = "the default, " + param_text(wanted);
    out.actual = param_text(actual);
  });
}

void unique_values(const ShapeInput& in, Outcome& out) {
  const Port* port =
      in.predicate.of.empty() ? in.port : in.context.view.port(in.predicate.of[0].side, in.predicate.of[0].first);
  const auto elements = constant_elements(in, port, out);
  if (!elements) return;
  const std::set<double> distinct(elements->begin(), elements->end());
  expect(out, truth(distinct.size() == elements->size()), [&] {
    out.expected = "indices without repetition";
    out.actual = fmt::format("{} distinct among {}", distinct.size(), elements->size());
  });
}

/// Tuples of indices: element k of each counts along dimension k behind the shared batch.
void index_tuples(const ShapeInput& in, const Port& into, const std::vector<double>& elements, Outcome& out) {
  const ParamValue batch = effective_param("batch_dims", in.context);
  const int64_t skip = batch.numbers.size() == 1 ? whole_number(batch.numbers[0]).value_or(-1) : 0;
  const int64_t length = in.port->rank > 0 ? in.port->dim(in.port->rank - 1) : 1;
  if (length <= 0 || skip < 0 || skip > into.rank || length > into.rank - skip)
    return unknown(out, "the indexed axes are not known");
  for (size_t i = 0; i < elements.size(); ++i) {
    const int64_t limit = into.dim(static_cast<int>(skip + static_cast<int64_t>(i) % length));
    if (limit == kDynamicDim) return unknown(out, "the indexed dimension is not known before run time");
    if (elements[i] >= static_cast<double>(-limit) && elements[i] < static_cast<double>(limit)) continue;
    out.truth = Truth::kFalse;
    out.expected = fmt::format("indices below {}", limit);
    out.actual = fmt::format("index {}", elements[i]);
    return;
  }
}

void index_range(const ShapeInput& in, Outcome& out) {
  const Port* into =
      in.predicate.with ? in.context.view.port(in.predicate.with->side, in.predicate.with->first) : nullptr;
  const auto elements = constant_elements(in, in.port, out);
  if (!elements || into == nullptr) return;
  if (into->rank < 0) return unknown(out, "the shape indexed into is not known");
  if (!in.predicate.extent.valid()) return index_tuples(in, *into, *elements, out);
  const auto along = evaluate(in.predicate.extent, in.context, &in.self, nullptr);
  if (!along || !(*along >= 0 && *along < into->rank)) return unknown(out, "the indexed axis is not known");
  const int64_t limit = into->dim(static_cast<int>(*along));
  if (limit == kDynamicDim) return unknown(out, "the indexed dimension is not known before run time");
  for (double e : *elements) {
    if (e >= static_cast<double>(-limit) && e < static_cast<double>(limit)) continue;
    out.truth = Truth::kFalse;
    out.expected = fmt::format("indices below {}", limit);
    out.actual = fmt::format("index {}", e);
    return;
  }
}

void position_of_value(const ShapeInput& in, Outcome& out) {
  const auto elements = constant_elements(in, in.port, out);
  if (!elements) return;
  double count = 0;
  Truth all = Truth::kTrue;
  for (size_t i = 0; i < elements->size(); ++i) {
    if ((*elements)[i] != static_cast<double>(in.predicate.offset)) continue;
    ++count;
    if (in.predicate.kind == PredicateKind::kPositionOfValue)
      all = std::min(all, test_number(in.predicate.test, static_cast<double>(i), in.context, &in.self, &out.missing));
  }
  if (in.predicate.kind == PredicateKind::kCountOfValue)
    all = test_number(in.predicate.test, count, in.context, &in.self, &out.missing);
  expect(out, all, [&] {
    out.expected = fmt::format("{} {}", in.predicate.offset, in.predicate.test.text());
    out.actual = fmt::format("it occurs {} times", count);
  });
}

void pad_axes(const ShapeInput& in, Outcome& out) {
  const ParamValue pads = effective_param("pad_amount", in.context);
  if (pads.state == ParamValue::State::kUnset) return;
  if (pads.state == ParamValue::State::kUnknown)
    return unknown(out, "parameter pad_amount is not known before run time");
  std::vector<int64_t> allowed = in.predicate.axes;
  if (allowed.empty()) allowed = {1, 2};  // height and width of the vendor's layout
  for (size_t i = 0; i < pads.numbers.size(); ++i) {
    const auto axis = static_cast<int64_t>(i / 2);
    if (pads.numbers[i] == 0 || std::find(allowed.begin(), allowed.end(), axis) != allowed.end()) continue;
    out.truth = Truth::kFalse;
    out.expected = fmt::format("padding along {} only", fmt::join(in.predicate.flags, " and "));
    out.actual = fmt::format("{} along axis {}", pads.numbers[i], axis);
    return;
  }
}

void requires_one(const ShapeInput& in, Outcome& out) {
  Truth best = Truth::kFalse;
  for (const Condition& c : in.predicate.then) best = std::max(best, evaluate(c, in.context, &in.self, &out.missing));
  expect(out, best, [&] {
    for (const Condition& c : in.predicate.then)
      out.expected += (out.expected.empty() ? "" : ", or ") + condition_text(c);
    out.actual = actual_text(in);
  });
}

void forbidden(const ShapeInput& in, Outcome& out) {
  Truth all = Truth::kTrue;
  for (const Condition& c : in.predicate.then) all = std::min(all, evaluate(c, in.context, &in.self, &out.missing));
  if (all == Truth::kUnknown) return unknown(out, out.missing);
  expect(out, truth(all == Truth::kFalse), [&] {
    for (const Condition& c : in.predicate.then)
      out.expected += (out.expected.empty() ? "not " : " and ") + condition_text(c);
    out.actual = actual_text(in);
  });
}

void unsupported(const ShapeInput& in, Outcome& out) {
  const bool used =
      names_param(in) ? in.context.view.param(in.self.param).state != ParamValue::State::kUnset : in.port != nullptr;
  if (used && names_param(in)) {
    // Setting a parameter to its default is leaving it out.
    Outcome as_default;
    default_only(in, as_default);
    if (as_default.truth == Truth::kTrue) return;
  }
  expect(out, truth(!used), [&] {
    out.expected = "left out";
    out.actual = names_param(in) ? param_text(effective_param(in.self.param, in.context)) : "present";
  });
}

void mandatory(const ShapeInput& in, Outcome& out) {
  const bool given = names_param(in) ? effective_param(in.self.param, in.context).state != ParamValue::State::kUnset
                                     : in.port != nullptr;
  expect(out, truth(given), [&] {
    out.expected = "given";
    out.actual = "left out";
  });
}

void applies_only(const ShapeInput& in, Outcome& out) {
  if (in.context.view.param(in.self.param).state == ParamValue::State::kUnset) return;
  const Truth t = evaluate(*in.predicate.when, in.context, &in.self, &out.missing);
  expect(out, t, [&] {
    out.expected = "used only with " + condition_text(*in.predicate.when);
    out.actual = "given";
  });
}

void data_format(const ShapeInput& in, Outcome& out) {
  // Every tensor of the formats we read is dense.
  if (in.predicate.kind == PredicateKind::kSameDataFormat || in.port == nullptr) return;
  Truth all = Truth::kTrue;
  for (const Test::Clause& c : in.predicate.test.clauses)
    all = std::min(all, truth((c.operand.name == "SPARSE") == (c.op == Test::Op::kNe)));
  expect(out, all, [&] {
    out.expected = "a sparse tensor";
    out.actual = "a dense tensor";
  });
}

}  // namespace snapgauge::shapes
