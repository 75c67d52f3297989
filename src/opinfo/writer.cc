#include "opinfo/writer.h"

namespace snapgauge::opinfo {
namespace {

const char* text(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::kPage: return "page";
    case DocumentKind::kOverlay: return "overlay";
    case DocumentKind::kMaster: return "master";
    case DocumentKind::kSupported: return "supported";
    case DocumentKind::kNormalized: return "normalized";
  }
  return "";
}

const char* text(Effect effect) {
  switch (effect) {
    case Effect::kBinds: return "binds";
    case Effect::kSupersedes: return "supersedes";
    case Effect::kRemoves: return "removes";
  }
  return "";
}

const char* text(Strength strength) { return strength == Strength::kDoubtful ? "doubtful" : "binding"; }

}  // namespace

Status Writer::start() {
  sql::Statement& ids = connection_.statement(schema::kSelectNextIds);
  if (ids.next()) {
    document_ = ids.integer(0);
    source_ = ids.integer(1);
    op_ = ids.integer(2);
    variant_ = ids.integer(3);
    constraint_ = ids.integer(4);
  }
  return ids.finish();
}

Status Writer::dtypes() {
  for (int i = 0; i < kDTypeCount; ++i) {
    sql::Statement& insert = connection_.statement(schema::kInsertDtype);
    if (Status s = insert.bind(int64_t{i}).bind(dtype_name(static_cast<DType>(i))).run(); !s) return s;
  }
  return Done{};
}

Status Writer::backend(const std::string& name) {
  return connection_.statement(schema::kInsertBackend).bind(name).run();
}

Result<int64_t> Writer::source(const Source& source) {
  const auto [it, fresh] = sources_.try_emplace({source.document, source.sdk}, source_ + 1);
  if (fresh) {
    ++source_;
    sql::Statement& insert = connection_.statement(schema::kInsertSource);
    if (Status s = insert.bind(source_).bind(source.document).bind(source.sdk).run(); !s) return s.error();
  }
  return it->second;
}

Status Writer::document(const Document& document) {
  ++document_;
  sql::Statement& insert = connection_.statement(schema::kInsertDocument);
  insert.bind(document_).bind(document.name).bind(text(document.kind)).bind(document.sdk);
  if (Status s = insert.bind(document.interval.since).bind(document.interval.until).run(); !s) return s;
  for (const OpEntry& entry : document.ops)
    if (Status s = op(entry); !s) return s;
  for (const SupportEntry& entry : document.supported)
    if (Status s = supported(entry); !s) return s;
  if (document.kind == DocumentKind::kPage) return backend(document.backend);
  return Done{};
}

Status Writer::op(const OpEntry& op) {
  ++op_;
  sql::Statement& insert = connection_.statement(schema::kInsertOp);
  insert.bind(op_).bind(document_).bind(op.backend).bind(op.name).bind(int64_t{op.joint});
  if (Status s = insert.run(); !s) return s;
  for (size_t i = 0; i < op.columns.size(); ++i) {
    sql::Statement& column = connection_.statement(schema::kInsertColumn);
    column.bind(op_).bind(static_cast<int64_t>(i)).bind(op.columns[i].name).bind(int64_t{op.columns[i].variadic});
    if (Status s = column.run(); !s) return s;
  }
  for (const VariantEntry& entry : op.variants)
    if (Status s = variant(entry); !s) return s;
  for (const ConstraintEntry& entry : op.constraints)
    if (Status s = constraint(entry); !s) return s;
  for (size_t i = 0; i < op.ports.size(); ++i) {
    const PortEntry& entry = op.ports[i];
    sql::Statement& port = connection_.statement(schema::kInsertPort);
    port.bind(op_).bind(entry.role).bind(static_cast<int64_t>(i)).bind(entry.port.name);
    port.bind(int64_t{entry.port.variadic}).bind(int64_t{entry.port.mandatory}).bind(entry.port.body);
    if (Status s = port.run(); !s) return s;
  }
  return Done{};
}

Status Writer::variant(const VariantEntry& entry) {
  const RowHead& head = entry.head;
  const auto source_id = source(head.source);
  if (!source_id) return source_id.error();
  sql::Statement& insert = connection_.statement(schema::kInsertVariant);
  insert.bind(++variant_).bind(op_).bind(entry.config).bind(text(head.effect));
  insert.bind(head.interval.since).bind(head.interval.until).bind(text(head.strength));
  if (Status s = insert.bind(source_id.value()).bind(head.place).run(); !s) return s;
  for (size_t i = 0; i < entry.columns.size(); ++i) {
    for (int type = 0; type < kDTypeCount; ++type) {
      if (!contains(entry.columns[i], static_cast<DType>(type))) continue;
      sql::Statement& cell = connection_.statement(schema::kInsertVariantDtype);
      if (Status s = cell.bind(variant_).bind(static_cast<int64_t>(i)).bind(int64_t{type}).run(); !s) return s;
    }
  }
  return Done{};
}

Status Writer::constraint(const ConstraintEntry& entry) {
  const RowHead& head = entry.head;
  const auto source_id = source(head.source);
  if (!source_id) return source_id.error();
  sql::Statement& insert = connection_.statement(schema::kInsertConstraint);
  insert.bind(++constraint_).bind(op_).bind(entry.port).bind(entry.kind).bind(entry.body).bind(entry.binds_on);
  insert.bind(text(head.effect)).bind(head.interval.since).bind(head.interval.until).bind(entry.pipeline);
  insert.bind(text(head.strength)).bind(source_id.value()).bind(head.place);
  if (Status s = insert.run(); !s) return s;
  for (const std::string& config : entry.configs) {
    sql::Statement& label = connection_.statement(schema::kInsertConstraintConfig);
    if (Status s = label.bind(constraint_).bind(config).run(); !s) return s;
  }
  return Done{};
}

Status Writer::supported(const SupportEntry& entry) {
  for (const std::string& name : entry.backends) {
    sql::Statement& insert = connection_.statement(schema::kInsertSupported);
    if (Status s = insert.bind(document_).bind(entry.op).bind(name).run(); !s) return s;
  }
  for (const auto& [framework, name] : entry.framework_ops) {
    sql::Statement& insert = connection_.statement(schema::kInsertFrameworkOp);
    if (Status s = insert.bind(document_).bind(entry.op).bind(framework).bind(name).run(); !s) return s;
  }
  return Done{};
}

Status Writer::op_map(const std::string& frontend, const std::string& op, const std::string& body) {
  return connection_.statement(schema::kInsertOpMap).bind(frontend).bind(op).bind(body).run();
}

Status Writer::stored(const std::string& name, std::string_view body) {
  return connection_.statement(schema::kInsertStored).bind(name).bind(body).run();
}

}  // namespace snapgauge::opinfo
