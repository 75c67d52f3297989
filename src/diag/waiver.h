// Findings that somebody accepts, with the reason why. Wherever a waiver was written (in the graph, in
// a configuration file), it means the same.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/finding.h"

namespace snapgauge {

struct Waiver {
  enum class Scope : uint8_t { kNode, kFile, kPattern };
  Scope scope = Scope::kNode;
  std::string node;  // its name, or an RE2 pattern over whole names; empty for kFile
  std::string code;  // prefix of the codes it covers
  std::string reason;
  std::string origin;  // the configuration file; empty when the waiver stands in the graph
  Location location;   // there
};

/// What a project makes of the rules whose codes begin with a prefix.
struct LevelRule {
  std::string code;
  std::optional<Level> level;  // nothing: not shown
};

/// More entries in one list are a mistake: each is compared with each finding.
inline constexpr size_t kMostWaivers = 1000;

/// Whether `prefix` begins the code of some rule.
bool covers_a_rule(std::string_view prefix);
bool has_prefix(const std::vector<std::string>& prefixes, std::string_view code);
/// What is wrong with a list of code prefixes, with a suggestion; nothing when they all mean something.
std::optional<std::string> code_fault(std::string_view prefix);

}  // namespace snapgauge
