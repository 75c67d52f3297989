// Writes plain rows into an open database.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "opinfo/model.h"
#include "opinfo/sqlite.h"

namespace snapgauge::opinfo {

class Writer {
 public:
  explicit Writer(sql::Connection& connection) : connection_(connection) {}

  /// Goes on behind the ids that the database already holds.
  Status start();
  Status dtypes();
  Status backend(const std::string& name);
  Status document(const Document& document);
  Status op_map(const std::string& frontend, const std::string& op, const std::string& body);
  Status stored(const std::string& name, std::string_view body);

 private:
  Status op(const OpEntry& op);
  Status variant(const VariantEntry& entry);
  Status constraint(const ConstraintEntry& entry);
  Status supported(const SupportEntry& entry);
  Result<int64_t> source(const Source& source);

  sql::Connection& connection_;
  int64_t document_ = 0, source_ = 0, op_ = 0, variant_ = 0, constraint_ = 0;  // last ids given
  std::map<std::pair<std::string, std::string>, int64_t> sources_;
};

}  // namespace snapgauge::opinfo
