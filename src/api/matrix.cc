#include "api/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "base/text.h"
#include "diag/rule.h"
#include "report/levels.h"
#include "report/suppress.h"

namespace snapgauge {
namespace {

/// Rejections by rule and backend op; what is unknown by its reason.
class Causes {
 public:
  Causes(const std::vector<NodeReport>& nodes, const std::vector<Finding>& errors) {
    for (const NodeReport& n : nodes) {
      op_of_.try_emplace(n.name, n.backend_op);
      if (n.verdict == NodeVerdict::kUnknown) add({"", n.reason}, {"", n.reason, "", {}, {n.name}});
    }
    for (const Finding& f : errors) {
      const std::string code = code_text(f.code);
      const auto op = op_of_.find(f.node);
      add({code, op == op_of_.end() ? f.message : std::string(op->second)},
          {code, f.message, std::string(rule(f.code).action), {f.port}, {f.node.empty() ? "the file" : f.node}});
    }
  }

  std::vector<MatrixCause> sorted() && {
    std::stable_sort(causes_.begin(), causes_.end(),
                     [](const MatrixCause& a, const MatrixCause& b) { return a.nodes.size() > b.nodes.size(); });
    return std::move(causes_);
  }

 private:
  void add(std::pair<std::string, std::string> key, MatrixCause cause) {
    const auto [it, fresh] = index_.try_emplace(std::move(key), causes_.size());
    if (fresh) return causes_.push_back(std::move(cause));
    MatrixCause& known = causes_[it->second];
    if (known.nodes.back() != cause.nodes.front()) known.nodes.push_back(cause.nodes.front());
    for (std::string& port : cause.ports)
      if (std::find(known.ports.begin(), known.ports.end(), port) == known.ports.end())
        known.ports.push_back(std::move(port));
  }

  std::unordered_map<std::string_view, std::string_view> op_of_;  // by node
  std::map<std::pair<std::string, std::string>, size_t> index_;
  std::vector<MatrixCause> causes_;
};

class MatrixBuilder {
 public:
  MatrixBuilder(const Session& session, const Graph& graph, const MatrixOptions& options)
      : session_(session), graph_(graph), options_(options) {}

  Result<Matrix> run() {
    group_socs();
    for (const Backend& b : session_.catalog().backends()) matrix_.backends.push_back(b.name);
    auto sdks = session_.database().sdks();
    if (!sdks) return sdks.error();
    sdks->push_back("latest");
    for (const std::string& sdk : *sdks) {
      MatrixTable table{{sdk}, {}};
      for (const SocGroup& group : matrix_.groups) {
        auto& row = table.cells.emplace_back();
        for (const std::string& backend : matrix_.backends) {
          auto cell = judge({backend, group.socs.front(), sdk, options_.pipeline});
          if (!cell) return cell.error();
          row.push_back(*cell);
        }
      }
      add(std::move(table));
    }
    return std::move(matrix_);
  }

 private:
  void group_socs() {
    std::map<std::pair<int, std::string>, size_t> index;
    std::vector<const Soc*> socs;
    for (const Soc& soc : session_.catalog().socs()) socs.push_back(&soc);
    std::sort(socs.begin(), socs.end(), [](const Soc* a, const Soc* b) {
      return std::tie(a->arch, a->lpai, a->name) < std::tie(b->arch, b->lpai, b->name);
    });
    for (const Soc* soc : socs) {
      const auto [it, fresh] = index.try_emplace({soc->arch, soc->lpai}, matrix_.groups.size());
      if (fresh) matrix_.groups.push_back({fmt::format("V{}", soc->arch), soc->lpai, {}});
      matrix_.groups[it->second].socs.push_back(soc->name);
    }
  }

