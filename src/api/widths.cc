#include "api/widths.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/session.h"

namespace snapgauge {
namespace {

class Search {
 public:
  Search(Session& session, const QuantizeOptions& options, const Judge& judge, const WidthSearch& search)
      : session_(session), options_(options), judge_(judge), search_(search) {}

  /// The nodes in `wide` in their wider configs.
  Result<MeasuredModel> measured(const std::vector<std::string>& wide) {
    // First: who loads may say in the options what was loaded.
    auto loaded = search_.load();
    if (!loaded) return loaded.error();
    QuantizeOptions options = options_;
    std::map<std::string, RecipeRule, std::less<>> rules;
    for (const std::string& node : wide)
      if (const auto config = wider_of_.find(node); config != wider_of_.end()) {
        RecipeRule& rule = rules[node];
        rule.where = "--target-sqnr";
        rule.wish.configs = {config->second.first, config->second.second};
      }
    if (!rules.empty())
      options.recipe.custom = [&](std::string_view node) -> const RecipeRule* {
        const auto known = rules.find(node);
        return known == rules.end() ? nullptr : &known->second;
      };
    const auto source = std::make_shared<LoadedGraph>(std::move(*loaded));
    MeasuredModel out;
    auto model = quantize(session_, source->graph, options, judge_);
    if (!model) return model.error();
    out.source = source;
    out.model = std::move(*model);
    out.wide = wide;
    if (!out.model.calibrated) return out;
    if (Status s = measure(out); !s) return s.error();
    out.reached = out.accuracy.worst_output_db() >= search_.target_db;
    return out;
  }

  Result<MeasuredModel> to_target() {
    auto first = measured({});
    if (!first || !first->model.calibrated || first->reached) return first;
    if (Status s = rank(*first); !s) return s.error();
    MeasuredModel best = std::move(*first);
    // Fewest layers that reach it: more of them are hardly ever worse.
    size_t low = 0, high = ranked_.size();
    if (high == 0) return best;
    auto all = measured(ranked_);
    if (!all || !all->model.calibrated) return all;
    best = std::move(*all);
    if (!best.reached) return best;
    while (high - low > 1) {
      const size_t middle = low + (high - low) / 2;
      auto tried = measured({ranked_.begin(), ranked_.begin() + static_cast<long>(middle)});
      if (!tried || !tried->model.calibrated) return tried;
      if (tried->reached) {
        best = std::move(*tried);
        high = middle;
      } else {
        low = middle;
      }
    }
    return best;
  }

 private:
  Status measure(MeasuredModel& out) {
    const ObservedModel in_float{&out.source->graph, out.model.in_float};
    auto plan = placed_plan(session_, *out.model.integers);
    if (!plan) return plan.error();
    const ObservedModel quantized{out.model.integers.get(), std::move(*plan)};
    const auto samples = Samples::open(in_float.model.plan->plan(), options_.samples);
    if (!samples) return samples.error();
    auto accuracy = measure_accuracy(in_float, quantized, samples.value(), search_.accuracy);
    if (!accuracy) return accuracy.error();
    out.accuracy = std::move(*accuracy);
    return Done{};
  }

  /// The nodes that have something wider, the most sensitive first.
  Status rank(const MeasuredModel& model) {
    const auto configs = QuantConfigs::load(session_.database());
    if (!configs) return configs.error();
    for (const NodeChoice& n : model.model.annotated.nodes)
      if (const QuantConfig* config = configs.value().find(n.config); config != nullptr && !config->wider.empty())
        wider_of_[n.name] = {config->wider, n.config};
    const auto order = ranked_layers(session_, model, options_.samples, search_.accuracy);
    if (!order) return order.error();
    std::set<std::string> known;
    for (const LayerSensitivity& s : order.value())
      for (const std::string& node : {model.accuracy.layers[s.layer].node, model.accuracy.layers[s.layer].before})
        if (wider_of_.contains(node) && known.insert(node).second) ranked_.push_back(node);
    return Done{};
  }

  Session& session_;
  const QuantizeOptions& options_;
  const Judge& judge_;
  const WidthSearch& search_;
  std::map<std::string, std::pair<std::string, std::string>, std::less<>> wider_of_;  // wider config and own, by node
  std::vector<std::string> ranked_;
};

}  // namespace

Result<MeasuredModel> quantize_measured(Session& session, const QuantizeOptions& options, const Judge& judge,
                                        const WidthSearch& search) {
  return Search(session, options, judge, search).measured({});
}

Result<std::vector<LayerSensitivity>> ranked_layers(Session& session, const MeasuredModel& model,
                                                    const std::vector<std::string>& samples,
                                                    const AccuracyOptions& options) {
  auto plan = placed_plan(session, *model.model.integers);
  if (!plan) return plan.error();
  const ObservedModel in_float{&model.source->graph, model.model.in_float};
  const ObservedModel quantized{model.model.integers.get(), std::move(*plan)};
  const auto opened = Samples::open(in_float.model.plan->plan(), samples);
  if (!opened) return opened.error();
  return rank_layers(in_float, quantized, opened.value(), options);
}

Result<MeasuredModel> quantize_to_target(Session& session, const QuantizeOptions& options, const Judge& judge,
                                         const WidthSearch& search) {
  return Search(session, options, judge, search).to_target();
}

}  // namespace snapgauge
