// Completions for bash, zsh and fish. Each script walks the words before the cursor to find the verb, as
// verbs nest, and then offers what that verb takes.
#include <fmt/format.h>

#include "cli/usage.h"

namespace snapgauge::cli {
namespace {

/// Between single quotes of a shell, which end where the text has one.
std::string quoted(const std::string& text, const char* escaped_quote) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += escaped_quote;
    else
      out += c;
  }
  return out + "'";
}

std::string shell_quoted(const std::string& text) { return quoted(text, "'\\''"); }
std::string fish_quoted(const std::string& text) { return quoted(text, "\\'"); }

std::string function_name(const VerbUsage& verb) {
  std::string out = "_snapgauge";
  if (!verb.name.empty()) out += "_" + verb.name;
  for (char& c : out)
    if (c == ' ' || c == '-') c = '_';
  return out;
}

std::string bash_values(const VerbUsage& verb, const OptionUsage& option) {
  std::string labels;
  for (const std::string& name : option.names)
    labels += fmt::format("{}\"{}:{}\"", labels.empty() ? "" : " | ", verb.name, name);
  std::string offer;
  if (!option.choices.empty())
    offer = fmt::format("mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$cur\"); ", fmt::join(option.choices, " "));
  else if (option.wants_file())
    offer = "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); ";
  return fmt::format("    {}) {}return ;;\n", labels, offer);
}

std::string bash_words(const VerbUsage& verb) {
  std::vector<std::string> words;
  bool files = false;
  for (const VerbUsage& sub : verb.verbs) words.push_back(sub.last_word());
  for (const OptionUsage& option : verb.options) words.insert(words.end(), option.names.begin(), option.names.end());
  for (const OptionUsage& place : verb.positionals) {
    words.insert(words.end(), place.choices.begin(), place.choices.end());
    files = files || place.wants_file();
  }
  return fmt::format("    \"{}\") words=\"{}\"{} ;;\n", verb.name, fmt::join(words, " "), files ? " files=yes" : "");
}

/// '(-o --output)'{-o,--output}'[help]:FILE:_files'
std::string zsh_option(const OptionUsage& option) {
  std::string help;
  for (const char c : option.help) {
    if (c == '[' || c == ']' || c == '\\') help += '\\';
    help += c;
  }
  std::string tail = "[" + help + "]";
  if (!option.value.empty()) {
    tail += ":" + option.value + ":";
    if (!option.choices.empty())
      tail += fmt::format("({})", fmt::join(option.choices, " "));
    else if (option.wants_file())
      tail += "_files";
  }
  if (option.names.size() == 1) return shell_quoted(option.names.front() + tail);
  return fmt::format("'({})'{{{}}}{}", fmt::join(option.names, " "), fmt::join(option.names, ","), shell_quoted(tail));
}

std::string zsh_positional(const OptionUsage& place) {
  const std::string action = !place.choices.empty() ? fmt::format("({})", fmt::join(place.choices, " "))
                             : place.wants_file()   ? "_files"
                                                    : "";
  return shell_quoted(fmt::format("{}:{}:{}",
                                  place.many       ? "*"
                                  : place.required ? "1"
                                                   : ":",
                                  place.names.front(), action));
}

std::string zsh_function(const VerbUsage& verb) {
  std::string out = function_name(verb) + "() {\n  local curcontext=$curcontext state line\n  _arguments -C";
  for (const OptionUsage& option : verb.options) out += " \\\n    " + zsh_option(option);
  for (const OptionUsage& place : verb.positionals) out += " \\\n    " + zsh_positional(place);
  if (verb.verbs.empty()) return out + "\n}\n\n";
  out += " \\\n    '1:verb:->verb' \\\n    '*::rest:->rest'\n  case $state in\n    verb)\n      local -a verbs=(";
  for (const VerbUsage& sub : verb.verbs) out += "\n        " + shell_quoted(sub.last_word() + ":" + sub.help);
  out += ")\n      _describe verb verbs ;;\n    rest)\n      case $words[1] in\n";
  for (const VerbUsage& sub : verb.verbs)
    out += fmt::format("        {}) {} ;;\n", sub.last_word(), function_name(sub));
  return out + "      esac ;;\n  esac\n}\n\n";
}

