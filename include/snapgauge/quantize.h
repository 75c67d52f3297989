// Annotating and quantizing float models from a program: every node gets the quantization specs that a target takes,
// and their numbers from samples; what came out is judged.
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

struct QuantizeFileOptions {
  AnnotateOptions annotate;
  std::vector<std::string> samples;         // files, folders, "random:N": docs/quantizing.md
  std::string observer = "min-max";         // of activations: also "moving-average", "percentile", "mse"
  double percentile = 99.99;                // of "percentile"
  std::string weight_observer = "min-max";  // also "line-search"
  unsigned threads = 1;                     // that run samples side by side; the result is the same
  bool strict = true;                       // what the gate refuses is not calibrated
  /// After every sample, from the calling thread; false: stop. Nothing: go on.
  std::function<bool(size_t done, size_t total)> progress;
};

struct QuantizedFile {
  std::vector<AnnotatedNode> nodes;  // calls, in file order
  std::vector<std::string> changes;  // what was done to the graph before, a sentence each
  CheckedFile specs;                 // the check of the specs, before calibration
  bool calibrated = false;           // false: refused there, or stopped; what follows is empty then
  size_t samples = 0;
  CheckedFile gate;       // the check of `model`
  std::string model;      // ONNX with QuantizeLinear and DequantizeLinear
  std::string sgraph;     // the same graph as an annotation file
  std::string encodings;  // AIMET 1.0, for the float model
  std::string overrides;  // the vendor's quantization overrides, likewise
};

/// Null when a file cannot be read, a sample does not fit, or recipe, target or options make no sense; `error` says
/// which and why. Throws as annotate_file().
std::unique_ptr<const QuantizedFile> quantize_file(const std::string& path, const CheckTarget& target,
                                                   const TableSource& tables, const QuantizeFileOptions& options,
                                                   std::string* error);

}  // namespace snapgauge
