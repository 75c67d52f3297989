// The object is written piece by piece, one node or finding per line: a document tree of a million
// nodes would cost many times the size of its text.
#include <nlohmann/json.hpp>

#include "diag/rule.h"
#include "report/common.h"
#include "report/report.h"

namespace snapgauge {
namespace {

using Json = nlohmann::ordered_json;

// Names come from untrusted files: invalid UTF-8 becomes U+FFFD instead of an exception.
std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json node_json(const NodeReport& node) {
  return {{"name", node.name},
          {"op", node.op},
          {"backend_op", node.backend_op},
          {"verdict", verdict_name(node.verdict)},
          {"reason", node.reason}};
}

std::string_view safety_name(FixSafety safety) {
  switch (safety) {
    case FixSafety::kSafe: return "safe";
    case FixSafety::kUnsafe: return "unsafe";
    case FixSafety::kShow: break;
  }
  return "show";
}

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

template <class Item, class ToJson>
void append_array(std::string& out, const std::vector<Item>& items, ToJson to_json) {
  out += '[';
  const char* separator = "\n";
  for (const Item& item : items) {
    out += separator;
    out += dumped(to_json(item));
    separator = ",\n";
  }
  out += ']';
}

void append_file(std::string& out, const FileReport& file) {
  out += "{\"path\":" + dumped(file.path) + ",\"verdict\":" + dumped(verdict_name(file.verdict));
  out += ",\"nodes\":";
  append_array(out, file.nodes, node_json);
  out += ",\n\"findings\":";
  append_array(out, file.findings, finding_json);
  out += '}';
}

Json summary_json(const Report& report) {
  const Counts counts = count(report);
  return {{"nodes", counts.nodes},     {"accepted", counts.accepted}, {"rejected", counts.rejected},
          {"unknown", counts.unknown}, {"errors", counts.errors},     {"warnings", counts.warnings},
          {"notes", counts.notes}};
}

}  // namespace

std::string render_json(const Report& report) {
  const Json tool{{"name", "snapgauge"}, {"version", report.tool_version}};
  const Json target{{"backend", report.backend},
                    {"soc", report.soc},
                    {"arch", report.arch},
                    {"sdk", report.sdk},
                    {"pipeline", report.pipeline}};
  std::string out = "{\"schema\":\"snapgauge-report/1\",\"tool\":" + dumped(tool) + ",\n\"target\":" + dumped(target);
  out += report.strict ? ",\"mode\":\"strict\"" : ",\"mode\":\"warn\"";
  out += ",\n\"files\":[";
  const char* separator = "";
  for (const FileReport& file : report.files) {
    out += separator;
    append_file(out, file);
    separator = ",\n";
  }
  out += "],\n\"summary\":" + dumped(summary_json(report)) + "}\n";
  return out;
}

}  // namespace snapgauge
