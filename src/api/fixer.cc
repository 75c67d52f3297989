#include "api/fixer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "api/fix_groups.h"
#include "base/text.h"
#include "diag/rule.h"
#include "formats/registry.h"
#include "graph/sharing.h"

namespace snapgauge {
namespace {

// How far the consequences of a fix are followed.
constexpr int kMostSteps = 32;
// Judged nodes, over all checks of one fix(): where many fixes of one place do not serve, finding out which do
// costs a check each. Checks of large files, which a few rounds need anyway, are always paid for.
constexpr size_t kMostJudged = 5'000'000;
constexpr size_t kMostChecks = 16;

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
      if (auto done = settle(*state); !done) return done.error();
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
  using Candidates = std::vector<size_t>;  // indices of findings that may be fixed, ascending
  struct Outcome {
    Attempt attempt;
    std::vector<bool> served;  // by group; the attempt is only good where all did
    bool told_apart = true;    // everything that came up belongs to one of the groups
  };

  Result<State> open(std::string bytes) {
    auto graph = edit_graph(std::move(bytes), path_, options_.allowed_folders);
    if (!graph) return graph.error();
    auto report = options_.judge((*graph)->graph());
    if (!report) return report.error();
    judged_ += report->nodes.size();
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

  /// Makes the fixes of `findings` on `state`; those made are added to `fixed` and marked in `done`.
  Result<std::string> made(const State& state, const std::vector<Finding>& findings, std::vector<FixedFinding>& fixed,
                           std::vector<bool>& done) const {
    std::vector<const SpecChange*> changes;
    changes.reserve(findings.size());
    for (const Finding& f : findings) changes.push_back(f.fix.change.get());
    auto edited = state.graph->with(changes);
    if (!edited) return edited.error();
    for (size_t i = 0; i < findings.size(); ++i)
      if (edited->made[i]) fixed.push_back(described(state, findings[i]));
    done = std::move(edited->made);
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

  /// All of `trial` fixed at once, with what that uncovers.
  Result<Outcome> attempt(const State& state, const std::vector<Finding>& candidates, const FixGroups& groups,
                          const Candidates& trial) {
    Outcome out;
    out.served.assign(groups.count(), true);
    std::vector<Finding> pending;
    for (size_t i : trial) pending.push_back(candidates[i]);
    std::vector<bool> done;
    auto bytes = made(state, pending, out.attempt.fixed, done);
    if (!bytes) return bytes.error();
    std::vector<bool> asked(groups.count(), false);
    for (size_t i = 0; i < trial.size(); ++i)
      if (done[i]) asked[groups.of_candidate(trial[i])] = true;
    for (size_t i : trial)
      if (!asked[groups.of_candidate(i)]) out.served[groups.of_candidate(i)] = false;
    if (out.attempt.fixed.empty()) return out;
    for (int step = 0; step < kMostSteps; ++step) {
      auto now = open(*bytes);
      if (!now) return now.error();
      std::vector<size_t> owners;
      pending = consequences(state, *now, groups, out, owners);
      if (!out.told_apart) return out;
      if (pending.empty()) {
        for (size_t i : trial)
          if (!is_gone(state, *now, candidates[i])) out.served[groups.of_candidate(i)] = false;
        out.attempt.bytes = std::move(*bytes);
        return out;
      }
      bytes = made(*now, pending, out.attempt.fixed, done);
      if (!bytes) return bytes.error();
      std::vector<bool> advanced(groups.count(), false);
      for (size_t i = 0; i < pending.size(); ++i)
        if (done[i]) advanced[owners[i]] = true;
      for (size_t owner : owners)
        if (!advanced[owner] || step + 1 == kMostSteps) out.served[owner] = false;
    }
    return out;
  }

  /// What came up, as far as it can be fixed as well; a group with anything else has not served.
  std::vector<Finding> consequences(const State& before, const State& now, const FixGroups& groups, Outcome& out,
                                    std::vector<size_t>& owners) const {
    std::vector<Finding> more = uncovered(before, now), kept;
    std::vector<std::optional<size_t>> of(more.size());
    for (size_t i = 0; i < more.size(); ++i) {
      of[i] = groups.of_finding(more[i]);
      if (!of[i])
        out.told_apart = false;
      else if (!may_fix(more[i]))
        out.served[*of[i]] = false;
    }
    for (size_t i = 0; i < more.size(); ++i) {
      if (!of[i] || !out.served[*of[i]]) continue;
      owners.push_back(*of[i]);
      kept.push_back(std::move(more[i]));
    }
    return kept;
  }

  static bool is_gone(const State& before, const State& now, const Finding& finding) {
    const std::string key = key_of(finding);
    const auto left = now.counts.find(key);
    return left == now.counts.end() || left->second < before.counts.at(key);
  }

  bool may_go_on(const State& state) const {
    const size_t most = options_.most_judged > 0 ? options_.most_judged
                                                 : std::max(kMostJudged, kMostChecks * state.report.nodes.size());
    return judged_ + state.report.nodes.size() <= most;
  }

  /// Takes what serves into best_. Nearly always all of it does. Otherwise each group is settled by halves, all
  /// groups in the same checks.
  Status settle(const State& state) {
    const std::vector<Finding> candidates = candidates_of(state);
    if (candidates.empty()) return Done{};
    FixGroups groups(state.graph->graph(), *state.sharing, candidates);
    auto settled = settle(state, candidates, groups);
    if (!settled) return settled.error();
    if (*settled) return Done{};
    // One reaches further than its parameters do: nothing can be told apart.
    groups.merge();
    settled = settle(state, candidates, groups);
    return settled ? Status(Done{}) : Status(settled.error());
  }

  /// False when it cannot be told which group is to blame for what comes up.
  Result<bool> settle(const State& state, const std::vector<Finding>& candidates, const FixGroups& groups) {
    std::vector<std::vector<Candidates>> open(groups.count());  // to be tried on top of what is chosen, the next last
    for (size_t g = 0; g < groups.count(); ++g) open[g].push_back(groups.candidates(g));
    Candidates chosen;
    while (std::any_of(open.begin(), open.end(), [](const auto& o) { return !o.empty(); }) && may_go_on(state)) {
      Candidates trial = chosen;
      for (const auto& o : open)
        if (!o.empty()) trial.insert(trial.end(), o.back().begin(), o.back().end());
      std::sort(trial.begin(), trial.end());
      if (options_.progress) options_.progress(++tried_, trial.size());
      auto outcome = attempt(state, candidates, groups, trial);
      if (!outcome) return outcome.error();
      if (!outcome->told_apart) return false;
      const bool all = std::find(outcome->served.begin(), outcome->served.end(), false) == outcome->served.end();
      best_.reset();
      if (all) best_ = std::move(outcome->attempt);
      for (size_t g = 0; g < groups.count(); ++g) take(outcome->served[g], open[g], chosen);
    }
    std::sort(chosen.begin(), chosen.end());
    if (best_ || chosen.empty()) return true;
    auto outcome = attempt(state, candidates, groups, chosen);
    if (!outcome) return outcome.error();
    if (std::find(outcome->served.begin(), outcome->served.end(), false) != outcome->served.end()) return false;
    best_ = std::move(outcome->attempt);
    return true;
  }

  /// What was tried of a group is chosen or cut in halves.
  static void take(bool served, std::vector<Candidates>& open, Candidates& chosen) {
    if (open.empty()) return;
    const Candidates tried = std::move(open.back());
    open.pop_back();
    if (served) {
      chosen.insert(chosen.end(), tried.begin(), tried.end());
    } else if (tried.size() > 1) {
      const auto middle = tried.begin() + static_cast<ptrdiff_t>(tried.size() / 2);
      open.emplace_back(middle, tried.end());
      open.emplace_back(tried.begin(), middle);
    }
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
  std::optional<Attempt> best_;
  std::vector<FixedFinding> fixed_;
  size_t tried_ = 0, judged_ = 0;
};

}  // namespace

Status describe_replacements(FileReport& file, const std::string& bytes, const FixOptions& options) {
  const auto has_change = [](const Finding& f) { return f.fix.safety == FixSafety::kSafe && f.fix.change != nullptr; };
  if (std::none_of(file.findings.begin(), file.findings.end(), has_change)) return Done{};
  // Nobody asked for the fixes: they come along where that costs little.
  constexpr size_t kMostJudgedForOffers = 100'000;
  FixOptions bounded = options;
  bounded.most_judged = kMostJudgedForOffers;
  if (2 * file.nodes.size() > bounded.most_judged) return Done{};
  auto graph = edit_graph(bytes, file.path, options.allowed_folders);
  if (!graph) return graph.error();
  const auto result = fix(bytes, file.path, bounded);
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
