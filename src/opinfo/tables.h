// Readers of the JSON tables: each turns one parsed file into plain rows. What a file is, its content
// says. Field by field: opinfo/README.md.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "opinfo/json_file.h"
#include "opinfo/model.h"

namespace snapgauge::opinfo {

// Bounds of tables that anybody may have written: columns, labels and rows of an op are compared with each other, and
// an overlay's row stands for every op on every backend that it names. Ten times what the shipped tables need.
inline constexpr size_t kMostColumns = 1024;  // of one op; also ports, and encodings or alternatives of one port
inline constexpr size_t kMostLabels = 64;     // of one predicate
inline constexpr size_t kMostRows = 4096;     // of datatypes, and of predicates, of one op
inline constexpr size_t kMostOps = 100'000;   // of one table

/// Where a reader is: the place is part of every error.
struct Reading {
  std::string path;   // as the user gave it
  std::string place;  // "ops.Conv2d.variants[3]"

  Error fail(const std::string& text) const;
};

Result<Document> read_table(const Json& file, const std::string& path, const std::string& name);

/// All tables below a directory (itself and one level of folders), or one file. Pages get the
/// interval from their own version to the backend's next one.
Result<std::vector<Document>> load_tables(const std::string& path);

// Parts; each may also let nlohmann's exceptions out, which read_table turns into errors.
Status read_page(Reading& reading, const Json& file, Document& out);
Status read_master(Reading& reading, const Json& file, Document& out);
Status read_supported(Reading& reading, const Json& file, Document& out);
Status read_overlay(Reading& reading, const Json& file, Document& out);
Status read_normalized(Reading& reading, const Json& file, Document& out);

/// One predicate in the facts' grammar; "config", "port" and "kind" are taken out of the body.
Status read_constraint(const Reading& reading, const Json& row, ConstraintEntry& out);
/// null, a name, or a list of names.
Result<DTypeSet> read_dtypes(const Reading& reading, const Json& cell);
Result<SdkVersion> read_version(const Reading& reading, const Json& text);
/// The part of a predicate that says what it binds, as canonical text: its condition and selectors.
std::string binds_on(const Json& body);

}  // namespace snapgauge::opinfo
