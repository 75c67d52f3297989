// Recipes: which quant config each node gets, and how fine its weights are quantized.
//
// A recipe is a default and rules. The rule of the highest priority that fits a node decides, of equal ones the first.
// What it leaves open the default says. Read from snapgauge.toml or a file of its own (config/recipe.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/pattern.h"
#include "quantize/granularity.h"

namespace snapgauge {

/// What a rule says; what is absent it leaves to the default.
struct QuantWish {
  std::vector<std::string> configs;        // the first that the target takes; none: not said
  std::optional<Granularity> granularity;  // of weights that have channels
  std::optional<bool> symmetric;           // activations
  std::optional<bool> per_channel_embedding;
  std::vector<int64_t> block;  // elements per scale: one number along the input channels, or one per dimension
};

struct RecipeRule {
  std::optional<NodePattern> name;  // covers the node's whole name
  std::string name_text;            // the same as it was written
  std::vector<std::string> ops;     // as the frontend spells them; empty: every operator
  int priority = 0;
  bool discard = false;  // the node stays in float
  QuantWish wish;
  std::string where;  // "recipe.toml:12", for explanations
};

struct Recipe {
  QuantWish defaults;
  std::string where;              // of `defaults`; empty: nobody said them
  std::vector<RecipeRule> rules;  // as written
  /// A program's own rule for the node of this name, asked before the others; null: none. It outlives the recipe's use.
  std::function<const RecipeRule*(std::string_view node)> custom;
};

/// The order in which rules are asked.
std::vector<const RecipeRule*> by_priority(const Recipe& recipe);

}  // namespace snapgauge
