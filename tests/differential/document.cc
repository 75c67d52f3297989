#include "differential/document.h"

#include <fmt/format.h>

#include <array>
#include <map>

namespace snapgauge::differential {
namespace {

struct Reason {
  int outcome;
  const char* label;
  const char* what;  // what upstream does
  const char* rule;  // when a difference is put down to it
};

constexpr std::array<Reason, 13> kReasons{{
    {3, "3", "checks the first result only", "our finding is about a later result"},
    {5, "5", "keeps one entry per producer, so a second use is not checked",
     "our datatype finding is about an input whose producer is read twice"},
    {2, "2", "stops at the first constraint that lists the encoding",
     "another constraint of the port lists it too and asks for nothing"},
    {9, "9", "accepts a combination of datatypes that no row has",
     "it found no row, we name a port as not fitting, and both see the same datatype there"},
    {10, "10", "accepts an encoding that the port does not list", "the encoding is in none of the port's constraints"},
    {11, "11", "never reads the axis", "our finding is about the axis"},
    {17, "17", "lets an output pass that is observed where parameters are prescribed",
     "our finding is about prescribed parameters and the spec has none"},
    {18, "18", "compares scales exactly",
     "its complaint is about prescribed parameters and the scales differ by less than 1 %"},
    {20, "20", "takes any shared spec for the right one, and no other",
     "the output's group is, or is not, the input's"},
    {21, "21", "judges symmetry by the name of the scheme",
     "the scheme is affine, the zero point is the middle of the range"},
    {27, "27", "never reaches its 16-bit by 16-bit check but for MatMul",
     "our finding is about that gate on another operator"},
    {28, "28", "has no check of block-wise weights of transposed convolutions",
     "our finding is about that encoding there"},
    {kDoubtfulRow, "doubtful", "rejects what its own device tests delegate",
     "its complaint is about an architecture and we warn of the same one"},
}};

struct Counts {
  size_t judged = 0, same = 0, unexplained = 0, doubtful = 0;
  std::map<int, size_t> by_weakness;

  void add(const Comparison& row) {
    ++judged;
    if (row.outcome == kSame)
      ++same;
    else if (row.outcome == kUnexplained)
      ++unexplained;
    else if (row.outcome == kDoubtfulRow)
      ++doubtful;
    else
      ++by_weakness[row.outcome];
  }
  std::string weaknesses() const {
    std::string out;
    for (const auto& [number, count] : by_weakness)
      out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", number, count);
    return out.empty() ? "-" : out;
  }
  std::string line(const std::string& backend, const std::string& config) const {
    return fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", backend, config, judged, same, weaknesses(), doubtful,
                       unexplained);
  }
};

std::string rows_by_config(const Comparisons& all, bool edited) {
  std::map<std::pair<std::string, std::string>, Counts> counts;
  Counts total;
  for (const Comparison& row : all.rows) {
    if (row.repeats || row.edit.empty() == edited) continue;
    counts[{row.backend, row.config}].add(row);
    total.add(row);
  }
  std::string out =
      "| backend | config | judged | same verdict | differ, by weakness | doubtful | unexplained |\n"
      "| --- | --- | ---: | ---: | --- | ---: | ---: |\n";
  for (const auto& [key, c] : counts) out += c.line(key.first, key.second);
  return out + total.line("all", "");
}

}  // namespace

std::string counts_document(const Comparisons& all) {
  size_t repeats = 0;
  for (const Comparison& row : all.rows) repeats += row.repeats ? 1 : 0;
  return fmt::format(
      "## Graphs as the quantizer annotated them\n\n{}\n"
      "## The same graphs after one edit each\n\n"
      "Counted are the edited node and every node whose verdict the edit changed, on either side. The other {} "
      "verdicts\n"
      "were compared too; both sides repeat there what they said before the edit.\n\n{}\n"
      "Upstream skips {} nodes that it annotated itself, because it has no rule or no row for them (weakness 29). Of "
      "those\n"
      "we judge {}; the others pick one result of an operator that is judged.\n",
      rows_by_config(all, false), repeats, rows_by_config(all, true), all.skipped_by_upstream, all.skipped_and_judged);
}

std::string verdicts_document(const Comparisons& all) {
  std::string out =
      "<!-- Written by the differential tests with SNAPGAUGE_REGENERATE=1; edit tests/differential/document.cc "
      "instead. -->\n"
      "# Upstream's verdicts and ours\n\n"
      "ExecuTorch's Qualcomm quantizer validates annotated graphs against the vendor's constraint tables. Its verdicts "
      "were\n"
      "recorded on the graphs of `tests/data/annotations`, as annotated and after one edit each, with a synthetic "
      "table in\n"
      "place of the vendor's (`tests/data/verdicts`). Here the same graphs are judged with the same table, loaded as "
      "a\n"
      "user's own op-info directory.\n\n"
      "The table's axes are the framework's, which upstream never reads; they are rewritten to the backend's layout, "
      "last\n"
      "for convolutions. The shipped architecture gates stand beside it, because upstream keeps its own outside of "
      "the\n"
      "table. Where both reject, they name the same cause, or ours is one of the reasons below.\n\n";
  out += counts_document(all);
  std::map<int, size_t> total;
  for (const Comparison& row : all.rows)
    if (!row.repeats) ++total[row.outcome];
  out +=
      "\n## Reasons\n\nA difference gets a number by rule, from the graph, the table and both verdicts.\n\n"
      "| weakness | upstream | counted when | nodes |\n| --- | --- | --- | ---: |\n";
  for (const Reason& reason : kReasons)
    out += fmt::format("| {} | {} | {} | {} |\n", reason.label, reason.what, reason.rule, total[reason.outcome]);
  return out;
}

}  // namespace snapgauge::differential
