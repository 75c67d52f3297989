#include <gtest/gtest.h>

#include "backend/opmap.h"

namespace snapgauge {
namespace {

TEST(OpMap, TakesAPermutation) {
  const auto row = compile_mapping(R"({"backend_op": "Conv2d", "layout": {"in[0]": [0, 2, 3, 1]}})", "Conv");
  ASSERT_TRUE(row.ok()) << row.error().message();
}

TEST(OpMap, RefusesWhatIsNotAPermutation) {
  for (const char* order : {"[-1, 0]", "[0, 2]", "[0, 0]", "[0, 257]", "[0, 1, 2, 3, 4, 5, 6, 7, 8]"}) {
    const std::string json = std::string(R"({"backend_op": "Conv2d", "layout": {"in[0]": )") + order + "}}";
    const auto row = compile_mapping(json, "Conv");
    ASSERT_FALSE(row.ok()) << order;
    EXPECT_NE(row.error().message().find("permutation"), std::string::npos) << row.error().message();
  }
}

}  // namespace
}  // namespace snapgauge
