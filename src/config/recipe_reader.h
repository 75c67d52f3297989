// Reads the table of a recipe, wherever it stands. For src/config alone.
#pragma once

#include "config/toml_reader.h"
#include "quantize/recipe.h"

namespace snapgauge {

/// Throws TomlReader::Fault.
Recipe read_recipe(const toml::table& table, const std::string& path);

}  // namespace snapgauge
