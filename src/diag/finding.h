// A finding: one diagnostic about the user's graph, as plain data. Sentences come from the rule's
// row (diag/rule.h); a finding carries the arguments, the place, and what was expected and found.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "numerics/quant.h"

namespace snapgauge {

/// Place in a text file, 1-based; line 0 means none.
struct Location {
  uint32_t line = 0;
  uint32_t column = 0;
};

/// Number of a rule: 201 is printed SG201.
using RuleCode = uint16_t;

enum class Level : uint8_t { kNote, kWarning, kError };

struct Source {
  std::string document;  // "HTP op definition, MatMul, constraint c2.1.1"
  std::string sdk;       // version that the document belongs to; may be empty
  bool operator==(const Source&) const = default;
};

struct Related {
  std::string node, port, message;
};

/// New quantization parameters for one place of a graph.
struct SpecChange {
  uint32_t place = 0;            // PlaceId of graph/sharing.h: a place that has parameters
  Spec spec;                     // what it gets
  std::optional<uint32_t> like;  // it gets them by sharing those of this place
};

/// Safe: what the graph computes stays the same but for rounding. Unsafe: values may be clipped, or
/// stored integers read differently. Show: nothing that a program could do.
enum class FixSafety : uint8_t { kSafe, kUnsafe, kShow };

struct Fix {
  std::string title;
  FixSafety safety = FixSafety::kShow;
  std::shared_ptr<const SpecChange> change = {};  // null when `safety` is kShow
};

struct Finding {
  RuleCode code = 0;
  Level level = Level::kError;
  std::string node, port, value;
  std::string message;  // the row's sentence with its holes filled
  std::string expected, actual;
  Source source;
  Location location;
  std::vector<Related> related;
  Fix fix;  // empty title: none
};

}  // namespace snapgauge
