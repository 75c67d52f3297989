// The op-info database: constraint tables of the backends, op maps, SoC table and pipelines, built
// once from reviewable JSON text and opened read-only. The only module that sees SQLite.
//
// A table holds the rows of every SDK version. A query names one version; it gets the rows whose
// [since, until) interval contains it, and of rows that bind the same thing (same op, port, kind and
// condition) only the one of the newest document, unless it is doubtful and the older one is not
// superseded explicitly. Schema: docs/opinfo-schema.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/finding.h"
#include "numerics/dtype.h"
#include "opinfo/compiled.h"
#include "opinfo/version.h"

namespace snapgauge {

namespace sql {
class Connection;
}

/// Binding rows reject; doubtful ones warn.
enum class Strength : uint8_t { kBinding, kDoubtful };

/// One allowed row of datatypes. Joint tables have one datatype per column; per-port tables a set.
struct VariantRow {
  std::string config;             // label of the vendor's row: FP16, INT8, All, ...
  std::vector<DTypeSet> columns;  // parallel to OpRow::columns; 0: nothing said for this column
  Source source;
  Strength strength = Strength::kBinding;
};

/// One predicate on a port or parameter.
struct ConstraintRow {
  std::vector<std::string> configs;  // labels it holds for; empty: all
  std::string port;                  // "in[1]", "in[0..m]", "out[0]" or a parameter's name
  std::string kind;                  // "rank", "symmetric", ...
  std::string body;                  // JSON object: the kind's own keys and "when"; see the facts' README
  Source source;
  std::string pipeline;  // binds only graphs that this pipeline lowers; empty: all
  Strength strength = Strength::kBinding;
};

struct OpRow {
  std::string name;
  bool joint = false;                 // variants are whole combinations
  std::vector<std::string> columns;   // ports and parameters of the datatype table, in its order
  std::vector<std::string> variadic;  // those that repeat: "in[0..m]"
  std::vector<VariantRow> variants;
  std::vector<ConstraintRow> constraints;
};

/// A port or parameter as the master op definition describes it.
struct MasterPort {
  std::string name;  // "in[0]", "out[0..m]" or a parameter's name
  bool variadic = false;
  bool mandatory = false;
  std::string body;  // JSON object: dtypes, shape, default, values, dynamic, ...
};

struct MasterOp {
  std::string name;
  std::vector<MasterPort> inputs, outputs, params;
  std::vector<ConstraintRow> constraints;  // `configs` empty
};

struct OpSummary {
  std::string op;
  int variants = 0;
  int constraints = 0;
};

class Database;
/// Adds what is to be compiled of the tables when a database is built; a failure is that of the build.
using CompileTables = std::function<Status(const Database&, CompiledWriter&)>;

/// Not thread safe; open one per thread.
class Database {
 public:
  /// Opens a built database. A file that is no database of ours, is damaged, or has another schema
  /// version is one error that says which.
  static Result<Database> open(const std::string& path);
  /// Builds one in memory from a directory of JSON tables (the layout of `opinfo/`, or a single
  /// *.json file with normalized constraints), with the op maps and SoC table of `base`.
  static Result<Database> from_directory(const std::string& directory, const Database& base);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Backends that have any row, in alphabetical order: cpu, dsp, gpu, hta, htp, lpai.
  Result<std::vector<std::string>> backends() const;
  /// SDK versions whose op-definition pages are in the tables, oldest first.
  Result<std::vector<std::string>> sdks() const;
  /// Whether anything is known about the backend as of `sdk`.
  Result<bool> has_table(const std::string& backend, SdkVersion sdk) const;
  Result<std::vector<OpSummary>> ops(const std::string& backend, SdkVersion sdk) const;
  /// Every op that any table of any version speaks of.
  Result<std::vector<std::string>> op_names() const;
  /// The versions from which on some row about the op holds that did not before, or the reverse, oldest first. The
  /// first is 0.0.0, from which on nothing holds yet.
  Result<std::vector<SdkVersion>> turns(const std::string& op) const;
  /// The op's rows for a target; empty when the backend's table has no such op. With `resolve` false
  /// every row of every source is returned, for display.
  Result<std::optional<OpRow>> op(const std::string& backend, SdkVersion sdk, const std::string& pipeline,
                                  const std::string& name, bool resolve = true) const;
  Result<std::optional<MasterOp>> master(SdkVersion sdk, const std::string& name) const;

  /// JSON text of the op-map row of a frontend ("aten", "onnx"), empty when there is none.
  Result<std::optional<std::string>> op_map(const std::string& frontend, const std::string& op) const;
  Result<std::vector<std::string>> op_map_names(const std::string& frontend) const;
  /// JSON text of a document stored whole: "soc-table", "backends", "pipelines", "annotate-htp".
  Result<std::string> document(const std::string& name) const;
  /// Their names, sorted.
  Result<std::vector<std::string>> documents() const;
  /// Those that were asked for, in that order: what is read when is a promise.
  const std::vector<std::string>& documents_read() const;

  /// What was compiled under this name when the database was built; nothing for tables that are not compiled.
  std::optional<std::span<const std::byte>> compiled(std::string_view name, SdkVersion sdk) const;
  /// The error to return when that cannot be read.
  Error damaged(std::string_view name) const;

 private:
  struct Impl;
  friend Status build_database(const std::string&, const std::string&, const std::string&, const CompileTables&);
  static Database over(sql::Connection connection);
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Reads `opinfo_dir` and `rules_dir` and writes the database to `path`, replacing it. The same
/// inputs give the same bytes.
Status build_database(const std::string& opinfo_dir, const std::string& rules_dir, const std::string& path,
                      const CompileTables& compile = {});

}  // namespace snapgauge
