// Any bytes as a table file: rows or one error, and every row's predicate compiles or is one error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "opinfo/predicate.h"
#include "opinfo/tables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace snapgauge;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = opinfo::parse_json(text, "fuzz.json");
  if (!json.ok()) {
    if (json.error().text.empty()) std::abort();
    return 0;
  }
  const auto document = opinfo::read_table(json.value(), "fuzz.json", "fuzz.json");
  if (!document.ok()) {
    if (document.error().text.empty()) std::abort();
    return 0;
  }
  for (const opinfo::OpEntry& op : document.value().ops) {
    for (const opinfo::ConstraintEntry& entry : op.constraints) {
      ConstraintRow row;
      row.configs = entry.configs;
      row.port = entry.port;
      row.kind = entry.kind;
      row.body = entry.body;
      const auto predicate = compile_predicate(row);
      if (!predicate.ok() && predicate.error().text.empty()) std::abort();
    }
  }
  return 0;
}
