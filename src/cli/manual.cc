// The manual page snapgauge(1), in roff.
#include <fmt/format.h>

#include "cli/usage.h"

namespace snapgauge::cli {
namespace {

/// Text that roff takes literally: no control line, no escape, and hyphens that can be searched and copied.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool line_start = out.empty() || out.back() == '\n';
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string synopsis(const VerbUsage& verb) {
  std::string out = ".B snapgauge";
  if (!verb.name.empty()) out += " " + roff(verb.name);
  out += "\n";
  if (!verb.options.empty()) out += ".RI [ options ]\n";
  for (const OptionUsage& place : verb.positionals)
    out += fmt::format(".I {}{}{}{}\n", place.required ? "" : "[", roff(place.names.front()), place.many ? "..." : "",
                       place.required ? "" : "]");
  return out;
}

std::string item(const OptionUsage& option) {
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
  if (!option.value.empty() && option.names.front().starts_with('-')) names += " \\fI" + roff(option.value) + "\\fR";
  std::string help = option.help;
  // A list of all rules' codes is of no use to a reader, and most texts name their choices already.
  if (!option.choices.empty() && !option.value.starts_with("CODE") && !help.ends_with(option.choices.back()))
    help += fmt::format(" ({})", fmt::join(option.choices, ", "));
  if (!option.preset.empty()) help += fmt::format("; default {}", option.preset);
  return ".TP\n" + names + "\n" + roff(help) + "\n";
}

std::string section(const VerbUsage& verb) {
  std::string out =
      fmt::format(".SS snapgauge {}\n{}\n.PP\n{}", roff(verb.name), roff(verb.help + "."), synopsis(verb));
  for (const OptionUsage& place : verb.positionals) out += item(place);
  for (const OptionUsage& option : verb.options)
    if (option.names.back() != "--help") out += item(option);
  return out;
}

}  // namespace

std::string manual_page(const VerbUsage& root, const std::string& version) {
  std::string out = fmt::format(
      ".\\\" Written by the build from the program's own options.\n"
      ".TH SNAPGAUGE 1 \"\" \"snapgauge {}\" \"User Commands\"\n"
      ".SH NAME\nsnapgauge \\- go/no\\-go gauge for quantized neural\\-network graphs\n"
      ".SH SYNOPSIS\n.B snapgauge\n.I verb\n.RI [ options ]\n.RI [ arguments ]\n"
      ".SH DESCRIPTION\n{}\n.SH OPTIONS\n",
      roff(version), roff(root.help));
  for (const OptionUsage& option : root.options) out += item(option);
  out += ".SH VERBS\n";
  for (const VerbUsage* verb : all_verbs(root))
    if (verb->verbs.empty()) out += section(*verb);
  return out +
         ".SH EXIT STATUS\n"
         ".TP\n.B 0\nEvery graph is accepted, or \\fB\\-\\-warn\\fR was given; other verbs: done.\n"
         ".TP\n.B 1\nSome graph is not accepted.\n"
         ".TP\n.B 2\nUnreadable input or wrong usage.\n";
}

}  // namespace snapgauge::cli
