#include "opinfo/schema.h"

namespace snapgauge::schema {

// Ids are given by the writer, in the order of the inputs, so that equal inputs give equal bytes.
const char* const kCreate = R"sql(
PRAGMA page_size = 4096;
PRAGMA encoding = 'UTF-8';
PRAGMA application_id = 0x53474F49;
PRAGMA user_version = 2;

CREATE TABLE document(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('page', 'overlay', 'master', 'supported', 'normalized')),
  sdk TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL);
CREATE TABLE source(id INTEGER PRIMARY KEY, document TEXT NOT NULL, sdk TEXT NOT NULL);
CREATE TABLE backend(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE dtype(id INTEGER PRIMARY KEY, name TEXT NOT NULL);

CREATE TABLE op(
  id INTEGER PRIMARY KEY,
  document INTEGER NOT NULL REFERENCES document,
  backend TEXT NOT NULL,
  name TEXT NOT NULL,
  joint INTEGER NOT NULL);
CREATE INDEX op_by_name ON op(backend, name);
CREATE TABLE op_column(
  op INTEGER NOT NULL REFERENCES op,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  variadic INTEGER NOT NULL,
  PRIMARY KEY (op, position)) WITHOUT ROWID;

CREATE TABLE variant(
  id INTEGER PRIMARY KEY,
  op INTEGER NOT NULL REFERENCES op,
  config TEXT NOT NULL,
  effect TEXT NOT NULL CHECK (effect IN ('binds', 'supersedes', 'removes')),
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  strength TEXT NOT NULL CHECK (strength IN ('binding', 'doubtful')),
  source INTEGER NOT NULL REFERENCES source,
  place TEXT NOT NULL);
CREATE INDEX variant_by_op ON variant(op);
CREATE TABLE variant_dtype(
  variant INTEGER NOT NULL REFERENCES variant,
  position INTEGER NOT NULL,
  dtype INTEGER NOT NULL REFERENCES dtype,
  PRIMARY KEY (variant, position, dtype)) WITHOUT ROWID;

CREATE TABLE constraint_row(
  id INTEGER PRIMARY KEY,
  op INTEGER NOT NULL REFERENCES op,
  port TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  binds_on TEXT NOT NULL,
  effect TEXT NOT NULL CHECK (effect IN ('binds', 'supersedes', 'removes')),
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  pipeline TEXT NOT NULL,
  strength TEXT NOT NULL CHECK (strength IN ('binding', 'doubtful')),
  source INTEGER NOT NULL REFERENCES source,
  place TEXT NOT NULL);
CREATE INDEX constraint_by_op ON constraint_row(op);
CREATE TABLE constraint_config(
  constraint_row INTEGER NOT NULL REFERENCES constraint_row,
  config TEXT NOT NULL,
  PRIMARY KEY (constraint_row, config)) WITHOUT ROWID;

CREATE TABLE master_port(
  op INTEGER NOT NULL REFERENCES op,
  role TEXT NOT NULL CHECK (role IN ('input', 'output', 'param')),
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  variadic INTEGER NOT NULL,
  mandatory INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (op, role, position)) WITHOUT ROWID;

CREATE TABLE supported(
  document INTEGER NOT NULL REFERENCES document,
  op TEXT NOT NULL,
  backend TEXT NOT NULL,
  PRIMARY KEY (document, op, backend)) WITHOUT ROWID;
CREATE TABLE framework_op(
  document INTEGER NOT NULL REFERENCES document,
  op TEXT NOT NULL,
  framework TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (document, op, framework, name)) WITHOUT ROWID;

CREATE TABLE op_map(
  frontend TEXT NOT NULL,
  op TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (frontend, op)) WITHOUT ROWID;
CREATE TABLE stored_document(name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
)sql";

const char* const kDropBackends = R"sql(
DELETE FROM variant_dtype;
DELETE FROM variant;
DELETE FROM op_column;
DELETE FROM constraint_config;
DELETE FROM constraint_row WHERE op IN (SELECT id FROM op WHERE backend <> '');
DELETE FROM op WHERE backend <> '';
DELETE FROM backend;
DELETE FROM supported;
DELETE FROM framework_op;
)sql";
const char* const kDropMaster = R"sql(
DELETE FROM constraint_row WHERE op IN (SELECT id FROM op WHERE backend = '');
DELETE FROM op WHERE backend = '';
DELETE FROM master_port;
)sql";

