// What vendors' log lines mean: constant tables generated from rules/decode/*.toml by
// scripts/generate_decode.py. rules/decode/README.md explains the keys.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "diag/finding.h"

namespace snapgauge {

/// Where a message's line stands relative to the line that names the node.
enum class Stage : uint8_t { kCause, kNode, kEcho };

/// Where a message points: the model, the compiler, the device, ...
struct Topic {
  std::string_view name;
  std::string_view fits;  // what to say when the model has no fault that would explain the message
};

struct Message {
  std::string_view id;
  size_t topic;  // index in all_topics()
  Stage stage;
  std::string_view pattern;          // RE2, on bytes
  std::string_view meaning, action;  // with {holes} for the pattern's groups
  std::string_view source;
  std::span<const RuleCode> rules;  // that find the same fault in a model, the likeliest first
  std::span<const std::string_view> examples;
  uint32_t number;             // of an error code; 0 otherwise
  std::string_view code_name;  // the vendor's enumerator
};

struct DTypeCode {
  uint32_t code;
  std::string_view name;
};

/// One step of undoing what pipelines do to node names: a pattern for the whole name.
struct NameStep {
  std::string_view pattern, replacement;
};

std::span<const Message> all_messages();  // in order of priority
std::span<const Topic> all_topics();
std::span<const DTypeCode> all_dtype_codes();
std::span<const NameStep> name_steps();

/// "3110" or "0xc26".
std::optional<uint32_t> parse_code(std::string_view text);
/// The message of an error code; null when it is not known.
const Message* find_code(uint32_t number);
/// "UFIXED_POINT_8" for 0x408; empty when it is not known.
std::string_view dtype_of_code(uint32_t code);

}  // namespace snapgauge
