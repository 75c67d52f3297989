#include <gtest/gtest.h>

#include "opinfo/version.h"

namespace snapgauge {
namespace {

TEST(SdkVersion, ReadsTwoOrThreeParts) {
  EXPECT_EQ(parse_sdk_version("2.25.0"), (SdkVersion{2, 25, 0}));
  EXPECT_EQ(parse_sdk_version("2.25"), (SdkVersion{2, 25, 0}));
  EXPECT_EQ(parse_sdk_version("latest"), kLatestSdk);
}

TEST(SdkVersion, RefusesAnythingElse) {
  for (const char* text : {"", "2", "2.", "2.25.", "2.25.0.1", "2.25.0 ", " 2.25", "v2.25", "2.-1", "65536.0",
                           "2.99999", "65535.1.0", "Latest"})
    EXPECT_FALSE(parse_sdk_version(text).has_value()) << text;
}

TEST(SdkVersion, OrdersByNumberNotByText) {
  EXPECT_LT(parse_sdk_version("2.9.0"), parse_sdk_version("2.25.0"));
  EXPECT_LT(parse_sdk_version("2.25.9"), parse_sdk_version("2.26"));
  EXPECT_LT(parse_sdk_version("9999.0"), parse_sdk_version("latest"));
}

TEST(SdkVersion, PrintsWhatItReads) {
  for (const char* text : {"2.25.0", "2.13.7", "latest"}) EXPECT_EQ(parse_sdk_version(text)->text(), text);
}

}  // namespace
}  // namespace snapgauge
