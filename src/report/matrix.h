// Which targets would take a graph whole, as plain data, and its renderings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diag/verdict.h"

namespace snapgauge {

/// SoCs that no backend tells apart: same HTP architecture, same LPAI hardware.
struct SocGroup {
  std::string arch, lpai;  // "V79"; LPAI hardware version, empty when there is none
  std::vector<std::string> socs;
};

/// What keeps nodes off a target: one rule for one backend op, or one unjudged reason.
struct MatrixCause {
  std::string code;  // "SG502"; empty when the nodes are unknown for want of information
  std::string text;  // of the first finding
  std::string action;
  std::vector<std::string> ports;  // distinct
  std::vector<std::string> nodes;  // in file order, distinct
};

/// Why a target does not take the graph whole. Targets with the same answer share one.
struct MatrixReason {
  std::string target;               // the first target with this answer
  std::string obstacle;             // nothing runs there; `causes` is empty then
  std::vector<MatrixCause> causes;  // most nodes first
  bool operator==(const MatrixReason& other) const;
};

struct MatrixCell {
  FileVerdict verdict = FileVerdict::kAccepted;
  bool possible = true;  // false: the SoC or the tables lack this backend
  uint64_t nodes = 0, rejected = 0, unknown = 0;
  uint64_t suppressed = 0;  // nodes accepted only because findings about them are suppressed
  uint32_t reason = 0;      // 1-based into Matrix::reasons, 0: none
};

struct MatrixTable {
  std::vector<std::string> sdks;               // versions with these very answers
  std::vector<std::vector<MatrixCell>> cells;  // by SocGroup, then backend
};

struct Matrix {
  std::string path, pipeline;
  std::string configuration;  // in use; empty: none
  std::vector<std::string> backends;
  std::vector<SocGroup> groups;
  std::vector<MatrixTable> tables;
  std::vector<MatrixReason> reasons;
};

/// One table per SDK version, the reasons of each "no" below, numbered.
std::string render_matrix_text(const Matrix& matrix);
/// One JSON object (docs/matrix.md), ending in a newline.
std::string render_matrix_json(const Matrix& matrix);

}  // namespace snapgauge
