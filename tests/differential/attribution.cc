#include "differential/attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diag/rule.h"
#include "differential/upstream.h"

namespace snapgauge::differential {
namespace {

bool contains_text(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_dtype_rule(RuleCode code) { return code == 102 || code == 103 || code == 105; }

/// "in[3]" -> 3.
size_t port_index(std::string_view port) {
  const size_t open = port.find('[');
  size_t index = 0;
  for (size_t i = open + 1; open != std::string_view::npos && i < port.size() && port[i] >= '0' && port[i] <= '9'; ++i)
    index = index * 10 + static_cast<size_t>(port[i] - '0');
  return index;
}

/// "Input node (x) of node (y) failed ..." -> "x".
std::string_view first_in_parentheses(std::string_view text) {
  const size_t open = text.find('('), close = text.find(')');
  return open == std::string_view::npos || close == std::string_view::npos ? std::string_view()
                                                                           : text.substr(open + 1, close - open - 1);
}

}  // namespace

Attribution::Attribution(const Graph& graph, const CheckResult& result, const Json& ops)
    : graph_(graph), ops_(ops), sharing_(graph) {
  for (uint32_t n = 0; n < graph.nodes.size(); ++n) nodes_.emplace(graph.name(NodeId{n}), NodeId{n});
  for (const NodeResult& node : result.nodes) {
    Judged& judged = judged_[std::string(graph.name(node.node))];
    judged.result = &node;
    judged.reason = result.reason_of(node);
  }
  for (const Finding& finding : result.findings) judged_[finding.node].findings.push_back(&finding);
}

std::optional<NodeVerdict> Attribution::verdict(const std::string& node) const {
  const auto it = judged_.find(node);
  if (it == judged_.end() || it->second.result == nullptr) return std::nullopt;
  return it->second.result->verdict;
}

Explanation Attribution::explain(const std::string& name, const Json& upstream) const {
  const bool valid = upstream["valid"].get<bool>();
  const auto ours = verdict(name);
  if (!ours) return {kUnexplained, "not judged by us"};
  const Judged& judged = judged_.at(name);
  const Node& node = graph_.node(nodes_.at(name));
  if (*ours == NodeVerdict::kAccepted) return valid ? Explanation{} : laxer(node, judged, upstream);
  if (valid) return stricter(node, judged, upstream);
  if (*ours == NodeVerdict::kUnknown) return {kUnexplained, "upstream invalid, we cannot tell: " + judged.reason};
  // Both reject. For another reason is fine as long as ours, too, is one that upstream misses.
  if (same_cause(judged, upstream)) return {};
  const Explanation why = stricter(node, judged, upstream);
  return why.outcome == kUnexplained ? Explanation{kUnexplained, "both reject, for other reasons; " + why.detail}
                                     : Explanation{};
}

bool Attribution::same_cause(const Judged& ours, const Json& upstream) const {
  static const std::map<std::string_view, RuleCode> kCauses = {
      {"symmetric constraint", 201}, {"math invariant", 301}, {"scale (", 401}, {"LPBQ", 501}, {"16-bit weights", 502}};
  for (const Json& message : upstream["messages"])
    for (const auto& [words, code] : kCauses)
      for (const Finding* finding : ours.findings)
        if (finding->code == code && contains_text(message.get<std::string>(), words)) return true;
  return false;
}

PlaceId Attribution::place_of(const Node& node, std::string_view value, bool output) const {
  if (output) {
    for (uint32_t v = node.outputs.first; v < node.outputs.end(); ++v)
      if (value.empty() || graph_.text(graph_.values[v].name) == value) return sharing_.place(ValueId{v});
    return {};
  }
  for (uint32_t u = node.uses.first; u < node.uses.end(); ++u)
    if (graph_.uses[u].value.valid() && graph_.text(graph_.value(graph_.uses[u].value).name) == value)
      return sharing_.place(UseId{u});
  return {};
}

/// Constraints of the port in the variant that upstream chose; null when there are none.
const Json* Attribution::constraints(const Complaint& c) const {
  const auto op = ops_.find(c.upstream["qnn_op"].get<std::string>());
  if (op == ops_.end() || c.upstream["variant"].is_null()) return nullptr;
  const Json& ports = (*op)[c.upstream["variant"].get<size_t>()][c.output ? "outputs" : "inputs"];
  if (ports.empty()) return nullptr;
  return &ports[std::min(c.port, ports.size() - 1)]["constraints"];
}

bool Attribution::lists_encoding(const Complaint& c, Encoding encoding) const {
  const Json* rows = constraints(c);
  if (rows == nullptr) return false;
  for (const Json& row : *rows)
    for (const Json& name : row["encodings"])
      if (encoding_from_name(name.get<std::string>()) == encoding) return true;
  return false;
}

/// Two of the port's rows list the encoding: one asks for symmetry, the other for nothing.
bool Attribution::has_free_alternative(const Complaint& c, Encoding encoding) const {
  const Json* rows = constraints(c);
  if (rows == nullptr) return false;
  bool strict = false, free = false;
  for (const Json& row : *rows)
    for (const Json& name : row["encodings"]) {
      if (encoding_from_name(name.get<std::string>()) != encoding) continue;
      strict = strict || row.value("symmetric", false);
      free = free || (!row.value("symmetric", false) && !row.contains("scale") && !row.value("math_invariant", false));
    }
  return strict && free;
}

/// Both see the same datatype at the port, and no row has it in this combination.
bool Attribution::same_dtype(const Complaint& c) const {
  const Json& types = c.upstream[c.output ? "out" : "in"];
  if (c.port >= types.size()) return false;
  const std::string ours = c.finding->actual.substr(0, c.finding->actual.find(' '));
  return types[c.port] == "QNN_DATATYPE_" + ours;
}

/// The producer is an argument more than once: upstream keeps one entry for all of them.
bool Attribution::repeats(const Complaint& c) const {
  size_t count = 0;
  for (const Use& use : graph_.uses_of(c.node))
    count += use.value.valid() && graph_.text(graph_.value(use.value).name) == c.finding->value ? 1 : 0;
  return count > 1;
}

int Attribution::explain_ours(const Complaint& c) const {
  const RuleCode code = c.finding->code;
  const Spec* spec = c.place.valid() ? sharing_.spec(c.place) : nullptr;
  const bool no_variant = c.upstream["variant"].is_null();
  if (c.output && c.port > 0) return 3;
  if (is_dtype_rule(code)) return no_variant && same_dtype(c) ? 9 : !c.output && repeats(c) ? 5 : kUnexplained;
  if (code == 203 && spec != nullptr && !no_variant)
    return lists_encoding(c, encoding_of(*spec, false))
               ? (c.upstream["qnn_op"] == "TransposeConv2d" ? 28 : kUnexplained)
               : 10;
  if (code == 204) return 11;
  if (code == 401) return spec != nullptr && !spec->fixed ? 17 : kUnexplained;
  if (code == 301) return c.output && sharing_.stated(c.place) && sharing_.root(c.place) != c.place ? 20 : kUnexplained;
  if (code == 502) return c.upstream["qnn_op"] != "MatMul" ? 27 : kUnexplained;
  return kUnexplained;
}

Explanation Attribution::stricter(const Node& node, const Judged& ours, const Json& upstream) const {
  Explanation out{kUnexplained, fmt::format("upstream valid, we say: {}", ours.reason)};
  for (const Finding* finding : ours.findings) {
    if (finding->level == Level::kNote) continue;
    const bool output = finding->port.compare(0, 3, "out") == 0;
    const int why = explain_ours(
        {node, upstream, finding, {}, place_of(node, finding->value, output), output, port_index(finding->port)});
    if (why == kUnexplained)
      return {kUnexplained, fmt::format("{} [SG{} {}: {}]", out.detail, finding->code, finding->port, finding->actual)};
    if (out.outcome == kUnexplained) out.outcome = why;
  }
  return out;
}

int Attribution::explain_theirs(const Complaint& c, const Judged& ours) const {
  const Spec* spec = c.place.valid() ? sharing_.spec(c.place) : nullptr;
  if (contains_text(c.message, "requires V")) {
    for (const Finding* f : ours.findings)
      if (f->level == Level::kWarning && (f->code == 501 || f->code == 502)) return kDoubtfulRow;
    return kUnexplained;
  }
  if (spec == nullptr) return kUnexplained;
  // Rows for the same encoding are alternatives; upstream stops at the first.
  if (contains_text(c.message, "symmetric constraint") && has_free_alternative(c, encoding_of(*spec, false))) return 2;
  if (contains_text(c.message, "symmetric constraint"))
    return symmetric_parameters(*spec).value_or(false) && !is_symmetric(spec->scheme) ? 21 : kUnexplained;
  if (contains_text(c.message, "math invariant")) {
    const auto uses = graph_.uses_of(c.node);
    if (uses.empty()) return kUnexplained;
    return sharing_.group(sharing_.place(UseId{c.node.uses.first})) == sharing_.group(c.place) ? 20 : kUnexplained;
  }
  const Json* rows = constraints(c);
  if (contains_text(c.message, "scale (") && !spec->scales.empty() && rows != nullptr)
    for (const Json& row : *rows)
      if (row.contains("scale") && std::abs(spec->scales[0] / row["scale"].get<double>() - 1) < 1e-2) return 18;
  return kUnexplained;
}

Explanation Attribution::laxer(const Node& node, const Judged& ours, const Json& upstream) const {
  Explanation out{kUnexplained, "upstream invalid, we accept"};
  for (const Json& entry : upstream["messages"]) {
    const std::string message = entry.get<std::string>();
    if (contains_text(message, "compatible dtype was not found")) continue;
    const bool output = message.compare(0, 10, "Input node") != 0;
    const PlaceId place = place_of(node, output ? std::string_view() : first_in_parentheses(message), output);
    size_t port = 0;  // of an input: its position among the tensors
    while (!output && port < node.uses.count &&
           sharing_.place(UseId{node.uses.first + static_cast<uint32_t>(port)}) != place)
      ++port;
    const int why = explain_theirs({node, upstream, nullptr, message, place, output, port}, ours);
    if (why == kUnexplained) return {kUnexplained, fmt::format("{}: {}", out.detail, message)};
    if (out.outcome == kUnexplained) out.outcome = why;
  }
  return out;
}

}  // namespace snapgauge::differential
