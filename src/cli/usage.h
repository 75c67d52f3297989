// The command line as data: what completions and the manual page are written from, so that neither can
// miss a verb or an option.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace snapgauge::cli {

struct OptionUsage {
  std::vector<std::string> names;  // with dashes; of a positional its one name
  std::string help;
  std::string value;                 // placeholder such as FILE; empty: takes none
  std::vector<std::string> choices;  // what may stand there, when that is a short list
  std::string preset;                // default, where there is one to tell
  bool required = false;
  bool many = false;  // takes any number of values

  /// Whether shells should offer file names.
  bool wants_file() const { return value == "FILE" || value == "PATH"; }
};

struct VerbUsage {
  std::string name;  // as typed, such as "rules list"; empty: the program
  std::string help;
  std::vector<OptionUsage> options;
  std::vector<OptionUsage> positionals;
  std::vector<VerbUsage> verbs;

  std::string last_word() const { return name.substr(name.find_last_of(' ') + 1); }
};

/// What `app` declares; verbs of the group "" are left out.
VerbUsage describe(const CLI::App& app);
/// `root` and everything below it, each verb before its own.
std::vector<const VerbUsage*> all_verbs(const VerbUsage& root);

std::string bash_completion(const VerbUsage& root);
std::string zsh_completion(const VerbUsage& root);
std::string fish_completion(const VerbUsage& root);
std::string manual_page(const VerbUsage& root, const std::string& version);

}  // namespace snapgauge::cli
