// Checking graphs from a program: read files, judge them for a target, get findings as data.
//
// Thread safety: one Checker per thread. Ownership: everything returned is a value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace snapgauge {

/// What graphs are judged for. Names are taken in any case, SoCs with or without their letters.
struct CheckTarget {
  std::string backend = "htp";  // htp, lpai, gpu, cpu, dsp, hta
  std::string soc = "SM8750";
  std::string sdk = "latest";  // or a version such as 2.25.0
  std::string pipeline;        // ort-qnn, executorch, qairt; empty: by the file's format
};

/// Where the op-info tables come from.
struct TableSource {
  std::string database;   // path of opinfo.db; empty: beside the installed program
  std::string directory;  // the user's own tables (JSON), used instead of the database's
};

enum class CheckVerdict : uint8_t { kAccepted, kIncomplete, kRejected, kUnreadable };

struct CheckFinding {
  std::string code, rule, kind, level;  // "SG201", "asymmetric-weight", "unsupported", "error"
  std::string node, port, value;
  std::string message, expected, actual, action;
  std::string source_document, source_sdk;
  uint32_t line = 0, column = 0;   // 1-based; 0: the format has no lines
  std::string suppressed_because;  // only in CheckedFile::suppressed
};

struct CheckedNode {
  std::string name, op, backend_op;
  std::string verdict;  // "accepted", "rejected", "unknown"
  std::string reason;
  bool suppressed = false;  // accepted only because findings about it are suppressed
};

struct CheckedFile {
  std::string path;
  CheckVerdict verdict = CheckVerdict::kUnreadable;
  std::vector<CheckedNode> nodes;
  std::vector<CheckFinding> findings;
  std::vector<CheckFinding> suppressed;  // by the file itself; they do not count
};

/// Judges files for one target. No function throws, unless memory is too short even for saying so.
class Checker {
 public:
  /// Opens the tables and resolves the target. On failure returns null and describes it in `error`.
  static std::unique_ptr<Checker> create(const CheckTarget& target, const TableSource& tables, std::string* error);
  ~Checker();

  /// Lets external data of models really lie below `folder`, too, beside each model's own.
  void allow_external(std::string folder);

  /// Never fails: a file that cannot be read has the verdict kUnreadable and one SG001 finding.
  CheckedFile check_file(const std::string& path);
  /// The same for bytes in memory; `name` appears in findings.
  CheckedFile check_bytes(std::string_view bytes, const std::string& name);

 private:
  struct Impl;
  explicit Checker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace snapgauge
