// What the readers of the JSON tables hand to the writer of the database: plain data, one value per
// row, in the order of the files.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "opinfo/database.h"
#include "opinfo/schema.h"

namespace snapgauge::opinfo {

/// What a row does to older rows that bind the same thing. A doubtful row displaces an older one only
/// if it says so.
enum class Effect : uint8_t { kBinds, kSupersedes, kRemoves };

struct Interval {
  int64_t since = 0;
  int64_t until = schema::kOpenEnd;  // exclusive
};

/// What all kinds of rows have.
struct RowHead {
  Interval interval;
  Effect effect = Effect::kBinds;
  Strength strength = Strength::kBinding;
  Source source;
  std::string place;  // inside the source: "Conv2d, constraint c1.0.4"
};

struct VariantEntry {
  RowHead head;
  std::string config;
  std::vector<DTypeSet> columns;  // parallel to OpEntry::columns
};

struct ConstraintEntry {
  RowHead head;
  std::vector<std::string> configs;  // empty: all
  std::string port, kind, body;
  std::string binds_on;  // rows with equal op, port, kind and binds_on bind the same thing
  std::string pipeline;
};

struct ColumnEntry {
  std::string name;
  bool variadic = false;
};

struct PortEntry {
  const char* role = "input";
  MasterPort port;
};

struct OpEntry {
  std::string backend;  // empty: the master definition; "*": every backend
  std::string name;
  bool joint = false;
  std::vector<ColumnEntry> columns;
  std::vector<VariantEntry> variants;
  std::vector<ConstraintEntry> constraints;
  std::vector<PortEntry> ports;
};

struct SupportEntry {
  std::string op;
  std::vector<std::string> backends;
  std::vector<std::pair<std::string, std::string>> framework_ops;  // framework, its op
};

enum class DocumentKind : uint8_t { kPage, kOverlay, kMaster, kSupported, kNormalized };

struct Document {
  std::string name;  // path below the directory that was read
  DocumentKind kind = DocumentKind::kPage;
  std::string backend;  // pages: lower case, "htp_fp16" for the float half of a split page
  std::string sdk;
  Interval interval;  // pages and the master definition; row intervals follow it
  std::vector<OpEntry> ops;
  std::vector<SupportEntry> supported;
};

}  // namespace snapgauge::opinfo
