#include "opinfo/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace snapgauge::opinfo {

Error Reading::fail(const std::string& text) const {
  return {ErrorCode::kParse, path, place.empty() ? text : place + ": " + text};
}

std::string binds_on(const Json& body) {
  // Without these keys two predicates of one kind speak of different things: the 8-bit and the
  // 16-bit row of a fixed scale, the height and the width of a dimension rule.
  constexpr std::array<const char*, 13> kSelectors = {"when",  "dtype", "as",  "with", "index", "name", "of",
                                                      "ports", "at",    "for", "lhs",  "rhs",   "all"};
  Json key = Json::object();
  for (const char* selector : kSelectors)
    if (const auto it = body.find(selector); it != body.end()) key[selector] = *it;
  return key.empty() ? std::string() : key.dump();
}

Result<DTypeSet> read_dtypes(const Reading& reading, const Json& cell) {
  if (cell.is_null()) return DTypeSet{0};
  const Json list = cell.is_array() ? cell : Json::array({cell});
  DTypeSet set = 0;
  for (const Json& name : list) {
    if (!name.is_string()) return reading.fail("a datatype must be a name or a list of names");
    const auto type = dtype_from_name(name.get_ref<const std::string&>());
    if (!type) return reading.fail(fmt::format("unknown datatype '{}'", printable(name.get<std::string>())));
    set |= dtype_bit(*type);
  }
  return set;
}

Result<SdkVersion> read_version(const Reading& reading, const Json& text) {
  const auto version = text.is_string() ? parse_sdk_version(text.get_ref<const std::string&>()) : std::nullopt;
  if (!version) return reading.fail(fmt::format("'{}' is no SDK version", printable(text.dump())));
  return *version;
}

Status read_constraint(const Reading& reading, const Json& row, ConstraintEntry& out) {
  if (!row.is_object()) return reading.fail("a constraint must be an object");
  Json body = row;
  for (const char* key : {"port", "kind"}) {
    const auto it = row.find(key);
    if (it == row.end() || !it->is_string() || it->get_ref<const std::string&>().empty())
      return reading.fail(fmt::format("a constraint needs a '{}'", key));
    body.erase(key);
  }
  out.port = row["port"].get<std::string>();
  out.kind = row["kind"].get<std::string>();
  if (const auto it = row.find("config"); it != row.end()) {
    out.configs = it->get<std::vector<std::string>>();
    if (out.configs.size() > kMostLabels) return reading.fail(fmt::format("more than {} labels", kMostLabels));
    if (std::find(out.configs.begin(), out.configs.end(), "All") != out.configs.end()) out.configs.clear();
    body.erase("config");
  }
  body.erase("src");
  out.body = body.dump();
  out.binds_on = binds_on(body);
  return Done{};
}

Result<Document> read_table(const Json& file, const std::string& path, const std::string& name) {
  Reading reading{path, {}};
  Document out;
  out.name = name;
  try {
    const bool ops = file.is_object() && file.contains("ops") && file["ops"].is_object();
    const bool rows = file.is_object() && file.contains("rows") && file["rows"].is_array();
    if (!ops && !rows) return reading.fail("no op-info table: an object 'ops' or a list 'rows' is expected");
    const std::string format = file.contains("format") && file["format"].is_string() ? file["format"] : Json("");
    const std::string what = file.contains("what") && file["what"].is_string() ? file["what"] : Json("");
    Status status = Done{};
    if (format == "opinfo-overlay/1") {
      status = read_overlay(reading, file, out);
    } else if (file.contains("backend")) {
      status = read_page(reading, file, out);
    } else if (what == "op x backend support") {
      status = read_supported(reading, file, out);
    } else if (!what.empty()) {
      status = read_master(reading, file, out);
    } else if (ops && format.empty()) {
      status = read_normalized(reading, file, out);
    } else {
      status = reading.fail("no op-info table that this version knows");
    }
    if (!status) return status.error();
  } catch (const Json::exception& error) {
    return reading.fail(printable(plain_text(error)));
  }
  return out;
}

}  // namespace snapgauge::opinfo
