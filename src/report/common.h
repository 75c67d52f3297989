// Choices that the renderings of a report share. Texts contain names of the checked file unchanged:
// each rendering escapes them in its own way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/report.h"

namespace snapgauge {

/// Names that a text lists before it only counts them.
inline constexpr size_t kListedNames = 8;

struct SourceView {
  std::string_view document, sdk;
};
/// The document a finding rests on: its own, else the one that its rule's row names.
SourceView source_of(const Finding& finding);
/// "HTP op definition, MatMul (SDK 2.25.0)".
std::string source_text(const Finding& finding);
/// What to do: the finding's own fix, else its rule's action.
std::string_view advice_of(const Finding& finding);
/// "node conv1, port in[1] (value w)"; empty for findings about the file.
std::string place_text(const Finding& finding);
/// One line per related place, at most `shown`, and one that counts the others.
std::vector<std::string> related_lines(const Finding& finding, size_t shown = kListedNames);

/// The worst verdict of the run's files; accepted when there are none.
FileVerdict worst_verdict(const Report& report);
/// "htp SM8750 (V79), SDK latest, pipeline ort-qnn", leaving out what is not known.
std::string target_text(const Report& report);
/// Counts and target of the run in one line.
std::string summary_text(const Report& report);

/// What a configuration file did to the run, in one line.
std::string configuration_text(const ConfigurationUse& use);
/// Whether it may have kept findings from being seen or from counting, or was left out.
bool is_notable(const ConfigurationUse& use);

/// "1 node", "2 nodes".
std::string plural(uint64_t number, std::string_view word);
/// "a, b, ...".
std::string name_list(const std::vector<std::string_view>& names, size_t shown = kListedNames);

/// Findings of one file that one change would cure, in file order; never empty.
using Group = std::vector<const Finding*>;
/// In the order of their first findings; without `fold` every finding stands alone.
std::vector<Group> group_findings(const std::vector<Finding>& findings, bool fold = true);
/// The nodes of a group, each once; the first finding's comes first.
std::vector<std::string_view> distinct_nodes(const Group& group);
/// A group in sentences without their full stops: message, place, expected, actual, source, what to
/// do, related places, and which other nodes share the cause.
std::vector<std::string> describe(const Group& group);

struct FileGroup {
  const FileReport* file;
  Group findings;
};
/// The groups of all files, severe ones first, otherwise in the order of the report.
std::vector<FileGroup> groups_by_severity(const Report& report);

}  // namespace snapgauge
