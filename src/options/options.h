// The options of one backend: what was set when a graph was compiled, what was set for the run, and what holds: the
// run's value before the compile-time value before the default.
//
// A batch is taken whole or not at all, and what a set holds is always a combination that the backend takes. An
// OptionSet is a plain value: copies are independent, several threads may read one, and who writes does so alone.
#pragma once

#include <array>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "options/table.h"

namespace snapgauge {

struct OptionSetting {
  std::string key;    // of the phase
  OptionValue value;  // of an enum the number or the name
};

/// The same as people and files write it.
struct OptionText {
  std::string key, text;
  bool operator==(const OptionText&) const = default;
};

enum class OptionOrigin : uint8_t { kDefault, kCompile, kRun };

struct EffectiveOption {
  OptionValue value;
  OptionOrigin origin = OptionOrigin::kDefault;
};

class OptionSet {
 public:
  explicit OptionSet(OptionBackend backend) : backend_(backend) {}

  OptionBackend backend() const { return backend_; }

  /// All of the batch or, with an error of kUsage that names the key, nothing.
  Status set(OptionPhase phase, std::span<const OptionSetting> settings);
  Status set(OptionPhase phase, std::initializer_list<OptionSetting> settings) {
    return set(phase, std::span(settings.begin(), settings.size()));
  }
  Status set_texts(OptionPhase phase, std::span<const OptionText> texts);
  /// Gives back what holds without these values; a key that was not set stays unset.
  Status unset(OptionPhase phase, std::span<const std::string> keys);

  /// What holds; of another backend's option the default.
  EffectiveOption effective(OptionId id) const;
  /// Of an integer, an enum or a mask; of a boolean; of a text. Another type is the caller's fault.
  int64_t integer(OptionId id) const;
  bool truth(OptionId id) const;
  std::string text(OptionId id) const;

  /// That masks name only cores that are there.
  Status check_cores(int cores) const;
  /// What the backend takes but that does not do what it seems to, in the order of the rows.
  std::vector<std::string> warnings() const;

  /// The compile-time values that were set, in row order, for an artifact; restored() reads them back.
  std::vector<OptionText> stored() const;
  static Result<OptionSet> restored(OptionBackend backend, std::span<const OptionText> stored);

  /// "lpai_fps = 30 (run time)": a line for each option of the backend, in row order.
  std::string to_text() const;

  bool operator==(const OptionSet&) const = default;

 private:
  using Values = std::map<OptionId, OptionValue>;

  Values& values(OptionPhase phase) { return values_[static_cast<size_t>(phase)]; }
  const Values& values(OptionPhase phase) const { return values_[static_cast<size_t>(phase)]; }
  bool matches(const OptionCombination& combination) const;
  Status check_combinations() const;

  OptionBackend backend_;
  std::array<Values, 2> values_;  // by OptionPhase
};

}  // namespace snapgauge
