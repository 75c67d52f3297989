// Reports of any names, paths and texts, in every format: JSON and SARIF stay JSON, and no format but GitHub's begins
// a line with a workflow command.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "diag/rule.h"
#include "report/formats.h"

namespace {

using snapgauge::Finding;
using snapgauge::Report;

/// Cuts the input into texts, each with its length in front.
class Texts {
 public:
  Texts(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  size_t number() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  std::string next() {
    const std::string_view text = rest_.substr(0, number());
    rest_.remove_prefix(std::min(text.size(), rest_.size()));
    return std::string(text);
  }

 private:
  std::string_view rest_;
};

Finding finding_of(Texts& texts) {
  const auto rules = snapgauge::all_rules();
  Finding f = snapgauge::make_finding(rules[texts.number() % rules.size()].code, {});
  for (std::string* text : {&f.node, &f.port, &f.value, &f.message, &f.expected, &f.actual, &f.fix.title,
                            &f.source.document, &f.source.sdk})
    *text = texts.next();
  f.location = {static_cast<uint32_t>(texts.number()), static_cast<uint32_t>(texts.number())};
  if (texts.number() % 2 == 1) f.related.push_back({texts.next(), texts.next(), texts.next()});
  return f;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Texts texts(data, size);
  Report report;
  report.backend = texts.next();
  report.configurations.emplace_back();
  report.configurations.back().path = texts.next();
  snapgauge::FileReport file;
  file.path = texts.next();
  const std::string content = texts.next();
  file.text = content;
  while (!texts.empty() && file.findings.size() < 100) {
    file.nodes.push_back({texts.next(), texts.next(), texts.next(), snapgauge::NodeVerdict::kUnknown, texts.next()});
    file.findings.push_back(finding_of(texts));
    if (texts.number() % 4 == 0)
      file.suppressed.push_back({finding_of(texts), snapgauge::SuppressedBy::kConfiguration, texts.next()});
  }
  report.files.push_back(std::move(file));
  for (const snapgauge::Format& format : snapgauge::output_formats()) {
    const std::string text = format.render(report, {});
    const bool json = format.name == "json" || format.name == "sarif";
    if (json && !nlohmann::json::accept(text)) __builtin_trap();
    if (text.find("##[") != std::string::npos) __builtin_trap();
    if (format.name != "github" && (text.starts_with("::") || text.find("\n::") != std::string::npos)) __builtin_trap();
    if (format.job_summary != nullptr && format.job_summary(report).empty()) __builtin_trap();
  }
  return 0;
}
