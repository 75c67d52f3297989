// snapgauge.toml: what a project says once instead of on every command line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/waiver.h"
#include "quantize/recipe.h"

namespace snapgauge {

inline constexpr std::string_view kConfigName = "snapgauge.toml";

/// One file's content; what it does not say is empty.
struct Config {
  std::string path;                                       // empty: there is no file
  std::map<std::string, std::string> texts;               // backend, soc, sdk, pipeline
  std::map<std::string, std::vector<std::string>> lists;  // select, extend-select, ignore, opinfo (paths resolved)
  std::optional<bool> warn;
  std::optional<Recipe> recipe;           // of [quantize]
  std::vector<LevelRule> levels;          // by code
  std::vector<Waiver> waivers;            // one per pattern and code
  std::map<std::string, uint32_t> lines;  // where each key stands, also "levels.SG201" and "nodes"
};

/// Errors name `path`, line and column. Unknown keys are errors that name near ones.
Result<Config> parse_config(std::string_view text, const std::string& path);
Result<Config> load_config(const std::string& path);

/// Every key with its value and where it comes from, as TOML that could be a snapgauge.toml.
/// `defaults` are the texts of keys that the file leaves out.
std::string show_config(const Config& config, const std::map<std::string, std::string>& defaults);

}  // namespace snapgauge
