#include "cli/annotate_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "base/write.h"
#include "cli/check_run.h"
#include "config/recipe.h"

namespace snapgauge::cli {
namespace {

/// Beside the model, under its name.
std::string default_output(const std::string& path, std::string_view ending) {
  std::string out = path;
  for (const std::string_view old : {".sgraph.json", ".json", ".onnx"})
    if (out.ends_with(old)) {
      out.resize(out.size() - old.size());
      break;
    }
  return out + std::string(ending);
}

std::string what_became(const NodeChoice& node) {
  if (node.kind != QuantChoice::Kind::kAnnotated) return std::string(choice_name(node.kind));
  std::string out = fmt::format("{} {}", node.config, node.granularity);
  if (!node.block.empty()) out += fmt::format(" [{}]", fmt::join(node.block, ","));
  return out;
}

}  // namespace

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

Result<std::string> write_beside(const AnnotateArguments& arguments, const std::string& path, std::string_view ending,
                                 const std::string& content) {
  const std::string output = arguments.output.empty() ? default_output(path, ending) : arguments.output;
  if (!arguments.output.empty()) {
    CheckArguments named = arguments.check;
    named.output = output;
    if (!arguments.recipe.empty()) named.files.push_back(arguments.recipe);
    if (auto free = output_is_free(named); !free) return free.error();
    if (auto done = write_file(output, content, path); !done) return done.error();
    return output;
  }
  const Status done = rewrite_file(
      output,
      [&](std::optional<std::string_view> now) -> Result<std::string> {
        if (now && now != content)
          return Error{ErrorCode::kUsage, output, "exists already; remove it, or name another file with --output"};
        return content;
      },
      path);
  if (!done) return done.error();
  return output;
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

Json choices_json(const std::vector<NodeChoice>& choices) {
  Json nodes = Json::array();
  for (const NodeChoice& n : choices) {
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
  return nodes;
}

}  // namespace snapgauge::cli
