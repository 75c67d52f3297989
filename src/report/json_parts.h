// The parts that the JSON renderings of a report share (docs/report-json.md).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/json_writer.h"
#include "report/report.h"

namespace snapgauge {

using Json = nlohmann::ordered_json;

/// One line unless there is an indent. Names come from untrusted files: invalid UTF-8 becomes U+FFFD instead of an
/// exception.
std::string dumped(const Json& value, int indent = -1);

Json tool_json(const Report& report);
Json target_json(const Report& report);
/// The configuration files of the run; empty where there are none.
Json configurations_json(const Report& report);
/// What a baseline or an older version did to the run; null where there is none.
Json compared_json(const Report& report);
std::string_view mode_name(const Report& report);
/// The members of a finding's object.
void write_finding(JsonWriter& out, const Finding& finding);
/// The same, and why it does not count.
void write_suppressed(JsonWriter& out, const Suppressed& suppressed);
/// A finding's object to put more into.
Json finding_json(const Finding& finding);
Json summary_json(const Report& report);

}  // namespace snapgauge
