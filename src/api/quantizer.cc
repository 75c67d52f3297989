// include/snapgauge/quantize.h over the annotator and what follows it.
#include <map>

#include "api/annotator.h"
#include "api/public_report.h"
#include "api/quantization.h"
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

/// What both begin with. The recipe refers to the rules.
struct Opened {
  std::unique_ptr<Session> session;
  Recipe recipe;
  LoadedGraph loaded;
  std::map<NodeId, RecipeRule> rules;
};

Result<std::unique_ptr<Opened>> opened(const std::string& path, const CheckTarget& target, const TableSource& tables,
                                       const AnnotateOptions& options) {
  auto out = std::make_unique<Opened>();
  auto session =
      Session::open({tables.database, tables.directory}, {target.backend, target.soc, target.sdk, target.pipeline});
  if (!session) return session.error();
  out->session = std::move(*session);
  auto recipe = recipe_of(options);
  if (!recipe) return recipe.error();
  out->recipe = std::move(*recipe);
  auto loaded = load_graph(path, options.allowed_folders);
  if (!loaded) return loaded.error();
  out->loaded = std::move(*loaded);
  if (!options.choose) return out;
  const Graph& graph = out->loaded.graph;
  if (Status s = ask(options, graph, out->session->database(), out->rules); !s) return s.error();
  std::map<std::string, const RecipeRule*, std::less<>> by_name;
  for (const auto& [node, rule] : out->rules) by_name.emplace(graph.name(node), &rule);
  out->recipe.custom = [by_name = std::move(by_name)](std::string_view name) {
    const auto known = by_name.find(name);
    return known == by_name.end() ? nullptr : known->second;
  };
  return out;
}

std::vector<AnnotatedNode> public_nodes(std::vector<NodeChoice> nodes) {
  std::vector<AnnotatedNode> out;
  out.reserve(nodes.size());
  for (NodeChoice& n : nodes)
    out.push_back({n.name, n.op, std::string(choice_name(n.kind)), n.style, n.config, n.granularity, std::move(n.block),
                   n.decided_by, n.note});
  return out;
}

Result<std::unique_ptr<const AnnotatedModel>> annotated(const std::string& path, const CheckTarget& target,
                                                        const TableSource& tables, const AnnotateOptions& options) {
  const auto open = opened(path, target, tables, options);
  if (!open) return open.error();
  Opened& o = *open.value();
  auto result = annotate(*o.session, o.loaded.graph, o.recipe,
                         [&](const Graph& graph) { return o.session->report(graph, path); });
  if (!result) return result.error();
  auto out = std::make_unique<AnnotatedModel>();
  out->nodes = public_nodes(std::move(result->nodes));
  out->changes = std::move(result->changes);
  out->gate = public_file(result->gate);
  out->text = std::move(result->text);
  return std::unique_ptr<const AnnotatedModel>(std::move(out));
}

Result<QuantizeOptions> quantize_options(const QuantizeFileOptions& from, Recipe recipe) {
  QuantizeOptions out;
  out.recipe = std::move(recipe);
  out.samples = from.samples;
  const auto activations = observer_named(from.observer);
  const auto weights = weight_observer_named(from.weight_observer);
  if (!activations) return Error{ErrorCode::kUsage, "observer", "\"" + printable(from.observer) + "\" is none"};
  if (!weights)
    return Error{ErrorCode::kUsage, "weight_observer", "\"" + printable(from.weight_observer) + "\" is none"};
  if (!(from.percentile >= 50 && from.percentile <= 100))
    return Error{ErrorCode::kUsage, "percentile", "is not between 50 and 100"};
  out.convert.activations.kind = *activations;
  out.convert.activations.percentile = from.percentile;
  out.convert.weights = *weights;
  out.calibration.threads = from.threads;
  out.calibration.progress = from.progress;
  out.strict = from.strict;
  return out;
}

Result<std::unique_ptr<const QuantizedFile>> quantized(const std::string& path, const CheckTarget& target,
                                                       const TableSource& tables, const QuantizeFileOptions& options) {
  const auto open = opened(path, target, tables, options.annotate);
  if (!open) return open.error();
  Opened& o = *open.value();
  const auto how = quantize_options(options, o.recipe);
  if (!how) return how.error();
  auto model = quantize(*o.session, o.loaded.graph, how.value(),
                        [&](const Graph& graph) { return o.session->report(graph, path); });
  if (!model) return model.error();
  auto out = std::make_unique<QuantizedFile>();
  out->nodes = public_nodes(std::move(model->annotated.nodes));
  out->changes = std::move(model->annotated.changes);
  out->specs = public_file(model->annotated.gate);
  out->calibrated = model->calibrated;
  out->samples = model->samples;
  if (!out->calibrated) return std::unique_ptr<const QuantizedFile>(std::move(out));
  out->gate = public_file(model->gate);
  out->model = *model->model;
  out->sgraph = std::move(model->text);
  out->encodings = std::move(model->aimet.text);
  out->overrides = std::move(model->overrides.text);
  return std::unique_ptr<const QuantizedFile>(std::move(out));
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

std::unique_ptr<const QuantizedFile> quantize_file(const std::string& path, const CheckTarget& target,
                                                   const TableSource& tables, const QuantizeFileOptions& options,
                                                   std::string* error) {
  auto done = guarded(path, [&] { return quantized(path, target, tables, options); });
  if (done) return std::move(*done);
  if (error != nullptr) *error = done.error().message();
  return nullptr;
}

}  // namespace snapgauge
