// Builds the op-info database: snapgauge_build_opinfo OPINFO_DIR RULES_DIR OUT
//
// What the program would find out only when it meets an op is found out here: every op map, pipeline,
// backend and SoC compiles, and every part of a decomposition has a row of its own. What compiles is stored
// compiled.
#include <cstdio>
#include <string>

#include "backend/opmap.h"
#include "evaluate/master.h"
#include "opinfo/database.h"
#include "quantize/config.h"
#include "quantize/rows.h"
#include "rules/compile_op.h"
#include "targets/target.h"

namespace {

using snapgauge::CompiledWriter;
using snapgauge::Done;
using snapgauge::Error;
using snapgauge::ErrorCode;
using snapgauge::OpMapping;
using snapgauge::OpMaps;
using snapgauge::Status;

Status check_parts(const OpMapping& row, const std::string& op, OpMaps& maps) {
  for (const snapgauge::Part& part : row.parts) {
    auto found = maps.find(part.op);
    if (!found) return found.error();
    if (*found == nullptr) return Error{ErrorCode::kParse, "op map row " + op, "part '" + part.op + "' has no row"};
  }
  for (const auto& [condition, alternative] : row.select)
    if (Status s = check_parts(*alternative, op, maps); !s) return s;
  return Done{};
}

Status check_maps(const snapgauge::Database& database, snapgauge::Frontend frontend) {
  auto ops = database.op_map_names(std::string(snapgauge::row_of(frontend).name));
  if (!ops) return ops.error();
  OpMaps maps(database, frontend);
  for (const std::string& op : *ops) {
    auto row = maps.find(op);
    if (!row) return row.error();
    if (Status s = check_parts(**row, op, maps); !s) return s;
  }
  return Done{};
}

Status check_definitions(const snapgauge::Database& database) {
  auto rows = snapgauge::definition_rows(database);
  if (!rows) return rows.error();
  for (const auto& [op, constraints] : *rows)
    for (const snapgauge::ConstraintRow& row : constraints) {
      auto predicate = snapgauge::compile_predicate(row);
      if (!predicate) return predicate.error();
      if (predicate->unreadable || predicate->when->own.unknown)
        return Error{ErrorCode::kParse, "definition of " + op, "cannot be evaluated: " + row.body};
    }
  return Done{};
}

/// Every annotated operator is one that the op maps know.
Status check_annotations(const snapgauge::Database& database) {
  if (auto configs = snapgauge::QuantConfigs::load(database); !configs) return configs.error();
  auto backends = snapgauge::annotating_backends(database);
  if (!backends) return backends.error();
  for (const std::string& backend : *backends)
    for (const snapgauge::FrontendRow& frontend : snapgauge::kFrontends) {
      auto rows = snapgauge::AnnotationRows::load(database, backend, frontend.frontend);
      if (!rows) return rows.error();
      OpMaps maps(database, frontend.frontend);
      for (const std::string& op : rows->ops()) {
        auto known = maps.find(op);
        if (!known) return known.error();
        if (*known == nullptr)
          return Error{ErrorCode::kParse, "annotation rows of " + backend, "'" + op + "' has no row in the op map"};
      }
    }
  return Done{};
}

Status compile_tables(const snapgauge::Database& database, CompiledWriter& out) {
  auto catalog = snapgauge::TargetCatalog::load(database);
  if (!catalog) return catalog.error();
  if (Status s = catalog->compile(out); !s) return s;
  if (Status s = check_definitions(database); !s) return s;
  if (Status s = check_annotations(database); !s) return s;
  for (const snapgauge::FrontendRow& row : snapgauge::kFrontends) {
    if (Status s = check_maps(database, row.frontend); !s) return s;
    if (Status s = snapgauge::compile_maps(database, row.frontend, out); !s) return s;
  }
  return snapgauge::compile_ops(database, *catalog, out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s OPINFO_DIR RULES_DIR OUT\n", argv[0]);
    return 2;
  }
  const Status built = snapgauge::build_database(argv[1], argv[2], argv[3], compile_tables);
  if (built) return 0;
  std::fprintf(stderr, "error: %s\n", built.error().message().c_str());
  return 2;
}