const char* const kInsertDocument = "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?)";
const char* const kInsertSource = "INSERT INTO source VALUES (?, ?, ?)";
const char* const kInsertBackend = "INSERT OR IGNORE INTO backend VALUES (?)";
const char* const kInsertDtype = "INSERT INTO dtype VALUES (?, ?)";
const char* const kInsertOp = "INSERT INTO op VALUES (?, ?, ?, ?, ?)";
const char* const kInsertColumn = "INSERT INTO op_column VALUES (?, ?, ?, ?)";
const char* const kInsertVariant = "INSERT INTO variant VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const char* const kInsertVariantDtype = "INSERT INTO variant_dtype VALUES (?, ?, ?)";
const char* const kInsertConstraint = "INSERT INTO constraint_row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const char* const kInsertConstraintConfig = "INSERT OR IGNORE INTO constraint_config VALUES (?, ?)";
const char* const kInsertPort = "INSERT INTO master_port VALUES (?, ?, ?, ?, ?, ?, ?)";
const char* const kInsertSupported = "INSERT OR IGNORE INTO supported VALUES (?, ?, ?)";
const char* const kInsertFrameworkOp = "INSERT OR IGNORE INTO framework_op VALUES (?, ?, ?, ?)";
const char* const kInsertOpMap = "INSERT INTO op_map VALUES (?, ?, ?)";
const char* const kInsertStored = "INSERT INTO stored_document VALUES (?, ?)";

const char* const kSelectNextIds = R"sql(
SELECT (SELECT coalesce(max(id), 0) FROM document), (SELECT coalesce(max(id), 0) FROM source),
       (SELECT coalesce(max(id), 0) FROM op), (SELECT coalesce(max(id), 0) FROM variant),
       (SELECT coalesce(max(id), 0) FROM constraint_row))sql";

const char* const kSelectBackends = "SELECT name FROM backend ORDER BY name";
const char* const kSelectPageSdks = "SELECT sdk FROM document WHERE kind = 'page' GROUP BY sdk ORDER BY min(since)";
const char* const kHasTable =
    "SELECT name FROM backend WHERE name = ?1 AND EXISTS (SELECT 1 FROM op JOIN document ON document.id = op.document "
    "WHERE op.backend IN (?1, '*') AND document.since <= ?2)";
const char* const kSelectOpNames =
    "SELECT DISTINCT name FROM op WHERE backend IN (?, '*') AND EXISTS (SELECT 1 FROM backend WHERE name = ?) "
    "ORDER BY name";
const char* const kSelectAllOpNames = "SELECT DISTINCT name FROM op ORDER BY name";
// Versions from which on something else holds of an op than before.
const char* const kSelectTurns = R"sql(
WITH part AS (SELECT id, document FROM op WHERE name = ?)
SELECT since FROM document WHERE id IN (SELECT document FROM part)
UNION SELECT until FROM document WHERE id IN (SELECT document FROM part)
UNION SELECT since FROM variant WHERE op IN (SELECT id FROM part)
UNION SELECT until FROM variant WHERE op IN (SELECT id FROM part)
UNION SELECT since FROM constraint_row WHERE op IN (SELECT id FROM part)
UNION SELECT until FROM constraint_row WHERE op IN (SELECT id FROM part)
ORDER BY 1)sql";

// Older documents first, pages before overlays: what comes later is newer.
const char* const kSelectOp = R"sql(
SELECT op.id, op.joint, document.kind <> 'overlay', document.since <= ?3 AND ?3 < document.until
FROM op JOIN document ON document.id = op.document
WHERE op.backend IN (?1, '*') AND op.name = ?2
ORDER BY document.kind = 'overlay', document.since, op.id)sql";
const char* const kSelectColumns = "SELECT name, variadic FROM op_column WHERE op = ? ORDER BY position";
const char* const kSelectVariants = R"sql(
SELECT variant.id, config, effect, since, until, strength, source.document, source.sdk, place
FROM variant JOIN source ON source.id = variant.source
WHERE op = ? ORDER BY variant.id)sql";
const char* const kSelectVariantDtypes = R"sql(
SELECT variant, position, dtype
FROM variant JOIN variant_dtype ON variant_dtype.variant = variant.id
WHERE op = ? ORDER BY variant, position)sql";
const char* const kSelectConstraints = R"sql(
SELECT constraint_row.id, port, kind, body, binds_on, effect, since, until, pipeline, strength, source.document,
       source.sdk, place
FROM constraint_row JOIN source ON source.id = constraint_row.source
WHERE op = ? ORDER BY constraint_row.id)sql";
const char* const kSelectConstraintConfigs = R"sql(
SELECT constraint_row, config
FROM constraint_row JOIN constraint_config ON constraint_config.constraint_row = constraint_row.id
WHERE op = ? ORDER BY constraint_row, config)sql";

const char* const kSelectMaster = R"sql(
SELECT op.id FROM op JOIN document ON document.id = op.document
WHERE op.backend = '' AND op.name = ?1 AND document.since <= ?2 AND ?2 < document.until
ORDER BY document.since DESC LIMIT 1)sql";
const char* const kSelectPorts = R"sql(
SELECT role, name, variadic, mandatory, body FROM master_port WHERE op = ? ORDER BY role, position)sql";
const char* const kSelectOpMap = "SELECT body FROM op_map WHERE frontend = ? AND op = ?";
const char* const kSelectOpMapNames = "SELECT op FROM op_map WHERE frontend = ? ORDER BY op";
const char* const kSelectStoredNames = "SELECT name FROM stored_document ORDER BY name";
const char* const kSelectStored = "SELECT body FROM stored_document WHERE name = ?";

}  // namespace snapgauge::schema
