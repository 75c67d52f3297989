#include "opinfo/database.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "opinfo/database_file.h"
#include "opinfo/resolve.h"
#include "opinfo/schema.h"
#include "opinfo/sqlite.h"
#include "opinfo/tables.h"
#include "opinfo/writer.h"

namespace snapgauge {

using opinfo::Effect;
using opinfo::Interval;
using opinfo::RankedConstraint;
using opinfo::RankedVariant;

struct Database::Impl {
  sql::Statement& statement(const char* text) { return connection.statement(text); }

  std::optional<MappedFile> file;  // the others read from it
  sql::Connection connection;
  CompiledSection compiled;
  std::vector<std::string> documents_read = {};
};

namespace {

/// One row of table `op`: what one document says about one op.
struct OpPart {
  int64_t id = 0;
  bool joint = false;
  bool page = false;      // not an overlay
  bool in_force = false;  // the document's interval contains the version
};

/// Everything known about one op before precedence.
struct Collected {
  int64_t version = 0;
  bool all = false;  // for display: every row, whatever its interval and pipeline
  std::string pipeline;
  bool known = false;  // some page or datatype row in force has the op
  OpRow op;
  std::vector<RankedVariant> variants;
  std::vector<RankedConstraint> constraints;

  bool takes(const Interval& interval) const { return all || (interval.since <= version && version < interval.until); }
};

Effect effect_of(const std::string& text) {
  if (text == "supersedes") return Effect::kSupersedes;
  return text == "removes" ? Effect::kRemoves : Effect::kBinds;
}

Strength strength_of(const std::string& text) { return text == "doubtful" ? Strength::kDoubtful : Strength::kBinding; }

Source source_of(const sql::Statement& row, int column) {
  Source out{row.text(column), row.text(column + 1)};
  const std::string place = row.text(column + 2);
  if (!place.empty()) out.document += ", " + place;
  return out;
}

/// Positions of a part's columns in the op's, which grow by those that are new.
Result<std::vector<size_t>> merge_columns(sql::Connection& db, int64_t part, OpRow& op) {
  std::vector<size_t> positions;
  sql::Statement& row = db.statement(schema::kSelectColumns);
  row.bind(part);
  while (row.next()) {
    const std::string name = row.text(0);
    const auto it = std::find(op.columns.begin(), op.columns.end(), name);
    positions.push_back(static_cast<size_t>(it - op.columns.begin()));
    if (it != op.columns.end()) continue;
    op.columns.push_back(name);
    if (row.integer(1) != 0) op.variadic.push_back(name);
  }
  if (Status s = row.finish(); !s) return s.error();
  return positions;
}

Status collect_variants(sql::Connection& db, const OpPart& part, Collected& out) {
  sql::Statement& row = db.statement(schema::kSelectVariants);
  row.bind(part.id);
  const size_t first = out.variants.size();
  std::vector<int64_t> ids;
  while (row.next()) {
    if (!out.takes({row.integer(3), row.integer(4)})) continue;
    RankedVariant entry;
    entry.row.config = row.text(1);
    entry.effect = effect_of(row.text(2));
    entry.rank = {row.integer(3), !part.page};
    entry.row.strength = strength_of(row.text(5));
    entry.row.source = source_of(row, 6);
    ids.push_back(row.integer(0));
    out.variants.push_back(std::move(entry));
  }
  if (Status s = row.finish(); !s) return s;
  if (ids.empty()) return Done{};
  out.known = true;
  const auto positions = merge_columns(db, part.id, out.op);
  if (!positions) return positions.error();
  sql::Statement& cell = db.statement(schema::kSelectVariantDtypes);
  cell.bind(part.id);
  for (size_t i = 0; cell.next();) {
    while (i < ids.size() && ids[i] < cell.integer(0)) ++i;
    if (i == ids.size() || ids[i] != cell.integer(0)) continue;  // a row that is not in force
    const auto position = static_cast<size_t>(cell.integer(1));
    const int64_t type = cell.integer(2);
    if (position >= positions.value().size() || type < 0 || type >= kDTypeCount) continue;
    std::vector<DTypeSet>& columns = out.variants[first + i].row.columns;
    columns.resize(std::max(columns.size(), positions.value()[position] + 1));
    columns[positions.value()[position]] |= dtype_bit(static_cast<DType>(type));
  }
  return cell.finish();
}

/// Rows that remove others are shown as what they are; the body says so.
void mark_removal(RankedConstraint& entry) {
  std::string& body = entry.row.body;
  if (entry.effect != Effect::kRemoves || body.empty()) return;
  body.insert(1, body == "{}" ? "\"removes\":true" : "\"removes\":true,");
}

Status collect_constraints(sql::Connection& db, const OpPart& part, Collected& out) {
  sql::Statement& row = db.statement(schema::kSelectConstraints);
  row.bind(part.id);
  const size_t first = out.constraints.size();
  std::vector<int64_t> ids;
  while (row.next()) {
    const std::string pipeline = row.text(8);
    if (!out.takes({row.integer(6), row.integer(7)}) || !(out.all || pipeline.empty() || pipeline == out.pipeline))
      continue;
    RankedConstraint entry;
    entry.row.port = row.text(1);
    entry.row.kind = row.text(2);
    entry.row.body = row.text(3);
    entry.binds_on = row.text(4);
    entry.effect = effect_of(row.text(5));
    entry.rank = {row.integer(6), !part.page};
    entry.row.pipeline = pipeline;
    entry.row.strength = strength_of(row.text(9));
    entry.row.source = source_of(row, 10);
    if (out.all) mark_removal(entry);
    ids.push_back(row.integer(0));
    out.constraints.push_back(std::move(entry));
  }
  if (Status s = row.finish(); !s || ids.empty()) return s;
  sql::Statement& label = db.statement(schema::kSelectConstraintConfigs);
  label.bind(part.id);
  for (size_t i = 0; label.next();) {
    while (i < ids.size() && ids[i] < label.integer(0)) ++i;
    if (i < ids.size() && ids[i] == label.integer(0)) out.constraints[first + i].row.configs.push_back(label.text(1));
  }
  return label.finish();
}

Result<std::vector<OpPart>> op_parts(sql::Connection& db, const std::string& backend, const std::string& name,
                                     int64_t version) {
  std::vector<OpPart> parts;
  sql::Statement& row = db.statement(schema::kSelectOp);
  row.bind(backend).bind(name).bind(version);
  while (row.next()) parts.push_back({row.integer(0), row.integer(1) != 0, row.integer(2) != 0, row.integer(3) != 0});
  if (Status s = row.finish(); !s) return s.error();
  return parts;
}

/// Precedence compares an op's rows with each other, those that replace others label by label.
bool is_bounded(const Collected& op) {
  constexpr size_t kMostSteps = 5'000'000;  // the shipped tables need up to 400,000
  const auto& all = op.constraints;
  if (op.op.columns.size() > opinfo::kMostColumns || op.variants.size() > opinfo::kMostRows ||
      all.size() > opinfo::kMostRows)
    return false;
  const auto older = [](const RankedConstraint& a, const RankedConstraint& b) { return a.rank < b.rank; };
  const auto oldest = std::min_element(all.begin(), all.end(), older);
  const auto replacing =
      std::count_if(all.begin(), all.end(), [&](const RankedConstraint& c) { return oldest->rank < c.rank; });
  return static_cast<size_t>(replacing) * all.size() * std::max<size_t>(op.variants.size(), 1) <= kMostSteps;
}

Status collect(sql::Connection& db, const std::vector<OpPart>& parts, Collected& out) {
  for (const OpPart& part : parts) {
    if (part.page && !part.in_force && !out.all) continue;
    const bool was_known = out.known;
    if (Status s = collect_variants(db, part, out); !s) return s;
    if (part.page) {
      out.known = true;
      out.op.joint = part.joint || (out.all && out.op.joint);
    } else if (out.known && !was_known) {
      out.op.joint = part.joint;  // the op stands in overlays only
    }
    if (Status s = collect_constraints(db, part, out); !s) return s;
    if (!is_bounded(out))
      return Error{
          ErrorCode::kLimit, db.subject(),
          fmt::format("op '{}' has too many columns or rows, or too many that replace others", printable(out.op.name))};
  }
  for (RankedVariant& v : out.variants) v.row.columns.resize(out.op.columns.size());
  return Done{};
}

std::vector<std::string> labels_of(const std::vector<VariantRow>& variants) {
  std::vector<std::string> out;
  for (const VariantRow& v : variants)
    if (std::find(out.begin(), out.end(), v.config) == out.end()) out.push_back(v.config);
  return out;
}

OpRow finish(Collected collected) {
  OpRow& op = collected.op;
  if (collected.all) {
    for (RankedVariant& v : collected.variants)
      if (v.effect != Effect::kRemoves) op.variants.push_back(std::move(v.row));
    for (RankedConstraint& c : collected.constraints) op.constraints.push_back(std::move(c.row));
  } else {
    op.variants = resolve_variants(collected.variants, op.joint);
    op.constraints = resolve_constraints(collected.constraints, labels_of(op.variants));
  }
  return std::move(op);
}

Result<std::vector<std::string>> texts(sql::Statement& row) {
  std::vector<std::string> out;
  while (row.next()) out.push_back(row.text(0));
  if (Status s = row.finish(); !s) return s.error();
  return out;
}

Result<std::optional<std::string>> first_text(sql::Statement& row) {
  auto all = texts(row);
  if (!all) return all.error();
  return all->empty() ? std::nullopt : std::optional(std::move(all->front()));
}

}  // namespace

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Database Database::over(sql::Connection connection) {
  return Database(std::make_unique<Impl>(Impl{std::nullopt, std::move(connection), {}}));
}

Result<Database> Database::open(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return file.error();
  const auto parts = opinfo::unsealed(file->bytes(), path);
  if (!parts) return parts.error();
  const auto compiled = CompiledSection::over(parts.value().compiled);
  if (!compiled) return Error{ErrorCode::kParse, path, "the op-info database is damaged or incomplete"};
  auto connection = sql::Connection::over(parts.value().image, path);
  return Database(std::make_unique<Impl>(Impl{std::move(file).value(), std::move(connection), *compiled}));
}

Result<Database> Database::from_directory(const std::string& directory, const Database& base) {
  const auto documents = opinfo::load_tables(directory);
  if (!documents) return documents.error();
  auto names = base.backends();
  if (!names) return names.error();
  auto connection = base.impl_->connection.copy(directory);
  if (!connection) return connection.error();
  // Tables that speak of no version of their own leave the master definition of the base in place.
  bool normalized = false, master = false;
  for (const opinfo::Document& d : documents.value()) {
    normalized = normalized || d.kind == opinfo::DocumentKind::kNormalized;
    master = master || d.kind == opinfo::DocumentKind::kMaster;
  }
  if (Status s = connection->execute("BEGIN"); !s) return s.error();
  if (Status s = connection->execute(schema::kDropBackends); !s) return s.error();
  if (master)
    if (Status s = connection->execute(schema::kDropMaster); !s) return s.error();
  opinfo::Writer writer(*connection);
  if (Status s = writer.start(); !s) return s.error();
  for (const opinfo::Document& d : documents.value())
    if (Status s = writer.document(d); !s) return s.error();
  if (normalized)
    for (const std::string& name : names.value())
      if (Status s = writer.backend(name); !s) return s.error();
  if (Status s = connection->execute("COMMIT"); !s) return s.error();
  return over(std::move(connection).value());
}

Result<std::vector<std::string>> Database::backends() const { return texts(impl_->statement(schema::kSelectBackends)); }

Result<std::vector<std::string>> Database::sdks() const { return texts(impl_->statement(schema::kSelectPageSdks)); }

Result<bool> Database::has_table(const std::string& backend, SdkVersion sdk) const {
  sql::Statement& row = impl_->statement(schema::kHasTable);
  const auto found = texts(row.bind(backend).bind(schema::version_number(sdk)));
  if (!found) return found.error();
  return !found.value().empty();
}

Result<std::vector<OpSummary>> Database::ops(const std::string& backend, SdkVersion sdk) const {
  sql::Statement& row = impl_->statement(schema::kSelectOpNames);
  auto names = texts(row.bind(backend).bind(backend));
  if (!names) return names.error();
  std::vector<OpSummary> out;
  for (const std::string& name : names.value()) {
    auto found = op(backend, sdk, "", name);
    if (!found) return found.error();
    if (const std::optional<OpRow>& o = found.value())
      out.push_back({name, static_cast<int>(o->variants.size()), static_cast<int>(o->constraints.size())});
  }
  return out;
}

Result<std::vector<std::string>> Database::op_names() const {
  return texts(impl_->statement(schema::kSelectAllOpNames));
}

Result<std::vector<SdkVersion>> Database::turns(const std::string& op) const {
  std::vector<SdkVersion> out{SdkVersion{}};
  sql::Statement& row = impl_->statement(schema::kSelectTurns);
  row.bind(op);
  while (row.next())
    if (row.integer(0) > 0 && row.integer(0) != schema::kOpenEnd) out.push_back(schema::version_of(row.integer(0)));
  if (Status s = row.finish(); !s) return s.error();
  return out;
}

Result<std::optional<OpRow>> Database::op(const std::string& backend, SdkVersion sdk, const std::string& pipeline,
                                          const std::string& name, bool resolve) const {
  Collected collected;
  collected.version = schema::version_number(sdk);
  collected.all = !resolve;
  collected.pipeline = pipeline;
  collected.op.name = name;
  const auto parts = op_parts(impl_->connection, backend, name, collected.version);
  if (!parts) return parts.error();
  if (Status s = collect(impl_->connection, parts.value(), collected); !s) return s.error();
  if (!collected.known) return std::optional<OpRow>();
  return std::optional(finish(std::move(collected)));
}

Result<std::optional<MasterOp>> Database::master(SdkVersion sdk, const std::string& name) const {
  sql::Statement& row = impl_->statement(schema::kSelectMaster);
  row.bind(name).bind(schema::version_number(sdk));
  OpPart part;
  part.page = true;
  while (row.next()) part.id = row.integer(0);
  if (Status s = row.finish(); !s) return s.error();
  if (part.id == 0) return std::optional<MasterOp>();
  MasterOp op;
  op.name = name;
  sql::Statement& port = impl_->statement(schema::kSelectPorts);
  port.bind(part.id);
  while (port.next()) {
    const std::string role = port.text(0);
    auto& ports = role == "input" ? op.inputs : role == "output" ? op.outputs : op.params;
    ports.push_back({port.text(1), port.integer(2) != 0, port.integer(3) != 0, port.text(4)});
  }
  if (Status s = port.finish(); !s) return s.error();
  Collected collected;
  collected.version = schema::version_number(sdk);
  if (Status s = collect_constraints(impl_->connection, part, collected); !s) return s.error();
  for (RankedConstraint& c : collected.constraints) op.constraints.push_back(std::move(c.row));
  return std::optional(std::move(op));
}

Result<std::optional<std::string>> Database::op_map(const std::string& frontend, const std::string& op) const {
  return first_text(impl_->statement(schema::kSelectOpMap).bind(frontend).bind(op));
}

Result<std::vector<std::string>> Database::op_map_names(const std::string& frontend) const {
  return texts(impl_->statement(schema::kSelectOpMapNames).bind(frontend));
}

const std::vector<std::string>& Database::documents_read() const { return impl_->documents_read; }

Result<std::string> Database::document(const std::string& name) const {
  impl_->documents_read.push_back(name);
  auto found = first_text(impl_->statement(schema::kSelectStored).bind(name));
  if (!found) return found.error();
  if (!found.value())
    return Error{ErrorCode::kParse, impl_->connection.subject(),
                 "the op-info database holds no document '" + printable(name) + "'"};
  return *std::move(found).value();
}

Result<std::vector<std::string>> Database::documents() const {
  return texts(impl_->statement(schema::kSelectStoredNames));
}

std::optional<std::span<const std::byte>> Database::compiled(std::string_view name, SdkVersion sdk) const {
  return impl_->compiled.find(name, sdk);
}

Error Database::damaged(std::string_view name) const {
  return {ErrorCode::kParse, impl_->connection.subject(),
          fmt::format("the op-info database is damaged: '{}' in it cannot be read", printable(name))};
}

}  // namespace snapgauge
