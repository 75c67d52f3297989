#include "opinfo/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace snapgauge::sql {
namespace {

Error failure(sqlite3* connection, const std::string& subject, int code) {
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    return {ErrorCode::kParse, subject, "the op-info database is damaged"};
  const char* text = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  return {ErrorCode::kInternal, subject, fmt::format("the op-info database cannot be used: {}", text)};
}

}  // namespace

Statement::Statement(sqlite3* connection, std::string_view subject, const char* text)
    : connection_(connection), subject_(subject) {
  failure_ = sqlite3_prepare_v3(connection, text, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
}

Statement::Statement(Error reason) : connection_(nullptr), failure_(SQLITE_CANTOPEN), unusable_(std::move(reason)) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::note(int code) {
  if (failure_ == SQLITE_OK) failure_ = code;
}

Statement& Statement::bind(int64_t value) {
  if (statement_ != nullptr) note(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* data = value.empty() ? "" : value.data();
  if (statement_ != nullptr)
    note(sqlite3_bind_text(statement_, ++bound_, data, static_cast<int>(value.size()), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null() {
  if (statement_ != nullptr) note(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

bool Statement::next() {
  if (failure_ != SQLITE_OK) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) note(code & 0xFF);
  return false;
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Status Statement::finish() {
  bound_ = 0;
  if (failure_ == SQLITE_OK) {
    sqlite3_reset(statement_);
    return Done{};
  }
  if (unusable_) return *unusable_;
  const Error error = failure(connection_, subject_, failure_);
  if (statement_ != nullptr) {  // a statement that could not be prepared stays failed
    sqlite3_reset(statement_);
    failure_ = SQLITE_OK;
  }
  return error;
}

Status Statement::run() {
  while (next()) {
  }
  return finish();
}

void Connection::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Connection::Connection(std::unique_ptr<sqlite3, Close> handle, std::string subject)
    : handle_(std::move(handle)), subject_(std::move(subject)) {}

Result<Connection> Connection::in_memory(const std::string& subject) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(":memory:", &raw, flags, nullptr);
  std::unique_ptr<sqlite3, Close> handle(raw);
  if (code != SQLITE_OK) return failure(raw, subject, code);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return Connection(std::move(handle), subject);
}

Connection Connection::over(std::span<const std::byte> image, const std::string& subject) {
  Connection unopened(nullptr, subject);
  unopened.image_ = image;
  return unopened;
}

Status Connection::open() {
  if (handle_ != nullptr) return Done{};
  auto opened = in_memory(subject_);
  if (!opened) return opened.error();
  // Read-only, so the interface's missing const is harmless.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(image_.data()));
  const auto size = static_cast<sqlite3_int64>(image_.size());
  sqlite3* raw = opened->handle_.get();
  const int code = sqlite3_deserialize(raw, "main", data, size, size, SQLITE_DESERIALIZE_READONLY);
  if (code != SQLITE_OK) return failure(raw, subject_, code);
  // Views and triggers would run a stranger's statements in the place of ours.
  Statement foreign(raw, subject_, "SELECT 1 FROM sqlite_schema WHERE type NOT IN ('table', 'index') LIMIT 1");
  const bool found = foreign.next();
  if (Status s = foreign.finish(); !s) return s.error();
  if (found) return Error{ErrorCode::kUnsupported, subject_, "an op-info database with views or triggers"};
  handle_ = std::move(opened->handle_);
  return Done{};
}

Result<Connection> Connection::copy(const std::string& subject) {
  if (Status s = open(); !s) return s.error();
  auto opened = in_memory(subject);
  if (!opened) return opened.error();
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(handle_.get(), "main", &size, 0);
  if (bytes == nullptr) return failure(nullptr, subject_, SQLITE_NOMEM);
  sqlite3* raw = opened->handle_.get();
  // SQLite frees the bytes, also when it refuses them.
  constexpr unsigned kFlags = SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE;
  const int code = sqlite3_deserialize(raw, "main", bytes, size, size, kFlags);
  if (code != SQLITE_OK) return failure(raw, subject, code);
  return opened;
}

Statement& Connection::statement(const char* text) {
  auto& slot = statements_[text];
  if (slot != nullptr) return *slot;
  const Status opened = open();
  slot =
      opened ? std::make_unique<Statement>(handle_.get(), subject_, text) : std::make_unique<Statement>(opened.error());
  return *slot;
}

Status Connection::execute(const char* script) {
  if (Status s = open(); !s) return s;
  const int code = sqlite3_exec(handle_.get(), script, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(handle_.get(), subject_, code & 0xFF);
  return Done{};
}

Result<std::string> Connection::image() {
  if (Status s = open(); !s) return s.error();
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> bytes(
      sqlite3_serialize(handle_.get(), "main", &size, 0), &sqlite3_free);
  if (bytes == nullptr) return failure(nullptr, subject_, SQLITE_NOMEM);
  return std::string(reinterpret_cast<const char*>(bytes.get()), static_cast<size_t>(size));
}

}  // namespace snapgauge::sql
