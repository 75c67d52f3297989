// Changes to JSON text that leave every other byte where it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/json/document.h"

namespace snapgauge {

/// The text with non-overlapping edits made.
std::string with_edits(std::string_view text, std::vector<TextEdit> edits);

/// JSON text of new members by key; nothing removes the member.
using MemberEdits = std::vector<std::pair<std::string_view, std::optional<std::string>>>;

/// The text of an object with members replaced, removed or added at its end, in the object's own style.
std::string with_members(std::string_view text, const JsonValue& object, const MemberEdits& edits);

/// The edit that adds elements to an array that has some, in the style of the last one.
TextEdit append_elements(std::string_view text, const JsonValue& array, const std::vector<std::string>& elements);

}  // namespace snapgauge
