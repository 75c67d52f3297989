#include "api/lowering.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "api/quantization.h"
#include "backend/translate.h"
#include "base/text.h"
#include "diag/rule.h"
#include "graph/draw.h"
#include "lower/half_precision.h"
#include "lower/lower.h"
#include "lower/partition.h"
#include "runtime/device.h"
#include "snapgauge/version.h"

namespace snapgauge {
namespace {

/// What the gate said of a node.
struct Judged {
  const NodeReport* report = nullptr;
  const Finding* fault = nullptr;  // the first that rejects it
};

/// By NodeId. The gate tells of every node that is, or belongs to, an op, in file order; its names are as they are
/// printed, so two nodes may have one. A finding is that of the first node of its name.
std::vector<Judged> judged_nodes(const OpGraph& ops, const FileReport& gate) {
  std::vector<Judged> out(ops.graph->nodes.size());
  std::unordered_map<std::string_view, uint32_t> by_name;
  size_t next = 0;
  for (uint32_t n = 0; n < out.size() && next < gate.nodes.size(); ++n)
    if (ops.op_of[n].valid()) {
      out[n].report = &gate.nodes[next++];
      by_name.emplace(out[n].report->name, n);
    }
  for (const Finding& f : gate.findings)
    if (f.level == Level::kError)
      if (const auto it = by_name.find(f.node); it != by_name.end() && out[it->second].fault == nullptr)
        out[it->second].fault = &f;
  return out;
}

/// What is wrong with a graph wherever it is cut; empty: nothing.
std::string whole_fault(const FileReport& gate, const Target& target) {
  if (std::string obstacle = target.obstacle(); !obstacle.empty()) return obstacle;
  if (gate.verdict == FileVerdict::kUnreadable) return "it cannot be read";
  for (const Finding& f : gate.findings)
    if (f.level == Level::kError && f.node.empty() &&
        (rule(f.code).kind == RuleKind::kMalformed || rule(f.code).kind == RuleKind::kInvalid))
      return f.message;
  return "";
}

std::string change_of(const Finding& f) {
  if (!f.fix.title.empty()) return f.fix.title;
  return f.expected.empty() ? std::string() : "expected: " + f.expected;
}

class Divider {
 public:
  Divider(const OpGraph& ops, const FileReport& gate, const Target& target)
      : ops_(ops), graph_(*ops.graph), judged_(judged_nodes(ops, gate)), converts_(target.quantizes_border()) {
    falls_back_.assign(graph_.nodes.size(), false);
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const NodeReport* report = judged_[n].report;
      // One that the gate did not tell of was not looked at.
      if (const OpId op = ops.op_of[n]; op.valid() && (report == nullptr || report->verdict != NodeVerdict::kAccepted))
        falls_back_[n] = falls_back_[ops.op(op).node.index] = true;
    }
    cut_ = partition(ops, falls_back_, converts_);
  }

  const Partition& partition_made() const { return cut_; }
  const std::vector<bool>& falls_back() const { return falls_back_; }

  PartitionReport report() const {
    PartitionReport out;
    std::unordered_map<uint32_t, size_t> of_level;
    for (const uint32_t level : cut_.parts) of_level.emplace(level, of_level.size());
    out.partitions.resize(cut_.parts.size());
    for (uint32_t n = 0; n < graph_.nodes.size(); ++n) {
      const uint32_t level = cut_.level[n];
      if (level == Partition::kNone) continue;
      if (level % 2 == 1)
        out.partitions[of_level[level]].push_back(name(NodeId{n}));
      else
        out.fallbacks.push_back(fallback(NodeId{n}));
    }
    for (const CutEdge& edge : cut_.cuts) out.cuts.push_back(crossing(edge));
    return out;
  }

 private:
  std::string name(NodeId id) const { return printable(graph_.name(id)); }

  FallbackNode fallback(NodeId id) const {
    FallbackNode out;
    out.name = name(id);
    out.op = printable(graph_.text(graph_.node(id).op));
    const Judged& judged = judged_[id.index];
    out.why = judged.report == nullptr ? "it was not judged" : judged.report->reason;
    if (judged.fault != nullptr) out.change = change_of(*judged.fault);
    if (const ValueId weight = weight_of(ops_, id); weight.valid())
      out.weight = printable(graph_.text(graph_.value(weight).name));
    return out;
  }

