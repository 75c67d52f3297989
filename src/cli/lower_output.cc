#include "cli/lower_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "report/common.h"

namespace snapgauge::cli {
namespace {

constexpr size_t kMostNames = 6;

std::string some(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kMostNames); ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMostNames) out += fmt::format(" and {} more", names.size() - kMostNames);
  return out;
}

std::string counted(uint64_t n) {
  constexpr std::array<std::pair<double, const char*>, 3> kUnits{
      {{1e9, " billion"}, {1e6, " million"}, {1e3, " thousand"}}};
  for (const auto& [unit, word] : kUnits)
    if (static_cast<double>(n) >= unit) return fmt::format("{:.1f}{}", static_cast<double>(n) / unit, word);
  return std::to_string(n);
}

std::string size_of(uint64_t bytes) {
  constexpr double kUnit = 1024;
  constexpr std::array<const char*, 4> kNames{"bytes", "KiB", "MiB", "GiB"};
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  for (; amount >= kUnit && unit + 1 < kNames.size(); ++unit) amount /= kUnit;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", amount, kNames[unit]);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// "3 partitions" counts only those of the backend.
std::string part_of(const Plan& plan, size_t index) {
  size_t before = 0;
  for (size_t p = 0; p < index; ++p) before += plan.parts[p].executor == Executor::kBackend ? 1 : 0;
  return plan.parts[index].executor == Executor::kBackend ? fmt::format("partition {}", before) : "the CPU";
}

double pressure(const Cost& cost, uint64_t vtcm_bytes) {
  return static_cast<double>(cost.working_set) / static_cast<double>(vtcm_bytes);
}

}  // namespace

std::string partition_text(const PartitionReport& parts) {
  std::string out;
  for (size_t p = 0; p < parts.partitions.size(); ++p)
    out += fmt::format("  partition {}  {}: {}\n", p, plural(parts.partitions[p].size(), "node"),
                       some(parts.partitions[p]));
  if (!parts.fallbacks.empty()) out += "  on the CPU\n";
  for (const FallbackNode& n : parts.fallbacks) {
    out += fmt::format("    {} ({}): {}\n", n.name, n.op, n.why);
    if (!n.weight.empty()) out += fmt::format("      computes with the weight {}\n", n.weight);
    if (!n.change.empty()) out += fmt::format("      to close the cut: {}\n", n.change);
  }
  if (!parts.cuts.empty()) out += "  cut tensors\n";
  for (const CutTensor& c : parts.cuts)
    out += fmt::format("    {}  {} ({}) -> {} ({}), {}, {}{}\n", c.name, c.from,
                       PartitionReport::part_name(c.from_part), c.to, PartitionReport::part_name(c.to_part), c.dtype,
                       c.bytes == 0 ? "of unknown size" : size_of(c.bytes),
                       c.conversions.empty() ? "" : "; " + c.conversions);
  return out;
}

Json partition_json(const PartitionReport& parts) {
  Json partitions = Json::array(), fallbacks = Json::array(), cuts = Json::array();
  for (const auto& nodes : parts.partitions) partitions.push_back({{"nodes", nodes}});
  for (const FallbackNode& n : parts.fallbacks) {
    Json row{{"node", n.name}, {"op", n.op}, {"reason", n.why}};
    if (!n.change.empty()) row["change"] = n.change;
    if (!n.weight.empty()) row["weight"] = n.weight;
    fallbacks.push_back(std::move(row));
  }
  for (const CutTensor& c : parts.cuts) {
    Json row{{"tensor", c.name},
             {"from", {{"node", c.from}, {"part", PartitionReport::part_name(c.from_part)}}},
             {"to", {{"node", c.to}, {"part", PartitionReport::part_name(c.to_part)}}},
             {"dtype", c.dtype}};
    if (c.bytes > 0) row["bytes"] = c.bytes;
    if (!c.conversions.empty()) row["conversions"] = c.conversions;
    cuts.push_back(std::move(row));
  }
  Json out{{"partitions", std::move(partitions)}, {"fallbacks", std::move(fallbacks)}, {"cuts", std::move(cuts)}};
  if (!parts.refusal.empty()) out["refusal"] = parts.refusal;
  return out;
}

std::string cost_text(const Plan& plan, uint64_t vtcm_bytes) {
  std::string out;
  for (size_t p = 0; p < plan.parts.size(); ++p) {
    const Cost cost = cost_of(plan, plan.parts[p]);
    out += fmt::format("  {}  {}: {} MACs, {} of activations and {} of constants moved, at most {} in one step",
                       part_of(plan, p), plural(plan.parts[p].count, "step"), counted(cost.macs),
                       size_of(cost.activation_bytes), size_of(cost.constant_bytes), size_of(cost.working_set));
    if (vtcm_bytes > 0 && plan.parts[p].executor == Executor::kBackend)
      out += fmt::format(" ({:.0f} % of the VTCM)", 100 * pressure(cost, vtcm_bytes));
    out += '\n';
  }
  return out.empty() ? out : "estimates, counted from shapes\n" + out;
}

