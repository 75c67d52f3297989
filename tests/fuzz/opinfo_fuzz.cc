// Any bytes as a table file: rows or one error, and every row's predicate compiles or is one error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fuzz/grow.h"
#include "opinfo/predicate.h"
#include "opinfo/tables.h"

namespace {

constexpr std::string_view kWords[] = {
    "{\"format\":\"opinfo-overlay/1\",\"rows\":[]}",
    "{\"backends\":[\"htp\"],\"ops\":[\"Conv2d\"],\"since\":\"2.20.0\",\"source\":{\"document\":\"x\",\"sdk\":\"2.20."
    "0\"},"
    "\"constraints\":[]}",
    "{\"backend\":\"HTP\",\"sdk_version\":\"2.20.0\",\"dtype_rows\":\"joint\",\"ops\":{}}",
    "\"Conv2d\":{\"columns\":[\"in[0]\"],\"variants\":[],\"constraints\":[]}",
    "{\"port\":\"in[0]\",\"kind\":\"symmetric\",\"when\":{\"args\":{\"0\":{\"min\":4}}}}",
    "{\"config\":\"c\",\"dtypes\":{\"in[0]\":[\"FLOAT_16\"]}}",
    "\"read_as\":{\"a\":\"b\"}",
    "{\"expr\":\"dim(in[0],1)*2\"}",
    "\"when\":{\"relations\":[[\"1\",\"==\",\"x\"]]}",
    ",",
    "null"};
constexpr snapgauge::fuzz::Bracket kBrackets[] = {{"[", "]"}, {"{\"a\":", "}"}, {"\"", "\""}};

}  // namespace

SNAPGAUGE_GROWS(kWords, kBrackets)

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
