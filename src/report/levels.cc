#include "report/levels.h"

#include <string>
#include <unordered_map>

#include "diag/rule.h"

namespace snapgauge {
namespace {

const LevelRule* longest(const std::vector<LevelRule>& levels, const std::string& code) {
  const LevelRule* best = nullptr;
  for (const LevelRule& rule : levels)
    if (code.starts_with(rule.code) && (best == nullptr || rule.code.size() > best->code.size())) best = &rule;
  return best;
}

}  // namespace

LevelEffect apply_levels(FileReport& file, const std::vector<LevelRule>& levels) {
  if (levels.empty() || file.verdict == FileVerdict::kUnreadable) return {};
  LevelEffect effect;
  std::unordered_map<std::string, std::string> raised;  // node -> the message that rejects it
  std::erase_if(file.findings, [&](Finding& f) {
    const LevelRule* rule = longest(levels, code_text(f.code));
    if (rule == nullptr) return false;
    if (!rule->level) {
      ++effect.off;
      return true;
    }
    if (*rule->level < f.level) ++effect.lowered;
    if (*rule->level == Level::kError && f.level != Level::kError) {
      raised.emplace(f.node, f.message);
      file.verdict = FileVerdict::kRejected;
    }
    f.level = *rule->level;
    return false;
  });
  if (raised.empty()) return effect;
  for (NodeReport& node : file.nodes) {
    const auto cause = raised.find(node.name);
    if (cause == raised.end() || node.verdict == NodeVerdict::kRejected) continue;
    node.verdict = NodeVerdict::kRejected;
    node.suppressed = false;
    node.reason = cause->second;
  }
  return effect;
}

}  // namespace snapgauge
