// What the pipeline changes by itself before the backend sees a node: said, and not held against it.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diag/rule.h"
#include "rules/judge.h"

namespace snapgauge {

void NodeJudge::rewrite(Finding& finding, std::string_view op, std::string_view change, std::string_view cost) const {
  const Finding note = make_finding(707, {{"pipeline", target_.pipeline.name},
                                          {"port", finding.port},
                                          {"op", std::string(op)},
                                          {"change", std::string(change)},
                                          {"cost", std::string(cost)}});
  finding.code = note.code;
  finding.level = note.level;
  finding.message = note.message;
  finding.fix = note.fix;
}

bool NodeJudge::mend(Finding& finding, std::string_view op, PortRef::Side side, size_t index, const Port* port) const {
  const auto has = [](const std::vector<std::string>& list, std::string_view item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  for (const Repair& r : target_.pipeline.repairs) {
    if (!r.port.covers(side, index) || !has(r.rules, code_text(finding.code)) || !has(r.ops, op) ||
        (!r.backends.empty() && !has(r.backends, target_.backend.name)))
      continue;
    if (r.only_static && (port == nullptr || port->staticness == Staticness::kDynamic)) continue;
    rewrite(finding, op, r.change, r.cost);
    return true;
  }
  return false;
}

void NodeJudge::note_in_float(const OpView& view, std::vector<Finding>& findings) const {
  if (!target_.pipeline.partial_units_in_float) return;
  for (const auto side : {PortRef::Side::kIn, PortRef::Side::kOut}) {
    const auto ports = side == PortRef::Side::kIn ? view.in : view.out;
    for (size_t i = 0; i < ports.size(); ++i) {
      if (!ports[i].present || ports[i].spec == nullptr) continue;
      const std::string op = printable(graph_.text(graph_.node(view.node).op));
      Finding f = at(view.node, 705, {{"op", op}, {"cause", "the pipeline has no quantized form of it"}});
      f.port = port_text(side, i);
      f.value = printable(graph_.text(graph_.value(ports[i].value).name));
      f.expected = "a float tensor";
      f.actual = std::string(dtype_name(ports[i].dtype));
      findings.push_back(std::move(f));
      return;
    }
  }
}

/// What the pipeline does so that the table has a row for the node.
void NodeJudge::note_rewrites(const OpView& view, std::vector<Finding>& findings) const {
  const auto here = [&] {
    Finding f;  // rewrite() fills in what is said about it
    f.node = printable(graph_.name(view.node));
    f.location = graph_.node(view.node).location;
    return f;
  };
  if (const OpMapping& row = *view.mapping; !row.rewrite_change.empty()) {
    Finding f = here();
    f.port = row.rewrite_port;
    f.expected = fmt::format("a node that {} takes as it stands", target_.backend.title);
    f.actual = fmt::format("'{}'", printable(graph_.text(graph_.node(view.node).op)));
    rewrite(f, view.op(), row.rewrite_change, row.rewrite_cost);
    findings.push_back(std::move(f));
  }
  for (size_t p = 0; p < ports_.size(); ++p) {
    const Port& port = *ports_[p];
    if (port.cast == nullptr) continue;
    const int lost = bit_width(port.cast->from) - bit_width(port.cast->to);
    Finding f = here();
    f.port = port_text(places_[p].first, places_[p].second);
    f.value = printable(graph_.text(graph_.value(port.value).name));
    f.expected = dtype_name(port.cast->to);
    f.actual = dtype_name(port.cast->from);
    rewrite(f, view.op(), fmt::format("{} becomes {}", f.actual, f.expected),
            lost > 0 && is_fixed_point(port.cast->from) ? fmt::format("{} bits of precision", lost)
            : port.staticness == Staticness::kDynamic   ? "a Convert at run time"
                                                        : "a rounding of the constant");
    findings.push_back(std::move(f));
  }
}

}  // namespace snapgauge
