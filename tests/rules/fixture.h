// The examples of a rule, tests/rules/<rule-name>.md:
//
//   ## Bad: what is wrong        or "## Good: ..."
//   target: backend=htp soc=SM8350 sdk=2.25.0 pipeline=executorch   only what differs from the defaults
//   opinfo: tables/narrow.json                                      tables of the example's own
//   expect: SG201 conv in[1]                                        code, node and port of one finding
//   ```json
//   the file that is checked
//   ```
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "api/session.h"

namespace snapgauge::fixtures {

struct Section {
  std::string rule;  // name, from the file's name
  std::string title;
  size_t index = 0;  // among the file's sections
  bool bad = false;
  TargetOptions target;
  std::string opinfo;  // absolute; empty: the shipped tables
  std::vector<std::array<std::string, 3>> expected;
  std::string text;
  std::string problem;  // of the fixture itself
};

/// How GoogleTest shows a section.
inline void PrintTo(const Section& s, std::ostream* out) {
  *out << s.rule << ": " << (s.bad ? "Bad: " : "Good: ") << s.title;
}

inline std::filesystem::path directory() { return std::filesystem::path(SNAPGAUGE_SOURCE_DIR) / "tests/rules"; }

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Text behind `prefix`, if the line starts with it.
inline bool behind(std::string_view line, std::string_view prefix, std::string& rest) {
  if (line.substr(0, prefix.size()) != prefix) return false;
  rest = std::string(line.substr(prefix.size()));
  return true;
}

inline void read_target(const std::string& words, Section& section) {
  std::istringstream in(words);
  for (std::string word; in >> word;) {
    const size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (key == "backend")
      section.target.backend = value;
    else if (key == "soc")
      section.target.soc = value;
    else if (key == "sdk")
      section.target.sdk = value;
    else if (key == "pipeline")
      section.target.pipeline = value;
    else
      section.problem = "unknown target key '" + key + "'";
  }
}

inline std::vector<Section> read_fixture(const std::filesystem::path& path) {
  std::vector<Section> sections;
  std::istringstream in(read_file(path));
  bool inside = false;
  size_t blocks = 0;
  for (std::string line, rest; std::getline(in, line);) {
    if (inside) {
      inside = line != "```";
      if (inside && !sections.empty()) sections.back().text += line + "\n";
    } else if (behind(line, "## ", rest)) {
      blocks = 0;
      Section section;
      section.rule = path.stem().string();
      section.index = sections.size();
      section.bad = behind(rest, "Bad: ", section.title);
      if (!section.bad && !behind(rest, "Good: ", section.title)) section.problem = "a heading is neither Bad nor Good";
      sections.push_back(std::move(section));
    } else if (sections.empty()) {
      continue;  // the introduction
    } else if (line == "```json") {
      inside = true;
      if (++blocks > 1) sections.back().problem = "more than one block";
    } else if (behind(line, "target: ", rest)) {
      read_target(rest, sections.back());
    } else if (behind(line, "opinfo: ", rest)) {
      sections.back().opinfo = (path.parent_path() / rest).string();
    } else if (behind(line, "expect: ", rest)) {
      std::istringstream words(rest);
      std::array<std::string, 3> one;
      words >> one[0] >> one[1] >> one[2];
      sections.back().expected.push_back(std::move(one));
    } else if (behind(line, "```", rest)) {
      sections.back().problem = "a block is not json";
    }
  }
  for (Section& s : sections)
    if (s.text.empty() && s.problem.empty()) s.problem = "no block";
  return sections;
}

inline std::vector<std::filesystem::path> fixture_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory()))
    if (entry.path().extension() == ".md" && entry.path().stem() != "README") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

inline std::vector<Section> all_sections() {
  std::vector<Section> out;
  for (const auto& file : fixture_files())
    for (Section& section : read_fixture(file)) out.push_back(std::move(section));
  return out;
}

}  // namespace snapgauge::fixtures
