// Every option of a backend, once: constant rows generated from rules/options/*.toml by scripts/generate_options.py.
// Enumerators, keys, flags, ranges and defaults all follow from a row; nothing else in the program spells them.
// rules/options/README.md explains the columns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace snapgauge {

enum class OptionId : uint8_t {
#include "options/option_ids.inc"
};

enum class OptionBackend : uint8_t { kHtp = 1, kGpu = 2, kLpai = 4 };  // bits of OptionRow::backends
enum class OptionPhase : uint8_t { kCompile, kRun };
enum class OptionType : uint8_t { kBoolean, kInteger, kEnum, kMask, kText };

/// A boolean's truth, the number of an integer, an enum or a mask, or a text.
using OptionValue = std::variant<bool, int64_t, std::string>;

struct OptionChoice {
  std::string_view name;
  int64_t number;
};

struct OptionRow {
  OptionId id;
  std::string_view name;                  // "lpai_fps"
  std::string_view compile_key, run_key;  // empty: cannot be set in that phase
  std::string_view flag;                  // "lpai-fps", without dashes in front
  OptionType type;
  uint8_t backends;  // bits of OptionBackend
  bool emulated;     // a run on the host acts on it
  int64_t min, max;  // of an integer or a mask; of a text, `max` bytes
  std::span<const OptionChoice> choices;
  std::string_view undefined;  // name of the enum's member 0 that nobody can choose; empty: there is none
  int64_t default_number;      // of a boolean 0 or 1; 0 and `undefined` where a choice has to be made
  std::string_view default_text;
  std::string_view doc, source, since;  // `since`: SDK, empty where it is not known
  std::span<const std::string_view> former;

  bool belongs_to(OptionBackend backend) const { return (backends & static_cast<uint8_t>(backend)) != 0; }
  std::string_view key(OptionPhase phase) const { return phase == OptionPhase::kCompile ? compile_key : run_key; }
};

/// What backends differ in where graphs run.
struct OptionBackendRow {
  std::string_view name;
  OptionBackend backend;
  uint32_t graphs_per_context;  // 0: any number
  int cores;                    // that masks may name; 0: they name none
  std::string_view source;
};
const OptionBackendRow& option_backend_row(OptionBackend backend);

struct OptionCondition {
  OptionId id;
  std::span<const int64_t> any_of;  // numbers of its values; of a text 1 when it is not empty
};

/// Values that a backend does not take together.
struct OptionCombination {
  std::span<const OptionCondition> when;  // all of them
  uint8_t backends;
  bool only_warns;
  std::string_view why, source;
};

std::span<const OptionRow> option_rows();  // in the order of OptionId
std::span<const OptionCombination> option_combinations();
const OptionRow& option_row(OptionId id);
/// Null when there is none; error texts for that case come from OptionSet.
const OptionRow* find_option(OptionBackend backend, OptionPhase phase, std::string_view key);
const OptionRow* find_option_by_flag(std::string_view flag);

/// "htp", "gpu" or "lpai", as everywhere; nothing for a backend without options.
std::optional<OptionBackend> option_backend(std::string_view name);
std::string_view option_backend_name(OptionBackend backend);

OptionValue option_default(const OptionRow& row);
/// "an integer from 1 to 2147483647", "soft or hard": what an error or a help text says that it takes.
std::string option_range(const OptionRow& row);

/// A value as people write it: true, false, on, off, 1, 0; numbers in decimal, 0x or 0b; an enum's name in any case,
/// with or without - and _, or its number.
Result<OptionValue> parse_option(const OptionRow& row, std::string_view text);
/// What parse_option() reads back: "true", "30", "soft", "0b10".
std::string option_text(const OptionRow& row, const OptionValue& value);
/// The value, an enum's name turned into its number, when the row takes it.
Result<OptionValue> checked_option(const OptionRow& row, OptionValue value);

}  // namespace snapgauge