  CutTensor crossing(const CutEdge& edge) const {
    CutTensor out;
    out.name = printable(graph_.text(graph_.value(edge.value).name));
    out.from = name(edge.from);
    out.to = name(edge.to);
    out.from_part = edge.from_level;
    out.to_part = edge.to_level;
    out.dtype = std::string(dtype_name(edge.dtype));
    out.bytes = edge.bytes;
    const auto side = [&](bool before) {
      const uint32_t level = before ? edge.from_level : edge.to_level, other = before ? edge.to_level : edge.from_level;
      // Where the backend does not convert, its neighbour on the CPU does.
      const uint32_t where = converts_ || level % 2 == 0 ? level : other;
      return (where % 2 == 0 ? " on " : " in ") + PartitionReport::part_name(where);
    };
    if (edge.dequantizes) out.conversions = "Dequantize" + side(true);
    if (edge.quantizes) out.conversions += (out.conversions.empty() ? "" : ", ") + ("Quantize" + side(false));
    return out;
  }

  const OpGraph& ops_;
  const Graph& graph_;
  std::vector<Judged> judged_;
  const bool converts_;
  std::vector<bool> falls_back_;  // by NodeId
  Partition cut_;
};

std::string names_of(const std::vector<FallbackNode>& nodes, bool with_weights_only) {
  std::string out;
  for (const FallbackNode& n : nodes)
    if (!with_weights_only || !n.weight.empty()) out += (out.empty() ? "" : ", ") + n.name;
  return out;
}

/// Why the graph is not lowered as it was divided; empty: it is.
std::string refusal(const FileReport& gate, const Divider& divided, const PartitionReport& parts, const Target& target,
                    const LowerRequest& request) {
  if (std::string fault = whole_fault(gate, target); !fault.empty()) return fault;
  const std::string& backend = target.backend.title;
  if (parts.partitions.empty()) return fmt::format("nothing of it would run on {}", backend);
  const bool whole = divided.partition_made().is_whole();
  if (target.backend.full_delegation && !whole) {
    if (!request.border_fallback)
      return fmt::format("{} takes a graph whole or not at all; in the way: {}", backend,
                         names_of(parts.fallbacks, false));
    if (const std::string heavy = names_of(parts.fallbacks, true); !heavy.empty())
      return fmt::format("what has weights does not fall back to the CPU: {}", heavy);
    return "";
  }
  if (!request.strict) return "";
  if (!whole)
    return fmt::format("{} of {} nodes fall back to the CPU", parts.fallbacks.size(),
                       std::count_if(divided.partition_made().level.begin(), divided.partition_made().level.end(),
                                     [](uint32_t level) { return level != Partition::kNone; }));
  return gate.verdict == FileVerdict::kAccepted ? "" : "the check does not accept it";
}

/// The options of a target's backend, as far as they were given.
Result<OptionSet> compile_options(const Target& target, const std::vector<OptionText>& given) {
  const auto backend = option_backend(target.backend.name);
  if (!backend)
    return Error{ErrorCode::kUsage, target.backend.name, "nothing is lowered for it: no runtime of it is known"};
  std::vector<OptionText> all{{std::string(option_row(OptionId::kSocModel).compile_key), target.soc.name}};
  all.insert(all.end(), given.begin(), given.end());
  OptionSet out(*backend);
  if (auto set = out.set_texts(OptionPhase::kCompile, all); !set) return set.error();
  if (auto fits = check_cores(out); !fits) return fits.error();
  return out;
}

/// Whether the backend keeps floats in 16 bits.
bool is_half(const OptionSet& options) {
  const OptionId id = options.backend() == OptionBackend::kGpu ? OptionId::kGpuPrecision : OptionId::kHtpPrecision;
  if (!option_row(id).belongs_to(options.backend())) return false;
  const std::string precision = option_text(option_row(id), options.integer(id));
  return precision == "fp16" || precision == "hybrid";
}

Error of_file(const Error& error, const std::string& path) {
  const std::string where = error.subject.empty() || error.subject == path ? "" : error.subject + ": ";
  return {error.code, path, where + error.text};
}

}  // namespace

std::string PartitionReport::part_name(uint32_t part) {
  return part % 2 == 1 ? fmt::format("partition {}", part / 2) : "the CPU";
}

