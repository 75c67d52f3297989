#include "report/json_parts.h"

#include "base/mouths.h"
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

std::string dumped(const Json& value, int indent) {
  return for_json(value.dump(indent, ' ', false, Json::error_handler_t::replace));
}

Json tool_json(const Report& report) { return {{"name", "snapgauge"}, {"version", report.tool_version}}; }

Json target_json(const Report& report) {
  return {{"backend", report.backend},
          {"soc", report.soc},
          {"arch", report.arch},
          {"sdk", report.sdk},
          {"pipeline", report.pipeline}};
}

Json configurations_json(const Report& report) {
  Json list = Json::array();
  for (const ConfigurationUse& use : report.configurations) {
    Json json{{"path", use.path}, {"used", use.unused_because.empty()}};
    if (!use.unused_because.empty()) {
      json["reason"] = use.unused_because;
    } else {
      json["files"] = use.files;
      json["suppressed"] = use.suppressed;
      json["ignored"] = use.ignored;
      json["unselected"] = use.unselected;
      json["off"] = use.off;
      json["lowered"] = use.lowered;
      json["warn"] = use.warn;
      json["tables"] = use.tables;
    }
    list.push_back(std::move(json));
  }
  return list;
}

Json compared_json(const Report& report) {
  if (!report.compared) return nullptr;
  const Comparison& c = *report.compared;
  return {{"with", c.with}, {"before", c.before}, {"known", c.known}, {"gone", c.gone}};
}

std::string_view mode_name(const Report& report) { return report.strict ? "strict" : "warn"; }

void write_finding(JsonWriter& out, const Finding& finding) {
  const Rule& row = rule(finding.code);
  out.text("code", code_text(finding.code));
  out.text("rule", row.name);
  out.text("kind", kind_name(row.kind));
  out.text("level", level_name(finding.level));
  out.text("node", finding.node);
  if (!finding.port.empty()) out.text("port", finding.port);
  if (!finding.value.empty()) out.text("value", finding.value);
  out.text("message", finding.message);
  out.text("expected", finding.expected);
  out.text("actual", finding.actual);
  if (const SourceView source = source_of(finding); !source.document.empty()) {
    JsonWriter json = out.object("source");
    json.text("document", source.document);
    json.text("sdk", source.sdk);
  }
  if (finding.location.line > 0) {
    JsonWriter json = out.object("location");
    json.number("line", finding.location.line);
    json.number("column", finding.location.column);
  }
  if (!finding.related.empty()) {
    JsonWriter list = out.array("related");
    for (const Related& related : finding.related) {
      JsonWriter json = list.element();
      json.text("node", related.node);
      json.text("port", related.port);
      json.text("message", related.message);
    }
  }
  if (!finding.fix.title.empty()) {
    JsonWriter json = out.object("fix");
    json.text("title", finding.fix.title);
    json.text("safety", safety_name(finding.fix.safety));
  }
}

void write_suppressed(JsonWriter& out, const Suppressed& suppressed) {
  write_finding(out, suppressed.finding);
  JsonWriter json = out.object("suppression");
  json.text("by", suppressed_by_name(suppressed.by));
  json.text("reason", suppressed.reason);
}

Json finding_json(const Finding& finding) {
  std::string text;
  {
    JsonWriter json(text);
    write_finding(json, finding);
  }
  return Json::parse(text);
}

Json summary_json(const Report& report) {
  const Counts counts = count(report);
  Json json{{"nodes", counts.nodes},     {"accepted", counts.accepted}, {"rejected", counts.rejected},
            {"unknown", counts.unknown}, {"errors", counts.errors},     {"warnings", counts.warnings},
            {"notes", counts.notes}};
  if (counts.suppressed > 0) json["suppressed"] = counts.suppressed;
  if (report.compared) json["compared"] = compared_json(report);
  return json;
}

}  // namespace snapgauge
