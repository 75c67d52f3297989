// What differs between two versions of a backend's table: rows in force against rows in force, compared
// by what they say. Order, source and place in a document make no difference, nor does whether one row
// names all labels or several rows name some each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "opinfo/database.h"

namespace snapgauge {

/// A row that stands in the older table only (removed), in the newer only (added), or in both with
/// another content or strength (changed).
template <class Row>
struct RowDiff {
  std::optional<Row> before, after;
};

/// Datatypes of a column that stand in one table only.
struct ColumnDiff {
  std::string column;
  DTypeSet removed = 0, added = 0;
};

struct OpDiff {
  std::string op;
  bool known_before = false, known_after = false;
  bool joint_before = false, joint_after = false;
  std::vector<std::string> columns;  // of both tables; the rows' cells are parallel to it
  std::vector<RowDiff<VariantRow>> variants;
  /// A table per port says less than one of whole combinations, so its rows cannot be told against
  /// theirs one by one. Then `variants` has the combinations that the table per port does not allow,
  /// and this the datatypes that it allows and no combination has.
  std::vector<ColumnDiff> datatypes;
  bool unlisted = false;  // then: it also allows combinations of its datatypes that the other does not list
  std::vector<RowDiff<ConstraintRow>> constraints;
  size_t variant_count = 0, constraint_count = 0;  // of an op that one table lacks: what the other has

  bool differs() const {
    return known_before != known_after || unlisted || !variants.empty() || !datatypes.empty() || !constraints.empty();
  }
};

/// Null: the table lacks the op.
OpDiff compare_op(const std::string& name, const OpRow* before, const OpRow* after);

struct TableDiff {
  std::vector<std::string> before, after;  // ops of either table, in alphabetical order
  std::vector<OpDiff> ops;                 // those that differ, likewise
};

/// The tables of `backend` as two versions of the SDK see them. `pipeline` as in Database::op.
Result<TableDiff> compare_tables(const Database& database, const std::string& backend, const std::string& pipeline,
                                 SdkVersion before, SdkVersion after);

}  // namespace snapgauge
