// A recipe's table: the defaults are its own members, a rule has the same ones and says whom it is for.
#include "config/recipe.h"

#include "base/file.h"
#include "config/recipe_reader.h"

namespace snapgauge {
namespace {

constexpr size_t kMostRules = 10'000;
constexpr int64_t kMostPriority = 1'000'000;

class RecipeReader : TomlReader {
 public:
  explicit RecipeReader(const std::string& path) : TomlReader(path) {}

  Recipe read(const toml::table& table) {
    std::vector<std::string> known = wish_keys();
    known.emplace_back("rules");
    refuse_unknown(table, known, " in a recipe");
    Recipe recipe;
    recipe.defaults = wish(table);
    recipe.where = where(table);
    const toml::node* rules = table.get("rules");
    if (rules == nullptr) return recipe;
    const toml::array* list = rules->as_array();
    if (list == nullptr) fail(*rules, "\"rules\" must be a list of tables");
    if (list->size() > kMostRules) fail(*rules, fmt::format("more than {} rules", kMostRules));
    for (const toml::node& element : *list) {
      if (!element.is_table()) fail(element, "\"rules\" must be a list of tables");
      recipe.rules.push_back(rule(*element.as_table()));
    }
    return recipe;
  }

 private:
  static std::vector<std::string> wish_keys() {
    return {"config", "granularity", "symmetric", "per-channel-embedding", "block"};
  }

  std::string where(const toml::node& at) const { return fmt::format("{}:{}", path(), at.source().begin.line); }

  QuantWish wish(const toml::table& table) const {
    QuantWish out;
    if (const toml::node* node = table.get("config")) out.configs = texts(*node, "config");
    if (const toml::node* node = table.get("granularity")) {
      const std::string word = text(*node, "granularity");
      out.granularity = granularity_named(word);
      if (!out.granularity)
        fail(*node,
             fmt::format("\"{}\" is no granularity; it must be per-tensor, per-channel or per-block", printable(word)));
    }
    if (const toml::node* node = table.get("symmetric")) out.symmetric = truth(*node, "symmetric");
    if (const toml::node* node = table.get("per-channel-embedding"))
      out.per_channel_embedding = truth(*node, "per-channel-embedding");
    if (const toml::node* node = table.get("block")) out.block = block(*node);
    return out;
  }

  /// One, or a list of them.
  std::vector<std::string> texts(const toml::node& node, std::string_view key) const {
    const toml::array* list = node.as_array();
    if (list == nullptr) return {text(node, key)};
    std::vector<std::string> out;
    for (const toml::node& element : *list) out.push_back(text(element, key));
    if (out.empty()) fail(node, fmt::format("\"{}\" is empty", key));
    return out;
  }

  int64_t integer(const toml::node& node, std::string_view key, int64_t least, int64_t most) const {
    const auto value = node.value_exact<int64_t>();
    if (!value || *value < least || *value > most)
      fail(node, fmt::format("\"{}\" must be an integer from {} to {}", key, least, most));
    return *value;
  }

  std::vector<int64_t> block(const toml::node& node) const {
    constexpr int64_t kMost = int64_t{1} << 30U;
    constexpr size_t kMostRank = 8;
    const toml::array* list = node.as_array();
    if (list == nullptr) return {integer(node, "block", 1, kMost)};
    if (list->empty() || list->size() > kMostRank) fail(node, "\"block\" must be an integer or a short list");
    std::vector<int64_t> out;
    for (const toml::node& element : *list) out.push_back(integer(element, "block", 1, kMost));
    return out;
  }

  RecipeRule rule(const toml::table& table) const {
    std::vector<std::string> known = wish_keys();
    known.insert(known.end(), {"name", "op", "priority", "discard"});
    refuse_unknown(table, known, " in a rule");
    RecipeRule out;
    out.wish = wish(table);
    out.where = where(table);
    if (const toml::node* node = table.get("name")) {
      out.name_text = text(*node, "name");
      auto pattern = NodePattern::compile(out.name_text);
      if (!pattern) fail(*node, pattern.error().text);
      out.name = std::move(*pattern);
    }
    if (const toml::node* node = table.get("op")) out.ops = texts(*node, "op");
    if (!out.name && out.ops.empty()) fail(table, "a rule needs \"name\" or \"op\", or it is a default");
    if (const toml::node* node = table.get("priority"))
      out.priority = static_cast<int>(integer(*node, "priority", -kMostPriority, kMostPriority));
    if (const toml::node* node = table.get("discard")) out.discard = truth(*node, "discard");
    return out;
  }
};

}  // namespace

Recipe read_recipe(const toml::table& table, const std::string& path) { return RecipeReader(path).read(table); }

Result<Recipe> parse_recipe(std::string_view text, const std::string& path) {
  return parse_toml<Recipe>(text, path, "a recipe", [&](const toml::table& table) { return read_recipe(table, path); });
}

Result<Recipe> load_recipe(const std::string& path) {
  const auto file = MappedFile::open(path);
  if (!file) return file.error();
  return parse_recipe(file.value().text(), path);
}

}  // namespace snapgauge
