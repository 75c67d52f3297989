// include/snapgauge/quantize.h over the annotator.
#include <map>

#include "api/annotator.h"
#include "api/public_report.h"
#include "api/session.h"
#include "base/guard.h"
#include "base/text.h"
#include "config/recipe.h"
#include "snapgauge/quantize.h"

namespace snapgauge {
namespace {

Result<RecipeRule> rule_of(const QuantRequest& request) {
  RecipeRule rule;
  rule.where = "choose";
  rule.discard = request.in_float;
  if (!request.config.empty()) rule.wish.configs = {request.config};
  rule.wish.block = request.block;
  if (request.granularity.empty()) return rule;
  rule.wish.granularity = granularity_named(request.granularity);
  if (!rule.wish.granularity)
    return Error{ErrorCode::kUsage, "choose", "\"" + request.granularity + "\" is no granularity"};
  return rule;
}

Result<Recipe> recipe_of(const AnnotateOptions& options) {
  auto recipe = options.recipe.empty() ? Result<Recipe>(Recipe()) : parse_recipe(options.recipe, "recipe");
  if (!recipe) return recipe.error();
  if (!options.config.empty()) recipe->defaults.configs = {options.config};
  if (recipe->where.empty()) recipe->where = "config";
  return recipe;
}

/// Asks for every call of the graph once; the rules, by name and operator, outlive the recipe's use.
Status ask(const AnnotateOptions& options, const Graph& graph, const Database& database,
           std::map<NodeId, RecipeRule>& rules) {
  const auto configs = QuantConfigs::load(database);
  if (!configs) return configs.error();
  for (uint32_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].kind != NodeKind::kCall) continue;
    const auto request = options.choose(graph.name(NodeId{n}), graph.text(graph.nodes[n].op));
    if (!request) continue;
    auto rule = rule_of(*request);
    if (!rule) return rule.error();
    if (!request->config.empty() && configs.value().find(request->config) == nullptr)
      return Error{ErrorCode::kUsage, "choose", "\"" + printable(request->config) + "\" is no quant config"};
    rules.emplace(NodeId{n}, std::move(*rule));
  }
  return Done{};
}

Result<std::unique_ptr<const AnnotatedModel>> annotated(const std::string& path, const CheckTarget& target,
                                                        const TableSource& tables, const AnnotateOptions& options) {
  auto session =
      Session::open({tables.database, tables.directory}, {target.backend, target.soc, target.sdk, target.pipeline});
  if (!session) return session.error();
  auto recipe = recipe_of(options);
  if (!recipe) return recipe.error();
  auto loaded = load_graph(path, options.allowed_folders);
  if (!loaded) return loaded.error();
  std::map<NodeId, RecipeRule> rules;
  if (options.choose) {
    if (Status s = ask(options, loaded->graph, (*session)->database(), rules); !s) return s.error();
    std::map<std::string, const RecipeRule*, std::less<>> by_name;
    for (const auto& [node, rule] : rules) by_name.emplace(loaded->graph.name(node), &rule);
    recipe->custom = [by_name = std::move(by_name)](std::string_view name) {
      const auto known = by_name.find(name);
      return known == by_name.end() ? nullptr : known->second;
    };
  }
  auto result =
      annotate(**session, loaded->graph, *recipe, [&](const Graph& graph) { return (*session)->report(graph, path); });
  if (!result) return result.error();
  auto out = std::make_unique<AnnotatedModel>();
  for (NodeChoice& n : result->nodes)
    out->nodes.push_back({n.name, n.op, std::string(choice_name(n.kind)), n.style, n.config, n.granularity,
                          std::move(n.block), n.decided_by, n.note});
  out->changes = std::move(result->changes);
  out->gate = public_file(result->gate);
  out->text = std::move(result->text);
  return std::unique_ptr<const AnnotatedModel>(std::move(out));
}

}  // namespace

std::unique_ptr<const AnnotatedModel> annotate_file(const std::string& path, const CheckTarget& target,
                                                    const TableSource& tables, const AnnotateOptions& options,
                                                    std::string* error) {
  auto done = guarded(path, [&] { return annotated(path, target, tables, options); });
  if (done) return std::move(*done);
  if (error != nullptr) *error = done.error().message();
  return nullptr;
}

}  // namespace snapgauge
