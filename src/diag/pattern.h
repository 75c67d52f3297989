// Patterns over the names of nodes. Whoever writes one may be a stranger, so what a pattern costs is bounded: its
// length, and the memory of its automaton. Matching takes time in proportion to the name.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace snapgauge {

class NodePattern {
 public:
  static constexpr size_t kMostBytes = 1000;

  /// RE2's syntax. Errors have a text and no subject; the texts are printable.
  static Result<NodePattern> compile(std::string_view text);

  /// Whether it covers the whole name.
  bool matches(std::string_view name) const;

 private:
  explicit NodePattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace snapgauge
