// The findings of an earlier run, in what identifies them: rule, node, op, port and value. Numbers and
// places of the file are left out, so that a finding is known again after the graph was recalibrated or
// formatted anew.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "base/result.h"
#include "report/report.h"

namespace snapgauge {

inline constexpr std::string_view kBaselineSchema = "snapgauge-baseline/1";
inline constexpr uint64_t kMostBaselineTimes = std::numeric_limits<uint32_t>::max();  // that one finding is counted

class Baseline {
 public:
  /// What a file of a report is called in the baseline.
  using FileNames = std::function<std::string(const std::string& path)>;

  /// The findings that count, with suppressed ones left out.
  static Baseline of(const Report& report, const FileNames& names);
  /// Reads snapgauge-baseline/1. Errors name `path` and the place.
  static Result<Baseline> parse(std::string_view text, const std::string& path);

  /// Suppresses, with `reason`, as many findings of each identity as there were before.
  Comparison apply(Report& report, SuppressedBy by, const std::string& reason, const FileNames& names) const;
  /// Takes over the files of `newer`; those that only this one has stay.
  void update(const Baseline& newer);
  std::string text() const;

 private:
  using Identity = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  using Findings = std::map<Identity, uint64_t>;

  std::map<std::string, Findings> files_;
};

/// Paths relative to the folder of the baseline file, so that it does not matter where a run starts.
Baseline::FileNames names_beside(const std::string& baseline_path);

}  // namespace snapgauge
