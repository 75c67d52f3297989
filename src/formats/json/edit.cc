#include "formats/json/edit.h"

#include <algorithm>

namespace snapgauge {
namespace {

std::string_view slice(std::string_view text, size_t first, size_t end) { return text.substr(first, end - first); }

std::string_view leading_space(std::string_view text) {
  return text.substr(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

}  // namespace

std::string with_edits(std::string_view text, std::vector<TextEdit> edits) {
  std::sort(edits.begin(), edits.end(),
            [](const TextEdit& a, const TextEdit& b) { return a.range.first < b.range.first; });
  std::string out;
  size_t done = 0;
  for (const TextEdit& edit : edits) {
    out += slice(text, done, edit.range.first);
    out += edit.text;
    done = edit.range.end;
  }
  return out += text.substr(done);
}

std::string with_members(std::string_view text, const JsonValue& object, const MemberEdits& edits) {
  std::vector<bool> found(edits.size());
  std::vector<std::string> members;
  std::string_view lead, colon = ":";  // of the last member
  const TextRange whole = object.range();
  size_t first = whole.first + 1;  // of a member's text, behind the bracket or comma before it
  size_t tail = whole.end - 1;     // of the object, behind the last member
  for (const auto& [key, member] : object.members()) {
    const TextRange value = member.range();
    const std::string_view head = slice(text, first, value.first);  // white space, key, colon
    lead = leading_space(head);
    colon = head.substr(head.rfind('"') + 1);
    const std::string_view name = key;
    const auto edit = std::find_if(edits.begin(), edits.end(), [&](const auto& e) { return e.first == name; });
    const auto at = static_cast<size_t>(edit - edits.begin());
    if (edit == edits.end() || found[at]) {  // of a doubled key the first counts
      members.emplace_back(slice(text, first, value.end));
    } else {
      found[at] = true;
      if (edit->second) members.push_back(std::string(head) + *edit->second);
    }
    tail = value.end;
    first = text.find(',', tail) + 1;
  }
  for (size_t e = 0; e < edits.size(); ++e)
    if (!found[e] && edits[e].second)
      members.push_back(std::string(lead) + '"' + std::string(edits[e].first) + '"' + std::string(colon) +
                        *edits[e].second);
  std::string out = "{";
  for (size_t i = 0; i < members.size(); ++i) (out += i == 0 ? "" : ",") += members[i];
  return out += slice(text, tail, whole.end);
}

TextEdit append_elements(std::string_view text, const JsonValue& array, const std::vector<std::string>& elements) {
  size_t first = array.range().first + 1, end = first;  // of the last element, behind the bracket or comma before it
  for (const JsonValue element : array.elements()) {
    if (end != first) first = text.find(',', end) + 1;
    end = element.range().end;
  }
  const std::string_view lead = leading_space(text.substr(first));
  TextEdit edit{{end, end}, ""};
  for (const std::string& element : elements) edit.text += ',' + std::string(lead) + element;
  return edit;
}

}  // namespace snapgauge
