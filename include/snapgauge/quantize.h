// Annotating float models from a program: every node gets the quantization specs that a target takes, and what came out
// is judged.
//
// What it writes is the same kind of spec that a check reads. Recipes: docs/quantizing.md. Ownership: everything
// returned is a value. Thread safety: calls do not share anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapgauge/check.h"

namespace snapgauge {

/// What a node gets instead of what the recipe says.
struct QuantRequest {
  std::string config;          // "16a8w"; empty: as the recipe says
  std::string granularity;     // "per-tensor", "per-channel" or "per-block"; empty: likewise
  std::vector<int64_t> block;  // elements per scale: one number along the input channels, or one per dimension
  bool in_float = false;       // no quantization at all
};

struct AnnotateOptions {
  std::string recipe;                        // TOML, as in a recipe file; empty: 8a8w for every node
  std::string config;                        // overrules the recipe's default
  std::vector<std::string> allowed_folders;  // where external data may lie, beside the model's own folder
  /// Asked for every node before the recipe's rules; nothing: they decide. Called from the calling thread.
  std::function<std::optional<QuantRequest>(std::string_view node, std::string_view op)> choose;
};

struct AnnotatedNode {
  std::string name, op;
  std::string choice;                      // "annotated", or why not: "no-row", "discarded", "refused", "inside", ...
  std::string style, config, granularity;  // where it is annotated
  std::vector<int64_t> block;
  std::string decided_by;  // "recipe:3" (a line), "default" or "choose"
  std::string note;        // why it is coarser than was asked for, or in float
};

struct AnnotatedModel {
  std::vector<AnnotatedNode> nodes;  // calls, in file order
  std::vector<std::string> changes;  // what was done to the graph before, a sentence each
  CheckedFile gate;                  // the check of the result; only an accepted one passes the strict gate
  std::string text;                  // the result, *.sgraph.json
};

/// Null when the file cannot be read, is quantized already, or the recipe or the target makes no sense; `error` says
/// which and why. Throws nothing, unless memory is too short even for saying so or `choose` throws.
std::unique_ptr<const AnnotatedModel> annotate_file(const std::string& path, const CheckTarget& target,
                                                    const TableSource& tables, const AnnotateOptions& options,
                                                    std::string* error);

}  // namespace snapgauge
