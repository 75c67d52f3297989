#include "report/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "diag/rule.h"
#include "report/baseline_reader.h"
#include "report/json_parts.h"
#include "report/suppress.h"

namespace snapgauge {
namespace {

constexpr size_t kLargest = size_t{256} << 20;

using Ops = std::unordered_map<std::string_view, std::string_view>;

Ops ops_of(const FileReport& file) {
  Ops ops;
  for (const NodeReport& node : file.nodes) ops.emplace(node.name, node.op);
  return ops;
}

auto identity_of(const Finding& f, const Ops& ops) {
  const auto op = ops.find(f.node);
  return std::tuple(code_text(f.code), f.node, op == ops.end() ? std::string() : std::string(op->second), f.port,
                    f.value);
}

/// JSON holds text only, and a path is bytes.
std::string name_of(const FileReport& file, const Baseline::FileNames& names) { return printable(names(file.path)); }

}  // namespace

Baseline Baseline::of(const Report& report, const FileNames& names) {
  Baseline baseline;
  for (const FileReport& file : report.files) {
    if (file.verdict == FileVerdict::kUnreadable) continue;
    const auto [known, fresh] = baseline.files_.try_emplace(name_of(file, names));
    if (!fresh) continue;  // named twice: the same findings again
    Findings& findings = known->second;
    const Ops ops = ops_of(file);
    for (const Finding& f : file.findings) ++findings[identity_of(f, ops)];
  }
  return baseline;
}

Result<Baseline> Baseline::parse(std::string_view text, const std::string& path) {
  if (text.size() > kLargest) return Error{ErrorCode::kLimit, path, "a baseline of more than 256 MiB"};
  Baseline baseline;
  const Status read = read_baseline(text, path, [&](const std::string& file, std::vector<BaselineEntry> entries) {
    Findings& findings = baseline.files_[file];
    for (BaselineEntry& e : entries) {
      uint64_t& all =
          findings[{std::move(e.code), std::move(e.node), std::move(e.op), std::move(e.port), std::move(e.value)}];
      all = std::min(all + e.count, kMostBaselineTimes);
    }
  });
  if (!read) return read.error();
  return baseline;
}

Comparison Baseline::apply(Report& report, SuppressedBy by, const std::string& reason, const FileNames& names) const {
  Comparison comparison;
  std::set<std::string> counted;  // a run may name a file twice; both times its findings are known
  for (FileReport& file : report.files) {
    if (file.verdict == FileVerdict::kUnreadable) continue;  // whether anything is gone from it is not known
    const auto recorded = files_.find(name_of(file, names));
    if (recorded == files_.end()) continue;
    Findings left = recorded->second;
    const Ops ops = ops_of(file);
    uint64_t known = 0;
    suppress_if(file, by, [&](const Finding& f) -> const std::string* {
      const auto it = left.find(identity_of(f, ops));
      if (it == left.end() || it->second == 0) return nullptr;
      --it->second;
      ++known;
      return &reason;
    });
    if (!counted.insert(recorded->first).second) continue;
    comparison.known += known;
    for (const auto& [identity, times] : recorded->second) comparison.before += times;
  }
  comparison.gone = comparison.before - comparison.known;
  return comparison;
}

void Baseline::update(const Baseline& newer) {
  for (const auto& [name, findings] : newer.files_) files_[name] = findings;
}

std::string Baseline::text() const {
  std::string out = fmt::format("{{\"schema\":\"{}\",\"files\":[", kBaselineSchema);
  const char* file_separator = "\n";
  for (const auto& [name, findings] : files_) {
    if (findings.empty()) continue;
    out += file_separator + ("{\"path\":" + dumped(name)) + ",\"findings\":[";
    const char* separator = "\n";
    for (const auto& [identity, times] : findings) {
      const auto& [code, node, op, port, value] = identity;
      out += separator +
             dumped({{"code", code}, {"node", node}, {"op", op}, {"port", port}, {"value", value}, {"count", times}});
      separator = ",\n";
    }
    out += "]}";
    file_separator = ",\n";
  }
  return out + "]}\n";
}

Baseline::FileNames names_beside(const std::string& baseline_path) {
  namespace fs = std::filesystem;
  const auto whole = [](const std::string& path) {
    std::error_code ignored;  // then the path stays as it was given
    const fs::path absolute = fs::absolute(path, ignored);
    return (ignored ? fs::path(path) : absolute).lexically_normal();
  };
  return [folder = whole(baseline_path).parent_path(), whole](const std::string& path) {
    return whole(path).lexically_proximate(folder).generic_string();
  };
}

}  // namespace snapgauge
