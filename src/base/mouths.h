// The ways out. Names in a checked file, its path and the keys of a table belong to strangers; each place that text
// goes to has its own characters that mean something, and one function here that takes their meaning away.
//
// printable() of base/text.h is the first half of all that people read: one line, no controls, valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace snapgauge {

/// Whole lines for a terminal or the log of a CI job, where "::" at the start of a line and "##[" anywhere are
/// commands to GitHub's runner. Everything else, colours among it, stays.
std::string for_log(std::string text);

/// The message, or with `property` the value of a property, of a workflow command of GitHub Actions.
std::string for_workflow(std::string_view text, bool property = false);

/// Content and attributes of XML 1.0.
std::string for_xml(std::string_view text);

/// Text that means nothing in Markdown or HTML and does not end a table's cell.
std::string for_markdown(std::string_view text);

/// A finished JSON text in UTF-8: the same values, with escapes for what disturbs a terminal or a CI job's log.
std::string for_json(std::string text);

}  // namespace snapgauge
