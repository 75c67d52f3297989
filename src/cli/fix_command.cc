// fix: judges files, makes the fixes that serve, writes the results or shows the difference.
#include <fmt/color.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "api/fixer.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/mouths.h"
#include "base/text.h"
#include "base/write.h"
#include "cli/check_run.h"
#include "cli/diff.h"
#include "diag/rule.h"
#include "report/common.h"
#include "report/json_parts.h"
#include "snapgauge/version.h"

namespace snapgauge::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kModelEnding = ".onnx";

struct FixedFile {
  std::string path, output;   // `output` is empty when nothing was or would be written
  std::string configuration;  // in use; empty: none
  std::string before;
  FixResult result;
  Counts left;  // findings of the result
};

/// Tells on a terminal's standard error what takes long.
void show_progress(const std::string& path, size_t tried, size_t total) {
  if (tried > 1 && ::isatty(STDERR_FILENO) == 1)
    std::fprintf(stderr, "\r\033[K%s: trying fixes, %zu left or taken, attempt %zu", printable(path).c_str(), total,
                 tried);
}

class FixRun {
 public:
  explicit FixRun(const FixArguments& arguments) : arguments_(arguments), check_(arguments.check) {}

  Status open() {
    if (!arguments_.output.empty() && arguments_.check.files.size() != 1)
      return Error{ErrorCode::kUsage, "--output", "names the result of one file; several were given"};
    CheckArguments named = arguments_.check;
    named.output = arguments_.output;
    if (auto free = output_is_free(named); !free) return free;
    return check_.open();
  }

  Result<FixedFile> fix_file(size_t index) {
    return guarded(arguments_.check.files[index], [&] { return read_and_fix(index); });
  }

 private:
  Result<FixedFile> read_and_fix(size_t index) {
    const std::string& path = arguments_.check.files[index];
    const auto file = MappedFile::open(path);
    if (!file) return file.error();
    FixedFile out{path, "", check_.configuration_of(index), std::string(file.value().text()), {}, {}};
    FixOptions options;
    options.unsafe = arguments_.unsafe;
    options.judge = [&](const Graph& graph) { return check_.judge(index, graph); };
    options.allowed_folders = arguments_.check.allowed_folders;
    bool shown = false;
    options.progress = [&](size_t tried, size_t total) {
      shown = tried > 1;
      show_progress(path, tried, total);
    };
    auto result = fix(out.before, path, options);
    if (shown && ::isatty(STDERR_FILENO) == 1) std::fputs("\r\033[K", stderr);
    if (!result) return result.error();
    out.result = std::move(*result);
    out.left = count(std::span(&out.result.left, 1));
    if (out.result.fixed.empty()) return out;
    auto output = output_of(out);
    if (!output) return output.error();
    out.output = std::move(*output);
    if (!arguments_.diff)
      if (auto written = write(out); !written) return written.error();
    return out;
  }

  /// Nothing is written that was made from what the file no longer is.
  Status write(const FixedFile& file) const {
    const Error changed{ErrorCode::kIo, file.path, "was changed while it was fixed; nothing is written"};
    if (file.output == file.path)
      return rewrite_file(file.path, [&](std::optional<std::string_view> now) -> Result<std::string> {
        if (now != file.before) return changed;
        return file.result.bytes;
      });
    const auto source = MappedFile::open(file.path);
    if (!source) return source.error();
    if (source.value().text() != file.before) return changed;
    if (!arguments_.output.empty()) return write_file(file.output, file.result.bytes, file.path);
    return rewrite_file(
        file.output,
        [&](std::optional<std::string_view> now) -> Result<std::string> {
          if (now && now != file.result.bytes) return exists_already(file.output);
          return file.result.bytes;
        },
        file.path);
  }

  static Error exists_already(const std::string& path) {
    return {ErrorCode::kUsage, path, "exists already; remove it, or name another file with --output"};
  }

  /// Text is changed where it is. A model is not: the file that is named must be another one, and without
  /// a name one that is there already is not overwritten.
  Result<std::string> output_of(const FixedFile& file) const {
    if (file.result.is_text) return arguments_.output.empty() ? file.path : arguments_.output;
    const bool named = !arguments_.output.empty();
    std::string path = named ? arguments_.output : file.path;
    if (!named) {
      if (path.ends_with(kModelEnding)) path.resize(path.size() - kModelEnding.size());
      path += ".fixed" + std::string(kModelEnding);
    }
    std::error_code ignored;
    if (std::filesystem::equivalent(path, file.path, ignored))
      return Error{ErrorCode::kUsage, path, "is the model itself; its fixed version needs another name"};
    if (file.result.has_external_data && !same_folder(path, file.path))
      return Error{ErrorCode::kUsage, path, "must lie beside the model, which has data in other files"};
    if (named || arguments_.diff) return path;
    const auto there = MappedFile::open(path);
    if (there && there.value().text() != file.result.bytes) return exists_already(path);
    return path;
  }

  static bool same_folder(const std::string& a, const std::string& b) {
    const auto folder = [](const std::string& path) {
      std::error_code ignored;
      return std::filesystem::weakly_canonical(std::filesystem::absolute(path).parent_path(), ignored);
    };
    return folder(a) == folder(b);
  }

  const FixArguments& arguments_;
  CheckRun check_;
};

std::string headline(const Finding& f) {
  const std::string place = place_text(f);
  return fmt::format("{} {}{}{}", code_text(f.code), rule(f.code).name, place.empty() ? "" : ": ", place);
}

