// Takes findings that somebody accepts out of a file's report, and says what its verdicts are without
// them. Nothing is dropped: a suppressed finding stays in the report, with its reason.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "diag/waiver.h"
#include "report/report.h"

namespace snapgauge {

/// Moves the findings for which `reason_of` gives a reason to `suppressed` and settles the verdicts.
/// A file that could not be read stays as it is.
template <class ReasonOf>
void suppress_if(FileReport& file, SuppressedBy by, ReasonOf reason_of);

/// The verdicts of a file and its nodes without its suppressed findings:
/// - a node is accepted, marked as suppressed, when every finding behind its verdict is suppressed;
/// - a node refused only for a fault reported elsewhere follows when no error is left in the file.
void settle_verdicts(FileReport& file);

/// Applies a list of waivers to any number of files and remembers which of them did something.
class Suppressor {
 public:
  explicit Suppressor(std::vector<Waiver> waivers);
  ~Suppressor();
  Suppressor(Suppressor&&) noexcept;

  void apply(FileReport& file, SuppressedBy by);
  /// A finding for each waiver that suppressed nothing although its rules ran: those that are on by
  /// default or begin with one of `selected`.
  std::vector<Finding> unused(const std::vector<std::string>& selected) const;

 private:
  struct Entry;
  Entry* find(const Finding& finding);

  std::vector<Entry> entries_;
  std::multimap<std::string, size_t, std::less<>> by_node_;
  std::vector<size_t> wide_;  // of files and patterns
};

template <class ReasonOf>
void suppress_if(FileReport& file, SuppressedBy by, ReasonOf reason_of) {
  if (file.verdict == FileVerdict::kUnreadable) return;
  std::vector<Finding> kept;
  const size_t before = file.suppressed.size();
  for (Finding& f : file.findings) {
    if (const std::string* reason = reason_of(f))
      file.suppressed.push_back({std::move(f), by, *reason});
    else
      kept.push_back(std::move(f));
  }
  file.findings = std::move(kept);
  if (file.suppressed.size() > before) settle_verdicts(file);
}

}  // namespace snapgauge
