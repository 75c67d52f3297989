#include "api/fixer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "api/editable.h"
#include "base/text.h"
#include "diag/rule.h"
#include "graph/sharing.h"

namespace snapgauge {
namespace {

// How far the consequences of a fix are followed.
constexpr int kMostSteps = 32;
// Checks of the whole file. Fixes that do not serve cost some each; a file with thousands of them must end.
constexpr size_t kMostTries = 1000;

std::string key_of(const Finding& f) { return fmt::format("{}\n{}\n{}\n{}", f.code, f.node, f.port, f.value); }

using KeyCounts = std::map<std::string, int>;
KeyCounts counts_of(const std::vector<Finding>& findings) {
  KeyCounts counts;
  for (const Finding& f : findings) ++counts[key_of(f)];
  return counts;
}

class Fixer {
 public:
  Fixer(const std::string& path, const FixOptions& options) : path_(path), options_(options) {}

  Result<FixResult> run(std::string bytes) {
    // Every round leaves fewer findings than the one before, and what did not serve may do so then.
    while (true) {
      auto state = open(std::move(bytes));
      if (!state) return state.error();
      best_.reset();
      chosen_.clear();
      if (auto done = settle(*state, candidates_of(*state)); !done) return done.error();
      if (!best_) return finished(std::move(*state));
      for (FixedFinding& f : best_->fixed) fixed_.push_back(std::move(f));
      bytes = std::move(best_->bytes);
    }
  }

 private:
  struct State {
    std::unique_ptr<EditableGraph> graph;
    std::unique_ptr<Sharing> sharing;
    FileReport report;
    KeyCounts counts;
  };
  struct Attempt {
    std::string bytes;
    std::vector<FixedFinding> fixed;
  };

  Result<State> open(std::string bytes) const {
    auto graph = EditableGraph::open(std::move(bytes), path_);
    if (!graph) return graph.error();
    auto report = options_.judge((*graph)->graph());
    if (!report) return report.error();
    auto sharing = std::make_unique<Sharing>((*graph)->graph());
    KeyCounts counts = counts_of(report->findings);
    return State{std::move(*graph), std::move(sharing), std::move(*report), std::move(counts)};
  }

  bool may_fix(const Finding& f) const {
    return f.fix.change != nullptr && (f.fix.safety == FixSafety::kSafe || options_.unsafe);
  }

  std::vector<Finding> candidates_of(const State& state) const {
    std::vector<Finding> out;
    for (const Finding& f : state.report.findings)
      if (may_fix(f)) out.push_back(f);
    return out;
  }

  static FixedFinding described(const State& state, const Finding& finding) {
    const Sharing& sharing = *state.sharing;
    const SpecChange& change = *finding.fix.change;
    const Spec* old = sharing.spec(PlaceId{change.place});
    const std::string place = sharing.describe(PlaceId{change.place});
    if (change.like && state.graph->is_text())
      return {finding, place, spec_text(*old), "shared with " + sharing.describe(PlaceId{*change.like})};
    const std::optional<size_t> channel = first_difference(*old, change.spec);
    return {finding, place, text_of(*old, channel), text_of(change.spec, channel)};
  }

  /// Of two specs with several scales: the first channel in which they differ.
  static std::optional<size_t> first_difference(const Spec& a, const Spec& b) {
    if (a.scales.size() != b.scales.size() || a.scales.size() < 2) return std::nullopt;
    for (size_t c = 0; c < a.scales.size(); ++c)
      if (a.scales[c] != b.scales[c] || zero_point_of(a, c) != zero_point_of(b, c)) return c;
    return std::nullopt;
  }

  static std::string text_of(const Spec& spec, std::optional<size_t> channel) {
    if (!channel) return spec_text(spec);
    return fmt::format("{}, that of channel {} {}, zero point {}", spec_text(spec), *channel,
                       number_text(spec.scales[*channel]), zero_point_of(spec, *channel));
  }

  /// Makes the fixes of `findings` on `state`; those made are added to `fixed`.
  Result<std::string> made(const State& state, const std::vector<Finding>& findings,
                           std::vector<FixedFinding>& fixed) const {
    std::vector<const SpecChange*> changes;
    changes.reserve(findings.size());
    for (const Finding& f : findings) changes.push_back(f.fix.change.get());
    auto edited = state.graph->with(changes);
    if (!edited) return edited.error();
    for (size_t i = 0; i < findings.size(); ++i)
      if (edited->made[i]) fixed.push_back(described(state, findings[i]));
    return std::move(edited->bytes);
  }

