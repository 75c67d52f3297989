#include "config/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/file.h"
#include "base/mouths.h"
#include "base/text.h"
#include "config/toml_depth.h"
#include "diag/pattern.h"
#include "diag/rule.h"

namespace snapgauge {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargest = size_t{1} << 20;
constexpr std::array<const char*, 4> kTexts{"backend", "soc", "sdk", "pipeline"};
constexpr std::array<const char*, 4> kLists{"select", "extend-select", "ignore", "opinfo"};

/// Thrown inside this file only, caught by parse_config.
struct Fault {
  Error error;
};

class Reader {
 public:
  explicit Reader(const std::string& path) { config_.path = path; }

  Config read(const toml::table& root) {
    const std::vector<std::string> known{"backend", "soc",    "sdk",  "pipeline", "select", "extend-select",
                                         "ignore",  "opinfo", "warn", "levels",   "nodes"};
    refuse_unknown(root, known, "");
    for (const auto& [key, value] : root) config_.lines[std::string(key.str())] = value.source().begin.line;
    for (const char* key : kTexts)
      if (const toml::node* node = root.get(key)) config_.texts[key] = text(*node, key);
    for (const char* key : kLists)
      if (const toml::node* node = root.get(key)) config_.lists[key] = list(*node, key);
    if (const toml::node* node = root.get("warn")) {
      if (!node->is_boolean()) fail(*node, "\"warn\" must be true or false");
      config_.warn = **node->as_boolean();
    }
    if (const toml::node* node = root.get("levels")) read_levels(*node);
    if (const toml::node* node = root.get("nodes")) read_nodes(*node);
    return std::move(config_);
  }

 private:
  [[noreturn]] void fail(const toml::node& at, std::string why) const {
    const toml::source_position place = at.source().begin;
    throw Fault{{ErrorCode::kParse, config_.path, std::move(why), place.line, place.column}};
  }

  void refuse_unknown(const toml::table& table, const std::vector<std::string>& known, std::string_view of) const {
    for (const auto& [key, value] : table) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      const std::vector<std::string> near = near_matches(key.str(), known);
      const toml::source_position place = key.source().begin;
      throw Fault{{ErrorCode::kParse, config_.path,
                   fmt::format("unknown key \"{}\"{}; {}", printable(key.str()), of,
                               near.empty() ? "known are " + fmt::format("{}", fmt::join(known, ", "))
                                            : "did you mean " + join_or(near) + "?"),
                   place.line, place.column}};
    }
  }

  std::string text(const toml::node& node, std::string_view key) const {
    if (!node.is_string()) fail(node, fmt::format("\"{}\" must be text", key));
    const std::string& value = **node.as_string();
    if (value.find_first_not_of(" \t\r\n") == std::string::npos) fail(node, fmt::format("\"{}\" is empty", key));
    return value;
  }

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

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  if (text.size() > kLargest) return Error{ErrorCode::kLimit, path, "a configuration of more than 1 MiB"};
  if (const auto place = too_deep(text))
    return Error{ErrorCode::kLimit, path, fmt::format("nested deeper than {} levels", kMostTomlDepth), place->line,
                 place->column};
  try {
    return Reader(path).read(toml::parse(text));
  } catch (const toml::parse_error& e) {
    const toml::source_position place = e.source().begin;
    return Error{ErrorCode::kParse, path, printable(e.description()), place.line, place.column};
  } catch (Fault& fault) {
    return std::move(fault.error);
  }
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
  for (const Waiver& w : config.waivers)
    out += fmt::format("\n[[nodes]]  # {}:{}\npattern = {}\nignore = [{}]\nreason = {}\n", printable(w.origin),
                       w.location.line, toml_text(w.node), toml_text(w.code), toml_text(w.reason));
  return for_log(std::move(out));
}

}  // namespace snapgauge