  Result<MatrixCell> judge(const TargetOptions& options) {
    auto target = session_.catalog().resolve(options, graph_.frontend);
    if (!target) return target.error();
    matrix_.pipeline = target->pipeline.name;
    std::string obstacle = target->obstacle();
    if (obstacle.empty()) {
      auto known = session_.database().has_table(options.backend, target->sdk);
      if (!known) return known.error();
      if (!*known) obstacle = fmt::format("no table of {} in SDK {}", target->backend.title, options.sdk);
    }
    if (!obstacle.empty()) {
      MatrixCell cell;
      cell.possible = false;
      cell.reason = number({options.backend, obstacle, {}});
      return cell;
    }
    // All that can tell two targets with this backend apart.
    const std::string hardware = target->backend.has_arch     ? target->arch_text()
                                 : target->backend.needs_lpai ? target->soc.lpai
                                                              : "";
    const auto [it, fresh] = judged_.try_emplace({options.backend, hardware, options.sdk});
    if (!fresh) return it->second;
    const std::string name =
        fmt::format("{}{}{}, SDK {}", options.backend, hardware.empty() ? "" : " ", hardware, options.sdk);
    Gauge gauge(session_.database(), std::move(*target));  // owns names that the result refers to
    gauge.set_selected(options_.selected);
    auto result = gauge.check(graph_);
    if (!result) return result.error();
    return it->second = summarized(file_report(graph_, std::move(*result), "", options_.selected), name);
  }

  /// What `check` does with a file's findings before it shows them, in the same order.
  MatrixCell summarized(FileReport file, const std::string& name) {
    Suppressor suppressor(options_.waivers);
    suppressor.apply(file, SuppressedBy::kConfiguration);
    for (Finding& f : suppressor.unused(options_.selected)) file.findings.push_back(std::move(f));
    // A level may hide what rejects a node, and the node stays rejected: its cause is told all the same.
    std::vector<Finding> errors;
    take_errors(file, errors);
    apply_levels(file, options_.levels);
    take_errors(file, errors);

    MatrixCell cell;
    cell.verdict = file.verdict;
    cell.nodes = file.nodes.size();
    for (const NodeReport& n : file.nodes) {
      cell.rejected += n.verdict == NodeVerdict::kRejected ? 1 : 0;
      cell.unknown += n.verdict == NodeVerdict::kUnknown ? 1 : 0;
      cell.suppressed += n.suppressed ? 1 : 0;
    }
    if (cell.verdict != FileVerdict::kAccepted) cell.reason = number({name, "", Causes(file.nodes, errors).sorted()});
    return cell;
  }

  static void take_errors(FileReport& file, std::vector<Finding>& errors) {
    std::erase_if(file.findings, [&](Finding& f) {
      const bool is_error = f.level == Level::kError;
      if (is_error) errors.push_back(std::move(f));
      return is_error;
    });
  }

  uint32_t number(MatrixReason reason) {
    const auto known = std::find(matrix_.reasons.begin(), matrix_.reasons.end(), reason);
    const auto at = static_cast<uint32_t>(known - matrix_.reasons.begin());
    if (known == matrix_.reasons.end()) matrix_.reasons.push_back(std::move(reason));
    return at + 1;
  }

  /// Versions that answer alike share a table.
  void add(MatrixTable table) {
    const auto same = [](const MatrixCell& a, const MatrixCell& b) {
      return std::tie(a.verdict, a.possible, a.rejected, a.unknown, a.suppressed, a.reason) ==
             std::tie(b.verdict, b.possible, b.rejected, b.unknown, b.suppressed, b.reason);
    };
    for (MatrixTable& other : matrix_.tables) {
      if (!std::equal(table.cells.begin(), table.cells.end(), other.cells.begin(),
                      [&](const auto& a, const auto& b) { return std::equal(a.begin(), a.end(), b.begin(), same); }))
        continue;
      other.sdks.push_back(table.sdks.front());
      return;
    }
    matrix_.tables.push_back(std::move(table));
  }

  const Session& session_;
  const Graph& graph_;
  const MatrixOptions& options_;
  Matrix matrix_;
  std::map<std::tuple<std::string, std::string, std::string>, MatrixCell> judged_;  // backend, hardware, SDK
};

}  // namespace

Result<Matrix> judge_matrix(const Session& session, const Graph& graph, const MatrixOptions& options) {
  return MatrixBuilder(session, graph, options).run();
}

}  // namespace snapgauge
