#include "config/config.h"

#include <array>
#include <filesystem>

#include "base/file.h"
#include "config/recipe_reader.h"
#include "diag/pattern.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 4> kTexts{"backend", "soc", "sdk", "pipeline"};
constexpr std::array<const char*, 4> kLists{"select", "extend-select", "ignore", "opinfo"};

class Reader : TomlReader {
 public:
  explicit Reader(const std::string& path) : TomlReader(path) { config_.path = path; }

  Config read(const toml::table& root) {
    const std::vector<std::string> known{"backend", "soc",    "sdk",  "pipeline", "select", "extend-select",
                                         "ignore",  "opinfo", "warn", "levels",   "nodes",  "quantize"};
    refuse_unknown(root, known, "");
    for (const auto& [key, value] : root) config_.lines[std::string(key.str())] = value.source().begin.line;
    for (const char* key : kTexts)
      if (const toml::node* node = root.get(key)) config_.texts[key] = text(*node, key);
    for (const char* key : kLists)
      if (const toml::node* node = root.get(key)) config_.lists[key] = list(*node, key);
    if (const toml::node* node = root.get("warn")) config_.warn = truth(*node, "warn");
    if (const toml::node* node = root.get("quantize")) {
      if (!node->is_table()) fail(*node, "\"quantize\" must be a table: [quantize]");
      config_.recipe = read_recipe(*node->as_table(), config_.path);
    }
    if (const toml::node* node = root.get("levels")) read_levels(*node);
    if (const toml::node* node = root.get("nodes")) read_nodes(*node);
    return std::move(config_);
  }

 private:
  /// Codes, or for "opinfo" paths, which are relative to the configuration file.
  std::vector<std::string> list(const toml::node& node, std::string_view key) const {
    const toml::array* array = node.as_array();
    if (array == nullptr) fail(node, fmt::format("\"{}\" must be a list", key));
    if (array->size() > kMostWaivers) fail(node, fmt::format("\"{}\" has more than {} entries", key, kMostWaivers));
    std::vector<std::string> values;
    for (const toml::node& element : *array) {
      std::string value = text(element, key);
      if (key == "opinfo")
        value = (fs::path(config_.path).parent_path() / value).lexically_normal().generic_string();
      else if (const auto fault = code_fault(value))
        fail(element, *fault);
      values.push_back(std::move(value));
    }
    return values;
  }

  void read_levels(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) fail(node, "\"levels\" must be a table of codes and levels");
    for (const auto& [code, value] : *table) {
      if (const auto fault = code_fault(code.str())) fail(value, *fault);
      const std::string word = text(value, code.str());
      LevelRule rule{std::string(code.str()), std::nullopt};
      for (const Level level : {Level::kNote, Level::kWarning, Level::kError})
        if (word == level_name(level)) rule.level = level;
      if (!rule.level && word != "off")
        fail(value, fmt::format("\"{}\" is no level; it must be note, warning, error or off", printable(word)));
      config_.lines["levels." + rule.code] = value.source().begin.line;
      config_.levels.push_back(std::move(rule));
    }
  }

  void read_nodes(const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr) fail(node, "\"nodes\" must be a list of tables: [[nodes]]");
    for (const toml::node& element : *array) {
      const toml::table* table = element.as_table();
      if (table == nullptr) fail(element, "\"nodes\" must be a list of tables: [[nodes]]");
      read_entry(*table);
      if (config_.waivers.size() > kMostWaivers)
        fail(element, fmt::format("more than {} patterns and codes in [[nodes]]", kMostWaivers));
    }
  }

  const toml::node& need(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) fail(table, fmt::format("[[nodes]] without \"{}\"", key));
    return *node;
  }

  void read_entry(const toml::table& table) {
    refuse_unknown(table, {"pattern", "ignore", "reason"}, " in [[nodes]]");
    const toml::node& at = need(table, "pattern");
    const std::string pattern = text(at, "pattern");
    if (const auto compiled = NodePattern::compile(pattern); !compiled) fail(at, compiled.error().text);
    const std::vector<std::string> codes = list(need(table, "ignore"), "ignore");
    if (codes.empty()) fail(need(table, "ignore"), "\"ignore\" is empty");
    const std::string reason = text(need(table, "reason"), "reason");
    const toml::source_position place = table.source().begin;
    for (const std::string& code : codes)
      config_.waivers.push_back(
          {Waiver::Scope::kPattern, pattern, code, reason, config_.path, {place.line, place.column}});
  }

  Config config_;
};

