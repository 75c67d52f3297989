#include <fmt/format.h>

#include <iterator>

#include "api/opinfo_diff.h"
#include "api/opinfo_text.h"
#include "base/mouths.h"
#include "base/text.h"
#include "report/common.h"

namespace snapgauge {
namespace {

constexpr std::string_view kRed = "31", kGreen = "32", kYellow = "33", kBold = "1";

std::string_view form_name(bool joint) { return joint ? "the combinations that rows list" : "any of each port's"; }

std::string_view style_of(NodeVerdict verdict) {
  return verdict == NodeVerdict::kAccepted ? kGreen : verdict == NodeVerdict::kRejected ? kRed : kYellow;
}

std::string_view style_of(FileVerdict verdict) {
  return verdict == FileVerdict::kAccepted ? kGreen : verdict == FileVerdict::kRejected ? kRed : kYellow;
}

bool same_cause(const NodeVerdictDiff& a, const NodeVerdictDiff& b) {
  const auto same = [](const NodeReport& x, const NodeReport& y) {
    return x.op == y.op && x.backend_op == y.backend_op && x.verdict == y.verdict && x.reason == y.reason;
  };
  return same(a.before, b.before) && same(a.after, b.after);
}

class Writer {
 public:
  Writer(const OpInfoDiff& diff, bool colour) : diff_(diff), colour_(colour) {}
  std::string render();

 private:
  void op(const OpDiff& op);
  void model(const ModelDiff& model);
  void nodes(const NodeVerdictDiff& first, const std::vector<std::string_view>& names);
  void summary();

  void line(std::string_view style, std::string_view word, const std::string& text) {
    add("  {}  {}\n", paint(style, fmt::format("{:>7}", word)), printable(text));
  }
  /// `text` of a row gives its words.
  template <class Row, class Text>
  void row(const RowDiff<Row>& diff, Text text) {
    if (diff.before) line(diff.after ? kYellow : kRed, diff.after ? "changed" : "removed", text(*diff.before));
    if (diff.after) line(diff.before ? kYellow : kGreen, diff.before ? "->" : "added", text(*diff.after));
  }
  template <class Verdict>
  std::string turn(Verdict before, Verdict after) const {
    const std::string now = paint(style_of(after), verdict_name(after));
    return before == after ? now : fmt::format("{} -> {}", paint(style_of(before), verdict_name(before)), now);
  }
  std::string paint(std::string_view style, std::string_view text) const {
    return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", style, text) : std::string(text);
  }
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  const OpInfoDiff& diff_;
  bool colour_, last_was_short_ = false;
  std::string out_;
};

void Writer::op(const OpDiff& op) {
  // Ops without rows to show stand below each other.
  const bool short_one = op.known_before != op.known_after;
  add("{}{}", short_one && last_was_short_ ? "" : "\n", paint(kBold, printable(op.op)));
  last_was_short_ = short_one;
  if (short_one) {
    add(": {}, {} and {}\n", op.known_after ? paint(kGreen, "added") : paint(kRed, "removed"),
        plural(op.variant_count, "datatype row"), plural(op.constraint_count, "constraint"));
    return;
  }
  add("\n");
  if (op.unlisted)
    line(kYellow, "changed", fmt::format("datatypes: {} -> {}", form_name(op.joint_before), form_name(op.joint_after)));
  for (const RowDiff<VariantRow>& v : op.variants) row(v, [&](const VariantRow& r) { return row_text(op.columns, r); });
  for (const ColumnDiff& c : op.datatypes) {
    if (c.removed != 0) line(kRed, "removed", fmt::format("{} {} in every row", c.column, dtype_set_text(c.removed)));
    if (c.added != 0) line(kGreen, "added", fmt::format("{} {} in some row", c.column, dtype_set_text(c.added)));
  }
  for (const RowDiff<ConstraintRow>& c : op.constraints) row(c, [](const ConstraintRow& r) { return row_text(r); });
}

/// Nodes that fare alike share the lines.
void Writer::model(const ModelDiff& model) {
  const std::string nodes_text = plural(model.nodes, "node");
  add("\n{}: {}; {}, {} used\n", paint(kBold, printable(model.path)), turn(model.before, model.after),
      model.diffs.empty() ? fmt::format("the same verdict for {}", nodes_text)
                          : fmt::format("another verdict for {} of {}", model.diffs.size(), nodes_text),
      plural(model.ops.size(), "op"));
  std::vector<bool> told(model.diffs.size(), false);
  for (size_t i = 0; i < model.diffs.size(); ++i) {
    if (told[i]) continue;
    std::vector<std::string_view> names;
    for (size_t k = i; k < model.diffs.size(); ++k) {
      if (told[k] || !same_cause(model.diffs[i], model.diffs[k])) continue;
      told[k] = true;
      names.push_back(model.diffs[k].after.name);
    }
    nodes(model.diffs[i], names);
  }
}

void Writer::nodes(const NodeVerdictDiff& first, const std::vector<std::string_view>& names) {
  const std::string& op = first.after.backend_op.empty() ? first.after.op : first.after.backend_op;
  add("  {}: {}, {}: {}\n", printable(op), turn(first.before.verdict, first.after.verdict),
      plural(names.size(), "node"), printable(name_list(names)));
  const auto reason = [&](const SdkSide& side, const NodeReport& node) {
    if (!node.reason.empty()) add("    SDK {}: {}\n", side.sdk, printable(node.reason));
  };
  reason(diff_.before, first.before);
  reason(diff_.after, first.after);
}

void Writer::summary() {
  size_t added = 0, removed = 0;
  for (const OpDiff& op : diff_.ops) {
    added += op.known_before ? 0 : 1;
    removed += op.known_after ? 0 : 1;
  }
  const std::string of = fmt::format("{}{}", plural(diff_.compared, "op"), diff_.models.empty() ? "" : " used");
  if (diff_.ops.empty())
    add("\nnothing differs in {}\n", of);
  else
    add("\n{} of {} {}: {} added, {} removed, {} changed\n", diff_.ops.size(), of,
        diff_.ops.size() == 1 ? "differs" : "differ", added, removed, diff_.ops.size() - added - removed);
}

std::string Writer::render() {
  add("{} {}{}, pipeline {}: SDK {} -> {}\n", diff_.backend, diff_.soc,
      diff_.arch.empty() ? "" : fmt::format(" ({})", diff_.arch), diff_.pipeline, diff_.before.sdk, diff_.after.sdk);
  for (const SdkSide* side : {&diff_.before, &diff_.after})
    if (!side->obstacle.empty()) add("SDK {}: {}\n", side->sdk, printable(side->obstacle));
  for (const OpDiff& d : diff_.ops) op(d);
  for (const ModelDiff& m : diff_.models) model(m);
  summary();
  return std::move(out_);
}

}  // namespace

std::string render_opinfo_diff_text(const OpInfoDiff& diff, bool colour) {
  return for_log(Writer(diff, colour).render());
}

}  // namespace snapgauge
