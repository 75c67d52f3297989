// What the ports of one node owe each other: the bias to input and weight, integers to their parameters,
// quantized ports to those in floating point.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "diag/rule.h"
#include "rules/judge.h"

namespace snapgauge {

/// Bias scale = input scale x weight scale, per channel when the weight is. Uncalibrated and derived
/// specs have no scale of their own to compare.
void NodeJudge::check_bias(const OpView& view, std::string_view op, std::vector<bool>& broken, Judgement& judgement,
                           std::vector<Finding>& findings) {
  const OpMapping& mapping = *view.mapping;
  const Port* x = view.port(PortRef::Side::kIn, 0);
  const Port* w = view.port(mapping.weight->side, mapping.weight->first);
  const Port* b = view.port(mapping.bias->side, mapping.bias->first);
  if (x == nullptr || w == nullptr || b == nullptr || broken[0] || broken[mapping.weight->first] ||
      broken[mapping.bias->first])
    return;
  if (x->spec == nullptr || w->spec == nullptr || b->spec == nullptr || b->derived || bit_width(b->dtype) != 32) return;
  const auto& sx = x->spec->scales;
  const auto& sw = w->spec->scales;
  const auto& sb = b->spec->scales;
  if (sx.size() != 1 || sw.empty() || sb.empty() || !w->spec->block.empty()) return;
  constexpr double kTolerance = 1e-4;  // relative; products of float32 scales round to about 1e-7
  std::vector<double> products = sw;
  for (double& s : products) s *= sx[0];
  for (size_t c = 0; c < std::max(sb.size(), sw.size()); ++c) {
    const double want = products[std::min(c, products.size() - 1)];
    const double got = sb[sb.size() == 1 ? 0 : std::min(c, sb.size() - 1)];
    const bool same_count = sb.size() == 1 || sw.size() == 1 || sb.size() == sw.size();
    if (same_count && std::abs(got - want) <= kTolerance * want) continue;
    const std::string port = port_text(mapping.bias->side, mapping.bias->first);
    Finding f = at(view.node, 407, {{"op", std::string(op)}});
    f.port = port;
    f.value = printable(graph_.text(graph_.value(b->value).name));
    f.expected = fmt::format("scale {}{}", number_text(want), sw.size() > 1 ? fmt::format(" for channel {}", c) : "");
    f.actual = same_count ? fmt::format("scale {}", number_text(got))
                          : fmt::format("{} scales for {} channels", sb.size(), sw.size());
    rescale(*b, std::move(products)).attach_to(f);
    if (!mend(f, op, mapping.bias->side, mapping.bias->first, b))
      judgement.reject(fmt::format("{}: {}", port, f.message));
    findings.push_back(std::move(f));
    broken[mapping.bias->first] = true;
    return;
  }
}

/// An ONNX node that reads the integers of a QuantizeLinear computes with them as numbers.
void NodeJudge::check_edges(const OpView& view, std::string_view op, std::vector<bool>& broken, Judgement& judgement,
                            std::vector<Finding>& findings) {
  // What only moves data moves integers as well.
  if (names_item(rule(7).except, op)) return;
  for (size_t i = 0; i < view.in.size(); ++i) {
    const Port& port = view.in[i];
    if (!port.present || port.stated || port.spec == nullptr || !is_plain_integer(graph_.value(port.value).dtype))
      continue;
    const std::string name = port_text(PortRef::Side::kIn, i);
    Finding f = at(view.node, 7, {{"port", name}, {"op", std::string(op)}});
    f.port = name;
    f.value = printable(graph_.text(graph_.value(port.value).name));
    f.expected = "a DequantizeLinear in front of the port";
    f.actual = fmt::format("the {} integers of '{}'", dtype_name(graph_.value(port.value).dtype), f.value);
    judgement.reject(fmt::format("{}: {}", name, f.message));
    findings.push_back(std::move(f));
    broken[i] = true;
  }
}

/// A pipeline that groups Q/DQ into quantized units hands a node that is quantized on some ports only
/// over in floating point, with Dequantize and Quantize as ops around it.
bool NodeJudge::judge_in_float(const OpView& view, const CompiledOp& op, Judgement& judgement,
                               std::vector<Finding>& findings) {
  if (op.converts || !target_.pipeline.partial_units_in_float || target_.backend.fixed_point_only) return false;
  size_t quantized = 0;
  size_t in_float = 0;
  size_t first_float = 0;
  for (size_t p = 0; p < ports_.size(); ++p) {
    if (ports_[p]->spec != nullptr)
      ++quantized;
    else if (is_float(ports_[p]->dtype) && ++in_float == 1)
      first_float = p;
  }
  if (quantized == 0 || in_float == 0) return false;
  float_in_.assign(view.in.begin(), view.in.end());
  float_out_.assign(view.out.begin(), view.out.end());
  for (auto* ports : {&float_in_, &float_out_})
    for (Port& port : *ports) {
      if (port.spec == nullptr) continue;
      port.spec = nullptr;
      port.encoding = Encoding::kNone;
      port.dtype = DType::kFloat32;
      port.dtypes = target_.plain_dtypes(DType::kFloat32);
    }
  const OpView float_view(view, float_in_, float_out_);
  collect_ports(float_view);
  const Match match = match_variants(op);
  const bool fits = match.mismatches == 0;
  if (fits) {
    const auto [side, index] = places_[first_float];
    Finding f = at(view.node, 705, {{"op", op.name}, {"cause", port_text(side, index) + " is not quantized"}});
    f.port = port_text(side, index);
    f.value = printable(graph_.text(graph_.value(ports_[first_float]->value).name));
    f.expected = "every float tensor of the node between Q and DQ, or none";
    f.actual = fmt::format("{} quantized ports and {} in floating point", quantized, in_float);
    findings.push_back(std::move(f));
    check_predicates(op.gates, op, float_view, match.configs, judgement, findings);
  }
  collect_ports(view);
  return fits;
}

}  // namespace snapgauge
