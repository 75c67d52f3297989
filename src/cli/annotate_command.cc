// annotate: a float model gets the specs that its target takes; what each node got, and why, is told.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "api/annotator.h"
#include "base/guard.h"
#include "base/mouths.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/check_run.h"
#include "config/recipe.h"
#include "report/common.h"
#include "report/formats.h"
#include "report/json_parts.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

constexpr std::string_view kEnding = ".annotated.sgraph.json";

/// The file's own recipe, else the configuration's, and above both what stands on the command line.
Result<Recipe> recipe_for(const AnnotateArguments& arguments, const CheckRun& gate) {
  Recipe recipe = gate.recipe_of(0);
  if (!arguments.recipe.empty()) {
    auto read = load_recipe(arguments.recipe);
    if (!read) return read.error();
    recipe = std::move(*read);
  }
  if (!arguments.quant.empty()) recipe.defaults.configs = arguments.quant;
  if (!arguments.granularity.empty()) recipe.defaults.granularity = granularity_named(arguments.granularity);
  if (arguments.block > 0) recipe.defaults.block = {arguments.block};
  if (arguments.symmetric) recipe.defaults.symmetric = true;
  if (recipe.where.empty() || !arguments.quant.empty()) recipe.where = "--quant";
  return recipe;
}

struct Outcome {
  std::string path, output;  // `output` is empty when nothing was written
  AnnotatedGraph graph;
  Report report;
  bool passed() const { return report.files.front().verdict == FileVerdict::kAccepted; }
};

/// Beside the model, under its name.
std::string default_output(const std::string& path) {
  std::string out = path;
  for (const std::string_view ending : {".sgraph.json", ".json", ".onnx"})
    if (out.ends_with(ending)) {
      out.resize(out.size() - ending.size());
      break;
    }
  return out + std::string(kEnding);
}

/// A file without a name of its own is not overwritten when it holds something else.
Result<std::string> written(const AnnotateArguments& arguments, const std::string& path, const std::string& text) {
  const std::string output = arguments.output.empty() ? default_output(path) : arguments.output;
  if (!arguments.output.empty()) {
    CheckArguments named = arguments.check;
    named.output = output;
    if (!arguments.recipe.empty()) named.files.push_back(arguments.recipe);
    if (auto free = output_is_free(named); !free) return free.error();
    if (auto done = write_file(output, text, path); !done) return done.error();
    return output;
  }
  const Status done = rewrite_file(
      output,
      [&](std::optional<std::string_view> now) -> Result<std::string> {
        if (now && now != text)
          return Error{ErrorCode::kUsage, output, "exists already; remove it, or name another file with --output"};
        return text;
      },
      path);
  if (!done) return done.error();
  return output;
}

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
  auto output = written(arguments, path, out.graph.text);
  if (!output) return output.error();
  out.output = std::move(*output);
  return out;
}

std::string what_became(const NodeChoice& node) {
  if (node.kind != QuantChoice::Kind::kAnnotated) return std::string(choice_name(node.kind));
  std::string out = fmt::format("{} {}", node.config, node.granularity);
  if (!node.block.empty()) out += fmt::format(" [{}]", fmt::join(node.block, ","));
  return out;
}

std::string explained(const std::vector<NodeChoice>& nodes) {
  using Row = std::array<std::string, 6>;
  std::vector<Row> rows{{"node", "op", "style", "quantization", "decided by", "because"}};
  for (const NodeChoice& n : nodes)
    rows.push_back({n.name, n.op, n.style.empty() ? "-" : n.style, what_became(n), n.decided_by, n.note});
  std::array<size_t, 6> widths{};
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += fmt::format("  {:<{}}", row[i], widths[i]);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return out;
}

/// What a reader would not expect: nodes that were left in float and weights that got coarser.
std::string surprises(const std::vector<NodeChoice>& nodes) {
  constexpr size_t kMostNamed = 5;
  std::map<std::string, std::vector<std::string>> groups;
  for (const NodeChoice& n : nodes) {
    if (n.kind == QuantChoice::Kind::kNoRow)
      groups["in float, not annotated on this backend: " + n.op].push_back(n.name);
    if (n.kind == QuantChoice::Kind::kRefused)
      groups[fmt::format("in float, the target takes {} there only so: {}", n.op, n.note)].push_back(n.name);
    if (n.kind == QuantChoice::Kind::kDiscarded) groups["in float, as " + n.decided_by + " says"].push_back(n.name);
    if (n.kind == QuantChoice::Kind::kAnnotated && !n.note.empty())
      groups[fmt::format("{} {} instead: {}", n.config, n.granularity, n.note)].push_back(n.name);
  }
  std::string out;
  for (const auto& [what, names] : groups) {
    const size_t shown = std::min(names.size(), kMostNamed);
    out +=
        fmt::format("  {}\n    {}{}\n", what, fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "),
                    names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
  }
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
  Json nodes = Json::array();
  for (const NodeChoice& n : outcome.graph.nodes) {
    Json node{{"name", n.name}, {"op", n.op}, {"choice", choice_name(n.kind)}};
    if (n.kind == QuantChoice::Kind::kAnnotated) {
      node["style"] = n.style;
      node["config"] = n.config;
      node["granularity"] = n.granularity;
      if (!n.block.empty()) node["block"] = n.block;
    }
    node["decided_by"] = n.decided_by;
    if (!n.note.empty()) node["note"] = n.note;
    nodes.push_back(std::move(node));
  }
  Json out{{"schema", "snapgauge-annotate/1"}, {"tool", {{"name", "snapgauge"}, {"version", kVersion}}}};
  out["path"] = outcome.path;
  if (!outcome.output.empty()) out["output"] = outcome.output;
  if (!outcome.graph.changes.empty()) out["changes"] = outcome.graph.changes;
  out["nodes"] = std::move(nodes);
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
