// Builds the database file from the JSON text of the source tree.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "base/write.h"
#include "opinfo/database_file.h"
#include "opinfo/tables.h"
#include "opinfo/writer.h"

namespace snapgauge {
namespace {

namespace fs = std::filesystem;
using opinfo::Json;
using opinfo::Writer;

/// Sorted *.json files of a folder; none when it is missing.
std::vector<std::string> folder_files(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator(); it.increment(error))
    if (it->path().extension() == ".json") out.push_back(it->path().string());
  std::sort(out.begin(), out.end());
  return out;
}

Status write_op_map(const std::string& path, const Json& map, Writer& writer, std::vector<std::string>& seen) {
  const auto fail = [&path](const std::string& text) { return Error{ErrorCode::kParse, path, text}; };
  if (!map.is_object() || !map.contains("format") || map["format"] != "op-map/1")
    return fail("no op map: 'format' must be 'op-map/1'");
  if (!map.contains("frontend") || !map["frontend"].is_string()) return fail("an op map needs a 'frontend'");
  if (!map.contains("ops") || !map["ops"].is_object()) return fail("an op map needs an object 'ops'");
  const auto frontend = map["frontend"].get<std::string>();
  for (const auto& [name, body] : map["ops"].items()) {
    if (!body.is_object()) return fail(fmt::format("ops.{}: an object is expected", printable(name)));
    const std::string key = frontend + '\n' + name;
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return fail(fmt::format("ops.{}: already in another op map of frontend '{}'", printable(name), frontend));
    if (Status s = writer.op_map(frontend, name, body.dump()); !s) return s;
    seen.push_back(key);
  }
  return Done{};
}

Status write_rules(const std::string& rules_dir, Writer& writer) {
  std::vector<std::string> seen;
  for (const std::string& path : folder_files(rules_dir + "/opmap")) {
    const auto map = opinfo::read_json(path);
    if (!map) return map.error();
    if (Status s = write_op_map(path, map.value(), writer, seen); !s) return s;
  }
  std::vector<std::string> documents = folder_files(rules_dir + "/targets");
  for (const char* folder : {"/definitions", "/quantize"})
    for (std::string& path : folder_files(rules_dir + folder)) documents.push_back(std::move(path));
  for (const std::string& path : documents) {
    const auto file = MappedFile::open(path);
    if (!file) return file.error();
    if (const auto json = opinfo::parse_json(file.value().text(), path); !json) return json.error();
    if (Status s = writer.stored(fs::path(path).stem().string(), file.value().text()); !s) return s;
  }
  return Done{};
}

Status fill(sql::Connection& connection, const std::vector<opinfo::Document>& documents, const std::string& rules_dir) {
  if (Status s = connection.execute(schema::kCreate); !s) return s;
  if (Status s = connection.execute("BEGIN"); !s) return s;
  Writer writer(connection);
  if (Status s = writer.dtypes(); !s) return s;
  for (const opinfo::Document& d : documents)
    if (Status s = writer.document(d); !s) return s;
  if (Status s = write_rules(rules_dir, writer); !s) return s;
  if (Status s = connection.execute("COMMIT"); !s) return s;
  return connection.execute("VACUUM");
}

}  // namespace

Status build_database(const std::string& opinfo_dir, const std::string& rules_dir, const std::string& path,
                      const CompileTables& compile) {
  const auto documents = opinfo::load_tables(opinfo_dir);
  if (!documents) return documents.error();
  auto connection = sql::Connection::in_memory(path);
  if (!connection) return connection.error();
  if (Status s = fill(*connection, documents.value(), rules_dir); !s) return s;
  auto image = connection->image();
  if (!image) return image.error();
  CompiledWriter compiled;
  if (compile)
    if (Status s = compile(Database::over(std::move(connection).value()), compiled); !s) return s;
  return write_file(path, opinfo::sealed(std::move(image).value(), compile ? compiled.section() : std::string()));
}

}  // namespace snapgauge
