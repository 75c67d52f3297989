#include "quantize/recipe.h"

#include <algorithm>

namespace snapgauge {

std::vector<const RecipeRule*> by_priority(const Recipe& recipe) {
  std::vector<const RecipeRule*> out;
  out.reserve(recipe.rules.size());
  for (const RecipeRule& rule : recipe.rules) out.push_back(&rule);
  std::stable_sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->priority > b->priority; });
  return out;
}

}  // namespace snapgauge
