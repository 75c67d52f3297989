#include "api/opinfo_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/text.h"

namespace snapgauge {
namespace {

Error usage(const std::string& text) { return {ErrorCode::kUsage, "", text}; }

class Differ {
 public:
  Differ(const Session& session, const OpInfoDiffOptions& options) : session_(session), options_(options) {}

  Result<OpInfoDiff> run() {
    if (auto done = resolve(); !done) return done.error();
    for (const std::string& path : options_.models)
      if (auto done = judge(path); !done) return done.error();
    if (auto done = compare(); !done) return done.error();
    return std::move(diff_);
  }

 private:
  Status resolve() {
    auto target = session_.target_for(kDefaultFrontend);
    if (!target) return target.error();
    diff_.backend = target->backend.name;
    diff_.soc = target->soc.name;
    diff_.arch = target->arch_text();
    diff_.pipeline = target->pipeline.name;
    if (auto done = resolve(options_.before, *target, before_, diff_.before); !done) return done;
    return resolve(options_.after, *target, after_, diff_.after);
  }

  Status resolve(const std::string& text, Target& target, SdkVersion& version, SdkSide& side) const {
    const auto parsed = parse_sdk_version(text);
    if (!parsed) return usage(fmt::format("SDK version '{}' is not known; {}", printable(text), known()));
    const auto ops = session_.database().ops(diff_.backend, *parsed);
    if (!ops) return ops.error();
    if (ops.value().empty())
      return usage(fmt::format("no table of {} in SDK {}; {}", diff_.backend, parsed->text(), known()));
    target.sdk = version = *parsed;
    side.sdk = version.text();
    side.obstacle = target.obstacle();
    return Done{};
  }

  /// The target for graphs of a kind, with one of the versions.
  Result<Target> target(SdkVersion sdk, Frontend frontend) const {
    auto target = session_.target_for(frontend);
    if (target) target->sdk = sdk;
    return target;
  }

  /// Which versions there are, for errors: the pages name some, and any later one has the rows in force by then.
  std::string known() const {
    std::vector<std::string> pages;
    if (const auto sdks = session_.database().sdks())
      for (const std::string& sdk : sdks.value())
        if (const auto version = parse_sdk_version(sdk); version && has_ops(*version)) pages.push_back(sdk);
    if (pages.empty()) return "known: latest";
    return fmt::format("known: latest and any version from {} on; pages of {}", pages.front(), fmt::join(pages, ", "));
  }

  bool has_ops(SdkVersion sdk) const {
    const auto ops = session_.database().ops(diff_.backend, sdk);
    return ops && !ops.value().empty();
  }

  /// One model under both versions, as `check` judges it.
  Status judge(const std::string& path) {
    auto loaded = load_graph(path, options_.allowed_folders);
    if (!loaded) return loaded.error();
    const Graph& graph = loaded->graph;
    auto target_before = target(before_, graph.frontend);
    if (!target_before) return target_before.error();
    auto target_after = target(after_, graph.frontend);
    if (!target_after) return target_after.error();
    const std::string& pipeline = target_after->pipeline.name;
    if (!diff_.models.empty() && diff_.pipeline != pipeline)
      return usage(fmt::format("{} goes through pipeline {}, the models before it through {}; name one with --pipeline",
                               printable(path), pipeline, diff_.pipeline));
    diff_.pipeline = pipeline;
    auto before = report(graph, path, std::move(*target_before));
    if (!before) return before.error();
    auto after = report(graph, path, std::move(*target_after));
    if (!after) return after.error();
    return add(path, *before, *after);
  }

  Result<FileReport> report(const Graph& graph, const std::string& path, Target target) const {
    Gauge gauge(session_.database(), std::move(target));  // owns names that the result refers to
    auto result = gauge.check(graph);
    if (!result) return result.error();
    return file_report(graph, std::move(*result), path, {});
  }

  Status add(const std::string& path, FileReport& before, FileReport& after) {
    // Op maps and pipelines know no SDK versions, so the same nodes are judged.
    if (before.nodes.size() != after.nodes.size())
      return Error{ErrorCode::kInternal, path, "the two SDK versions judge different nodes"};
    ModelDiff& model = diff_.models.emplace_back();
    model.path = path;
    model.before = before.verdict;
    model.after = after.verdict;
    model.nodes = after.nodes.size();
    std::set<std::string> ops;
    for (size_t n = 0; n < after.nodes.size(); ++n) {
      const std::string& op = after.nodes[n].backend_op;
      if (!op.empty()) ops.insert(op);
      if (before.nodes[n].verdict == after.nodes[n].verdict) continue;
      if (options_.op.empty() || op == options_.op)
        model.diffs.push_back({std::move(before.nodes[n]), std::move(after.nodes[n])});
    }
    model.ops.assign(ops.begin(), ops.end());
    return Done{};
  }

  Status compare() {
    auto table = compare_tables(session_.database(), diff_.backend, diff_.pipeline, before_, after_);
    if (!table) return table.error();
    std::set<std::string> either(table->before.begin(), table->before.end());
    either.insert(table->after.begin(), table->after.end());
    if (!options_.op.empty() && !either.contains(options_.op))
      return unknown_op(std::vector<std::string>(either.begin(), either.end()));
    std::set<std::string> used;
    for (const ModelDiff& model : diff_.models) used.insert(model.ops.begin(), model.ops.end());
    const auto wanted = [&](const std::string& op) {
      return (options_.op.empty() || op == options_.op) && (diff_.models.empty() || used.contains(op));
    };
    const auto count = [&](const auto& names) {
      return static_cast<size_t>(std::count_if(names.begin(), names.end(), wanted));
    };
    diff_.compared = count(either);
    diff_.before.ops = count(table->before);
    diff_.after.ops = count(table->after);
    for (OpDiff& op : table->ops)
      if (wanted(op.op)) diff_.ops.push_back(std::move(op));
    return Done{};
  }

  Error unknown_op(const std::vector<std::string>& names) const {
    const auto near = near_matches(options_.op, names);
    return usage(fmt::format("{} has no op '{}' in SDK {} or {}{}", diff_.backend, printable(options_.op),
                             diff_.before.sdk, diff_.after.sdk,
                             near.empty() ? "" : "; did you mean " + join_or(near) + "?"));
  }

  const Session& session_;
  const OpInfoDiffOptions& options_;
  SdkVersion before_, after_;
  OpInfoDiff diff_;
};

}  // namespace

Result<OpInfoDiff> diff_opinfo(const TableOptions& tables, const OpInfoDiffOptions& options) {
  TargetOptions any = options.target;
  any.sdk = "latest";
  const auto session = Session::open(tables, any);
  if (!session) return session.error();
  return Differ(*session.value(), options).run();
}

}  // namespace snapgauge
