// Recipes as TOML: the table [quantize] of snapgauge.toml, or a file that holds what stands in it. Grammar:
// docs/quantizing.md.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "quantize/recipe.h"

namespace snapgauge {

/// Errors name `path`, line and column. Unknown keys are errors that name near ones. Names of configs are not looked
/// at.
Result<Recipe> parse_recipe(std::string_view text, const std::string& path);
Result<Recipe> load_recipe(const std::string& path);

}  // namespace snapgauge
