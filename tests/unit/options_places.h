// Where each option can be set and what it takes there, for tests that go through all rows.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "options/options.h"

namespace snapgauge {

inline constexpr OptionBackend kAllBackends[] = {OptionBackend::kHtp, OptionBackend::kGpu, OptionBackend::kLpai};
inline constexpr OptionPhase kBothPhases[] = {OptionPhase::kCompile, OptionPhase::kRun};
inline constexpr int64_t kLargestOption = 2147483647;

inline std::string error_of(const Status& status) { return status ? std::string() : status.error().message(); }

/// Values that the row takes: both ends of its range, all choices.
inline std::vector<OptionValue> good_values(const OptionRow& row) {
  switch (row.type) {
    case OptionType::kBoolean: return {true, false};
    case OptionType::kText: return {std::string(), std::string(static_cast<size_t>(row.max), 'x')};
    case OptionType::kInteger:
    case OptionType::kMask: return {row.min, row.max};
    case OptionType::kEnum: break;
  }
  std::vector<OptionValue> values;
  for (const OptionChoice& choice : row.choices) values.emplace_back(choice.number);
  return values;
}

/// Each (set, phase, row) in which a row can be set, on fresh sets.
template <class Visit>
void for_each_place(Visit visit) {
  for (const OptionRow& row : option_rows())
    for (const OptionBackend backend : kAllBackends)
      for (const OptionPhase phase : kBothPhases)
        if (row.belongs_to(backend) && !row.key(phase).empty()) {
          SCOPED_TRACE(fmt::format("{} on {}", row.key(phase), option_backend_name(backend)));
          visit(OptionSet(backend), phase, row);
        }
}

}  // namespace snapgauge
