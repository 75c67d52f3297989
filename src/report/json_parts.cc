#include "report/json_parts.h"

#include "diag/rule.h"
#include "report/common.h"

namespace snapgauge {
namespace {

std::string_view safety_name(FixSafety safety) {
  switch (safety) {
    case FixSafety::kSafe: return "safe";
    case FixSafety::kUnsafe: return "unsafe";
    case FixSafety::kShow: break;
  }
  return "show";
}

}  // namespace

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json tool_json(const Report& report) { return {{"name", "snapgauge"}, {"version", report.tool_version}}; }

Json target_json(const Report& report) {
  return {{"backend", report.backend},
          {"soc", report.soc},
          {"arch", report.arch},
          {"sdk", report.sdk},
          {"pipeline", report.pipeline}};
}

std::string_view mode_name(const Report& report) { return report.strict ? "strict" : "warn"; }

Json finding_json(const Finding& finding) {
  const Rule& row = rule(finding.code);
  Json json{{"code", code_text(finding.code)},
            {"rule", row.name},
            {"kind", kind_name(row.kind)},
            {"level", level_name(finding.level)},
            {"node", finding.node}};
  if (!finding.port.empty()) json["port"] = finding.port;
  if (!finding.value.empty()) json["value"] = finding.value;
  json["message"] = finding.message;
  json["expected"] = finding.expected;
  json["actual"] = finding.actual;
  if (const SourceView source = source_of(finding); !source.document.empty())
    json["source"] = {{"document", source.document}, {"sdk", source.sdk}};
  if (finding.location.line > 0)
    json["location"] = {{"line", finding.location.line}, {"column", finding.location.column}};
  for (const Related& related : finding.related)
    json["related"].push_back({{"node", related.node}, {"port", related.port}, {"message", related.message}});
  if (!finding.fix.title.empty())
    json["fix"] = {{"title", finding.fix.title}, {"safety", safety_name(finding.fix.safety)}};
  return json;
}

Json suppressed_json(const Suppressed& suppressed) {
  Json json = finding_json(suppressed.finding);
  json["suppression"] = {{"by", suppressed_by_name(suppressed.by)}, {"reason", suppressed.reason}};
  return json;
}

Json summary_json(const Report& report) {
  const Counts counts = count(report);
  Json json{{"nodes", counts.nodes},     {"accepted", counts.accepted}, {"rejected", counts.rejected},
            {"unknown", counts.unknown}, {"errors", counts.errors},     {"warnings", counts.warnings},
            {"notes", counts.notes}};
  if (counts.suppressed > 0) json["suppressed"] = counts.suppressed;
  if (const auto& c = report.compared)
    json["compared"] = {{"with", c->with}, {"before", c->before}, {"known", c->known}, {"gone", c->gone}};
  return json;
}

}  // namespace snapgauge
