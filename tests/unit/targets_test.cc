// A target is resolved from names; whatever does not name one is an error that helps.
#include <gtest/gtest.h>

#include <set>

#include "targets/target.h"

namespace snapgauge {
namespace {

class Targets : public testing::Test {
 protected:
  void SetUp() override {
    auto database = Database::open(SNAPGAUGE_BINARY_DIR "/share/snapgauge/opinfo.db");
    ASSERT_TRUE(database.ok());
    auto catalog = TargetCatalog::load(*database);
    ASSERT_TRUE(catalog.ok());
    catalog_.emplace(std::move(*catalog));
  }
  std::string error(const TargetOptions& options) const {
    const auto target = catalog_->resolve(options, kDefaultFrontend);
    return target ? "" : target.error().message();
  }

  std::optional<TargetCatalog> catalog_;
};

TEST_F(Targets, EveryFrontendHasAPipelineOfItsOwn) {
  std::set<std::string> pipelines;
  for (const FrontendRow& row : kFrontends) {
    const auto target = catalog_->resolve(TargetOptions{}, row.frontend);
    ASSERT_TRUE(target.ok()) << row.name;
    EXPECT_NE(target.value().pipeline.name, "") << row.name;
    pipelines.insert(target.value().pipeline.name);
  }
  EXPECT_EQ(pipelines.size(), kFrontends.size());
}

TEST_F(Targets, NamesThatMeanNothingAreErrorsThatNameThem) {
  TargetOptions options;
  options.backend = "htpp";
  EXPECT_NE(error(options).find("htpp"), std::string::npos);
  EXPECT_NE(error(options).find("htp"), std::string::npos) << "the nearest name";
  options = {};
  options.soc = "SM0";
  EXPECT_NE(error(options).find("SM0"), std::string::npos);
  options = {};
  options.sdk = "2.x";
  EXPECT_NE(error(options).find("2.x"), std::string::npos);
  options = {};
  options.pipeline = "none\n::warning::";
  EXPECT_EQ(error(options).find('\n'), std::string::npos) << "names are shown escaped";
}

TEST_F(Targets, AnObstacleIsToldOnlyWhereThereIsOne) {
  TargetOptions options;
  const auto fits = catalog_->resolve(options, kDefaultFrontend);
  ASSERT_TRUE(fits.ok());
  EXPECT_EQ(fits.value().obstacle(), "");
  options.backend = "lpai";
  options.sdk = "2.13.0";
  const auto early = catalog_->resolve(options, kDefaultFrontend);
  ASSERT_TRUE(early.ok());
  EXPECT_NE(early.value().obstacle(), "");
}

TEST(Frontends, NamesLeadBackToTheirRows) {
  for (size_t i = 0; i < kFrontends.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kFrontends[i].frontend), i) << "rows stand in the order of the enumeration";
    EXPECT_EQ(frontend_named(kFrontends[i].name), kFrontends[i].frontend);
  }
  EXPECT_FALSE(frontend_named("tf").has_value());
}

}  // namespace
}  // namespace snapgauge
