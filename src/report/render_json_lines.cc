// Every line stands for itself, so that a reader can stop, filter or go on after a broken one.
#include "diag/rule.h"
#include "report/json_parts.h"

namespace snapgauge {
namespace {

void append_line(std::string& out, std::string_view type, const Json& content) {
  Json line{{"type", type}};
  line.update(content);
  out += dumped(line);
  out += '\n';
}

template <class Item>
void append_line(std::string& out, std::string_view type, const std::string& path, const Item& item,
                 void (*write)(JsonWriter&, const Item&)) {
  {
    JsonWriter json(out);
    json.text("type", type);
    json.text("path", path);
    write(json, item);
  }
  out += '\n';
}

Json file_json(const FileReport& file) {
  uint64_t by_verdict[3] = {};
  for (const NodeReport& node : file.nodes) ++by_verdict[static_cast<size_t>(node.verdict)];
  Json json{{"path", file.path}, {"verdict", verdict_name(file.verdict)}, {"nodes", file.nodes.size()}};
  for (const NodeVerdict verdict : {NodeVerdict::kAccepted, NodeVerdict::kRejected, NodeVerdict::kUnknown})
    json[std::string(verdict_name(verdict))] = by_verdict[static_cast<size_t>(verdict)];
  return json;
}

}  // namespace

std::string render_json_lines(const Report& report) {
  std::string out;
  Json run{{"schema", "snapgauge-lines/1"},
           {"tool", tool_json(report)},
           {"target", target_json(report)},
           {"mode", mode_name(report)}};
  if (!report.configurations.empty()) run["configurations"] = configurations_json(report);
  append_line(out, "run", run);
  for (const FileReport& file : report.files) {
    for (const Finding& finding : file.findings) {
      append_line(out, "finding", file.path, finding, write_finding);
    }
    for (const Suppressed& suppressed : file.suppressed) {
      append_line(out, "suppressed", file.path, suppressed, write_suppressed);
    }
    append_line(out, "file", file_json(file));
  }
  append_line(out, "summary", summary_json(report));
  return out;
}

}  // namespace snapgauge