std::string toml_text(std::string_view value) {
  std::string out = "\"";
  for (const char c : printable(value)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string toml_text(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : ", ") + toml_text(value);
  return "[" + out + "]";
}

std::string wish_text(const QuantWish& wish) {
  std::string out;
  if (!wish.configs.empty()) out += fmt::format("config = {}\n", toml_text(wish.configs));
  if (wish.granularity) out += fmt::format("granularity = {}\n", toml_text(granularity_name(*wish.granularity)));
  if (wish.symmetric) out += fmt::format("symmetric = {}\n", *wish.symmetric);
  if (wish.per_channel_embedding) out += fmt::format("per-channel-embedding = {}\n", *wish.per_channel_embedding);
  if (!wish.block.empty()) out += fmt::format("block = [{}]\n", fmt::join(wish.block, ", "));
  return out;
}

std::string recipe_text(const Recipe& recipe) {
  std::string out = fmt::format("\n[quantize]  # {}\n{}", printable(recipe.where), wish_text(recipe.defaults));
  for (const RecipeRule& rule : recipe.rules) {
    out += fmt::format("\n[[quantize.rules]]  # {}\n", printable(rule.where));
    if (rule.name) out += fmt::format("name = {}\n", toml_text(rule.name_text));
    if (!rule.ops.empty()) out += fmt::format("op = {}\n", toml_text(rule.ops));
    if (rule.priority != 0) out += fmt::format("priority = {}\n", rule.priority);
    if (rule.discard) out += "discard = true\n";
    out += wish_text(rule.wish);
  }
  return out;
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  return parse_toml<Config>(text, path, "a configuration",
                            [&](const toml::table& root) { return Reader(path).read(root); });
}

Result<Config> load_config(const std::string& path) {
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  return parse_config(file.value().text(), path);
}

std::string show_config(const Config& config, const std::map<std::string, std::string>& defaults) {
  std::string out;
  const auto origin = [&](const std::string& key) {
    const auto line = config.lines.find(key);
    return line == config.lines.end() ? std::string("default")
                                      : printable(fmt::format("{}:{}", config.path, line->second));
  };
  const auto add = [&](const std::string& key, const std::string& shown, const std::string& value) {
    out += fmt::format("{:<40}  # {}\n", fmt::format("{} = {}", shown, value), origin(key));
  };
  for (const char* key : kTexts) {
    const auto own = config.texts.find(key);
    const auto other = defaults.find(key);
    if (own != config.texts.end())
      add(key, key, toml_text(own->second));
    else if (other != defaults.end())
      add(key, key, toml_text(other->second));
    else
      out += fmt::format("{:<40}  # default\n", fmt::format("# {} follows from the file", key));
  }
  for (const char* key : kLists) {
    const auto own = config.lists.find(key);
    add(key, key, toml_text(own == config.lists.end() ? std::vector<std::string>() : own->second));
  }
  add("warn", "warn", config.warn.value_or(false) ? "true" : "false");
  if (!config.levels.empty()) out += "\n[levels]\n";
  for (const LevelRule& rule : config.levels)
    add("levels." + rule.code, rule.code, toml_text(rule.level ? level_name(*rule.level) : "off"));
  if (config.recipe) out += recipe_text(*config.recipe);
  for (const Waiver& w : config.waivers)
    out += fmt::format("\n[[nodes]]  # {}:{}\npattern = {}\nignore = [{}]\nreason = {}\n", printable(w.origin),
                       w.location.line, toml_text(w.node), toml_text(w.code), toml_text(w.reason));
  return for_log(std::move(out));
}

}  // namespace snapgauge
