#include "decode/table.h"

#include <algorithm>
#include <charconv>

namespace snapgauge {
namespace {

#include "decode/decode_table.inc"

}  // namespace

std::span<const Message> all_messages() { return kMessages; }
std::span<const Topic> all_topics() { return kTopics; }
std::span<const DTypeCode> all_dtype_codes() { return kDTypeCodes; }
std::span<const NameStep> name_steps() { return kNameSteps; }

std::optional<uint32_t> parse_code(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

const Message* find_code(uint32_t number) {
  const auto* found = std::find_if(std::begin(kMessages), std::end(kMessages),
                                   [&](const Message& m) { return m.number != 0 && m.number == number; });
  return found == std::end(kMessages) ? nullptr : found;
}

std::string_view dtype_of_code(uint32_t code) {
  for (const DTypeCode& row : kDTypeCodes)
    if (row.code == code) return row.name;
  return {};
}

}  // namespace snapgauge
