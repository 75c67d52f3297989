// Overlays: rows that correct or extend the pages. Format: opinfo/README.md.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "opinfo/tables.h"

namespace snapgauge::opinfo {
namespace {

constexpr std::array<const char*, 13> kRowKeys = {"backends", "ops",      "since",      "until", "source",
                                                  "pipeline", "strength", "effect",     "why",   "dtype_rows",
                                                  "columns",  "variants", "constraints"};

Status check_keys(const Reading& reading, const Json& row) {
  if (!row.is_object()) return reading.fail("a row must be an object");
  for (const auto& [key, value] : row.items()) {
    const auto same = [&key = key](const char* known) { return key == known; };
    if (std::none_of(kRowKeys.begin(), kRowKeys.end(), same)) return reading.fail(fmt::format("unknown key '{}'", key));
  }
  return Done{};
}

Status read_head(const Reading& reading, const Json& row, RowHead& out) {
  const auto since = read_version(reading, row.at("since"));
  if (!since) return since.error();
  out.interval.since = schema::version_number(since.value());
  if (row.contains("until")) {
    const auto until = read_version(reading, row["until"]);
    if (!until) return until.error();
    if (until.value() <= since.value()) return reading.fail("'until' is not later than 'since'");
    out.interval.until = schema::version_number(until.value());
  }
  const std::string strength = row.value("strength", "binding");
  if (strength != "binding" && strength != "doubtful") return reading.fail("'strength' is 'binding' or 'doubtful'");
  out.strength = strength == "doubtful" ? Strength::kDoubtful : Strength::kBinding;
  const std::string effect = row.value("effect", "binds");
  if (effect == "supersedes")
    out.effect = Effect::kSupersedes;
  else if (effect == "removes")
    out.effect = Effect::kRemoves;
  else if (effect != "binds")
    return reading.fail("'effect' is 'binds', 'supersedes' or 'removes'");
  out.source.document = row.at("source").at("document").get<std::string>();
  out.source.sdk = row.at("source").at("sdk").get<std::string>();
  if (out.source.document.empty()) return reading.fail("the source has no document");
  return Done{};
}

Status read_variants(const Reading& reading, const Json& row, const RowHead& head, OpEntry& op) {
  const std::string rows = row.value("dtype_rows", "");
  if (rows != "joint" && rows != "per_port")
    return reading.fail("rows with 'variants' need 'dtype_rows': 'joint' or 'per_port'");
  op.joint = rows == "joint";
  if (row.at("columns").size() > kMostColumns) return reading.fail(fmt::format("more than {} columns", kMostColumns));
  for (const Json& name : row.at("columns"))
    op.columns.push_back({name.get<std::string>(), name.get<std::string>().find("..") != std::string::npos});
  for (const Json& v : row["variants"]) {
    VariantEntry entry;
    entry.head = head;
    entry.config = v.at("config").get<std::string>();
    if (v.at("dtypes").size() != op.columns.size()) return reading.fail("'dtypes' must name every column once");
    for (const ColumnEntry& column : op.columns) {
      const auto set = read_dtypes(reading, v["dtypes"].at(column.name));
      if (!set) return set.error();
      if (op.joint && (set.value() & (set.value() - 1)) != 0)
        return reading.fail("a joint row has one datatype per column");
      entry.columns.push_back(set.value());
    }
    op.variants.push_back(std::move(entry));
  }
  return Done{};
}

Status read_row(const Reading& reading, const Json& row, Document& out) {
  RowHead head;
  if (Status s = read_head(reading, row, head); !s) return s;
  OpEntry entry;
  if (row.contains("variants"))
    if (Status s = read_variants(reading, row, head, entry); !s) return s;
  for (const Json& c : row.value("constraints", Json::array())) {
    ConstraintEntry constraint;
    if (Status s = read_constraint(reading, c, constraint); !s) return s;
    constraint.head = head;
    constraint.pipeline = row.value("pipeline", "");
    entry.constraints.push_back(std::move(constraint));
  }
  if (entry.variants.empty() && entry.constraints.empty())
    return reading.fail("a row needs 'variants' or 'constraints'");
  if (!entry.variants.empty() && row.contains("pipeline"))
    return reading.fail("datatype rows cannot depend on a pipeline");
  if (out.ops.size() + row.at("backends").size() * row.at("ops").size() > kMostOps)
    return reading.fail(fmt::format("more than {} ops, each counted once for each of its backends", kMostOps));
  for (const Json& backend : row.at("backends")) {
    for (const Json& op : row.at("ops")) {
      entry.backend = backend.get<std::string>();
      entry.name = op.get<std::string>();
      out.ops.push_back(entry);
    }
  }
  return Done{};
}

}  // namespace

Status read_overlay(Reading& reading, const Json& file, Document& out) {
  out.kind = DocumentKind::kOverlay;
  const Json defaults = file.value("defaults", Json::object());
  reading.place = "defaults";
  if (Status s = check_keys(reading, defaults); !s) return s;
  size_t index = 0;
  for (const Json& given : file.at("rows")) {
    reading.place = fmt::format("rows[{}]", index++);
    if (Status s = check_keys(reading, given); !s) return s;
    Json row = defaults;
    row.update(given);
    if (Status s = read_row(reading, row, out); !s) return s;
  }
  return Done{};
}

}  // namespace snapgauge::opinfo
