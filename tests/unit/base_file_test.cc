// Writing files: what was there is replaced whole, and stays what it is.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/write.h"

namespace snapgauge {
namespace {

class WriteFile : public testing::Test {
 protected:
  WriteFile()
      : folder_(std::filesystem::path(testing::TempDir()) /
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~WriteFile() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ / name; }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::filesystem::path folder_;
};

TEST_F(WriteFile, MakesAndReplacesWithoutLeavingAnythingBeside) {
  ASSERT_TRUE(write_file(path("a"), "one").ok());
  ASSERT_TRUE(write_file(path("a"), "two").ok());
  EXPECT_EQ(content(path("a")), "two");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(WriteFile, KeepsTheModeAndTheLink) {
  ASSERT_TRUE(write_file(path("real"), "one").ok());
  ASSERT_EQ(::chmod(path("real").c_str(), 0640), 0);
  std::filesystem::create_symlink("real", path("link"));
  ASSERT_TRUE(write_file(path("link"), "two").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(content(path("real")), "two");
  struct stat info {};
  ASSERT_EQ(::stat(path("real").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0640U);
  EXPECT_EQ(entries(), 2u);
}

TEST_F(WriteFile, FoldersAndMissingFoldersAreErrors) {
  EXPECT_FALSE(write_file(folder_, "x").ok());
  EXPECT_FALSE(write_file(path("no/such"), "x").ok());
  EXPECT_EQ(entries(), 0u);
}

TEST_F(WriteFile, DevicesStayDevices) {
  ASSERT_TRUE(write_file("/dev/null", "x").ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace snapgauge
