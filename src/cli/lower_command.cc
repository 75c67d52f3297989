// lower: graphs that pass the gate become an artifact for their backend.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "api/handoff.h"
#include "api/lowering.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/text.h"
#include "cli/check_run.h"
#include "cli/lower_output.h"
#include "report/formats.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kArtifactEnding = ".sgb";

struct LowerOutcome {
  std::vector<std::string> names;    // of the graphs
  std::vector<LoweredGraph> graphs;  // plans are in the artifact where all are lowered
  std::vector<std::shared_ptr<const LoadedGraph>> loaded;
  Artifact artifact;
  std::vector<Handoff> handoffs;
  std::string written;

  bool lowered() const { return artifact.graphs.size() == graphs.size(); }
};

/// "NAME=FILE", where NAME is no part of a path, or a file whose name stands for it; of a single one "forward".
std::vector<std::string> graph_names(std::vector<std::string>& files) {
  std::vector<std::string> out;
  for (std::string& file : files) {
    const size_t equals = file.find('=');
    const bool named = equals != std::string::npos && equals > 0 && file.find('/') > equals;
    if (named) {
      out.push_back(file.substr(0, equals));
      file.erase(0, equals + 1);
    } else {
      const std::string stem = fs::path(file).filename().native();
      out.push_back(files.size() == 1 ? "forward" : stem.substr(0, stem.find('.')));
    }
  }
  return out;
}

