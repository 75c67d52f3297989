// NumPy files: what is read, and one clear error for everything else.
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "formats/npy/npy.h"

namespace snapgauge {
namespace {

std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string out("\x93NUMPY");
  out += version;
  out += '\0';
  out += static_cast<char>(dictionary.size() & 255U);
  out += static_cast<char>(dictionary.size() >> 8U);
  if (version > 1) out += std::string(2, '\0');
  return out + dictionary + data;
}

const std::string kFloats = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

TEST(Npy, WhatIsWrittenIsReadAgain) {
  const std::array<float, 6> numbers{1, -2, 3.5F, 0, 1e30F, -0.0F};
  const std::vector<int64_t> dims{2, 3};
  const std::string text = npy_text(DType::kFloat32, dims, std::as_bytes(std::span(numbers)));
  EXPECT_EQ((text.find('\n') + 1) % 64, 0U);
  const auto read = read_npy(text, "x.npy");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read.value().dtype, DType::kFloat32);
  EXPECT_EQ(read.value().dims, dims);
  ASSERT_EQ(read.value().data.size(), sizeof numbers);
  EXPECT_EQ(std::memcmp(read.value().data.data(), numbers.data(), sizeof numbers), 0);
}

TEST(Npy, ScalarsVectorsAndLaterVersions) {
  for (const char version : {char{1}, char{2}, char{3}}) {
    const auto scalar =
        read_npy(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", std::string(8, 'a'), version), "x");
    ASSERT_TRUE(scalar) << scalar.error().message();
    EXPECT_TRUE(scalar.value().dims.empty());
    const auto vector = read_npy(npy("{'shape': (3,), 'fortran_order': True, 'descr': '|u1'}", "abc", version), "x");
    ASSERT_TRUE(vector) << vector.error().message();
    EXPECT_EQ(vector.value().dims, std::vector<int64_t>{3});
  }
}

class BadNpy : public testing::TestWithParam<std::pair<std::string, const char*>> {};

TEST_P(BadNpy, IsOneClearError) {
  const auto read = read_npy(GetParam().first, "x.npy");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message().find(GetParam().second), std::string::npos) << read.error().message();
  EXPECT_EQ(read.error().message().find("x.npy: "), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Files, BadNpy,
    testing::Values(
        std::pair<std::string, const char*>{"", "not a NumPy array"},
        std::pair<std::string, const char*>{"\x93NUMPY", "not a NumPy array"},
        std::pair<std::string, const char*>{npy(kFloats, std::string(24, 'x'), 9), "not a NumPy array"},
        std::pair<std::string, const char*>{npy(kFloats, std::string(23, 'x')),
                                            "23 bytes of elements where its type and shape need 24"},
        std::pair<std::string, const char*>{npy(kFloats, std::string(25, 'x')), "25 bytes"},
        std::pair<std::string, const char*>{npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", "aaaa"),
                                            "'>f4'"},
        std::pair<std::string, const char*>{npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "aaaa"),
                                            "'|O'"},
        std::pair<std::string, const char*>{npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}", "aaaa"),
                                            "Fortran"},
        std::pair<std::string, const char*>{npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "aaaa"),
                                            "no tuple"},
        std::pair<std::string, const char*>{npy("{'descr': '<f4', 'fortran_order': False, 'shape': (x,)}", "aaaa"),
                                            "no tuple"},
        std::pair<std::string, const char*>{
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999, 999999999999999999)}", ""),
            "larger"},
        std::pair<std::string, const char*>{npy("{'descr': '<f4'}", ""), "without"}));

}  // namespace
}  // namespace snapgauge