std::string fish_option(const VerbUsage& verb, const OptionUsage& option) {
  std::string out = fmt::format("complete -c snapgauge -n '__snapgauge_at \"{}\"'", verb.name);
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.value.empty()) out += option.wants_file() ? " -r -F" : " -x";
  if (!option.choices.empty()) out += fmt::format(" -a '{}'", fmt::join(option.choices, " "));
  return out + " -d " + fish_quoted(option.help) + "\n";
}

std::string fish_verb(const VerbUsage& verb) {
  std::string out;
  const std::string at = fmt::format("complete -c snapgauge -n '__snapgauge_at \"{}\"'", verb.name);
  for (const VerbUsage& sub : verb.verbs)
    out += fmt::format("{} -a {} -d {}\n", at, sub.last_word(), fish_quoted(sub.help));
  for (const OptionUsage& option : verb.options) out += fish_option(verb, option);
  for (const OptionUsage& place : verb.positionals) {
    if (!place.choices.empty()) out += fmt::format("{} -a '{}'\n", at, fmt::join(place.choices, " "));
    if (place.wants_file()) out += at + " -F\n";
  }
  return out;
}

/// One line a step from a verb to one below it, in the syntax of `pattern`: {0} from, {1} word, {2} to.
std::string steps(const VerbUsage& root, const char* pattern) {
  std::string out;
  for (const VerbUsage* verb : all_verbs(root))
    for (const VerbUsage& sub : verb->verbs)
      out += fmt::format(fmt::runtime(pattern), verb->name, sub.last_word(), sub.name);
  return out;
}

}  // namespace

std::string bash_completion(const VerbUsage& root) {
  std::string out =
      "# bash completion for snapgauge; written by `snapgauge completions bash`\n"
      "_snapgauge() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=\"\" words=\"\" files=\"\" i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$verb/${COMP_WORDS[i]}\" in\n";
  out += steps(root, "      \"{}/{}\") verb=\"{}\" ;;\n") + "    esac\n  done\n  case \"$verb:$prev\" in\n";
  for (const VerbUsage* verb : all_verbs(root))
    for (const OptionUsage& option : verb->options)
      if (!option.value.empty()) out += bash_values(*verb, option);
  out += "  esac\n  case \"$verb\" in\n";
  for (const VerbUsage* verb : all_verbs(root)) out += bash_words(*verb);
  out +=
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"; [ -z \"$files\" ] || compgen -f -- \"$cur\")\n"
      "}\n"
      "complete -o filenames -F _snapgauge snapgauge\n";
  return out;
}

std::string zsh_completion(const VerbUsage& root) {
  std::string out = "#compdef snapgauge\n# zsh completion for snapgauge; written by `snapgauge completions zsh`\n\n";
  const auto verbs = all_verbs(root);
  for (auto verb = verbs.rbegin(); verb != verbs.rend(); ++verb) out += zsh_function(**verb);
  // As a file of $fpath it is run to complete; sourced, it registers itself.
  return out +
         "if [ \"$funcstack[1]\" = _snapgauge ]; then\n  _snapgauge \"$@\"\nelse\n  compdef _snapgauge snapgauge\nfi\n";
}

std::string fish_completion(const VerbUsage& root) {
  std::string out =
      "# fish completion for snapgauge; written by `snapgauge completions fish`\n"
      "function __snapgauge_at\n"
      "  set -l verb ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$verb/$word\"\n";
  out += steps(root, "      case '{}/{}'\n        set verb '{}'\n");
  out +=
      "    end\n"
      "  end\n"
      "  test \"$verb\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c snapgauge -f\n";
  for (const VerbUsage* verb : all_verbs(root)) out += fish_verb(*verb);
  return out;
}

}  // namespace snapgauge::cli
