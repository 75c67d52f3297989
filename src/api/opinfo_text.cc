#include "api/opinfo_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "backend/opmap.h"
#include "base/mouths.h"
#include "base/text.h"
#include "opinfo/predicate.h"
#include "rules/shapes.h"

namespace snapgauge {

std::string row_text(const std::vector<std::string>& columns, const VariantRow& row) {
  std::string out = fmt::format("{:<8}", row.config);
  for (size_t c = 0; c < columns.size(); ++c)
    out += fmt::format("  {} {}", columns[c], row.columns[c] == 0 ? "-" : dtype_set_text(row.columns[c]));
  if (row.strength == Strength::kDoubtful) out += "  (doubtful)";
  return printable(out + fmt::format("  [{}]", row.source.document));
}

std::string row_text(const ConstraintRow& row) {
  std::string configs;
  for (const std::string& c : row.configs) configs += (configs.empty() ? "" : ",") + c;
  std::string out =
      fmt::format("{:<10} {:<20} {:<14} {}", row.port, row.kind, configs.empty() ? "All" : configs, row.body);
  if (!row.pipeline.empty()) out += fmt::format("  pipeline {}", row.pipeline);
  if (row.strength == Strength::kDoubtful) out += "  (doubtful)";
  return printable(out + fmt::format("  [{}, SDK {}]", row.source.document, row.source.sdk));
}

Result<std::string> list_ops(const Session& session) {
  auto target = session.target_for(kDefaultFrontend);
  if (!target) return target.error();
  auto ops = session.database().ops(target->backend.name, target->sdk);
  if (!ops) return ops.error();
  std::string text;
  for (const OpSummary& op : *ops)
    text += fmt::format("{:<32} {:>4} rows {:>4} constraints\n", printable(op.op), op.variants, op.constraints);
  return for_log(std::move(text)) +
         fmt::format("{} ops on {}, SDK {}\n", ops->size(), target->backend.name, target->sdk.text());
}

Result<std::string> show_op(const Session& session, const std::string& name) {
  auto target = session.target_for(kDefaultFrontend);
  if (!target) return target.error();
  auto op = session.database().op(target->backend.name, target->sdk, target->pipeline.name, name);
  if (!op) return op.error();
  if (!op->has_value()) {
    std::vector<std::string> names;
    if (auto ops = session.database().ops(target->backend.name, target->sdk))
      for (const OpSummary& s : *ops) names.push_back(s.op);
    const auto near = near_matches(name, names);
    return Error{ErrorCode::kUsage, "",
                 fmt::format("{} has no op '{}' in SDK {}{}", target->backend.name, printable(name), target->sdk.text(),
                             near.empty() ? "" : "; did you mean " + join_or(near) + "?")};
  }
  const OpRow& row = **op;
  std::string text =
      fmt::format("{} on {}, SDK {}, pipeline {}\n\nDatatypes ({}):\n", printable(row.name), target->backend.name,
                  target->sdk.text(), target->pipeline.name, row.joint ? "one combination a row" : "per port");
  for (const VariantRow& v : row.variants) text += fmt::format("  {}\n", row_text(row.columns, v));
  text += "\nConstraints:\n";
  for (const ConstraintRow& c : row.constraints) text += fmt::format("  {}\n", row_text(c));
  return for_log(std::move(text));
}

namespace {

/// What the rows of one op map hold, all forms counted.
struct MapCounts {
  size_t rows = 0, forms = 0, conditions = 0, evaluated = 0, parts = 0, untold = 0, patterns = 0;

  void add(const OpMapping& row) {
    ++forms;
    parts += row.parts.size();
    untold += row.unjudged.empty() ? 0 : 1;
    for (const auto& [condition, form] : row.select) {
      ++conditions;
      const bool readable = !condition.own.unknown && std::none_of(condition.ports.begin(), condition.ports.end(),
                                                                   [](const PortTest& p) { return p.unknown; });
      evaluated += readable ? 1 : 0;
      add(*form);
    }
  }
};

/// Op maps. A condition outside the language does not build, so in shipped tables all are evaluated.
Result<std::string> map_coverage(const Session& session) {
  std::string text = fmt::format("\n{:<10}{:>7}{:>7}{:>12}{:>11}{:>7}{:>9}{:>13}\n", "op map", "rows", "forms",
                                 "conditions", "evaluated", "parts", "patterns", "not told");
  for (const FrontendRow& row_of_map : kFrontends) {
    const std::string name(row_of_map.name);
    auto ops = session.database().op_map_names(name);
    if (!ops) return ops.error();
    OpMaps maps(session.database(), row_of_map.frontend);
    MapCounts counts;
    for (const std::string& op : *ops) {
      auto row = maps.find(op);
      if (!row) return row.error();
      ++counts.rows;
      counts.patterns += (*row)->pattern.nodes.empty() ? 0 : 1;
      counts.add(**row);
    }
    text += fmt::format("{:<10}{:>7}{:>7}{:>12}{:>11}{:>7}{:>9}{:>13}\n", name, counts.rows, counts.forms,
                        counts.conditions, counts.evaluated, counts.parts, counts.patterns, counts.untold);
  }
  return text;
}

}  // namespace

Result<std::string> coverage(const Session& session) {
  auto target = session.target_for(kDefaultFrontend);
  if (!target) return target.error();
  auto backends = session.database().backends();
  if (!backends) return backends.error();
  std::map<std::string, std::map<std::string, int>> counts;
  for (const std::string& backend : *backends) {
    auto ops = session.database().ops(backend, target->sdk);
    if (!ops) return ops.error();
    for (const OpSummary& summary : *ops) {
      auto op = session.database().op(backend, target->sdk, target->pipeline.name, summary.op);
      if (!op) return op.error();
      for (const ConstraintRow& row : (*op)->constraints) ++counts[row.kind][backend];
    }
  }
  std::string text = fmt::format("{:<24}", "kind");
  for (const std::string& b : *backends) text += fmt::format("{:>7}", printable(b));
  text += "  evaluated\n";
  for (const auto& [kind, by_backend] : counts) {
    text += fmt::format("{:<24}", printable(kind));
    for (const std::string& b : *backends) {
      const auto it = by_backend.find(b);
      text += fmt::format("{:>7}", it == by_backend.end() ? 0 : it->second);
    }
    const auto known = predicate_kind_from_name(kind);
    text += !known ? "  NO" : is_informational(*known) ? "  restricts nothing" : has_shape(*known) ? "  yes" : "  NO";
    text += "\n";
  }
  auto maps = map_coverage(session);
  if (!maps) return maps.error();
  return text + *maps;
}

}  // namespace snapgauge
