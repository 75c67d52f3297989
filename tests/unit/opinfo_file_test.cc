// Files that are no database of ours, and inputs that no database can be built from.
#include <sqlite3.h>

#include "opinfo/database_file.h"
#include "opinfo_fixture.h"

namespace snapgauge {
namespace {

constexpr const char* kPage =
    R"({"format":1,"backend":"HTP","sdk_version":"2.25.0","dtype_rows":"joint","ops":{"Relu":{"columns":["in[0]"],
       "variants":[{"config":"INT8","dtypes":{"in[0]":"UFIXED_POINT_8"}}],"constraints":[]}}})";

class OpinfoFile : public OpinfoTest {
 protected:
  /// A small built database; its bytes.
  std::string built() {
    write("src/2.25.0/htp.json", kPage);
    EXPECT_TRUE(build("src"));
    return read(path("src.db"));
  }
  std::string open_error(const std::string& bytes) {
    const std::string file = write("x.db", bytes);
    const auto opened = Database::open(file);
    if (opened) return "opened";
    EXPECT_EQ(opened.error().subject, file);
    return opened.error().text;
  }
  std::string build_error(const std::string& name, const std::string& text) {
    write(name, text);
    const Status s = build_database(path("src"), path("rules"), path("x.db"));
    EXPECT_FALSE(std::filesystem::exists(path("x.db")));
    return s ? "built" : s.error().message().substr(root_.string().size() + 1);
  }
};

TEST_F(OpinfoFile, RefusesWhatIsNoDatabase) {
  EXPECT_EQ(open_error(""), "not an op-info database");
  EXPECT_EQ(open_error("{}"), "not an op-info database");
  EXPECT_EQ(open_error(std::string(5000, '\xFF')), "not an op-info database");
  EXPECT_FALSE(Database::open(path("missing.db")));
  EXPECT_FALSE(Database::open(root_.string()));
}

TEST_F(OpinfoFile, RefusesForeignDatabases) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path("foreign.db").c_str(), &raw), SQLITE_OK);
  sqlite3_exec(raw, "CREATE TABLE t(x)", nullptr, nullptr, nullptr);
  sqlite3_close(raw);
  EXPECT_EQ(open_error(read(path("foreign.db"))), "a SQLite file of another program, not an op-info database");
}

TEST_F(OpinfoFile, RefusesOtherSchemaVersions) {
  std::string bytes = built();
  bytes[63] = 0;
  EXPECT_EQ(open_error(bytes), "an op-info database of schema version 0; this program reads version 2");
  bytes[63] = 9;
  EXPECT_EQ(open_error(bytes), "an op-info database of schema version 9; this program reads version 2");
}

TEST_F(OpinfoFile, FindsEveryTruncation) {
  const std::string bytes = built();
  for (size_t size = 16; size < bytes.size(); size += size < 200 ? 7 : 1021)
    EXPECT_EQ(open_error(bytes.substr(0, size)), "the op-info database is damaged or incomplete") << size;
  EXPECT_EQ(open_error(bytes + "x"), "the op-info database is damaged or incomplete");
}

TEST_F(OpinfoFile, FindsFlippedBits) {
  const std::string bytes = built();
  for (size_t at = 100; at < bytes.size(); at += 997) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_EQ(open_error(damaged), "the op-info database is damaged or incomplete") << at;
  }
}

TEST_F(OpinfoFile, DamageBehindAValidSealIsAnErrorOfTheQuery) {
  const std::string bytes = built();
  for (size_t page = 1; (page + 1) * 4096 <= bytes.size(); ++page) {
    std::string image = bytes.substr(0, bytes.size() - 24);
    std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(page * 4096), 4096, '\x5A');
    const auto opened = Database::open(write("x.db", opinfo::sealed(image)));
    if (!opened) continue;
    for (const auto& error :
         {opened.value().backends().ok() ? "" : opened.value().backends().error().text,
          opened.value().ops("htp", kLatestSdk).ok() ? "" : opened.value().ops("htp", kLatestSdk).error().text})
      EXPECT_TRUE(error.empty() || error == "the op-info database is damaged") << page << ": " << error;
  }
}

TEST_F(OpinfoFile, ABuildReplacesTheOldFile) {
  const std::string bytes = built();
  write("src.db", "old");
  ASSERT_TRUE(build("src"));
  EXPECT_EQ(read(path("src.db")), bytes);
}

