// The op-info tables as text, for `snapgauge opinfo`.
#pragma once

#include <string>
#include <vector>

#include "api/session.h"
#include "base/result.h"

namespace snapgauge {

/// One line per op of the session's backend and SDK, with counts.
Result<std::string> list_ops(const Session& session);
/// Datatype rows and constraints of one op, each with its source. An unknown op is a kUsage error
/// that lists near matches.
Result<std::string> show_op(const Session& session, const std::string& op);
/// Predicate kinds by backend, and whether each is evaluated.
Result<std::string> coverage(const Session& session);

/// One row with its source, without margin and line end; its cells are parallel to `columns`.
std::string row_text(const std::vector<std::string>& columns, const VariantRow& row);
std::string row_text(const ConstraintRow& row);

}  // namespace snapgauge