Status complete(Session& session, Graph& graph, const LowerRequest& request) {
  if (request.drawn) (void)draw_constants(graph, *request.drawn);
  if (!wants_numbers(graph)) return Done{};
  if (request.samples.empty())
    return Error{ErrorCode::kUsage, graph.file,
                 "has quantization specs without scales; --calib names samples that they follow from"};
  auto in_float = placed_plan(session, graph);
  if (!in_float) return in_float.error();
  QuantizeOptions options;
  options.samples = request.samples;
  const auto given = give_numbers(graph, in_float.value(), options);
  return given ? Status(Done{}) : Status(given.error());
}

Result<LoweredGraph> lower_graph(Session& session, const Graph& graph, FileReport gate,
                                 std::shared_ptr<const void> holder, const LowerRequest& request) {
  const std::string path = gate.path;
  const auto target = session.target_for(graph.frontend);
  if (!target) return target.error();
  const auto compiled = compile_options(target.value(), request.options);
  if (!compiled) return compiled.error();
  auto backend = session.backend_graph(graph);
  if (!backend) return backend.error();
  const Divider divided(backend->ops, gate, target.value());
  LoweredGraph out;
  out.partition = divided.report();
  out.partition.refusal = refusal(gate, divided, out.partition, target.value(), request);
  out.gate = std::move(gate);
  if (!out.partition.refusal.empty()) return out;
  LowerOptions options;
  options.on_cpu = divided.falls_back();
  auto plan = lower(backend->ops, options);
  if (!plan) return of_file(plan.error(), path);
  if (is_half(compiled.value())) round_to_half(*plan);
  if (auto folded = fold_constants(*plan); !folded) return of_file(folded.error(), path);
  split(*plan, target.value().quantizes_border());
  if (const std::string wrong = verify(*plan); !wrong.empty()) return Error{ErrorCode::kInternal, path, wrong};
  plan->keep_alive.push_back(std::move(holder));
  ArtifactGraph& made = out.graph.emplace();
  made.name = "forward";
  made.source = path.substr(path.rfind('/') + 1);
  made.backend_graph = to_text(backend->ops);
  for (const FallbackNode& n : out.partition.fallbacks) made.falls_back.push_back(n.name);
  made.plan = std::move(*plan);
  return out;
}

Result<ReadArtifact> open_artifact(const std::string& path, const std::string& key) {
  if (key.empty()) return read_artifact(path);
  const auto trusted = read_public_key(key);
  if (!trusted) return trusted.error();
  return read_artifact(path, &trusted.value());
}

Result<OptionSet> options_of(const Artifact& artifact) {
  const auto backend = option_backend(artifact.backend);
  if (!backend) return Error{ErrorCode::kParse, printable(artifact.backend), "no options of such a backend are known"};
  std::vector<OptionText> stored;
  stored.reserve(artifact.options.size());
  for (const auto& [key, value] : artifact.options) stored.push_back({key, value});
  return OptionSet::restored(*backend, stored);
}

std::string artifact_schedule(const Artifact& artifact) {
  const auto options = options_of(artifact);
  return options.ok() ? schedule_text(options.value()) : std::string();
}

Result<Artifact> artifact_for(Session& session, Frontend frontend, const LowerRequest& request, size_t graphs) {
  const auto resolved = session.target_for(frontend);
  if (!resolved) return resolved.error();
  const Target& target = resolved.value();
  Artifact out;
  out.tool_version = kVersion;
  out.mode = request.border_fallback ? "border-fallback" : request.strict ? "strict" : "warn";
  out.backend = target.backend.name;
  out.soc = target.soc.name;
  out.arch = target.arch_text();
  out.sdk = target.sdk.text();
  out.pipeline = target.pipeline.name;
  if (target.backend.has_arch) out.vtcm_mb = static_cast<uint32_t>(target.soc.vtcm_mb);  // it is HTP's
  const auto options = compile_options(target, request.options);
  if (!options) return options.error();
  if (request.border_fallback && !target.backend.full_delegation)
    return Error{ErrorCode::kUsage, "--lpai-border-fallback",
                 fmt::format("is for backends that take graphs whole; of {} --warn lowers parts", out.backend)};
  if (const size_t most = option_backend_row(options.value().backend()).graphs_per_context; most > 0 && graphs > most)
    return Error{ErrorCode::kUsage, out.backend, fmt::format("takes {} graph at a time, not {}", most, graphs)};
  for (const OptionText& o : options.value().stored()) out.options.emplace_back(o.key, o.text);
  return out;
}

}  // namespace snapgauge