/// Findings that do not count because the configuration says so.
size_t waived_in(const FixedFile& file) {
  const auto by_configuration = [](const Suppressed& s) { return s.by == SuppressedBy::kConfiguration; };
  const auto& suppressed = file.result.left.suppressed;
  return static_cast<size_t>(std::count_if(suppressed.begin(), suppressed.end(), by_configuration));
}

/// What stays, in one line.
std::string left_text(const FixedFile& file) {
  const Counts& left = file.left;
  std::string text = fmt::format("left: {}, {}, {}", plural(left.errors, "error"), plural(left.warnings, "warning"),
                                 plural(left.notes, "note"));
  if (file.result.withheld > 0) text += fmt::format("; {} more with --unsafe", file.result.withheld);
  if (const size_t waived = waived_in(file); waived > 0)
    text += fmt::format("; {} suppressed by {}", plural(waived, "finding"), printable(file.configuration));
  return text;
}

std::string render_text(const FixedFile& file, bool colour) {
  const auto styled = [&](std::string text, fmt::text_style style) {
    return colour ? fmt::format(style, "{}", text) : std::move(text);
  };
  const bool in_place = file.output == file.path;
  std::string out = styled(printable(file.path), fmt::emphasis::bold);
  out += file.result.fixed.empty()
             ? ": nothing to fix\n"
             : fmt::format(": {} fixed, written {}\n", plural(file.result.fixed.size(), "finding"),
                           in_place ? "in place" : "to " + printable(file.output));
  for (const FixedFinding& f : file.result.fixed) {
    out += fmt::format("  {}\n    {}\n", printable(headline(f.finding)), printable(f.place));
    out += styled(fmt::format("    - {}\n", printable(f.before)), fmt::fg(fmt::terminal_color::red));
    out += styled(fmt::format("    + {}\n", printable(f.after)), fmt::fg(fmt::terminal_color::green));
  }
  return for_log(std::move(out)) + "  " + left_text(file) + "\n";
}

/// Of text the changed lines; of a model, which has none, the changed parameters in the same form.
std::string render_diff(const FixedFile& file) {
  if (file.result.is_text) return unified_diff(file.before, file.result.bytes, printable(file.path));
  std::string out;
  if (!file.result.fixed.empty()) out = fmt::format("--- {}\n+++ {}\n", printable(file.path), printable(file.output));
  for (const FixedFinding& f : file.result.fixed)
    out += fmt::format("@@ {}; {} @@\n-{}\n+{}\n", printable(headline(f.finding)), printable(f.place),
                       printable(f.before), printable(f.after));
  return for_log(std::move(out));
}

/// For a terminal, which the text of a file must not steer. Elsewhere a difference is a patch, byte for byte.
std::string shown_diff(const std::string& diff, bool colour) {
  std::string out;
  for (size_t at = 0; at < diff.size();) {
    const size_t end = std::min(diff.find('\n', at), diff.size());
    const std::string line = printable(std::string_view(diff).substr(at, end - at));
    const char mark = line.empty() ? ' ' : line[0];
    const auto style = mark == '+'   ? fmt::terminal_color::green
                       : mark == '-' ? fmt::terminal_color::red
                                     : fmt::terminal_color::cyan;
    out += mark == ' ' || !colour ? line : fmt::format(fmt::fg(style), "{}", line);
    out += '\n';
    at = end + 1;
  }
  return out;
}

Json to_json(const FixedFile& file) {
  Json json{{"path", file.path}, {"verdict", verdict_name(file.result.left.verdict)}};
  if (!file.output.empty()) json["output"] = file.output;
  if (!file.configuration.empty())
    json["configuration"] = {{"path", file.configuration}, {"suppressed", waived_in(file)}};
  json["fixed"] = Json::array();
  for (const FixedFinding& f : file.result.fixed) {
    Json one = finding_json(f.finding);
    one["place"] = f.place;
    one["before"] = f.before;
    one["after"] = f.after;
    json["fixed"].push_back(std::move(one));
  }
  const Counts& left = file.left;
  json["left"] = {{"errors", left.errors}, {"warnings", left.warnings}, {"notes", left.notes}};
  json["unsafe"] = file.result.withheld;
  return json;
}

}  // namespace

int run_fix(const FixArguments& arguments, const Terminal& terminal) {
  FixRun run(arguments);
  if (auto opened = run.open(); !opened) return fail(opened.error());
  int code = 0;
  std::string text;
  Json files = Json::array();
  for (size_t i = 0; i < arguments.check.files.size(); ++i) {
    auto fixed = run.fix_file(i);
    if (!fixed) {
      code = fail(fixed.error());
      continue;
    }
    const FixedFile& file = *fixed;
    const bool open = arguments.diff ? !file.result.fixed.empty() : file.left.errors > 0;
    code = std::max(code, open ? 1 : 0);
    if (arguments.format == "json")
      files.push_back(to_json(file));
    else if (arguments.diff)
      text +=
          terminal.interactive || terminal.colour ? shown_diff(render_diff(file), terminal.colour) : render_diff(file);
    else
      text += render_text(file, terminal.colour);
  }
  if (arguments.format == "json")
    text = dumped(Json{{"schema", "snapgauge-fix/1"},
                       {"tool", {{"name", "snapgauge"}, {"version", kVersion}}},
                       {"written", !arguments.diff},
                       {"files", std::move(files)}}) +
           "\n";
  const int delivered = deliver(text, "");
  return std::max(code, delivered);
}

}  // namespace snapgauge::cli
