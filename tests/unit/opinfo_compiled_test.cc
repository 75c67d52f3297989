// What was compiled with a database is found again under its name and version, or not at all.
#include <gmock/gmock.h>

#include "opinfo/compiled.h"
#include "opinfo/database_file.h"
#include "opinfo_fixture.h"

namespace snapgauge {
namespace {

using testing::Optional;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::optional<std::string> find(const std::string& section, std::string_view name, const char* version) {
  const auto over = CompiledSection::over(bytes(section));
  if (!over) return "damaged";
  const auto found = over->find(name, sdk(version));
  if (!found) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(found->data()), found->size());
}

std::string sample() {
  CompiledWriter out;
  const auto add = [&out](const char* name, SdkVersion since, const char* body) {
    EXPECT_TRUE(out.add(name, since, body));
  };
  add("op b", sdk("2.20.0"), "second");
  add("op b", sdk("2.10.0"), "first");
  add("op b", sdk("2.30.0"), "second");
  add("op b", sdk("2.40.0"), "");
  add("op c", {}, "first");
  add("", {}, "nameless");
  return out.section();
}

TEST(OpinfoCompiled, HoldsFromOneVersionToTheNext) {
  const std::string section = sample();
  EXPECT_EQ(find(section, "op b", "2.9.0"), std::nullopt);
  EXPECT_THAT(find(section, "op b", "2.10.0"), Optional(std::string("first")));
  EXPECT_THAT(find(section, "op b", "2.19.9"), Optional(std::string("first")));
  EXPECT_THAT(find(section, "op b", "2.20.0"), Optional(std::string("second")));
  EXPECT_THAT(find(section, "op b", "2.39.0"), Optional(std::string("second")));
  EXPECT_THAT(find(section, "op b", "latest"), Optional(std::string()));
  EXPECT_THAT(find(section, "op c", "0.1"), Optional(std::string("first")));
  EXPECT_THAT(find(section, "", "latest"), Optional(std::string("nameless")));
  for (const char* other : {"op", "op a", "op bb", "op d", "zzz"})
    EXPECT_EQ(find(section, other, "latest"), std::nullopt);
}

TEST(OpinfoCompiled, EqualBodiesAreStoredOnce) {
  const std::string section = sample();
  EXPECT_EQ(section.find("first"), section.rfind("first"));
  EXPECT_EQ(section.find("op b"), section.rfind("op b"));
}

TEST(OpinfoCompiled, SectionsOfOtherCodeAreEmpty) {
  EXPECT_EQ(find("", "op b", "latest"), std::nullopt);
  std::string section = sample();
  section[3] = static_cast<char>(section[3] ^ 1);
  EXPECT_EQ(find(section, "op b", "latest"), std::nullopt);
}

TEST(OpinfoCompiled, PlacesOutsideAreDamage) {
  const std::string section = sample();
  for (size_t size = 1; size < section.size(); ++size)
    EXPECT_EQ(find(section.substr(0, size), "op b", "2.20.0"), "damaged") << size;
  for (size_t at = 8; at < section.size(); ++at)
    for (const int value : {0, 1, 0x7F, 0xFF}) {
      std::string changed = section;
      changed[at] = static_cast<char>(value);
      for (const char* name : {"op b", "op c", ""}) find(changed, name, "2.20.0");  // reads inside, whatever it finds
    }
}

TEST(OpinfoCompiled, BodiesAreBounded) {
  CompiledWriter out;
  EXPECT_TRUE(out.add("most", {}, std::string(kMostCompiledBytes, 'x')));
  const Status more = out.add("more", {}, std::string(kMostCompiledBytes + 1, 'x'));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message(), "compiled more: takes more than 65536 bytes");
  std::string section = out.section();
  EXPECT_EQ(find(section, "most", "latest")->size(), kMostCompiledBytes);
  section[16 + 20] = 1;  // its size, one more than there may be
  section += std::string(2 * kMostCompiledBytes, 'x');
  EXPECT_EQ(find(section, "most", "latest"), "damaged");
}

class OpinfoCompiledFile : public OpinfoTest {};

TEST_F(OpinfoCompiledFile, GoesWithTheDatabaseAndNotWithTablesOfTheUser) {
  write("src/2.25.0/htp.json",
        R"({"format":1,"backend":"HTP","sdk_version":"2.25.0","dtype_rows":"joint","ops":{"Relu":{"columns":["in[0]"],
           "variants":[{"config":"INT8","dtypes":{"in[0]":"UFIXED_POINT_8"}}],"constraints":[]}}})");
  const Status built = build_database(path("src"), path("rules"), path("x.db"), [](const Database& db, auto& out) {
    EXPECT_TRUE(has_op(db, "htp", kLatestSdk, "Relu"));
    EXPECT_EQ(db.op_names().value(), std::vector<std::string>{"Relu"});
    EXPECT_EQ(db.turns("Relu").value(), (std::vector<SdkVersion>{{}, sdk("2.25.0")}));
    EXPECT_EQ(db.turns("Gelu").value(), std::vector<SdkVersion>(1));
    return out.add("greeting", {}, "hello");
  });
  ASSERT_TRUE(built) << built.error().message();
  const auto db = Database::open(path("x.db"));
  ASSERT_TRUE(db) << db.error().message();
  ASSERT_TRUE(db.value().compiled("greeting", kLatestSdk).has_value());
  EXPECT_EQ(db.value().compiled("greeting", kLatestSdk)->size(), 5U);
  EXPECT_FALSE(db.value().compiled("other", kLatestSdk).has_value());
  const auto own = Database::from_directory(path("src"), db.value());
  ASSERT_TRUE(own) << own.error().message();
  EXPECT_FALSE(own.value().compiled("greeting", kLatestSdk).has_value());
}

TEST_F(OpinfoCompiledFile, AFailureIsThatOfTheBuild) {
  write("src/2.25.0/htp.json", R"({"format":1,"backend":"HTP","sdk_version":"2.25.0","dtype_rows":"joint","ops":{}})");
  const Status built = build_database(path("src"), path("rules"), path("x.db"), [](const Database&, CompiledWriter&) {
    return Status(Error{ErrorCode::kParse, "a row", "does not compile"});
  });
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().message(), "a row: does not compile");
  EXPECT_FALSE(std::filesystem::exists(path("x.db")));
}

}  // namespace
}  // namespace snapgauge
