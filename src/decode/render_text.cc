#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/mouths.h"
#include "base/text.h"
#include "decode/render.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

constexpr size_t kListedNames = 8, kListedFindings = 8;
constexpr std::string_view kYellow = "1;33", kBlue = "1;34", kBold = "1";

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kListedNames); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > kListedNames ? text + ", ..." : text;
}

std::string plural(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

class Writer {
 public:
  explicit Writer(const DecodeTextOptions& options) : options_(options) {}
  std::string render(const DecodeReport& report);

 private:
  void message(const DecodeReport& report, const DecodedMessage& decoded);
  void place(const std::string& path, const DecodedMessage& decoded);
  void excerpt(const DecodedMessage& decoded);
  void facts(const DecodedMessage& decoded);
  void model(const Explanation& explanation);
  void finding(const Finding& f, std::set<std::string>& told);
  void summary(const DecodeReport& report);

  void label(std::string_view name, std::string_view text) {
    if (!text.empty()) add("  {} {}\n", paint(kBold, fmt::format("{:<9}", name)), printable(text));
  }
  std::string paint(std::string_view style, std::string_view text) const {
    return options_.colour ? fmt::format("\x1b[{}m{}\x1b[0m", style, text) : std::string(text);
  }
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  const DecodeTextOptions& options_;
  std::string out_;
};

std::string Writer::render(const DecodeReport& report) {
  for (const DecodedMessage& decoded : report.log.messages) message(report, decoded);
  summary(report);
  return std::move(out_);
}

void Writer::message(const DecodeReport& report, const DecodedMessage& decoded) {
  const Topic& topic = all_topics()[decoded.message->topic];
  add("{} {}\n", paint(kYellow, fmt::format("{}[{}]", topic.name, decoded.message->id)),
      paint(kBold, printable(decoded.meaning())));
  place(report.path, decoded);
  excerpt(decoded);
  facts(decoded);
  if (report.model != nullptr) model(report.model->explain(decoded));
  out_ += '\n';
}

void Writer::place(const std::string& path, const DecodedMessage& decoded) {
  std::string what;
  if (!decoded.nodes.empty()) what = "node " + decoded.nodes.front();
  if (!decoded.op.empty()) what += (what.empty() ? "op " : ", op ") + decoded.op;
  if (!decoded.port.empty()) what += (what.empty() ? "port " : ", port ") + decoded.port;
  add("  {} {}:{}{}{}\n", paint(kBlue, "-->"), printable(path), decoded.lines.front().number, what.empty() ? "" : "  ",
      printable(what));
}

void Writer::excerpt(const DecodedMessage& decoded) {
  const auto number_width = fmt::formatted_size("{}", decoded.lines.back().number);
  const size_t room = static_cast<size_t>(std::max(options_.width, 40)) - number_width - 4;
  for (const LogLine& line : decoded.lines) {
    std::string text = printable(line.text.substr(0, room));
    if (line.text.size() > room) text += "...";
    add("{} {}\n", paint(kBlue, fmt::format("{:>{}} |", line.number, number_width + 1)), text);
  }
}

void Writer::facts(const DecodedMessage& decoded) {
  for (const uint32_t number : decoded.codes) {
    const Message* known = find_code(number);
    label("code", fmt::format("{} = {:#x}{}{}", number, number, known == nullptr ? "" : " ",
                              known == nullptr ? std::string_view() : known->code_name));
  }
  std::string rules;
  for (const RuleCode code : decoded.message->rules)
    rules += fmt::format("{}{} {}", rules.empty() ? "" : ", ", code_text(code), rule(code).name);
  label("rules", rules);
  label("do", decoded.action());
  label("source", decoded.message->source);
  if (decoded.count > 1) label("seen", fmt::format("{} times", decoded.count));
  if (decoded.nodes.size() > 1) label("nodes", fmt::format("{}: {}", decoded.nodes.size(), list(decoded.nodes)));
}

void Writer::model(const Explanation& explanation) {
  if (!explanation.nodes.empty()) {
    std::vector<std::string> names;
    for (const ModelNode* node : explanation.nodes)
      names.push_back(fmt::format("{} ({}, {})", node->name, node->backend_op.empty() ? node->op : node->backend_op,
                                  verdict_name(node->verdict)));
    label("model",
          fmt::format("{} by {}: {}", plural(names.size(), "node"), found_by_name(explanation.by), list(names)));
  }
  label("model", explanation.sentence);
  std::set<std::string> told;  // nodes of one kind share their findings
  for (const ModelNode* node : explanation.nodes)
    for (const Finding& f : node->findings)
      if (f.level != Level::kNote && told.size() < kListedFindings) finding(f, told);
}

void Writer::finding(const Finding& f, std::set<std::string>& told) {
  const std::string text =
      fmt::format("{} {}{}{}: {}{}", code_text(f.code), rule(f.code).name, f.port.empty() ? "" : ", port ", f.port,
                  f.message, f.expected.empty() ? "" : fmt::format("; expected {}, found {}", f.expected, f.actual));
  if (!told.insert(text).second) return;
  label("", text);
  label("", "fix: " + (f.fix.title.empty() ? std::string(rule(f.code).action) : f.fix.title));
}

void Writer::summary(const DecodeReport& report) {
  const DecodedLog& log = report.log;
  if (log.messages.empty()) {
    add("{}: nothing recognized in {}\n", printable(report.path), plural(log.lines, "line"));
  } else {
    add("{}: {} from {} of {}\n", printable(report.path), plural(log.messages.size(), "message"), log.recognized,
        plural(log.lines, "line"));
  }
  if (report.model == nullptr) return;
  const CheckedModel& model = report.model->model();
  const auto rejected = std::count_if(model.nodes.begin(), model.nodes.end(),
                                      [](const ModelNode& n) { return n.verdict == NodeVerdict::kRejected; });
  add("{}: {}, {} of {} rejected; {}\n", printable(model.path), verdict_name(model.verdict), rejected,
      plural(model.nodes.size(), "node"), printable(model.target));
}

}  // namespace

std::string render_text(const DecodeReport& report, const DecodeTextOptions& options) {
  return for_log(Writer(options).render(report));
}

}  // namespace snapgauge
