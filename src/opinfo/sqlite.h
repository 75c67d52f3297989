// The thin layer over the SQLite C interface: a connection that owns its prepared statements.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace snapgauge::sql {

/// A prepared statement in use. A failure is kept until `finish`, so that a loop over `next` needs
/// one check at its end.
class Statement {
 public:
  Statement(sqlite3* connection, std::string_view subject, const char* text);
  /// One that fails for this reason.
  explicit Statement(Error reason);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(int64_t value);
  Statement& bind(std::string_view value);
  Statement& bind_null();

  /// Goes to the next row; false at the end and after a failure.
  bool next();
  int64_t integer(int column) const;
  std::string text(int column) const;

  /// Makes the statement ready for its next use and reports any failure since the last time.
  Status finish();
  /// Runs a statement that returns no rows.
  Status run();

 private:
  void note(int code);

  sqlite3* connection_;
  std::string subject_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int failure_;
  std::optional<Error> unusable_;
};

class Connection {
 public:
  /// An empty database in memory.
  static Result<Connection> in_memory(const std::string& subject);
  /// A read-only database in `image`, which must outlive the connection.
  /// Opened at its first use, which reports a failure.
  static Connection over(std::span<const std::byte> image, const std::string& subject);

  /// A copy in memory that can be written.
  Result<Connection> copy(const std::string& subject);

  /// The statement for a text constant; prepared at its first use. The pointer is the key.
  Statement& statement(const char* text);
  /// Runs several statements.
  Status execute(const char* script);
  /// The database as the bytes of a file.
  Result<std::string> image();
  const std::string& subject() const { return subject_; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  Connection(std::unique_ptr<sqlite3, Close> handle, std::string subject);
  Status open();

  std::unique_ptr<sqlite3, Close> handle_;  // null: not opened yet
  std::span<const std::byte> image_;
  std::string subject_;
  std::map<const char*, std::unique_ptr<Statement>> statements_;  // closed before the handle
};

}  // namespace snapgauge::sql
