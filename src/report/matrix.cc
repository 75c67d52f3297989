#include "report/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/mouths.h"
#include "base/text.h"
#include "report/json_parts.h"

namespace snapgauge {
namespace {

constexpr size_t kListedNames = 4;
constexpr size_t kListedCauses = 6;
constexpr size_t kGroupWidth = 34;

std::string verdict_text(const MatrixCell& cell) {
  if (!cell.possible) return fmt::format("- [{}]", cell.reason);
  switch (cell.verdict) {
    case FileVerdict::kAccepted: return "yes";
    case FileVerdict::kIncomplete: return fmt::format("? {}/{} [{}]", cell.unknown, cell.nodes, cell.reason);
    case FileVerdict::kRejected:
    case FileVerdict::kUnreadable: break;
  }
  return fmt::format("no {}/{} [{}]", cell.rejected, cell.nodes, cell.reason);
}

std::string cell_text(const MatrixCell& cell) {
  return verdict_text(cell) + (cell.suppressed > 0 ? fmt::format(" ({} suppressed)", cell.suppressed) : "");
}

/// SoC names on as many lines as they need.
std::vector<std::string> group_lines(const SocGroup& group) {
  std::vector<std::string> lines{group.arch + (group.lpai.empty() ? "" : ", LPAI " + group.lpai) + ":"};
  for (size_t i = 0; i < group.socs.size(); ++i) {
    const std::string word = group.socs[i] + (i + 1 < group.socs.size() ? "," : "");
    if (lines.back().size() + 1 + word.size() > kGroupWidth)
      lines.push_back("  " + word);
    else
      lines.back() += " " + word;
  }
  return lines;
}

std::string table_text(const Matrix& matrix, const MatrixTable& table) {
  std::vector<size_t> widths;
  for (size_t b = 0; b < matrix.backends.size(); ++b) {
    widths.push_back(matrix.backends[b].size());
    for (const auto& row : table.cells) widths.back() = std::max(widths.back(), cell_text(row[b]).size());
  }
  std::string out = fmt::format("{:<{}}", fmt::format("SDK {}", fmt::join(table.sdks, ", ")), kGroupWidth);
  for (size_t b = 0; b < widths.size(); ++b) out += fmt::format("  {:<{}}", matrix.backends[b], widths[b]);
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
  for (size_t g = 0; g < matrix.groups.size(); ++g) {
    const auto lines = group_lines(matrix.groups[g]);
    std::string first = fmt::format("{:<{}}", lines.front(), kGroupWidth);
    for (size_t b = 0; b < widths.size(); ++b)
      first += fmt::format("  {:<{}}", cell_text(table.cells[g][b]), widths[b]);
    first.erase(first.find_last_not_of(' ') + 1);
    out += first + '\n';
    for (size_t i = 1; i < lines.size(); ++i) out += lines[i] + '\n';
  }
  return out;
}

std::string cause_text(const MatrixCause& cause) {
  std::string nodes;
  const std::string ports = cause.ports.size() > 1 ? fmt::format(" (ports {})", fmt::join(cause.ports, ", ")) : "";
  for (size_t i = 0; i < std::min(cause.nodes.size(), kListedNames); ++i)
    nodes += (i > 0 ? ", " : "") + printable(cause.nodes[i]);
  if (cause.nodes.size() > kListedNames) nodes += ", ...";
  std::string out = fmt::format("    {}{}{}\n", cause.code.empty() ? "unknown: " : cause.code + " ",
                                printable(cause.text), printable(ports));
  if (!nodes.empty())
    out += fmt::format("      {} node{}: {}\n", cause.nodes.size(), cause.nodes.size() == 1 ? "" : "s", nodes);
  if (!cause.action.empty()) out += fmt::format("      fix: {}\n", printable(cause.action));
  return out;
}

std::string_view state_name(const MatrixCell& cell) {
  return cell.possible ? verdict_name(cell.verdict) : std::string_view("impossible");
}

}  // namespace

bool MatrixReason::operator==(const MatrixReason& other) const {
  const auto same = [](const MatrixCause& a, const MatrixCause& b) {
    return a.code == b.code && a.text == b.text && a.ports == b.ports && a.nodes == b.nodes;
  };
  return obstacle == other.obstacle &&
         std::equal(causes.begin(), causes.end(), other.causes.begin(), other.causes.end(), same);
}

std::string render_matrix_text(const Matrix& matrix) {
  std::string out = fmt::format("{}: who takes it whole? Pipeline {}; rejected or unknown of all nodes, [reason]\n",
                                printable(matrix.path), matrix.pipeline);
  if (!matrix.configuration.empty()) out += fmt::format("configuration {}\n", printable(matrix.configuration));
  for (const MatrixTable& table : matrix.tables) out += '\n' + table_text(matrix, table);
  for (size_t r = 0; r < matrix.reasons.size(); ++r) {
    const MatrixReason& reason = matrix.reasons[r];
    out += fmt::format("\n[{}] {}{}\n", r + 1, printable(reason.target),
                       printable(reason.obstacle.empty() ? "" : ": " + reason.obstacle));
    for (size_t c = 0; c < std::min(reason.causes.size(), kListedCauses); ++c) out += cause_text(reason.causes[c]);
    if (reason.causes.size() > kListedCauses)
      out += fmt::format("    and {} more causes; check that target for all\n", reason.causes.size() - kListedCauses);
  }
  return for_log(std::move(out));
}

std::string render_matrix_json(const Matrix& matrix) {
  Json reasons = Json::array(), targets = Json::array();
  for (const MatrixReason& reason : matrix.reasons) {
    Json causes = Json::array();
    for (const MatrixCause& c : reason.causes)
      causes.push_back(
          {{"code", c.code}, {"text", c.text}, {"action", c.action}, {"ports", c.ports}, {"nodes", c.nodes}});
    reasons.push_back({{"obstacle", reason.obstacle}, {"causes", std::move(causes)}});
  }
  for (const MatrixTable& table : matrix.tables)
    for (size_t g = 0; g < matrix.groups.size(); ++g)
      for (size_t b = 0; b < matrix.backends.size(); ++b) {
        const MatrixCell& cell = table.cells[g][b];
        targets.push_back({{"sdks", table.sdks},
                           {"backend", matrix.backends[b]},
                           {"arch", matrix.groups[g].arch},
                           {"lpai", matrix.groups[g].lpai},
                           {"socs", matrix.groups[g].socs},
                           {"verdict", state_name(cell)},
                           {"nodes", cell.nodes},
                           {"rejected", cell.rejected},
                           {"unknown", cell.unknown},
                           {"suppressed", cell.suppressed},
                           {"reason", cell.reason == 0 ? Json() : Json(cell.reason - 1)}});
      }
  Json out{{"schema", "snapgauge-matrix/1"},
           {"path", matrix.path},
           {"pipeline", matrix.pipeline},
           {"targets", std::move(targets)},
           {"reasons", std::move(reasons)}};
  if (!matrix.configuration.empty()) out["configuration"] = matrix.configuration;
  return dumped(out, 1) + "\n";
}

}  // namespace snapgauge
