// The object is written piece by piece, one node or finding per line: a document tree of a million
// nodes would cost many times the size of its text.
#include "report/json_parts.h"

namespace snapgauge {
namespace {

void write_node(JsonWriter& out, const NodeReport& node) {
  out.text("name", node.name);
  out.text("op", node.op);
  out.text("backend_op", node.backend_op);
  out.text("verdict", verdict_name(node.verdict));
  out.text("reason", node.reason);
  if (node.suppressed) out.boolean("suppressed", true);
}

template <class Item>
void append_array(std::string& out, const std::vector<Item>& items, void (*write)(JsonWriter&, const Item&)) {
  out += '[';
  const char* separator = "\n";
  for (const Item& item : items) {
    out += separator;
    JsonWriter json(out);
    write(json, item);
    separator = ",\n";
  }
  out += ']';
}

void append_file(std::string& out, const FileReport& file) {
  out += "{\"path\":" + dumped(file.path) + ",\"verdict\":" + dumped(verdict_name(file.verdict));
  if (!file.reason.empty()) out += ",\"reason\":" + dumped(file.reason);
  out += ",\"nodes\":";
  append_array(out, file.nodes, write_node);
  out += ",\n\"findings\":";
  append_array(out, file.findings, write_finding);
  if (!file.suppressed.empty()) {
    out += ",\n\"suppressed\":";
    append_array(out, file.suppressed, write_suppressed);
  }
  out += '}';
}

}  // namespace

std::string render_json(const Report& report) {
  std::string out = "{\"schema\":\"snapgauge-report/1\",\"tool\":" + dumped(tool_json(report));
  out += ",\n\"target\":" + dumped(target_json(report)) + ",\"mode\":" + dumped(mode_name(report));
  if (!report.configurations.empty()) out += ",\n\"configurations\":" + dumped(configurations_json(report));
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
