#include "report/suppress.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/text.h"
#include "diag/pattern.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

constexpr RuleCode kUnused = 10;
constexpr RuleCode kWholeGraphOnly = 706;  // sums up the verdicts of nodes

/// Whether a finding keeps its node from being accepted.
bool is_behind_verdict(const Finding& f) {
  return f.level == Level::kError || rule(f.code).kind == RuleKind::kUnjudged;
}

struct Tally {
  bool open_error = false, suppressed = false;
  const Finding* open = nullptr;  // the first that is not suppressed
};
using Tallies = std::unordered_map<std::string_view, Tally>;

Tallies tally(const FileReport& file) {
  Tallies tallies;
  for (const Finding& f : file.findings) {
    if (!is_behind_verdict(f)) continue;
    Tally& node = tallies[f.node];
    if (node.open == nullptr) node.open = &f;
    node.open_error |= f.level == Level::kError;
  }
  for (const Suppressed& s : file.suppressed)
    if (is_behind_verdict(s.finding)) tallies[s.finding.node].suppressed = true;
  return tallies;
}

bool any_error(const FileReport& file) {
  return std::any_of(file.findings.begin(), file.findings.end(),
                     [](const Finding& f) { return f.level == Level::kError && f.code != kWholeGraphOnly; });
}

void accept(NodeReport& node) {
  node.verdict = NodeVerdict::kAccepted;
  node.suppressed = true;
}

void settle_node(NodeReport& node, const Tally& own, bool error_left, bool error_suppressed) {
  if (node.verdict == NodeVerdict::kAccepted) return;
  const bool open = own.open != nullptr;
  if (!open && own.suppressed) {
    accept(node);
  } else if (open && !own.open_error && own.suppressed && node.verdict == NodeVerdict::kRejected) {
    node.verdict = NodeVerdict::kUnknown;  // what is left says only that we could not tell
    node.reason = own.open->message;
  } else if (!open && node.verdict == NodeVerdict::kRejected && !error_left && error_suppressed) {
    accept(node);
  }
}

}  // namespace

void settle_verdicts(FileReport& file) {
  if (file.verdict == FileVerdict::kUnreadable) return;
  Tallies tallies = tally(file);
  const bool error_left = any_error(file);
  const bool error_suppressed = std::any_of(file.suppressed.begin(), file.suppressed.end(),
                                            [](const Suppressed& s) { return s.finding.level == Level::kError; });
  file.verdict = error_left            ? FileVerdict::kRejected
                 : file.reason.empty() ? FileVerdict::kAccepted
                                       : FileVerdict::kIncomplete;
  for (NodeReport& node : file.nodes) {
    settle_node(node, tallies[node.name], error_left, error_suppressed);
    if (node.verdict == NodeVerdict::kRejected) file.verdict = FileVerdict::kRejected;
    if (node.verdict == NodeVerdict::kUnknown) file.verdict = std::max(file.verdict, FileVerdict::kIncomplete);
  }
  // The summary finding of a backend that takes whole graphs only falls with its last culprit.
  const auto rejected = std::any_of(file.nodes.begin(), file.nodes.end(),
                                    [](const NodeReport& n) { return n.verdict == NodeVerdict::kRejected; });
  if (rejected) return;
  const auto summary = std::find_if(file.findings.begin(), file.findings.end(),
                                    [](const Finding& f) { return f.code == kWholeGraphOnly; });
  if (summary == file.findings.end() || file.suppressed.empty()) return;
  file.suppressed.push_back({std::move(*summary), file.suppressed.front().by, "no node that it names is left"});
  file.findings.erase(summary);
}

struct Suppressor::Entry {
  Waiver waiver;
  std::optional<NodePattern> pattern;
  bool used = false;

  bool covers(const Finding& f) const {
    // What says that a suppression is of no use cannot be suppressed in turn.
    if (f.code == kUnused || !code_text(f.code).starts_with(waiver.code)) return false;
    return waiver.scope != Waiver::Scope::kPattern || (pattern && pattern->matches(f.node));
  }
};

Suppressor::Suppressor(std::vector<Waiver> waivers) {
  for (Waiver& w : waivers) {
    Entry entry;
    if (w.scope == Waiver::Scope::kPattern)
      if (auto compiled = NodePattern::compile(w.node)) entry.pattern = std::move(*compiled);
    if (w.scope == Waiver::Scope::kNode)
      by_node_.emplace(w.node, entries_.size());
    else
      wide_.push_back(entries_.size());
    entry.waiver = std::move(w);
    entries_.push_back(std::move(entry));
  }
}

Suppressor::~Suppressor() = default;
Suppressor::Suppressor(Suppressor&&) noexcept = default;

Suppressor::Entry* Suppressor::find(const Finding& finding) {
  Entry* first = nullptr;
  const auto consider = [&](size_t index) {
    Entry& entry = entries_[index];
    if (!entry.covers(finding)) return;
    entry.used = true;  // all that cover it: none of them is idle
    if (first == nullptr) first = &entry;
  };
  const auto [begin, end] = by_node_.equal_range(finding.node);
  for (auto it = begin; it != end; ++it) consider(it->second);
  for (const size_t index : wide_) consider(index);
  return first;
}

void Suppressor::apply(FileReport& file, SuppressedBy by) {
  if (entries_.empty()) return;
  suppress_if(file, by, [this](const Finding& f) -> const std::string* {
    const Entry* entry = find(f);
    return entry == nullptr ? nullptr : &entry->waiver.reason;
  });
}

std::vector<Finding> Suppressor::unused(const std::vector<std::string>& selected) const {
  const auto ran = [&](const std::string& prefix) {
    const auto rules = all_rules();
    return std::any_of(rules.begin(), rules.end(), [&](const Rule& r) {
      const std::string code = code_text(r.code);
      return code.starts_with(prefix) && (r.on_by_default || has_prefix(selected, code));
    });
  };
  std::vector<Finding> findings;
  for (const Entry& entry : entries_) {
    const Waiver& w = entry.waiver;
    if (entry.used || !ran(w.code)) continue;
    const bool here = w.origin.empty();  // else the place is in another file than the finding's
    const std::string place = w.scope == Waiver::Scope::kFile ? "the file" : fmt::format("'{}'", printable(w.node));
    Finding f = make_finding(
        kUnused,
        {{"code", w.code}, {"place", here ? place : fmt::format("{} ({}:{})", place, w.origin, w.location.line)}});
    if (w.scope == Waiver::Scope::kNode) f.node = w.node;
    if (here) f.location = w.location;
    f.expected = fmt::format("a finding whose code begins with {}", w.code);
    f.actual = "none";
    findings.push_back(std::move(f));
  }
  return findings;
}

}  // namespace snapgauge