Status names_differ(const std::vector<std::string>& names, const std::vector<std::string>& files) {
  for (size_t i = 0; i < names.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (names[i] == names[k])
        return Error{ErrorCode::kUsage, files[i],
                     fmt::format("is a second graph '{}'; NAME=FILE gives it another name", printable(names[i]))};
  return Done{};
}

/// What is there already is replaced when it is an artifact or was asked for by name.
Result<std::string> artifact_path(const CheckArguments& check) {
  std::string output = check.output;
  if (output.empty()) {
    const std::string& first = check.files.front();
    const size_t slash = first.rfind('/') + 1, dot = first.rfind('.');
    output = (dot == std::string::npos || dot <= slash ? first : first.substr(0, dot)) + std::string(kArtifactEnding);
    std::error_code error;
    if (fs::exists(output, error) && !is_artifact(output))
      return Error{ErrorCode::kUsage, output, "exists already and is no artifact; name another file with --output"};
  }
  CheckArguments named = check;
  named.output = output;
  if (auto free = output_is_free(named); !free) return free.error();
  return output;
}

Result<LoweredGraph> lowered(CheckRun& gate, const CheckArguments& check, size_t file, const LowerRequest& request,
                             LowerOutcome& out) {
  auto loaded = load_graph(check.files[file], check.allowed_folders);
  if (!loaded) return loaded.error();
  if (auto done = complete(gate.session(), loaded->graph, request); !done) return done.error();
  const auto held = std::make_shared<const LoadedGraph>(std::move(*loaded));
  out.loaded.push_back(held);
  auto report = gate.judge(file, held->graph);
  if (!report) return report.error();
  if (file == 0) {
    auto empty = artifact_for(gate.session(), held->graph.frontend, request, check.files.size());
    if (!empty) return empty.error();
    out.artifact = std::move(*empty);
  }
  return lower_graph(gate.session(), held->graph, std::move(*report), held, request);
}

Json graph_json(const LowerOutcome& outcome, size_t i) {
  const LoweredGraph& g = outcome.graphs[i];
  Json row = partition_json(g.partition);
  row["name"] = printable(outcome.names[i]);
  row["path"] = g.gate.path;
  row["verdict"] = verdict_name(g.gate.verdict);
  row["lowered"] = g.partition.refusal.empty();
  if (outcome.lowered())
    row["estimates"] = cost_json(outcome.artifact.graphs[i].plan, uint64_t{outcome.artifact.vtcm_mb} << 20U);
  return row;
}

/// What can be said before anything is read.
Status emits_are_known(const LowerArguments& arguments, const std::vector<std::string>& files) {
  for (const auto& [kind, folder] : arguments.emit) {
    if (!is_handoff(kind)) return Error{ErrorCode::kUsage, "--emit", "takes qairt or ort, not " + printable(kind)};
    if (files.size() > 1)
      return Error{ErrorCode::kUsage, "--emit", "hands over one model; lower the others on their own"};
    constexpr size_t kEnough = 4096;
    if (const std::string begin = beginning_of(files.front(), kEnough); !begin.empty() && !handoff_takes(begin))
      return Error{ErrorCode::kUsage, files.front(), "--emit takes ONNX models only"};
  }
  return Done{};
}

/// The hand-offs, which nothing is in the way of.
Status make_handoffs(LowerOutcome& out, Session& session, const LowerArguments& arguments, const std::string& output) {
  if (arguments.emit.empty()) return Done{};
  const LoadedGraph& loaded = *out.loaded.front();
  const auto target = session.target_for(loaded.graph.frontend);
  if (!target) return target.error();
  const HandoffSource source{out.graphs.front().gate.path,
                             loaded.file,
                             arguments.check.allowed_folders,
                             &loaded.graph,
                             &target.value(),
                             &out.artifact,
                             dumped(graph_json(out, 0), 2) + "\n"};
  for (const auto& [kind, folder] : arguments.emit) {
    auto made = hand_off(kind, folder, source);
    if (!made) return made.error();
    out.handoffs.push_back(std::move(*made));
  }
  return handoffs_are_free(out.handoffs, output);
}

Result<LowerOutcome> lower_all(const LowerArguments& arguments) {
  LowerOutcome out;
  CheckArguments check = arguments.check;
  out.names = graph_names(check.files);
  if (auto differ = names_differ(out.names, check.files); !differ) return differ.error();
  if (auto known = emits_are_known(arguments, check.files); !known) return known.error();
  const auto output = artifact_path(check);
  if (!output) return output.error();
  CheckRun gate(check);
  if (auto opened = gate.open(); !opened) return opened.error();
  const LowerRequest request{!check.warn, arguments.border_fallback, arguments.options, arguments.drawn,
                             arguments.samples};
  for (size_t f = 0; f < check.files.size(); ++f) {
    auto one = lowered(gate, check, f, request, out);
    if (!one) return one.error();
    if (one->graph) {
      one->graph->name = out.names[f];
      out.artifact.graphs.push_back(std::move(*one->graph));
    }
    out.graphs.push_back(std::move(*one));
  }
  if (!out.lowered()) return out;
  if (auto made = make_handoffs(out, gate.session(), arguments, output.value()); !made) return made.error();
  if (auto written = write_artifact(output.value(), out.artifact); !written) return written.error();
  out.written = output.value();
  for (const Handoff& h : out.handoffs)
    if (auto written = write_handoff(h); !written) return written.error();
  return out;
}

std::string lower_target_text(const Artifact& a) {
  return fmt::format("{} on {}{}", a.backend, a.soc, a.arch.empty() ? "" : " (" + a.arch + ")");
}

std::string lower_text(const LowerOutcome& outcome) {
  const Artifact& a = outcome.artifact;
  std::string out;
  for (size_t i = 0; i < outcome.graphs.size(); ++i) {
    const LoweredGraph& g = outcome.graphs[i];
    const std::string& why = g.partition.refusal;
    out += fmt::format("{}: {} for {}{}\n", printable(g.gate.path), why.empty() ? "lowered" : "refused",
                       lower_target_text(a), why.empty() ? "" : ": " + why);
    out += partition_text(g.partition);
    if (outcome.lowered()) out += cost_text(a.graphs[i].plan, uint64_t{a.vtcm_mb} << 20U);
  }
  if (!outcome.written.empty()) out += fmt::format("written to {}\n", printable(outcome.written));
  for (const Handoff& h : outcome.handoffs) {
    out += fmt::format("for {} in {}: {} files\n", h.kind, printable(h.folder), h.files.size());
    for (const std::string& tensor : h.left_out)
      out += fmt::format("  without its parameters: {}\n", printable(tensor));
  }
  return out;
}

std::vector<std::string> printable_all(std::vector<std::string> names) {
  for (std::string& name : names) name = printable(name);
  return names;
}

std::string lower_json(const LowerOutcome& outcome) {
  const Artifact& a = outcome.artifact;
  Json graphs = Json::array();
  for (size_t i = 0; i < outcome.graphs.size(); ++i) graphs.push_back(graph_json(outcome, i));
  Json out{
      {"schema", "snapgauge-lower/1"},
      {"tool", {{"name", "snapgauge"}, {"version", kVersion}}},
      {"target", {{"backend", a.backend}, {"soc", a.soc}, {"arch", a.arch}, {"sdk", a.sdk}, {"pipeline", a.pipeline}}},
      {"mode", a.mode},
      {"graphs", std::move(graphs)}};
  if (!outcome.written.empty()) out["written"] = outcome.written;
  for (const Handoff& h : outcome.handoffs)
    out["emitted"].push_back({{"tool", h.kind}, {"folder", h.folder}, {"left_out", printable_all(h.left_out)}});
  return dumped(out) + "\n";
}

}  // namespace

int run_lower(const LowerArguments& arguments) {
  const auto outcome =
      guarded(arguments.check.files.front(), [&]() -> Result<LowerOutcome> { return lower_all(arguments); });
  if (!outcome) return fail(outcome.error());
  const int code = deliver(arguments.format == "json" ? lower_json(outcome.value()) : lower_text(outcome.value()), "");
  return code != 0 ? code : outcome.value().lowered() ? 0 : 1;
}

}  // namespace snapgauge::cli
