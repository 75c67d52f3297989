// Where graphs come from, and what follows from it, one row each. Code asks for a property, never for a name.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace snapgauge {

enum class Frontend : uint8_t { kTorch, kOnnx };

struct FrontendRow {
  Frontend frontend;
  std::string_view name;  // as files and tables write it
  // Quantization is written as pairs of nodes: an edge beside them is stated to be float, and a second pair is
  // the file's own.
  bool has_qdq_pairs;
  // Images may come without their batch dimension, which the lowering adds.
  bool takes_unbatched;
  // A list of slopes of a parametric relu goes along dimension 1; elsewhere it broadcasts from the last one.
  bool slopes_by_channel;
};

inline constexpr std::array<FrontendRow, 2> kFrontends{{
    {Frontend::kTorch, "aten", false, true, true},
    {Frontend::kOnnx, "onnx", true, false, false},
}};

constexpr const FrontendRow& row_of(Frontend f) { return kFrontends[static_cast<size_t>(f)]; }

constexpr std::optional<Frontend> frontend_named(std::string_view name) {
  for (const FrontendRow& row : kFrontends)
    if (row.name == name) return row.frontend;
  return std::nullopt;
}

/// Of commands that are asked about a backend without a graph.
inline constexpr Frontend kDefaultFrontend = Frontend::kTorch;

}  // namespace snapgauge
