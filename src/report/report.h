// A finished run as plain data, and its renderings. Field names and meanings of the JSON object are
// a contract: snapgauge-report/1 (docs/report-json.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diag/finding.h"
#include "diag/verdict.h"

namespace snapgauge {

struct NodeReport {
  std::string name, op, backend_op;
  NodeVerdict verdict = NodeVerdict::kAccepted;
  std::string reason;       // of a verdict other than accepted
  bool suppressed = false;  // accepted only because findings about it are suppressed
};

/// Where a suppression comes from; the last two are earlier findings that a run was compared with.
enum class SuppressedBy : uint8_t { kGraph, kConfiguration, kBaseline, kOldVersion };
std::string_view suppressed_by_name(SuppressedBy by);

struct Suppressed {
  Finding finding;
  SuppressedBy by = SuppressedBy::kGraph;
  std::string reason;
};

/// Text between two places of a file becomes another.
struct Replacement {
  Location from, to;  // `to` is behind the last byte
  std::string text;
};

struct FileReport {
  std::string path;
  FileVerdict verdict = FileVerdict::kAccepted;
  std::vector<NodeReport> nodes;            // in file order
  std::vector<Finding> findings;            // in file order, structural ones first
  std::string_view text;                    // the file's content when it is text, for excerpts; may be empty
  std::vector<Suppressed> suppressed = {};  // findings that do not count, in the order of their suppression
  /// What the safe fixes change in the text, each made alone, by the finding's change; for formats that ask.
  std::map<const SpecChange*, std::vector<Replacement>> replacements = {};
  std::string reason = {};  // of a verdict that neither a node nor a finding explains
};

/// What became of the findings of a baseline or of an older version.
struct Comparison {
  std::string with;                          // path
  uint64_t before = 0, known = 0, gone = 0;  // known: still there; before = known + gone
};

/// A configuration file that held for files of the run, and what it took out of their reports; or one that
/// would have held and was not used.
struct ConfigurationUse {
  std::string path;
  std::string unused_because;       // empty: it was used
  uint64_t files = 0;               // of the run, for which it held
  uint64_t suppressed = 0;          // findings, by its [[nodes]]
  uint64_t ignored = 0;             // by its "ignore"
  uint64_t unselected = 0;          // not among its "select"
  uint64_t off = 0, lowered = 0;    // by its [levels]
  bool warn = false;                // it asks for exit code 0
  std::vector<std::string> tables;  // its "opinfo"
};

struct Report {
  std::string tool_version;
  std::string backend, soc, arch, sdk, pipeline;
  bool strict = true;
  std::vector<FileReport> files;
  std::optional<Comparison> compared = {};
  std::vector<ConfigurationUse> configurations = {};  // by path
};

struct Counts {
  uint64_t nodes = 0, accepted = 0, rejected = 0, unknown = 0, errors = 0, warnings = 0, notes = 0;
  uint64_t suppressed = 0, by_suppression = 0;  // findings that do not count; nodes accepted without them
};
Counts count(std::span<const FileReport> files);
inline Counts count(const Report& report) { return count(report.files); }
/// 2 any file unreadable; else 1 when strict and any file is not accepted; else 0.
int exit_code(const Report& report);

struct TextOptions {
  bool colour = false;
  bool verbose = false;  // every finding in full; otherwise those with the same cause are folded
  int width = 100;
};
/// For people: per finding the place, an excerpt with a caret, expected, actual, source and what to do;
/// last a summary line with the counts per verdict.
std::string render_text(const Report& report, const TextOptions& options);
// For programs; docs/formats.md says what each contains. All end in a newline unless they are empty.
/// One JSON object.
std::string render_json(const Report& report);
/// A JSON object a line: the target, findings, files, a summary.
std::string render_json_lines(const Report& report);
/// SARIF 2.1.0, within the limits of the platforms that read it.
std::string render_sarif(const Report& report);
/// Workflow commands of GitHub Actions; nothing when there are no findings.
std::string render_github(const Report& report);
/// Markdown for the summary page of a GitHub Actions job.
std::string render_github_summary(const Report& report);
/// JUnit XML: a suite per file, a case per node.
std::string render_junit(const Report& report);

}  // namespace snapgauge
