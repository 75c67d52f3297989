// A scratch directory and the database of the source tree, for the tests of `opinfo`.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "opinfo/database.h"

namespace snapgauge {

class OpinfoTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    root_ = std::filesystem::temp_directory_path() / ("opinfo_test_" + std::to_string(::getpid()) + "_" + info->name());
    std::filesystem::create_directories(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return (root_ / name).string(); }

  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

  static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Builds the tables in `folder` and opens the result.
  Result<Database> build(const std::string& folder) const {
    const std::string db = path(folder + ".db");
    if (Status s = build_database(path(folder), path("rules"), db); !s) return s.error();
    return Database::open(db);
  }

  static Result<Database> shipped(const std::string& db) {
    const std::string root = SNAPGAUGE_SOURCE_DIR;
    if (Status s = build_database(root + "/opinfo", root + "/rules", db); !s) return s.error();
    return Database::open(db);
  }

  std::filesystem::path root_;
};

inline SdkVersion sdk(const char* text) { return parse_sdk_version(text).value(); }

inline std::vector<ConstraintRow> rows_of(const OpRow& op, const std::string& port, const std::string& kind) {
  std::vector<ConstraintRow> out;
  std::copy_if(op.constraints.begin(), op.constraints.end(), std::back_inserter(out),
               [&](const ConstraintRow& c) { return c.port == port && c.kind == kind; });
  return out;
}

/// The op's rows, which must be there.
inline OpRow op_of(const Database& db, const char* backend, SdkVersion version, const char* name,
                   const char* pipeline = "", bool resolve = true) {
  auto found = db.op(backend, version, pipeline, name, resolve);
  if (!found || !found.value()) {
    ADD_FAILURE() << backend << " has no " << name << (found ? "" : ": " + found.error().message());
    return {};
  }
  return *found.value();
}

inline bool has_op(const Database& db, const char* backend, SdkVersion version, const char* name) {
  const auto found = db.op(backend, version, "", name);
  return found.ok() && found.value().has_value();
}

}  // namespace snapgauge
