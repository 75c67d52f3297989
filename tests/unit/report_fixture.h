// Findings and reports for the tests of renderings.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/report.h"

namespace snapgauge::testing {

// Bytes that mean something to terminals, JSON, XML, URIs, Markdown or the runner of GitHub Actions.
inline const std::string kHostile =
    "a\n::error::b,c:d%0A\r\x1b[0m</failure>&\"'<![CDATA[]]>{0}[x](http://y)|`\xFF\xED\xA0\x80\xEF\xBF\xBF\t";

inline Finding finding_at(std::string node, uint32_t line = 0) {
  Finding finding;
  finding.code = 201;
  finding.node = std::move(node);
  finding.port = "in[1]";
  finding.value = "w";
  finding.message = "in[1] of Conv2d must be quantized symmetrically";
  finding.expected = "symmetric quantization";
  finding.actual = "affine";
  finding.source = {"op definition", "2.25.0"};
  finding.fix.title = "Use a symmetric scheme.";
  finding.location = {line, line > 0 ? 1u : 0u};
  return finding;
}

inline Finding hostile_finding() {
  Finding finding = finding_at(kHostile);
  finding.port = finding.value = finding.message = finding.expected = finding.actual = kHostile;
  finding.source = {kHostile, kHostile};
  finding.related = {{kHostile, kHostile, kHostile}};
  finding.fix.title = kHostile;
  return finding;
}

inline Report report_of(std::vector<Finding> findings, std::vector<NodeReport> nodes = {}) {
  Report report{"0.1.0", "htp", "SM8750", "V79", "latest", "ort-qnn", true, {}};
  report.files.push_back({"m.onnx", FileVerdict::kRejected, std::move(nodes), std::move(findings), {}});
  return report;
}

inline Report hostile_report() {
  Report report = report_of({hostile_finding()}, {{kHostile, kHostile, kHostile, NodeVerdict::kRejected, kHostile},
                                                  {"u", "", "", NodeVerdict::kUnknown, kHostile}});
  report.files[0].path = report.files[0].path + kHostile;
  report.backend = report.soc = report.arch = report.sdk = report.pipeline = report.tool_version = kHostile;
  return report;
}

inline size_t count_of(const std::string& text, std::string_view part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

}  // namespace snapgauge::testing
