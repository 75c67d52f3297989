#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/mouths.h"
#include "decode/render.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

using Json = nlohmann::ordered_json;

Json rules_json(std::span<const RuleCode> codes) {
  Json list = Json::array();
  for (const RuleCode code : codes) list.push_back({{"code", code_text(code)}, {"rule", rule(code).name}});
  return list;
}

Json codes_json(const std::vector<uint32_t>& codes) {
  Json list = Json::array();
  for (const uint32_t number : codes) {
    const Message* known = find_code(number);
    list.push_back({{"number", number},
                    {"hex", fmt::format("{:#x}", number)},
                    {"name", known == nullptr ? std::string_view() : known->code_name}});
  }
  return list;
}

Json node_json(const ModelNode& node) {
  Json findings = Json::array();
  for (const Finding& f : node.findings)
    findings.push_back({{"code", code_text(f.code)},
                        {"rule", rule(f.code).name},
                        {"level", level_name(f.level)},
                        {"port", f.port},
                        {"message", f.message},
                        {"expected", f.expected},
                        {"actual", f.actual}});
  return {{"name", node.name},
          {"op", node.op},
          {"backend_op", node.backend_op},
          {"verdict", verdict_name(node.verdict)},
          {"findings", std::move(findings)}};
}

Json explanation_json(const Explanation& explanation) {
  Json nodes = Json::array();
  for (const ModelNode* node : explanation.nodes) nodes.push_back(node_json(*node));
  return {{"found_by", found_by_name(explanation.by)}, {"sentence", explanation.sentence}, {"nodes", std::move(nodes)}};
}

Json message_json(const DecodedMessage& decoded, const ModelIndex* model) {
  const Message& message = *decoded.message;
  const Topic& topic = all_topics()[message.topic];
  Json lines = Json::array();
  for (const LogLine& line : decoded.lines)
    lines.push_back({{"line", line.number}, {"message", line.message->id}, {"text", line.text}});
  Json values = Json::object();
  for (const auto& [name, text] : decoded.values) values[name] = text;
  Json json{{"id", message.id},
            {"topic", topic.name},
            {"meaning", decoded.meaning()},
            {"op", decoded.op},
            {"port", decoded.port},
            {"nodes", decoded.nodes},
            {"values", std::move(values)},
            {"codes", codes_json(decoded.codes)},
            {"rules", rules_json(message.rules)},
            {"action", decoded.action()},
            {"source", message.source},
            {"count", decoded.count},
            {"lines", std::move(lines)}};
  if (model != nullptr) json["model"] = explanation_json(model->explain(decoded));
  return json;
}

}  // namespace

std::string render_json(const DecodeReport& report) {
  Json messages = Json::array();
  for (const DecodedMessage& decoded : report.log.messages) messages.push_back(message_json(decoded, report.model));
  Json json{{"schema", "snapgauge-decode/1"},
            {"tool", {{"name", "snapgauge"}, {"version", report.tool_version}}},
            {"log", {{"path", report.path}, {"lines", report.log.lines}, {"recognized", report.log.recognized}}}};
  if (report.model != nullptr) {
    const CheckedModel& model = report.model->model();
    json["model"] = {{"path", model.path}, {"target", model.target}, {"verdict", verdict_name(model.verdict)}};
  }
  json["messages"] = std::move(messages);
  return for_json(json.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace snapgauge
