// The object is written piece by piece, one node or finding per line: a document tree of a million
// nodes would cost many times the size of its text.
#include "report/json_parts.h"

namespace snapgauge {
namespace {

Json node_json(const NodeReport& node) {
  Json json{{"name", node.name},
            {"op", node.op},
            {"backend_op", node.backend_op},
            {"verdict", verdict_name(node.verdict)},
            {"reason", node.reason}};
  if (node.suppressed) json["suppressed"] = true;
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
  if (!file.reason.empty()) out += ",\"reason\":" + dumped(file.reason);
  out += ",\"nodes\":";
  append_array(out, file.nodes, node_json);
  out += ",\n\"findings\":";
  append_array(out, file.findings, finding_json);
  if (!file.suppressed.empty()) {
    out += ",\n\"suppressed\":";
    append_array(out, file.suppressed, suppressed_json);
  }
  out += '}';
}

}  // namespace

std::string render_json(const Report& report) {
  std::string out = "{\"schema\":\"snapgauge-report/1\",\"tool\":" + dumped(tool_json(report));
  out += ",\n\"target\":" + dumped(target_json(report)) + ",\"mode\":" + dumped(mode_name(report));
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
