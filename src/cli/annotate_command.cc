// annotate: a float model gets the specs that its target takes; what each node got, and why, is told.
#include <fmt/format.h>

#include <algorithm>

#include "api/annotator.h"
#include "base/guard.h"
#include "base/mouths.h"
#include "base/text.h"
#include "cli/annotate_output.h"
#include "cli/check_run.h"
#include "report/common.h"
#include "report/formats.h"
#include "report/json_parts.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

constexpr std::string_view kEnding = ".annotated.sgraph.json";

struct Outcome {
  std::string path, output;  // `output` is empty when nothing was written
  AnnotatedGraph graph;
  Report report;
  bool passed() const { return report.files.front().verdict == FileVerdict::kAccepted; }
};

Result<Outcome> annotate_file(const AnnotateArguments& arguments) {
  const std::string& path = arguments.check.files.front();
  CheckRun gate(arguments.check);
  if (auto opened = gate.open(); !opened) return opened.error();
  const auto recipe = recipe_for(arguments, gate);
  if (!recipe) return recipe.error();
  auto loaded = load_graph(path, arguments.check.allowed_folders);
  if (!loaded) return loaded.error();
  Outcome out;
  out.path = path;
  auto annotated =
      annotate(gate.session(), loaded->graph, recipe.value(), [&](const Graph& graph) { return gate.judge(0, graph); });
  if (!annotated) return annotated.error();
  out.graph = std::move(*annotated);
  auto report = gate.report_of(std::move(out.graph.gate));
  if (!report) return report.error();
  out.report = std::move(*report);
  if (!out.passed() && out.report.strict) return out;
  auto output = write_beside(arguments, path, kEnding, out.graph.text);
  if (!output) return output.error();
  out.output = std::move(*output);
  return out;
}

std::string text_of(const Outcome& outcome, const AnnotateArguments& arguments, const Terminal& terminal) {
  const auto& nodes = outcome.graph.nodes;
  const auto annotated = static_cast<size_t>(std::count_if(
      nodes.begin(), nodes.end(), [](const NodeChoice& n) { return n.kind == QuantChoice::Kind::kAnnotated; }));
  std::string out =
      fmt::format("{}: {} of {} annotated{}\n", printable(outcome.path), annotated, plural(nodes.size(), "node"),
                  outcome.output.empty() ? ", nothing written" : ", written to " + printable(outcome.output));
  if (!outcome.graph.changes.empty())
    out += fmt::format("  before that {}\n", plural(outcome.graph.changes.size(), "change"));
  if (arguments.explain)
    for (const std::string& change : outcome.graph.changes) out += fmt::format("    {}\n", change);
  out += for_log(arguments.explain ? explained(nodes) : surprises(nodes));
  TextOptions options;
  options.colour = terminal.colour;
  options.width = terminal.width;
  return out + render_text(outcome.report, options);
}

std::string json_of(const Outcome& outcome) {
  Json out{{"schema", "snapgauge-annotate/1"}, {"tool", {{"name", "snapgauge"}, {"version", kVersion}}}};
  out["path"] = outcome.path;
  if (!outcome.output.empty()) out["output"] = outcome.output;
  if (!outcome.graph.changes.empty()) out["changes"] = outcome.graph.changes;
  out["nodes"] = choices_json(outcome.graph.nodes);
  out["gate"] = Json::parse(render_json(outcome.report));
  return dumped(out) + "\n";
}

}  // namespace

int run_annotate(const AnnotateArguments& arguments, const Terminal& terminal) {
  const auto outcome =
      guarded(arguments.check.files.front(), [&]() -> Result<Outcome> { return annotate_file(arguments); });
  if (!outcome) return fail(outcome.error());
  const Outcome& done = outcome.value();
  const int code = deliver(arguments.format == "json" ? json_of(done) : text_of(done, arguments, terminal), "");
  return code != 0 ? code : done.passed() || !done.report.strict ? 0 : 1;
}

}  // namespace snapgauge::cli