  /// Findings of `now` that `before` does not have.
  static std::vector<Finding> uncovered(const State& before, const State& now) {
    KeyCounts room = before.counts;
    std::vector<Finding> out;
    for (const Finding& f : now.report.findings)
      if (--room[key_of(f)] < 0) out.push_back(f);
    return out;
  }

  /// All of `findings` fixed at once, and what that uncovers; nothing when it does not serve.
  Result<std::optional<Attempt>> attempt(const State& state, const std::vector<Finding>& findings) const {
    Attempt out;
    auto bytes = made(state, findings, out.fixed);
    if (!bytes) return bytes.error();
    const std::vector<FixedFinding> asked = out.fixed;
    if (asked.empty()) return std::optional<Attempt>();
    for (int step = 0; step < kMostSteps; ++step) {
      auto now = open(*bytes);
      if (!now) return now.error();
      const std::vector<Finding> more = uncovered(state, *now);
      if (more.empty()) {
        const bool gone = std::all_of(asked.begin(), asked.end(), [&](const FixedFinding& f) {
          const std::string key = key_of(f.finding);
          const auto left = now->counts.find(key);
          return left == now->counts.end() || left->second < state.counts.at(key);
        });
        out.bytes = std::move(*bytes);
        return gone ? std::optional(std::move(out)) : std::nullopt;
      }
      if (!std::all_of(more.begin(), more.end(), [&](const Finding& f) { return may_fix(f); })) break;
      const size_t before = out.fixed.size();
      bytes = made(*now, more, out.fixed);
      if (!bytes) return bytes.error();
      if (out.fixed.size() == before) break;
    }
    return std::optional<Attempt>();
  }

  /// Takes what serves into best_, on top of what is there, by halves: nearly always all serve.
  Status settle(const State& state, const std::vector<Finding>& candidates) {
    if (candidates.empty() || tried_ == kMostTries) return Done{};
    ++tried_;
    if (options_.progress) options_.progress(tried_, chosen_.size() + candidates.size());
    std::vector<Finding> all = chosen_;
    all.insert(all.end(), candidates.begin(), candidates.end());
    auto result = attempt(state, all);
    if (!result) return result.error();
    if (*result) {
      best_ = std::move(**result);
      chosen_ = std::move(all);
      return Done{};
    }
    if (candidates.size() == 1) return Done{};
    const auto middle = candidates.begin() + static_cast<ptrdiff_t>(candidates.size() / 2);
    if (auto done = settle(state, {candidates.begin(), middle}); !done) return done;
    return settle(state, {middle, candidates.end()});
  }

  FixResult finished(State state) {
    FixResult out;
    for (const Finding& f : state.report.findings)
      if (f.fix.change != nullptr && !may_fix(f)) ++out.withheld;
    out.bytes = state.graph->bytes();
    out.is_text = state.graph->is_text();
    out.fixed = std::move(fixed_);
    out.has_external_data = !out.fixed.empty() && state.graph->has_external_data();
    out.left = std::move(state.report);
    return out;
  }

  const std::string& path_;
  const FixOptions& options_;
  std::vector<Finding> chosen_;
  std::optional<Attempt> best_;
  std::vector<FixedFinding> fixed_;
  size_t tried_ = 0;
};

}  // namespace

Status describe_replacements(FileReport& file, const std::string& bytes, const FixOptions& options) {
  const auto has_change = [](const Finding& f) { return f.fix.safety == FixSafety::kSafe && f.fix.change != nullptr; };
  if (std::none_of(file.findings.begin(), file.findings.end(), has_change)) return Done{};
  auto graph = EditableGraph::open(bytes, file.path);
  if (!graph) return graph.error();
  const auto result = fix(bytes, file.path, options);
  if (!result) return result.error();
  std::set<std::string> served;
  for (const FixedFinding& f : result.value().fixed) served.insert(key_of(f.finding));
  std::vector<const SpecChange*> changes;
  for (const Finding& f : file.findings)
    if (has_change(f) && served.contains(key_of(f))) changes.push_back(f.fix.change.get());
  const auto edits = (*graph)->edits_apart(changes);
  for (size_t i = 0; i < changes.size(); ++i)
    for (const TextEdit& edit : edits[i])
      file.replacements[changes[i]].push_back(
          {(*graph)->location_of(edit.range.first), (*graph)->location_of(edit.range.end), edit.text});
  return Done{};
}

Result<FixResult> fix(std::string bytes, const std::string& path, const FixOptions& options) {
  return Fixer(path, options).run(std::move(bytes));
}

}  // namespace snapgauge