TEST_F(OpinfoFile, BadJsonNamesFileAndPlace) {
  EXPECT_EQ(build_error("src/2.25.0/htp.json", "{\"ops\":\n {,}}").substr(0, 42),
            "src/2.25.0/htp.json:2:3: not valid JSON: s");
  EXPECT_EQ(build_error("src/2.25.0/htp.json", "[]"),
            "src/2.25.0/htp.json: no op-info table: an object 'ops' or a list 'rows' is expected");
  EXPECT_EQ(build_error("src/2.25.0/htp.json", std::string(100000, '[')),
            "src/2.25.0/htp.json: nested deeper than 64 levels");
  EXPECT_EQ(build_error("src/2.25.0/htp.json", "{\"ops\":1e999}").substr(0, 39),
            "src/2.25.0/htp.json: not valid JSON: nu");
  std::string page = kPage;
  page.replace(page.find("UFIXED"), 6, "UNFIX");
  EXPECT_EQ(build_error("src/2.25.0/htp.json", page),
            "src/2.25.0/htp.json: ops.Relu.variants[0]: unknown datatype 'UNFIX_POINT_8'");
  page = kPage;
  page.replace(page.find("2.25.0"), 6, "two");
  EXPECT_EQ(build_error("src/2.25.0/htp.json", page), "src/2.25.0/htp.json: '\"two\"' is no SDK version");
  page = kPage;
  page.replace(page.find("\"columns\""), 9, "\"colums\"");
  EXPECT_EQ(build_error("src/2.25.0/htp.json", page), "src/2.25.0/htp.json: ops.Relu: key 'columns' not found");
}

TEST_F(OpinfoFile, BadOverlaysNameTheRow) {
  write("src/2.25.0/htp.json", kPage);
  const auto error = [this](const std::string& row) {
    return build_error("src/overlays/o.json", R"({"format":"opinfo-overlay/1","rows":[)" + row + "]}");
  };
  EXPECT_EQ(error(R"({"sinse":"2.26.0"})"), "src/overlays/o.json: rows[0]: unknown key 'sinse'");
  EXPECT_EQ(error(R"({"since":"2.26.0"})"), "src/overlays/o.json: rows[0]: key 'source' not found");
  EXPECT_EQ(error(R"({"since":"2.26.0","until":"2.26.0","source":{"document":"d","sdk":""}})"),
            "src/overlays/o.json: rows[0]: 'until' is not later than 'since'");
  EXPECT_EQ(error(R"({"since":"2.26.0","source":{"document":"d","sdk":""},"backends":["htp"],"ops":["Relu"]})"),
            "src/overlays/o.json: rows[0]: a row needs 'variants' or 'constraints'");
  EXPECT_EQ(error(R"({"since":"2.26.0","source":{"document":"d","sdk":""},"backends":["htp"],"ops":["Relu"],
                      "constraints":[{"port":"in[0]"}]})"),
            "src/overlays/o.json: rows[0]: a constraint needs a 'kind'");
}

TEST_F(OpinfoFile, StoresOpMapsAndDocuments) {
  write("src/2.25.0/htp.json", kPage);
  write("rules/opmap/a.json", R"({"format":"op-map/1","frontend":"aten","ops":{"relu":{"op":"Relu"},"abs":{}}})");
  write("rules/opmap/b.json", R"({"format":"op-map/1","frontend":"onnx","ops":{"Relu":{}}})");
  write("rules/targets/soc-table.json", "{ \"x\": 1 }\n");
  const auto db = build("src");
  ASSERT_TRUE(db) << db.error().message();
  EXPECT_EQ(db.value().op_map("aten", "relu").value(), R"({"op":"Relu"})");
  EXPECT_FALSE(db.value().op_map("aten", "Relu").value());
  EXPECT_EQ(db.value().op_map_names("aten").value(), (std::vector<std::string>{"abs", "relu"}));
  EXPECT_EQ(db.value().document("soc-table").value(), "{ \"x\": 1 }\n");
  EXPECT_EQ(db.value().document("backends").error().text, "the op-info database holds no document 'backends'");
}

TEST_F(OpinfoFile, BadRulesNameTheFile) {
  write("src/2.25.0/htp.json", kPage);
  EXPECT_EQ(build_error("rules/opmap/a.json", R"({"format":"op-map/2"})"),
            "rules/opmap/a.json: no op map: 'format' must be 'op-map/1'");
  EXPECT_EQ(build_error("rules/opmap/a.json", R"({"format":"op-map/1","frontend":"aten","ops":{"relu":3}})"),
            "rules/opmap/a.json: ops.relu: an object is expected");
  write("rules/opmap/a.json", R"({"format":"op-map/1","frontend":"aten","ops":{"relu":{}}})");
  EXPECT_EQ(build_error("rules/opmap/b.json", R"({"format":"op-map/1","frontend":"aten","ops":{"relu":{}}})"),
            "rules/opmap/b.json: ops.relu: already in another op map of frontend 'aten'");
  std::filesystem::remove(path("rules/opmap/b.json"));
  EXPECT_EQ(build_error("rules/targets/soc-table.json", "nope").substr(0, 33), "rules/targets/soc-table.json:1:2:");
}

}  // namespace
}  // namespace snapgauge