Json cost_json(const Plan& plan, uint64_t vtcm_bytes) {
  Json parts = Json::array();
  for (size_t p = 0; p < plan.parts.size(); ++p) {
    const Cost cost = cost_of(plan, plan.parts[p]);
    Json row{{"part", part_of(plan, p)},
             {"steps", plan.parts[p].count},
             {"macs", cost.macs},
             {"activation_bytes", cost.activation_bytes},
             {"constant_bytes", cost.constant_bytes},
             {"largest_working_set", cost.working_set}};
    if (vtcm_bytes > 0 && plan.parts[p].executor == Executor::kBackend)
      row["share_of_vtcm"] = pressure(cost, vtcm_bytes);
    parts.push_back(std::move(row));
  }
  return {{"estimated", true}, {"parts", std::move(parts)}};
}

std::string artifact_text(const ReadArtifact& read, const std::string& path) {
  const Artifact& a = read.artifact;
  const ArtifactLayout& l = read.layout;
  std::string out =
      fmt::format("{}\n  target     {} on {}{}, SDK {}, lowered by {} {}, {}\n", printable(path), printable(a.backend),
                  printable(a.soc), a.arch.empty() ? "" : " (" + printable(a.arch) + ")", printable(a.sdk), "snapgauge",
                  printable(a.tool_version), printable(a.mode));
  out += fmt::format("  structure  {}, hash {:016x}\n  weights    {}, hash {:016x}; {} of {}\n",
                     size_of(l.structure_bytes), l.structure_hash, size_of(l.weights_bytes), l.weights_hash,
                     plural(l.constants, "constant"), size_of(l.constant_bytes));
  out += fmt::format("  signature  {}\n", l.signature ? "by " + fingerprint(l.signature->signer) : "none");
  for (const auto& [key, value] : a.options)
    out += fmt::format("  option     {} = {}\n", printable(key), printable(value));
  const std::string schedule = artifact_schedule(a);
  for (const std::string& line : lines_of(schedule)) out += fmt::format("  schedule   {}\n", line);
  const uint64_t vtcm = uint64_t{a.vtcm_mb} << 20U;
  for (const ArtifactGraph& g : a.graphs) {
    out += fmt::format("graph {} of {}\n", printable(g.name), printable(g.source));
    const auto tensor = [&](const char* what, const std::string& name, BufferId id) {
      const Buffer& b = g.plan.buffer(id);
      out += fmt::format("  {} {}  {} [{}]\n", what, printable(name), dtype_name(b.dtype), fmt::join(b.dims, ", "));
    };
    for (const BufferId id : g.plan.inputs) tensor("input ", g.plan.buffer(id).name, id);
    for (size_t i = 0; i < g.plan.outputs.size(); ++i) tensor("output", g.plan.output_names[i], g.plan.outputs[i]);
    for (const std::string& node : g.falls_back) out += fmt::format("  on the CPU: {}\n", printable(node));
    out += cost_text(g.plan, vtcm);
  }
  return out;
}

Json artifact_json(const ReadArtifact& read) {
  const Artifact& a = read.artifact;
  const ArtifactLayout& l = read.layout;
  Json options = Json::object(), graphs = Json::array();
  for (const auto& [key, value] : a.options) options[printable(key)] = printable(value);
  for (const ArtifactGraph& g : a.graphs) {
    Json inputs = Json::array(), outputs = Json::array(), falls_back = Json::array();
    const auto tensor = [&](const std::string& name, BufferId id) {
      const Buffer& b = g.plan.buffer(id);
      return Json{{"name", printable(name)}, {"dtype", dtype_name(b.dtype)}, {"shape", b.dims}};
    };
    for (const BufferId id : g.plan.inputs) inputs.push_back(tensor(g.plan.buffer(id).name, id));
    for (size_t i = 0; i < g.plan.outputs.size(); ++i)
      outputs.push_back(tensor(g.plan.output_names[i], g.plan.outputs[i]));
    for (const std::string& node : g.falls_back) falls_back.push_back(printable(node));
    graphs.push_back({{"name", printable(g.name)},
                      {"source", printable(g.source)},
                      {"inputs", std::move(inputs)},
                      {"outputs", std::move(outputs)},
                      {"falls_back", std::move(falls_back)},
                      {"estimates", cost_json(g.plan, uint64_t{a.vtcm_mb} << 20U)}});
  }
  Json out{{"target",
            {{"backend", printable(a.backend)},
             {"soc", printable(a.soc)},
             {"arch", printable(a.arch)},
             {"sdk", printable(a.sdk)},
             {"pipeline", printable(a.pipeline)}}},
           {"mode", printable(a.mode)},
           {"made_by", printable(a.tool_version)},
           {"options", std::move(options)},
           {"schedule", lines_of(artifact_schedule(a))},
           {"structure", {{"bytes", l.structure_bytes}, {"hash", fmt::format("{:016x}", l.structure_hash)}}},
           {"weights",
            {{"bytes", l.weights_bytes},
             {"hash", fmt::format("{:016x}", l.weights_hash)},
             {"constants", l.constants},
             {"constant_bytes", l.constant_bytes}}},
           {"graphs", std::move(graphs)}};
  if (l.signature) out["signed_by"] = fingerprint(l.signature->signer);
  return out;
}

}  // namespace snapgauge::cli
