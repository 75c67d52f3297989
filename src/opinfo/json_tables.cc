// The tables taken from the vendor's pages: one file per backend, the master definition, and the
// table of supported ops.
#include <fmt/format.h>

#include <algorithm>

#include "opinfo/tables.h"

namespace snapgauge::opinfo {
namespace {

using Renames = std::vector<std::pair<std::string, std::string>>;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// "HTP_FP16" -> "HTP FP16 op definition".
std::string page_title(std::string backend) {
  std::replace(backend.begin(), backend.end(), '_', ' ');
  return backend + " op definition";
}

const std::string& renamed(const Renames& renames, const std::string& port) {
  for (const auto& [from, to] : renames)
    if (from == port) return to;
  return port;
}

size_t column_index(const OpEntry& op, const std::string& name) {
  size_t i = 0;
  while (i < op.columns.size() && op.columns[i].name != name) ++i;
  return i;
}

/// Pages that list the first member of a repeated port instead of the port say so in "read_as".
Renames read_renames(const Json& row) {
  Renames out;
  if (const auto it = row.find("read_as"); it != row.end())
    for (const auto& [from, to] : it->items()) out.emplace_back(from, lower(to.get<std::string>()));
  return out;
}

void read_columns(const Json& names, const Renames& renames, OpEntry& op) {
  for (const Json& name : names) {
    const std::string column = renamed(renames, name.get<std::string>());
    if (column_index(op, column) == op.columns.size())
      op.columns.push_back({column, column.find("..") != std::string::npos});
  }
}

Status read_variant(Reading& reading, const Json& row, const Renames& renames, OpEntry& op, VariantEntry& out) {
  out.config = row.at("config").get<std::string>();
  out.columns.assign(op.columns.size(), 0);
  // A renamed cell is the more specific one: it comes second and replaces what the other said.
  for (const bool second : {false, true}) {
    for (const auto& [name, cell] : row.at("dtypes").items()) {
      const std::string& column = renamed(renames, name);
      if ((column != name) != second) continue;
      const size_t index = column_index(op, column);
      if (index == op.columns.size()) return reading.fail(fmt::format("'{}' is not among the columns", name));
      const auto set = read_dtypes(reading, cell);
      if (!set) return set.error();
      if (set.value() != 0 || !second) out.columns[index] = set.value();
    }
  }
  return Done{};
}

std::string source_place(const std::string& op, const Json& row) {
  const auto it = row.find("src");
  if (it == row.end()) return op;
  if (!it->is_array()) return fmt::format("{}, statement {}", op, it->dump());
  std::string out;
  for (const Json& place : *it) out += (out.empty() ? "" : ", ") + place.get<std::string>();
  return fmt::format("{}, {} {}", op, out.substr(0, 1) == "s" ? "support" : "constraint", out);
}

Status read_op(Reading& reading, const Json& row, const Source& source, OpEntry& op) {
  const std::string place = reading.place;
  const Renames renames = read_renames(row);
  if (row.at("columns").size() > kMostColumns || renames.size() > kMostColumns)
    return reading.fail(fmt::format("more than {} columns", kMostColumns));
  read_columns(row.at("columns"), renames, op);
  for (const Json& v : row.at("variants")) {
    reading.place = fmt::format("{}.variants[{}]", place, op.variants.size());
    VariantEntry entry;
    if (Status s = read_variant(reading, v, renames, op, entry); !s) return s;
    entry.head.source = source;
    entry.head.place = fmt::format("{}, datatypes {}", op.name, entry.config);
    op.variants.push_back(std::move(entry));
  }
  for (const Json& c : row.at("constraints")) {
    reading.place = fmt::format("{}.constraints[{}]", place, op.constraints.size());
    ConstraintEntry entry;
    if (Status s = read_constraint(reading, c, entry); !s) return s;
    entry.port = renamed(renames, entry.port);
    entry.head.source = source;
    entry.head.place = source_place(op.name, c);
    op.constraints.push_back(std::move(entry));
  }
  return Done{};
}

/// Class names in "dtypes_by_class" mean nothing without the op's classes, so they go along.
std::string port_body(const Json& port, const Json& row) {
  Json body = port;
  for (const char* key : {"name", "variadic", "mandatory"}) body.erase(key);
  if (port.contains("dtypes_by_class") && row.contains("operation_classes"))
    body["operation_classes"] = row["operation_classes"];
  return body.dump();
}

void read_ports(const Json& row, OpEntry& op) {
  constexpr std::pair<const char*, const char*> kRoles[] = {
      {"inputs", "input"}, {"outputs", "output"}, {"params", "param"}};
  for (const auto& [key, role] : kRoles) {
    for (const Json& port : row.at(key)) {
      PortEntry entry;
      entry.role = role;
      entry.port.name = port.at("name").get<std::string>();
      entry.port.variadic = port.value("variadic", false);
      entry.port.mandatory = port.value("mandatory", false);
      entry.port.body = port_body(port, row);
      op.ports.push_back(std::move(entry));
    }
  }
}

}  // namespace

Status read_page(Reading& reading, const Json& file, Document& out) {
  out.kind = DocumentKind::kPage;
  const auto label = file.at("backend").get<std::string>();
  out.backend = lower(label);
  if (out.backend.empty()) return reading.fail("the backend has no name");
  const auto version = read_version(reading, file.at("sdk_version"));
  if (!version) return version.error();
  out.sdk = version.value().text();
  out.interval.since = schema::version_number(version.value());
  const auto rows = file.at("dtype_rows").get<std::string>();
  if (rows != "joint" && rows != "per_port") return reading.fail("'dtype_rows' is neither 'joint' nor 'per_port'");
  const Source source{page_title(label), out.sdk};
  for (const auto& [name, row] : file.at("ops").items()) {
    reading.place = "ops." + name;
    OpEntry op;
    op.backend = out.backend;
    op.name = name;
    op.joint = rows == "joint";
    if (Status s = read_op(reading, row, source, op); !s) return s;
    out.ops.push_back(std::move(op));
  }
  return Done{};
}

Status read_master(Reading& reading, const Json& file, Document& out) {
  out.kind = DocumentKind::kMaster;
  const auto version = read_version(reading, file.at("sdk_version"));
  if (!version) return version.error();
  out.sdk = version.value().text();
  out.interval.since = schema::version_number(version.value());
  const Source source{"Master op definition", out.sdk};
  for (const auto& [name, row] : file.at("ops").items()) {
    reading.place = "ops." + name;
    OpEntry op;
    op.name = name;
    read_ports(row, op);
    for (const Json& c : row.at("constraints")) {
      ConstraintEntry entry;
      if (Status s = read_constraint(reading, c, entry); !s) return s;
      entry.head.source = source;
      entry.head.place = fmt::format("{}, {}", name, entry.port);
      op.constraints.push_back(std::move(entry));
    }
    out.ops.push_back(std::move(op));
  }
  return Done{};
}

Status read_supported(Reading& reading, const Json& file, Document& out) {
  out.kind = DocumentKind::kSupported;
  const auto version = read_version(reading, file.at("sdk_version"));
  if (!version) return version.error();
  out.sdk = version.value().text();
  out.interval.since = schema::version_number(version.value());
  for (const auto& [name, row] : file.at("ops").items()) {
    reading.place = "ops." + name;
    SupportEntry entry;
    entry.op = name;
    entry.backends = row.at("backends").get<std::vector<std::string>>();
    if (row.contains("frameworks"))
      for (const auto& [framework, ops] : row["frameworks"].items())
        for (const Json& op : ops) entry.framework_ops.emplace_back(framework, op.get<std::string>());
    out.supported.push_back(std::move(entry));
  }
  return Done{};
}

}  // namespace snapgauge::opinfo
